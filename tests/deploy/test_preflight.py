"""`make preflight`: what is missing is told at once, each with its mend."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy import preflight
from deploy.environment import ROOT, Environment, write_whole

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


@pytest.mark.parametrize(
    "inputs",
    [
        f'{INPUTS}policy = <<END\n{{"rules": []}}\nEND\n',
        f'{INPUTS}freeform_tags = {{ speed = "a > b" }}\n',
        f"\ufeff{INPUTS}",
        INPUTS.replace("\n", "\r\n"),
    ],
)
def test_inputs_that_terraform_takes_too(operator: Path, inputs: str) -> None:
    assert problems(environment(operator, inputs=inputs)) == []


def test_the_name_of_a_tag_is_not_that_of_the_deployment(operator: Path) -> None:
    inputs = f'{INPUTS}freeform_tags = {{\nname = "photos"\n}}\n'
    assert environment(operator, inputs=inputs).variables()["TF_VAR_name"] == "presign"


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("presign.tfvars", b"# \xff\n", "can't be read: 'utf-8' codec can't decode byte 0xff"),
        ("presign.tfstate", b"", "is no Terraform state; presign.tfstate.backup may be the one before."),
        ("presign.tfstate", b'{"version": 4, ', "is no Terraform state"),
        ("presign.tfstate", b"[]", "is no Terraform state"),
        ("rotation.json", b"", "is not as `make rotate` writes it: take the version that was committed last."),
        ("rotation.json", b"<<<<<<< HEAD\n{}\n", "is not as `make rotate` writes it"),
        ("rotation.json", b"[]", "is not as `make rotate` writes it"),
        ("rotation.json", b'{"signing_keys": ["a"]}', "is not as `make rotate` writes it"),
        ("rotation.json", b'{"signing_keys": {"names": "a"}}', "is not as `make rotate` writes it"),
        ("rotation.json", b'{"signing_keys": {"names": ["a"], "until": "soon"}}', "is not as `make rotate` writes it"),
    ],
)
def test_a_file_that_can_not_be_used(operator: Path, file: str, content: bytes, told: str) -> None:
    """A merge that somebody has not ended, a full disk, or an editor with another encoding leave such files."""
    production = environment(operator)
    (production.folder / file).write_bytes(content)
    [problem] = problems(production)
    assert problem.startswith(f"{production.folder / file} {told}")


def test_a_file_that_is_written_takes_the_place_of_a_link(tmp_path: Path) -> None:
    """Another environment may share the file that the link leads to."""
    shared, own = tmp_path / "shared.json", tmp_path / "policy.json"
    shared.write_bytes(b"shared")
    own.symlink_to(shared)
    write_whole(own, b"own")
    assert (shared.read_bytes(), own.read_bytes()) == (b"shared", b"own")
    assert sorted(tmp_path.iterdir()) == [own, shared]


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


@pytest.mark.parametrize("answer", ['{"terraform_version": "1.x"}', "[]", ""])
def test_a_terraform_that_tells_no_version(operator: Path, answer: str) -> None:
    (operator / "bin" / "terraform").write_text(f"#!/bin/sh\necho '{answer}'\n", encoding="utf-8")
    assert problems(environment(operator)) == ["`terraform version -json` tells no version."]


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
