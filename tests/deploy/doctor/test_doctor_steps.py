"""A tenancy in which all is right, and one for each way to be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import doctor
from deploy.doctor.step import Finding, findings_of
from oci_services import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with World(tmp_path) as world:
        monkeypatch.setenv("OCI_CLI_CONFIG_FILE", str(world.api_key.file))
        yield world


def examine(world: World) -> dict[str, Finding]:
    """The findings by `group: name`."""
    return {f"{step.group}: {step.name}": finding for step, finding in findings_of(doctor.STEPS, world.tenancy())}


def test_all_is_right(world: World) -> None:
    found = examine(world)
    assert {name: finding for name, finding in found.items() if finding.state != "ok"} == {}
