"""`docs/capacity.md`: its tables are what `tools.capacity` computes, from the function's own settings."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from local.stack import NAMESPACE, POLICY, REGION, ROOT, SECRET_OCID
from presign.services import cache
from presign.settings import Settings
from tools import capacity

PAGE = (ROOT / "docs" / "capacity.md").read_text("utf-8")


@pytest.mark.parametrize("name", capacity.tables())
def test_the_page_has_the_computed_table(name: str) -> None:
    assert f"\n\n{capacity.tables()[name]}\n\n" in PAGE


def test_the_limit_that_the_text_names() -> None:
    assert f"at {capacity.highest_rate(128, 0.1):,} calls a second if each keeps its container busy for 100 ms" in PAGE


def test_the_example_runs() -> None:
    command, output = PAGE.partition("$ python ")[2].splitlines()[:2]
    done = subprocess.run(  # noqa: S603
        [sys.executable, *command.split()], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=30, check=True
    )
    assert done.stdout == f"{output}\n"


@pytest.mark.parametrize(
    ("rate", "busy_seconds", "containers"),
    # P(X <= 4) = 0.9963 and P(X <= 5) = 0.9994 at the mean 1; P(X <= 20) = 0.9984 and P(X <= 21) = 0.9993 at 10.
    [(1, 1.0, 5), (1000, 0.001, 5), (100, 0.1, 21), (0.001, 0.001, 1)],
)
def test_enough_containers(rate: float, busy_seconds: float, containers: int) -> None:
    assert capacity.containers(rate, busy_seconds) == containers


def test_the_figures_of_this_project() -> None:
    config = {"SECRET_OCID": SECRET_OCID, "REGION": REGION, "NAMESPACE": NAMESPACE, "POLICY": json.dumps(POLICY)}
    assert Settings.from_config(config, root=ROOT).secret_ttl_seconds == capacity.SECRET_TTL_SECONDS
    assert 1 - cache._JITTER == capacity.EARLIEST
    deployment = json.loads((ROOT / "gateway" / "deployment.json").read_text("utf-8"))
    rate = deployment["requestPolicies"]["rateLimiting"]["rateInRequestsPerSecond"]
    assert f"from one client address | {rate} (" in PAGE
