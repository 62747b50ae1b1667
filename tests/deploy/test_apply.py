"""`python -m deploy apply` and `destroy`: what they need, and what they tell Terraform."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from deploy.environment import REQUIRED, NotReady
from deploy.oci_config import environment_of

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = """
[DEFAULT]
tenancy = ocid1.tenancy.oc1..a
region = eu-frankfurt-1

[other]
tenancy = ocid1.tenancy.oc1..b
region = us-ashburn-1
security_token_file = /a/token
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A search path with a program named terraform."""
    program = tmp_path / "bin" / "terraform"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho \'{"terraform_version": "1.5.7"}\'\n', encoding="utf-8")
    program.chmod(0o755)
    return str(program.parent)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory with a configuration of OCI."""
    (tmp_path / ".oci").mkdir()
    (tmp_path / ".oci" / "config").write_text(CONFIGURATION, encoding="utf-8")
    return tmp_path


def test_terraform_is_missing(home: Path) -> None:
    with pytest.raises(NotReady, match=r"^Terraform is missing; https://\S+ tells how to get it\.$"):
        environment_of({"PATH": ""}, home=home)


def test_the_configuration_is_missing(path: str, tmp_path: Path) -> None:
    with pytest.raises(
        NotReady, match=r"^OCI credentials are missing: there is no .*/\.oci/config; `oci setup config`"
    ):
        environment_of({"PATH": path}, home=tmp_path)


def test_the_profile_is_missing(path: str, home: Path) -> None:
    with pytest.raises(NotReady, match=r"has no profile third; OCI_CLI_PROFILE names another\.$"):
        environment_of({"PATH": path, "OCI_CLI_PROFILE": "third"}, home=home)


def test_the_region_is_missing(path: str, home: Path) -> None:
    (home / ".oci" / "config").write_text("[DEFAULT]\ntenancy = ocid1.tenancy.oc1..a\n", encoding="utf-8")
    with pytest.raises(NotReady, match=r"the profile DEFAULT of .*/config has no region\.$"):
        environment_of({"PATH": path}, home=home)


def test_a_file_that_is_no_configuration(path: str, home: Path) -> None:
    (home / ".oci" / "config").write_text("tenancy\n", encoding="utf-8")
    with pytest.raises(NotReady, match=r"/\.oci/config can't be read: "):
        environment_of({"PATH": path}, home=home)


@pytest.mark.parametrize("key", ["<path to your private keyfile> # TODO", "~/.oci/none.pem", "/none.pem", ""])
def test_a_key_that_is_not_there(path: str, home: Path, key: str) -> None:
    """The Console's preview of the file has the first one."""
    (home / ".oci" / "config").write_text(
        f"{CONFIGURATION}\n".replace("[other]", f"key_file = {key}\n[other]"), "utf-8"
    )
    with pytest.raises(NotReady, match=rf"has the key_file {re.escape(key)}, which is no file\.$"):
        environment_of({"PATH": path}, home=home)


def test_the_profile_tells_the_tenancy_and_the_region(path: str, home: Path) -> None:
    assert environment_of({"PATH": path}, home=home) == {
        "PATH": path,
        "TF_VAR_tenancy_ocid": "ocid1.tenancy.oc1..a",
        "TF_VAR_region": "eu-frankfurt-1",
        "TF_VAR_config_file_profile": "DEFAULT",
    }


def test_another_profile_and_another_region(path: str, home: Path) -> None:
    given = {"PATH": path, "OCI_CLI_PROFILE": "other", "TF_VAR_region": "uk-london-1"}
    assert environment_of(given, home=home) == {
        **given,
        "TF_VAR_tenancy_ocid": "ocid1.tenancy.oc1..b",
        "TF_VAR_config_file_profile": "other",
        "TF_VAR_auth": "SecurityToken",
    }


def test_a_machine_without_a_configuration_tells_them_itself(path: str, tmp_path: Path) -> None:
    given = {"PATH": path, "TF_VAR_tenancy_ocid": "ocid1.tenancy.oc1..a", "TF_VAR_region": "eu-frankfurt-1"}
    assert environment_of(given, home=tmp_path) == given


def test_another_file_of_the_configuration_is_copied_for_the_provider(path: str, home: Path, tmp_path: Path) -> None:
    """The provider reads no file but that of the home directory, so tenancy and credentials would be of two files."""
    other, copy = tmp_path / "other", tmp_path / "copy"
    (home / "keys").mkdir()
    (home / "keys" / "other.pem").touch()
    other.write_text(f"{CONFIGURATION}key_file = ~/keys/other.pem\n", encoding="utf-8")
    given = {"PATH": path, "OCI_CLI_CONFIG_FILE": str(other), "OCI_CLI_PROFILE": "other"}
    found = environment_of(given, home=home, copy=copy)
    assert found["TF_HOME_OVERRIDE"] == str(copy)
    written = copy / ".oci" / "config"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    profile = ConfigParser(interpolation=None)
    profile.read(written, "utf-8")
    assert dict(profile["other"]) == {
        "tenancy": "ocid1.tenancy.oc1..b",
        "region": "us-ashburn-1",
        "security_token_file": "/a/token",
        "key_file": f"{home}/keys/other.pem",
    }


def test_the_own_file_is_not_copied(path: str, home: Path, tmp_path: Path) -> None:
    given = {"PATH": path, "OCI_CLI_CONFIG_FILE": str(home / ".oci" / "config")}
    assert "TF_HOME_OVERRIDE" not in environment_of(given, home=home, copy=tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("command", ["preflight", "plan", "apply", "rotate", "destroy"])
def test_one_sentence_tells_what_is_missing(command: str, path: str, tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "deploy", command],
        cwd=ROOT,
        env={"PATH": path, "HOME": str(tmp_path), **{f"TF_VAR_{name}": "given" for name in REQUIRED}},
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )
    missing = f"OCI credentials are missing: there is no {tmp_path}/.oci/config; "
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{missing}`oci setup config` makes it, or the Console.\n"
