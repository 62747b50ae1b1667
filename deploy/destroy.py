"""`python -m deploy destroy` deletes all that `apply` has made in an environment."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections import Counter

from deploy import approval, preflight
from deploy.approval import Approval
from deploy.changes import Danger
from deploy.environment import Environment
from deploy.oci_config import NotReady
from deploy.session import Refused, Session
from deploy.terraform import Failed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy destroy`."""
    preflight.add_arguments(parser)
    approval.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Delete all resources of an environment.

    Returns:
        The exit status.
    """
    environment = Environment(arguments.env)
    return preflight.look(environment, quiet=True) or destroy(environment, approval=approval.of(arguments))


def destroy(environment: Environment, *, approval: Approval) -> int:
    """Delete all resources of an environment, once the word for it was said.

    Returns:
        The exit status.
    """
    try:
        session = Session(environment)
        deleted = Counter(
            resource["type"]
            for resource in session.state.get("resources", [])
            if resource["mode"] == "managed"
            for _ in resource["instances"]
        )
        if not deleted:
            print(f"{environment.name} has nothing that could be deleted.")
            return 0
        session.take_deployed_archive()
        file, _ = session.plan(protected=False, destroys=True)
        try:
            danger = Danger(
                f"destroy-{environment.name}", f"{sum(deleted.values())} resources of {environment.name} go."
            )
            if not approval.allows("Delete all this?", [danger]):
                return 1
            session.terraform.apply(file)
        finally:
            shutil.rmtree(file.parent)
    except (Refused, NotReady) as exc:
        print(exc, file=sys.stderr)
        return 1
    except Failed as exc:
        return exc.status
    return 0
