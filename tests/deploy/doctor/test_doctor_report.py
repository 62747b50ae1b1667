"""What `doctor` writes, and what the documentation says about it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from deploy import doctor
from deploy.doctor import report
from deploy.doctor.step import Finding, Step
from oci_services import BUCKET, REGION, World
from tools import doctor_picture

ROOT = Path(__file__).resolve().parents[3]
COMMAND = f"oci os bucket update --region {REGION} --name {BUCKET} --object-events-enabled true"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with World(tmp_path) as world:
        monkeypatch.setenv("OCI_CLI_CONFIG_FILE", str(world.api_key.file))
        yield world


def step(name: str, *, group: str = "bucket") -> Step:
    return Step(group, name, lambda _: Finding("ok", "."))


def test_lines_for_a_terminal() -> None:
    stream = io.StringIO()
    found = [
        (step("there"), Finding("ok", "photos is there.")),
        (step("events"), Finding("wrong", "It emits none.", "a command that is longer than the line", ("[a] detail",))),
        (step("owner", group="key"), Finding("unknown", "You lack a permission.")),
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
        "  skipped  form: No rule needs it.",
        "1 ok, 1 wrong, 1 unknown, 1 skipped",
    ]


def test_one_document_for_machines(world: World) -> None:
    stream = io.StringIO()
    assert doctor.examine(world.tenancy(json=True), stream) == 0
    document = json.loads(stream.getvalue())
    assert document["ok"] is True
    assert [one["step"] for one in document["steps"]] == [one.name for one in doctor.STEPS]
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


def test_the_command_for_a_stack_that_made_no_function(world: World, tmp_path: Path) -> None:
    done = run_command(tmp_path, "--stack", str(tmp_path), OCI_CLI_CONFIG_FILE=str(world.api_key.file))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path} has not been applied: there is no presign.tfstate with outputs.\n"


def run_command(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "deploy", "doctor", *arguments],
        cwd=ROOT,
        env={"PATH": "", "HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_no_step_has_the_name_of_another() -> None:
    names = [(one.group, one.name) for one in doctor.STEPS]
    assert len(set(names)) == len(names)


def test_the_picture_in_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make docs/doctor.svg` draws it again."""
    monkeypatch.setenv("OCI_CLI_CONFIG_FILE", "")  # is set back afterwards
    drawn = doctor_picture.draw()
    assert drawn == doctor_picture.PICTURE.read_text("utf-8")
    text = "".join(ElementTree.fromstring(drawn).itertext()).replace("\xa0", " ")
    assert COMMAND in text
    hosts = set(re.findall(r"://([a-z0-9.-]+[a-z0-9])", drawn))
    assert hosts == {"www.w3.org", "gateway.example", "app.example.com"}


def test_each_message_leads_to_a_step() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    table = page.partition("\n| you meet | ")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    named = [name for _, steps in rows for name in re.findall(r"\*([^*]+: [^*]+)\*", steps)]
    assert len(rows) > 15
    assert all(re.search(r"\*[^*]+: [^*]+\*", steps) for _, steps in rows)
    assert set(named) <= {f"{one.group}: {one.name}" for one in doctor.STEPS}
