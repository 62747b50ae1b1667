"""The OCI configuration of the operator, as Terraform takes it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from deploy.environment import Environment, NotReady

NO_TERRAFORM = "Terraform is missing; https://developer.hashicorp.com/terraform/install tells how to get it."

_REQUIRED = ("tenancy_ocid", "region")


def environment_of(environment: Mapping[str, str], *, home: Path, copy: Path | None = None) -> dict[str, str]:
    """The environment for Terraform, with the tenancy and the region of the user's OCI configuration.

    Args:
        environment: of this process.
        home: the user's home directory.
        copy: the folder for a copy of the configuration, if that is not the file in `home`, the only one that the
            provider reads by itself.

    Raises:
        NotReady: Terraform is not installed, or there are no credentials.
    """
    if shutil.which("terraform", path=environment.get("PATH", "")) is None:
        raise NotReady(NO_TERRAFORM)
    return credentials_of(environment, home=home, copy=copy)


def credentials_of(environment: Mapping[str, str], *, home: Path, copy: Path | None = None) -> dict[str, str]:
    """The same, whether Terraform is installed or not.

    Raises:
        NotReady: there are no credentials.
    """
    if {f"TF_VAR_{name}" for name in _REQUIRED} <= set(environment):
        return {**environment}
    profile = environment.get("OCI_CLI_PROFILE", "DEFAULT")
    file = Path(environment.get("OCI_CLI_CONFIG_FILE", home / ".oci" / "config")).expanduser()
    configuration = ConfigParser(interpolation=None)
    try:
        found = configuration.read(file, "utf-8")
    except (ConfigError, OSError, UnicodeDecodeError) as exc:
        raise NotReady(f"{file} can't be read: {exc}") from exc
    if not found:
        raise NotReady(f"OCI credentials are missing: there is no {file}; `oci setup config` makes it, or the Console.")
    if profile not in configuration:
        raise NotReady(f"OCI credentials are missing: {file} has no profile {profile}; OCI_CLI_PROFILE names another.")
    section = configuration[profile]
    for name in ("tenancy", "region"):
        if name not in section:
            raise NotReady(f"OCI credentials are missing: the profile {profile} of {file} has no {name}.")
    key = section.get("key_file")
    if key is not None and not (home / key[2:] if key.startswith("~/") else Path(key)).is_file():
        # The Console's preview of the configuration has a placeholder there.
        raise NotReady(f"OCI credentials are missing: {file} has the key_file {key}, which is no file.")
    variables = {"tenancy_ocid": section["tenancy"], "region": section["region"], "config_file_profile": profile}
    if "security_token_file" in section:
        variables["auth"] = "SecurityToken"
    found_here = {f"TF_VAR_{name}": value for name, value in variables.items()}
    if copy is not None and file.resolve() != (home / ".oci" / "config").resolve():
        _write_profile(copy / ".oci" / "config", profile, section, home=home)
        found_here["TF_HOME_OVERRIDE"] = str(copy)
    return {**found_here, **environment}


def _write_profile(file: Path, profile: str, section: Mapping[str, str], *, home: Path) -> None:
    """Write a profile where the provider looks for it; its paths no longer start from the user's home."""
    written = ConfigParser(interpolation=None)
    written[profile] = {
        name: str(home / value[2:]) if name.endswith("_file") and value.startswith("~/") else value
        for name, value in section.items()
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(0o600)
    with file.open("w", encoding="utf-8") as opened:
        written.write(opened)


def ready_variables(environment: Environment) -> dict[str, str]:
    """The environment for Terraform.

    Raises:
        NotReady: something is missing.
    """
    return environment_of(os.environ, home=Path.home(), copy=environment.work / "home")
