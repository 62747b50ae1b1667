"""The report of `doctor`, and the documentation of it."""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree

import pytest
from rich.console import Console

from deploy import doctor
from deploy.doctor import report
from deploy.doctor.finding import Finding, worst_of
from deploy.doctor.step import Step
from deploy.doctor.steps import STEPS
from deploy.doctor.tenancy import Tenancy
from local.api import not_found
from support.oci_answers import BUCKET, FUNCTION, REGION
from support.oci_services import World
from tools.pictures import doctor as doctor_picture

ROOT = Path(__file__).resolve().parents[3]
COMMAND = f"oci os bucket update --region {REGION} --name {BUCKET} --object-events-enabled true"


def step(name: str, *, group: str = "bucket") -> Step:
    return Step(group, name, lambda _: Finding("ok", "."))


def test_lines_for_a_terminal() -> None:
    stream = io.StringIO()
    found = [
        (step("there"), Finding("ok", "photos is there.")),
        (step("events"), Finding("wrong", "It emits none.", "a command that is longer than the line", ("[a] detail",))),
        (step("owner", group="key"), Finding("unknown", "You lack a permission.")),
        (step("age", group="key"), Finding("warning", "It is old.", "make rotate")),
        (step("form", group="key"), Finding("skipped", "No rule needs it.")),
    ]
    assert not report.show(found, Console(file=stream, width=40, highlight=False))
    assert [line.rstrip() for line in stream.getvalue().splitlines()] == [
        "bucket",
        "       ok  there: photos is there.",
        "    wrong  events: It emits none.",
        "           [a] detail",
        "           → a command that is longer than the line",
        "key",
        "  unknown  owner: You lack a permission.",
        "  warning  age: It is old.",
        "           → make rotate",
        "  skipped  form: No rule needs it.",
        "1 ok, 1 wrong, 1 warning, 1 unknown, 1",
        "skipped",
    ]


def test_a_warning_leaves_the_rest_well() -> None:
    found = [(step("there"), Finding("ok", ".")), (step("age", group="key"), Finding("warning", "It is old."))]
    assert report.show(found, Console(file=io.StringIO()))
    assert worst_of([finding for _, finding in found]) == Finding("warning", "It is old.")


def test_one_document_for_machines(world: World) -> None:
    stream = io.StringIO()
    assert doctor.examine(world.tenancy(json=True), stream) == 0
    document = json.loads(stream.getvalue())
    assert document["ok"] is True
    assert [one["step"] for one in document["steps"]] == [one.name for one in STEPS]
    world.services.bucket["objectEventsEnabled"] = False
    stream = io.StringIO()
    assert doctor.examine(world.tenancy(json=True), stream) == 1
    document = json.loads(stream.getvalue())
    assert document["ok"] is False
    assert [one for one in document["steps"] if one["state"] not in ("ok", "skipped")] == [
        {
            "group": "bucket",
            "step": "events",
            "state": "wrong",
            "text": f"{BUCKET} emits no events of its objects, though DELIVER_TO is set.",
            "mend": COMMAND,
            "details": [],
        }
    ]


@pytest.mark.parametrize("option", ["--json", "--auth=config"])
def test_the_command_without_credentials_says_so_and_looks_no_further(tmp_path: Path, option: str) -> None:
    done = run_command(tmp_path, "--function", "ocid1.fnfunc.oc1.eu-frankfurt-1.a", option)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Your credentials can't be used: Could not find config file at ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["", "missing/report.json"])
def test_a_report_that_can_not_be_written_is_told_before_the_steps(tmp_path: Path, name: str) -> None:
    done = run_command(tmp_path, "--function", FUNCTION, "--report", str(tmp_path / name))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f"error: argument --report: {tmp_path / name} can't be written\n")


def test_the_command_for_a_stack_that_made_no_function(world: World, tmp_path: Path) -> None:
    done = run_command(tmp_path, "--stack", str(tmp_path), OCI_CLI_CONFIG_FILE=str(world.api_key.file))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path} has not been applied: Terraform has no outputs of it.\n"


def test_the_command_for_a_stack_with_a_broken_state(world: World, tmp_path: Path) -> None:
    (tmp_path / "terraform.tfstate").write_text("{", encoding="utf-8")
    done = run_command(tmp_path, "--stack", str(tmp_path), OCI_CLI_CONFIG_FILE=str(world.api_key.file))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path}/terraform.tfstate is no Terraform state: it is not JSON.\n"


def test_the_command_on_a_machine_that_is_none_of_oci(tmp_path: Path) -> None:
    done = run_command(tmp_path, "--function", FUNCTION, "--auth", "resource_principal")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Your credentials can't be used: there is no resource_principal here (OSError).\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--function", "foo"], "foo is not the OCID of a function (ocid1.fnfunc…)"),
        (["--function", "ocid1.fnapp.oc1.eu-frankfurt-1.a"], "is not the OCID of a function"),
        (["--token-file", "none.txt"], "there is no file none.txt"),
        (["--origin", "app"], "app is not an origin such as https://app.example.com"),
        (["--origin", "https://app.example.com/page"], "is not an origin"),
        (["--origin", "ftp://app.example.com"], "is not an origin"),
        (["--write", "no bucket!/trials"], "no bucket!/trials: it must"),
        (["--write", f"{BUCKET}/a/../b"], f"{BUCKET}/a/../b: it must"),
        (["--write", f"{BUCKET}//a"], f"{BUCKET}//a: it must"),
    ],
)
def test_arguments_that_can_not_be(arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    doctor.add_arguments(parser)
    with pytest.raises(SystemExit) as exited:
        parser.parse_args(arguments)
    assert exited.value.code == 2
    assert error in capsys.readouterr().err


def test_the_slash_after_an_origin_is_no_part_of_it() -> None:
    parser = argparse.ArgumentParser()
    doctor.add_arguments(parser)
    assert parser.parse_args(["--origin", "https://app.example.com:8443/"]).origin == "https://app.example.com:8443"


def test_without_a_function_it_is_the_stack_of_an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def examine(tenancy: Tenancy, _: TextIO) -> int:
        seen.append((tenancy.arguments.stack, tenancy.stack.state))
        return 0

    monkeypatch.setattr(doctor, "examine", examine)
    parser = argparse.ArgumentParser()
    doctor.add_arguments(parser)
    assert doctor.run(parser.parse_args([])) == 0
    assert doctor.run(parser.parse_args(["--function", FUNCTION])) == 0
    assert doctor.run(parser.parse_args(["--env", "staging"])) == 0
    root = Path(doctor.__file__).parents[2]
    assert seen == [
        (root / "dist/environments/production", root / "environments/production/presign.tfstate"),
        (None, None),
        (root / "dist/environments/staging", root / "environments/staging/presign.tfstate"),
    ]


def test_it_ends_if_the_function_can_not_be_looked_up(world: World) -> None:
    world.services.answers[f"GET /20260325/functions/{FUNCTION}"] = not_found()
    stream = io.StringIO()
    assert doctor.examine(world.tenancy(json=True), stream) == 1
    document = json.loads(stream.getvalue())
    assert document["ok"] is False
    assert [(one["group"], one["step"], one["state"]) for one in document["steps"]] == [
        ("clock", "this machine", "ok"),
        ("function", "state", "unknown"),
    ]


def test_nothing_is_well_if_nothing_can_be_looked_at() -> None:
    found = [
        (step("this machine", group="clock"), Finding("ok", ".")),
        (step("state", group="function"), Finding("unknown", ".")),
    ]
    assert not report.show(found, Console(file=io.StringIO()))
    assert report.show([*found, (step("there"), Finding("ok", "."))], Console(file=io.StringIO()))


def run_command(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "deploy", "doctor", *arguments],
        cwd=ROOT,
        env={"PATH": "", "HOME": str(home), **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_no_step_has_the_name_of_another() -> None:
    names = [(one.group, one.name) for one in STEPS]
    assert len(set(names)) == len(names)


def test_the_picture_in_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make pictures` draws it again."""
    monkeypatch.setenv("OCI_CLI_CONFIG_FILE", "")  # is set back afterwards
    drawn = doctor_picture.draw()
    assert drawn == doctor_picture.PICTURE.read_text("utf-8")
    text = "".join(ElementTree.fromstring(drawn).itertext()).replace("\xa0", " ")
    assert COMMAND in text
    hosts = set(re.findall(r"://([a-z0-9.-]+[a-z0-9])", drawn))
    assert hosts == {"www.w3.org", "gateway.example", "app.example.com", "identity.oraclecloud.com"}


def test_a_report_has_the_states_alone(world: World, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    world.services.bucket["objectEventsEnabled"] = False
    assert doctor.examine(world.tenancy(report=file), io.StringIO()) == 1
    document = json.loads(file.read_text("utf-8"))
    assert set(document) == {"version", "steps"}
    assert {tuple(one) for one in document["steps"]} == {("group", "step", "state")}
    assert [(one["group"], one["step"]) for one in document["steps"]] == [(one.group, one.name) for one in STEPS]
    assert [one["step"] for one in document["steps"] if one["state"] == "wrong"] == ["events"]


def test_each_behaviour_of_oci_has_a_source_and_the_step_that_finds_it_out() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    table = page.partition("\n## What we rely on\n")[2].partition("\n| service | ")[2]
    rows = [re.split(r" \| ", line.strip("| ")) for line in table.splitlines()[2:]]
    assert len(rows) > 25
    for service, behaviour, source, steps in rows:
        assert service
        assert behaviour
        assert source
        named = re.findall(r"\*([^*]+: [^*]+)\*", steps)
        assert set(named) <= {f"{one.group}: {one.name}" for one in STEPS}
        assert named or steps == "none", behaviour


def test_each_message_leads_to_a_step() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    table = page.partition("\n| you meet | ")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    named = [name for _, steps in rows for name in re.findall(r"\*([^*]+: [^*]+)\*", steps)]
    assert len(rows) > 15
    assert all(re.search(r"\*[^*]+: [^*]+\*", steps) for _, steps in rows)
    assert set(named) <= {f"{one.group}: {one.name}" for one in STEPS}
