"""`python -m deploy plan` shows what `apply` would change, and changes nothing."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from deploy import changes, preflight
from deploy.archives import BuildFailed
from deploy.environment import Environment, NotReady
from deploy.session import Refused, Session
from deploy.terraform import Failed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy plan`."""
    preflight.add_arguments(parser)
    parser.add_argument("--policy", type=Path, metavar="FILE", help="a policy of your own, which is not kept")
    parser.add_argument("--archive", type=Path, metavar="FILE", help="the archive of a release")


def run(arguments: argparse.Namespace) -> int:
    """Show the plan.

    Returns:
        The exit status.
    """
    environment = Environment(arguments.env)
    return preflight.look(environment, quiet=True) or show(
        environment, policy=arguments.policy, archive=arguments.archive
    )


def show(environment: Environment, *, policy: Path | None = None, archive: Path | None = None) -> int:
    """Show what a deploy of the environment would change.

    Returns:
        The exit status.
    """
    try:
        session = Session(environment, policy)
        session.settings()
        session.refuse_lost_names()
        session.take_archive(archive)
        file, plan = session.plan(protected=False)
        shutil.rmtree(file.parent)
    except (Refused, NotReady, BuildFailed) as exc:
        print(exc, file=sys.stderr)
        return 1
    except Failed as exc:
        return exc.status
    session.show_rules()
    for danger in changes.dangers_of(plan):
        print(f"{danger.text} It needs a word: CONFIRM={danger.word}", file=sys.stderr)
    return 0
