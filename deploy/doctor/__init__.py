"""`python -m deploy doctor` says what is wrong in a tenancy, and what mends it. It reads; only `--write` writes."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TextIO

from rich.console import Console

from deploy import oci_auth
from deploy.doctor import bucket, clock, delivery, function, gateway, key, logs, report, secret, store
from deploy.doctor.step import Step, Unknown, findings_of
from deploy.doctor.tenancy import Tenancy

STEPS: tuple[Step, ...] = (
    *clock.STEPS,
    *function.STEPS,
    *secret.STEPS,
    *bucket.STEPS,
    *key.STEPS,
    *gateway.STEPS,
    *store.STEPS,
    *delivery.STEPS,
    *logs.STEPS,
)
"""In the order in which a request needs them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy doctor`."""
    found = parser.add_mutually_exclusive_group(required=True)
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
    return examine(Tenancy(arguments, endpoints={}, environment=os.environ), sys.stdout)


def examine(tenancy: Tenancy, stream: TextIO) -> int:
    """Take all steps in `tenancy` and write what they find to `stream`.

    Returns:
        The exit status: 1 if anything is wrong.
    """
    try:
        tenancy.credentials, tenancy.function_ocid  # noqa: B018 - without these there is nothing to look at
    except Unknown as exc:
        print(exc, file=sys.stderr)
        return 1
    except Exception as exc:  # noqa: BLE001 - of which kind depends on the kind of credentials
        print(f"Your credentials can't be used: {exc}", file=sys.stderr)
        return 1
    found = findings_of(STEPS, tenancy)
    if tenancy.arguments.json:
        return int(not report.write_json(found, stream))
    return int(not report.show(found, Console(file=stream, highlight=False)))
