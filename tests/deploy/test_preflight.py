"""`make preflight`: what is missing is told at once, each with its mend."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy import preflight
from deploy.environment import ROOT, Environment

INPUTS = """\
issuer           = "https://identity.oraclecloud.com/"   # the claim iss
audience="presign"
jwks_uri         = "https://idcs-0123.identity.oraclecloud.com/admin/v1/SigningCert/jwk"
compartment_ocid = "ocid1.compartment.oc1..c"
"""


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a clone, by an operator who has Terraform and credentials."""
    program = tmp_path / "bin" / "terraform"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho \'{"terraform_version": "1.5.7"}\'\n', encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / ".oci").mkdir()
    (tmp_path / ".oci" / "config").write_text(
        "[DEFAULT]\ntenancy = ocid1.tenancy.oc1..a\nregion = eu-frankfurt-1\n", encoding="utf-8"
    )
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("OCI_CLI_CONFIG_FILE", "OCI_CLI_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def environment(root: Path, name: str = "production", inputs: str = INPUTS) -> Environment:
    """An environment with these inputs."""
    made = Environment(name, root)
    made.folder.mkdir(parents=True)
    made.inputs.write_text(inputs, encoding="utf-8")
    return made


def problems(of: Environment) -> list[str]:
    """The sentences of preflight."""
    return list(preflight.problems_of(of, home=of.root))


def test_nothing_is_missing(operator: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert preflight.look(environment(operator)) == 0
    assert capsys.readouterr().out == "production: Terraform, credentials and inputs are there.\n"


def test_the_inputs_are_not_there(operator: Path) -> None:
    assert problems(Environment("production", operator)) == [
        "environments/production/presign.tfvars is not there; it needs issuer, audience, jwks_uri, compartment_ocid."
        " docs/deploy.md tells where to find each."
    ]


def test_some_inputs_are_missing(operator: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_VAR_jwks_uri", "https://example.com/jwk")
    assert problems(environment(operator, inputs='issuer = "a"\n# audience = "b"\n')) == [
        "environments/production/presign.tfvars misses audience, compartment_ocid."
        " docs/deploy.md tells where to find each."
    ]


@pytest.mark.parametrize(
    "value", ["ocid1.compartment.oc1..…", "<OCID>", "https://idcs-….identity.oraclecloud.com/jwk", "a # … b"]
)
def test_a_part_that_was_to_be_replaced(operator: Path, value: str) -> None:
    assert problems(environment(operator, inputs=f'{INPUTS}vault_ocid = "{value}"\n')) == [
        f'environments/production/presign.tfvars: vault_ocid is "{value}", in which a part is to be replaced by yours.'
    ]


def test_all_is_told_at_once(operator: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (operator / ".oci" / "config").unlink()
    assert [problem.partition(" ")[0] for problem in problems(Environment("production", operator))] == [
        "Terraform",
        "OCI",
        "environments/production/presign.tfvars",
    ]


def test_an_old_terraform(operator: Path) -> None:
    program = operator / "bin" / "terraform"
    program.write_text('#!/bin/sh\necho \'{"terraform_version": "1.4.9-beta1"}\'\n', encoding="utf-8")
    assert problems(environment(operator)) == ["Terraform 1.4.9-beta1 is too old: 1.5 or newer is needed."]


@pytest.mark.parametrize(
    ("program", "told", "status"),
    [
        ("#!/bin/sh\nkill -INT $PPID\nsleep 1\n", "Interrupted.", 130),
        ("\x7fELF for another kind of machine", "Exec format error: 'terraform'", 1),
    ],
)
def test_one_sentence_tells_how_it_ended(operator: Path, program: str, told: str, status: int) -> None:
    (operator / "bin" / "terraform").write_text(program, encoding="utf-8")
    command = [sys.executable, "-m", "deploy", "preflight"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60, check=False)  # noqa: S603
    assert (done.returncode, done.stderr.count("\n")) == (status, 1), done.stderr
    assert told in done.stderr


def test_two_environments_have_names_of_their_own(operator: Path) -> None:
    environment(operator)
    staging = environment(operator, "staging")
    assert staging.deployed_name() == "presign-staging"
    assert problems(staging) == []
    staging.inputs.write_text(f'{INPUTS}name = "presign"\n', encoding="utf-8")
    assert problems(staging) == [
        "production has the name presign too, but users and policies need names of their own: change it in"
        " environments/staging/presign.tfvars."
    ]


def test_another_name_than_the_deployed_one(operator: Path) -> None:
    production = environment(operator, inputs=f'{INPUTS}name = "photos"\n')
    production.state.write_text(
        '{"resources": [{"mode": "managed", "type": "oci_functions_application",'
        ' "instances": [{"attributes": {"display_name": "presign"}}]}]}',
        encoding="utf-8",
    )
    assert problems(production) == [
        "environments/production/presign.tfvars has the name photos, but presign is deployed:"
        ' set name = "presign", or another ENV.'
    ]


def test_names_of_keys_are_kept_elsewhere(operator: Path) -> None:
    assert problems(environment(operator, inputs=f'{INPUTS}signing_keys = ["a"]\n')) == [
        "environments/production/presign.tfvars has signing_keys, which `make rotate` keeps in rotation.json:"
        " take it away."
    ]


@pytest.mark.parametrize("name", ["../other", "Production", "", "a b", "a" * 32])
def test_a_name_that_can_be_no_folder(name: str) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "deploy", "preflight", "--env", name],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "must be up to 31 lower-case letters, digits and hyphens" in done.stderr


def test_the_standard_library_suffices() -> None:
    """So it is told before any package is fetched."""
    done = subprocess.run(
        [sys.executable, "-S", "-s", "-m", "deploy", "preflight"],
        cwd=ROOT,
        env={"PATH": "", "HOME": "/nowhere"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Terraform is missing; https://")
