"""`python -m deploy destroy` deletes all that `apply` has made."""

from __future__ import annotations

import argparse

from deploy import stack, terraform


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add no arguments, as the command takes none."""


def run(_: argparse.Namespace) -> int:
    """Delete all resources of the stack; Terraform asks before it does.

    Returns:
        The exit status.
    """
    environment = terraform.ready_environment()
    if environment is None:
        return 1
    if not (stack.STACK / "versions.tf").exists():
        stack.build(stack.STACK, archive=False)
    return terraform.run("destroy", environment)
