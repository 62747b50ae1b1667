"""`python -m deploy apply` makes the stack, applies it with Terraform, and diagnoses the deployment."""

from __future__ import annotations

import argparse
from pathlib import Path

from deploy import doctor, stack, terraform


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy apply`."""
    parser.add_argument("--policy", type=Path, metavar="FILE", help="a policy of your own, instead of the default")


def run(arguments: argparse.Namespace) -> int:
    """Make the stack, apply it, and diagnose it.

    Returns:
        The exit status.
    """
    environment = terraform.ready_environment()
    if environment is None:
        return 1
    status = stack.make(arguments.policy) or terraform.run("apply", environment)
    if status:
        return status
    diagnosis = argparse.ArgumentParser()
    doctor.add_arguments(diagnosis)
    return doctor.run(diagnosis.parse_args([]))
