"""`python -m deploy doctor` says what is wrong in a tenancy, and what mends it. It reads; only `--write` writes."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from deploy import oci_auth
from deploy.doctor.step import Step, findings_of
from deploy.doctor.tenancy import Tenancy

STEPS: tuple[Step, ...] = ()
"""In the order in which a request needs them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy doctor`."""
    found = parser.add_mutually_exclusive_group()
    found.add_argument("--function", metavar="OCID", help="the function")
    found.add_argument("--stack", type=Path, metavar="DIR", help="the Terraform stack that made it")
    parser.add_argument("--origin", help="of your web page, such as https://app.example.com: tries what a browser may")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="a token of a user (or in PRESIGN_TOKEN)")
    parser.add_argument("--write", metavar="BUCKET/PREFIX", help="make a few small objects there, and delete them")
    parser.add_argument("--json", action="store_true", help="for machines")
    oci_auth.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Take all steps and show what they find.

    Returns:
        The exit status: 1 if anything is wrong.
    """
    tenancy = Tenancy(arguments, endpoints={}, environment=os.environ)
    wrong = False
    for step, finding in findings_of(STEPS, tenancy):
        print(step.group, step.name, finding.state, finding.text)
        wrong = wrong or finding.state == "wrong"
    return int(wrong)
