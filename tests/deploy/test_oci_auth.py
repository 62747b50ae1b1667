"""The credentials that an operator has."""

from __future__ import annotations

import argparse
from pathlib import Path

import oci
import pytest

from deploy import oci_auth
from support.oci_answers import HOME_REGION, TENANCY
from support.oci_services import World


def arguments() -> argparse.Namespace:
    """The options of a command line that is empty."""
    parser = argparse.ArgumentParser()
    oci_auth.add_arguments(parser)
    return parser.parse_args([])


@pytest.mark.parametrize(
    ("value", "auth"),
    [
        ("resource_principal", "resource_principal"),
        ("instance_principal", "instance_principal"),
        ("instance_obo_user", "config"),  # of Cloud Shell, whose profile says more
        ("security_token", "config"),
        ("api_key", "config"),
    ],
)
def test_the_variable_of_the_oci_command_line(value: str, auth: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCI_CLI_AUTH", value)
    assert arguments().auth == auth


@pytest.mark.parametrize(
    ("value", "auth"), [("InstancePrincipal", "instance_principal"), ("SecurityToken", "config"), ("ApiKey", "config")]
)
def test_the_input_of_terraform(value: str, auth: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCI_CLI_AUTH", raising=False)
    monkeypatch.setenv("TF_VAR_auth", value)
    assert arguments().auth == auth
    monkeypatch.setenv("OCI_CLI_AUTH", "resource_principal")
    assert arguments().auth == "resource_principal"


def test_cloud_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tmp_path / "delegation_token"
    token.write_text("token", encoding="utf-8")
    profile = tmp_path / "cloud_shell"
    lines = [f"tenancy = {TENANCY}", f"region = {HOME_REGION}", "authentication_type = instance_principal"]
    profile.write_text("\n".join(["[DEFAULT]", *lines, f"delegation_token_file = {token}", ""]), encoding="utf-8")
    profile.chmod(0o600)
    monkeypatch.setenv("OCI_CLI_CONFIG_FILE", str(profile))
    with World(tmp_path) as world:
        # The shell's own signer asks the instance that it runs on for a certificate.
        signer = oci.signer.Signer.from_config(oci.config.from_file(str(world.api_key.file)))
        kinds = oci.util.AUTH_TYPE_TO_SIGNER_FUNCTION_MAP
        monkeypatch.setitem(kinds, "delegation_token_with_instance_principal", lambda _: signer)
        tenancy = world.tenancy()
        assert (tenancy.oci.credentials.tenancy, tenancy.oci.credentials.user) == (TENANCY, None)
        assert tenancy.function.resource.display_name == "presign"


def test_an_incomplete_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = tmp_path / "config"
    profile.write_text(f"[DEFAULT]\ntenancy = {TENANCY}\nregion = {HOME_REGION}\n", encoding="utf-8")
    profile.chmod(0o600)
    monkeypatch.setenv("OCI_CLI_CONFIG_FILE", str(profile))
    with pytest.raises(oci.exceptions.InvalidConfig, match="'user': 'missing'"):
        oci_auth.credentials(arguments())
