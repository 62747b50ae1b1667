"""`python -m deploy apply` brings an environment to what its files say, with Terraform, and diagnoses the result."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from deploy import approval, changes, doctor, preflight
from deploy.approval import Approval
from deploy.archives import BuildFailed
from deploy.environment import Environment, NotReady
from deploy.oci_config import ready_variables
from deploy.session import Refused, Session
from deploy.terraform import Failed, Terraform


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy apply`."""
    preflight.add_arguments(parser)
    parser.add_argument("--policy", type=Path, metavar="FILE", help="a policy of your own, which the environment keeps")
    parser.add_argument("--archive", type=Path, metavar="FILE", help="the archive of a release, to roll back to it")
    approval.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Deploy, and diagnose.

    Returns:
        The exit status.
    """
    environment = Environment(arguments.env)
    status = preflight.look(environment, quiet=True) or deploy(
        environment, policy=arguments.policy, archive=arguments.archive, approval=approval.of(arguments)
    )
    if status:
        return status
    diagnosis = argparse.ArgumentParser()
    doctor.add_arguments(diagnosis)
    status = doctor.run(diagnosis.parse_args(["--env", environment.name]))
    print(f"To try it, with a token in TOKEN, and its claim sub in SUB:\n{line_to_try(environment)}")
    return status


def line_to_try(environment: Environment) -> str:
    """The command that asks for a URL, as the default policy allows it."""
    return Terraform(environment, ready_variables(environment)).read("output", "-raw", "try_it")


def deploy(
    environment: Environment, *, policy: Path | None = None, archive: Path | None = None, approval: Approval
) -> int:
    """Bring the deployment of an environment to what its files say.

    Args:
        environment: has the files.
        policy: a new policy; None for that of the environment.
        archive: of the function; None for one of this clone.
        approval: says whether the changes may be made.

    Returns:
        The exit status.
    """
    try:
        session = Session(environment, policy)
        session.settings()
        session.refuse_lost_names()
        session.take_archive(archive)
        file, plan = session.plan(
            protected=not approval.words.intersection(danger.word for danger in changes.DANGERS.values())
        )
        try:
            if changes.has_changes(plan):
                session.show_rules()
                if not approval.allows("Make these changes?", changes.dangers_of(plan)):
                    return 1
                session.keep_policy()
                session.terraform.apply(file)
            else:
                session.keep_policy()
        finally:
            shutil.rmtree(file.parent)
    except (Refused, NotReady, BuildFailed) as exc:
        print(exc, file=sys.stderr)
        return 1
    except Failed as exc:
        return exc.status
    return 0
