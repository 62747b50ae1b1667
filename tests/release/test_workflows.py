"""The workflows: whose code they run, what they may do, and on which versions of Python they test."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = {
    path.name: path for path in (*ROOT.glob(".github/workflows/*.yml"), ROOT / "environments" / "github-actions.yml")
}
WORKFLOWS: dict[str, dict[str, Any]] = {name: yaml.safe_load(path.read_text("utf-8")) for name, path in FILES.items()}
CI, RELEASE = WORKFLOWS["ci.yml"]["jobs"], WORKFLOWS["release.yml"]["jobs"]


@pytest.mark.parametrize("name", FILES)
def test_each_action_is_named_by_its_commit_with_the_version_beside_it(name: str) -> None:
    uses = re.findall(r"uses: (.+)", FILES[name].read_text("utf-8"))
    assert len(uses) >= 2
    assert [one for one in uses if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)] == []


def test_an_action_has_one_version_everywhere() -> None:
    uses = {use for path in FILES.values() for use in re.findall(r"uses: (.+)", path.read_text("utf-8"))}
    assert len(uses) == len({use.partition("@")[0] for use in uses})


def test_the_versions_of_python_that_the_readme_names_are_tested() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    [named] = re.findall(r"You need Linux or macOS, make, and Python (.*?),? but", readme)
    assert CI["python"]["strategy"]["matrix"]["python"] == re.findall(r"\d\.\d+", named)
    assert "make test" in [step.get("run") for step in CI["python"]["steps"]]


def test_the_release_is_built_on_the_version_that_is_deployed() -> None:
    [version] = [step["with"]["python-version"] for step in RELEASE["build"]["steps"] if "setup-python" in str(step)]
    [default] = re.findall(r"^ARG RUNTIME_PYTHON=(.+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert version == default == CI["gate"]["container"]["image"][len("python:") :].partition("-")[0]


def test_each_job_of_the_release_may_do_one_thing() -> None:
    assert WORKFLOWS["release.yml"]["permissions"] == {}
    assert {name: job["permissions"] for name, job in RELEASE.items()} == {
        "build": {"contents": "read"},
        "attest": {"id-token": "write", "attestations": "write"},
        "draft": {"contents": "write"},
        "pypi": {"id-token": "write"},
        "npm": {"id-token": "write"},
    }


def test_the_owner_approves_each_publication() -> None:
    assert {name: job.get("environment") for name, job in RELEASE.items() if "ublish" in job["name"]} == {
        "pypi": "pypi",
        "npm": "npm",
    }


def test_no_job_has_a_secret() -> None:
    assert "secrets." not in FILES["release.yml"].read_text("utf-8")


def test_dependabot_keeps_all_that_is_locked() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8"))["updates"]
    folders = {one["package-ecosystem"]: one.get("directories", [one.get("directory")]) for one in updates}
    assert {*folders} == {"github-actions", "docker", "pip", "npm"}
    assert folders["npm"] == ["/tests/browser", "/tests/support/interoperability", "/tools/bench/peers"]
    assert all((ROOT / folder[1:] / "package.json").exists() for folder in folders["npm"])
