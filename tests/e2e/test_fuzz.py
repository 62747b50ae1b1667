"""Generated requests with generated policies; `python -m tools.fuzz` makes millions of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tools.fuzz.calls import calls
from tools.fuzz.target import Target


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with Target() as it:
        yield it


def test_every_answer_is_right(target: Target) -> None:
    """No server error, no URL outside the policy or that the store refuses, no answer outside the OpenAPI document."""

    @settings(max_examples=1800, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(call=calls())
    def check(call: dict[str, Any]) -> None:
        target.call(**call)

    check()
    assert target.calls >= 1800
    assert target.urls > 100
