"""Terraform in `dist/stack`: its environment, its inputs, and the file with its state."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from deploy.stack import BACKEND, ROOT, STACK

INPUTS = ROOT / "presign.tfvars"
"""The inputs of the stack; Terraform asks for those that are missing."""

STATE = ROOT / "presign.tfstate"

_REQUIRED = ("tenancy_ocid", "region")


class NotReady(Exception):
    """Something that Terraform needs is missing."""


def environment_of(environment: Mapping[str, str], *, home: Path) -> dict[str, str]:
    """The environment for Terraform, with the tenancy and the region of the user's OCI configuration.

    Args:
        environment: of this process.
        home: the user's home directory.

    Raises:
        NotReady: Terraform is not installed, or there are no credentials.
    """
    if shutil.which("terraform", path=environment.get("PATH", "")) is None:
        raise NotReady("Terraform is missing; https://developer.hashicorp.com/terraform/install tells how to get it.")
    if {f"TF_VAR_{name}" for name in _REQUIRED} <= set(environment):
        return {**environment}
    profile = environment.get("OCI_CLI_PROFILE", "DEFAULT")
    file = Path(environment.get("OCI_CLI_CONFIG_FILE", home / ".oci" / "config"))
    configuration = ConfigParser(interpolation=None)
    try:
        found = configuration.read(file, "utf-8")
    except (ConfigError, OSError, UnicodeDecodeError) as exc:
        raise NotReady(f"{file} can't be read: {exc}") from exc
    if not found:
        raise NotReady(f"OCI credentials are missing: there is no {file}; `oci setup config` makes it.")
    if profile not in configuration:
        raise NotReady(f"OCI credentials are missing: {file} has no profile {profile}; OCI_CLI_PROFILE names another.")
    section = configuration[profile]
    for name in ("tenancy", "region"):
        if name not in section:
            raise NotReady(f"OCI credentials are missing: the profile {profile} of {file} has no {name}.")
    variables = {"tenancy_ocid": section["tenancy"], "region": section["region"], "config_file_profile": profile}
    if "security_token_file" in section:
        variables["auth"] = "SecurityToken"
    return {**{f"TF_VAR_{name}": value for name, value in variables.items()}, **environment}


def run(command: str, environment: Mapping[str, str]) -> int:
    """Run Terraform's `apply` or `destroy`, which ask before they change anything.

    Returns:
        The exit status.
    """
    backend = STACK / BACKEND
    if not backend.exists():
        # The state is outside of dist, which anybody may delete.
        backend.write_text(
            f'terraform {{\n  backend "local" {{\n    path = "{os.path.relpath(STATE, STACK)}"\n  }}\n}}\n', "utf-8"
        )
    inputs = [f"-var-file={INPUTS}"] if INPUTS.exists() else []
    for arguments in (["init", "-input=false"], [command, *inputs]):
        ended = subprocess.run(  # noqa: S603
            ["terraform", f"-chdir={STACK}", *arguments],  # noqa: S607
            env={**environment},
            check=False,
        )
        if ended.returncode:
            return ended.returncode
    return 0


def ready_environment() -> dict[str, str] | None:
    """The environment for Terraform; None if something is missing, which is then printed."""
    try:
        return environment_of(os.environ, home=Path.home())
    except NotReady as exc:
        print(exc, file=sys.stderr)
        return None
