"""`python -m deploy doctor` diagnoses a deployment, and prints the fixes. It reads; only `--write` writes."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from rich.console import Console

from deploy import oci_auth, preflight
from deploy.doctor import report
from deploy.doctor.diagnosis import findings_of
from deploy.doctor.finding import Finding, Skipped
from deploy.doctor.step import Step
from deploy.doctor.steps import STEPS
from deploy.doctor.steps.function import STATE as FUNCTION_STATE
from deploy.doctor.tenancy import Tenancy
from deploy.environment import Environment, NotReady
from deploy.terraform import Failed, connect
from presign.model.object_names import bucket_error, key_error

_function_ocid = re.compile(r"ocid1\.fnfunc\.[\w.-]+")
_origin = re.compile(r"(https?://[^/?#@\s]+)/?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy doctor`."""
    found = parser.add_mutually_exclusive_group()
    found.add_argument("--function", type=_function, metavar="OCID", help="the function")
    found.add_argument("--stack", type=Path, metavar="DIR", help="the folder of the Terraform stack that made it")
    preflight.add_arguments(parser)
    parser.add_argument(
        "--origin",
        type=_web_origin,
        help="of your web page, such as https://app.example.com: tries what a browser may",
    )
    parser.add_argument("--token-file", type=_file, metavar="FILE", help="a token of a user (or in PRESIGN_TOKEN)")
    parser.add_argument(
        "--write",
        type=_place,
        metavar="BUCKET/PREFIX",
        help="make a few objects there, one of 20 MiB if there is a store route, and delete them",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--report",
        type=_new_file,
        metavar="FILE",
        help="write the states alone, without names or OCIDs, to send to others",
    )
    oci_auth.add_arguments(parser)


def _function(text: str) -> str:
    if not _function_ocid.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text} is not the OCID of a function (ocid1.fnfunc…)")
    return text


def _web_origin(text: str) -> str:
    found = _origin.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text} is not an origin such as https://app.example.com")
    return found[1]


def _file(text: str) -> Path:
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return Path(text)


def _new_file(text: str) -> Path:
    # It is written when all steps are taken.
    if Path(text).is_dir() or not os.access(Path(text).parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text} can't be written")
    return Path(text)


def _place(text: str) -> str:
    bucket, _, prefix = text.partition("/")
    if error := bucket_error(bucket) or (prefix and key_error(prefix)):
        raise argparse.ArgumentTypeError(f"{text}: it {error}")
    return text


def run(arguments: argparse.Namespace) -> int:
    """Take all steps and show their findings.

    Returns:
        The exit status: 1 if anything is wrong, or nothing could be looked at.
    """
    variables: Mapping[str, str] = os.environ
    state = None
    if arguments.function is None and arguments.stack is None:
        environment = Environment(arguments.env)
        environment.take_over()
        try:
            variables = connect(environment)
        except (NotReady, Failed) as exc:
            print(exc, file=sys.stderr)
            return 1
        arguments.stack, state = environment.work, environment.state
    return examine(Tenancy(arguments, endpoints={}, environment=variables, state=state), sys.stdout)


def examine(tenancy: Tenancy, stream: TextIO) -> int:
    """Take all steps in `tenancy` and write their findings to `stream`.

    Returns:
        The exit status: 1 if anything is wrong, or nothing could be looked at.
    """
    # Without the credentials and the function there is nothing to look at.
    try:
        tenancy.oci.credentials  # noqa: B018
    except Exception as exc:  # noqa: BLE001 - each kind of credentials fails in its own ways
        kind = tenancy.arguments.auth
        cause = str(exc) if kind == "config" else f"there is no {kind} here ({type(exc).__name__})."
        print(f"Your credentials can't be used: {cause}", file=sys.stderr)
        return 1
    try:
        tenancy.target.function_ocid  # noqa: B018
    except Skipped as exc:
        print(exc, file=sys.stderr)
        return 1
    found = _findings(tenancy)
    if tenancy.arguments.report:
        found = report.keeping(found, tenancy.arguments.report)
    if tenancy.arguments.json:
        return int(not report.write_json(found, stream))
    return int(not report.show(found, Console(file=stream, highlight=False)))


def _findings(tenancy: Tenancy) -> Iterator[tuple[Step, Finding]]:
    """The findings of the steps; none comes after the function's state if the function can't be looked up."""
    for step, finding in findings_of(STEPS, tenancy):
        yield step, finding
        if step is FUNCTION_STATE:
            try:
                tenancy.function.resource  # noqa: B018 - has been looked up by the step
            except Skipped:
                return
