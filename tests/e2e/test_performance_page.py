"""docs/performance.md: its tables about capacity are computed, from the function's own settings."""

from __future__ import annotations

import json

import pytest

from local.stack import ALLOW_EVERYTHING, NAMESPACE, REGION, ROOT, SECRET_OCID
from presign.services import cache
from presign.settings import Settings
from support import capacity

PAGE = (ROOT / "docs" / "performance.md").read_text("utf-8")


@pytest.mark.parametrize("name", capacity.tables())
def test_the_page_has_the_computed_table(name: str) -> None:
    assert f"\n\n{capacity.tables()[name]}\n\n" in PAGE


def test_the_limit_that_the_text_names() -> None:
    assert f"at {capacity.highest_rate(128, 0.1):,} calls a second if each keeps its container busy for 100 ms" in PAGE


@pytest.mark.parametrize("under_way", [1, 5, 10, 20, 50, 100, 200, 1000])
def test_the_rule_of_thumb_is_nearly_right(under_way: int) -> None:
    assert "*n* + 3√*n* + 1 containers" in PAGE
    rule_of_thumb = under_way + 3 * under_way**0.5 + 1
    assert rule_of_thumb == pytest.approx(capacity.containers(under_way, 1), abs=1, rel=0.01)


@pytest.mark.parametrize(
    ("rate", "busy_seconds", "containers"),
    # P(X <= 4) = 0.9963 and P(X <= 5) = 0.9994 at the mean 1; P(X <= 20) = 0.9984 and P(X <= 21) = 0.9993 at 10.
    [(1, 1.0, 5), (1000, 0.001, 5), (100, 0.1, 21), (0.001, 0.001, 1)],
)
def test_enough_containers(rate: float, busy_seconds: float, containers: int) -> None:
    assert capacity.containers(rate, busy_seconds) == containers


def test_the_figures_of_this_project() -> None:
    config = {
        "SECRET_OCID": SECRET_OCID,
        "REGION": REGION,
        "NAMESPACE": NAMESPACE,
        "POLICY": json.dumps(ALLOW_EVERYTHING),
    }
    assert Settings.from_config(config, root=ROOT).secret_ttl_seconds == capacity.SECRET_TTL_SECONDS
    assert cache._REFRESH_AT == capacity.EARLIEST
    deployment = json.loads((ROOT / "gateway" / "deployment.json").read_text("utf-8"))
    rate = deployment["requestPolicies"]["rateLimiting"]["rateInRequestsPerSecond"]
    assert f"with more than {rate} calls a second: the deployment's own rate limit" in PAGE
