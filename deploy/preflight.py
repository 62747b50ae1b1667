"""`python -m deploy preflight` tells at once what a deploy needs and what is missing, each with its mend.

The standard library suffices, so that nobody waits for packages to learn that a file is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy import changes
from deploy.environment import DEFAULT, REQUIRED, ROOT, Environment, NotReady, is_name
from deploy.oci_config import NO_TERRAFORM, credentials_of

OLDEST_TERRAFORM = (1, 5)

_placeholder = re.compile("…|<[^<>]+>")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names the environment."""
    parser.add_argument("--env", type=_environment, default=DEFAULT, metavar="NAME", help="default: %(default)s")


def run(arguments: argparse.Namespace) -> int:
    """Look at what is there.

    Returns:
        The exit status: 1 if anything is missing.
    """
    return look(Environment(arguments.env))


def look(environment: Environment, *, quiet: bool = False) -> int:
    """Print what is missing.

    Args:
        environment: whose files are looked at.
        quiet: whether nothing is printed if nothing is missing.

    Returns:
        The exit status: 1 if anything is missing.
    """
    environment.take_over()
    problems = list(problems_of(environment, home=Path.home()))
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems and not quiet:
        print(f"{environment.name}: Terraform, credentials and inputs are there.")
    return int(bool(problems))


def problems_of(environment: Environment, *, home: Path) -> Iterator[str]:
    """Each thing that is missing or wrong, in a whole sentence."""
    if shutil.which("terraform") is None:
        yield NO_TERRAFORM
    try:
        credentials_of(os.environ, home=home)
    except NotReady as exc:
        yield str(exc)
    yield from _old_terraform()
    try:
        environment.slots()
        yield from _wrong_inputs(environment)
        yield from _wrong_name(environment)
    except NotReady as exc:
        yield str(exc)


def _wrong_inputs(environment: Environment) -> Iterator[str]:
    texts = environment.input_texts()
    given = {*texts, *(name.removeprefix("TF_VAR_") for name in os.environ if name.startswith("TF_VAR_"))}
    file = environment.inputs.relative_to(environment.root)
    if missing := [name for name in REQUIRED if name not in given]:
        where = "misses" if environment.inputs.exists() else "is not there; it needs"
        yield f"{file} {where} {', '.join(missing)}. docs/deploy.md tells where to find each."
    for name, text in texts.items():
        if _placeholder.search(text):
            yield f"{file}: {name} is {text}, in which a part is to be replaced by yours."
    for name in ("signing_keys", "gateway_secrets"):
        if name in texts:
            yield f"{file} has {name}, which `make rotate` keeps in {environment.rotation.name}: take it away."


def _wrong_name(environment: Environment) -> Iterator[str]:
    file = environment.inputs.relative_to(environment.root)
    name = environment.deployed_name()
    for other in environment.others():
        if other.deployed_name() == name and "tenancy_ocid" not in environment.input_texts():
            yield (
                f"{other.name} has the name {name} too, but users and policies need names of their own:"
                f" change it in {file}."
            )
    if environment.state.exists():
        deployed = _deployed_name(environment.state)
        if deployed not in (None, name):
            yield f'{file} has the name {name}, but {deployed} is deployed: set name = "{deployed}", or another ENV.'


def _deployed_name(state: Path) -> str | None:
    try:
        return changes.deployed_name(json.loads(state.read_text("utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotReady(f"{state} is no Terraform state; {state.name}.backup may be the one before.") from None


def _old_terraform() -> Iterator[str]:
    if shutil.which("terraform") is None:
        return
    command = ["terraform", "version", "-json"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    try:
        text = str(json.loads(ended.stdout)["terraform_version"])
        version = tuple(int(part) for part in text.split("-")[0].split(".")[:2])
    except (ValueError, KeyError, TypeError):
        yield "`terraform version -json` tells no version."
        return
    if version < OLDEST_TERRAFORM:
        yield f"Terraform {text} is too old: {'.'.join(map(str, OLDEST_TERRAFORM))} or newer is needed."


def _environment(text: str) -> str:
    if not is_name(text):
        raise argparse.ArgumentTypeError(f"{text} must be up to 31 lower-case letters, digits and hyphens")
    return text
