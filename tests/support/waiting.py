"""Waits for what a test needs to happen."""

from __future__ import annotations

import time
from collections.abc import Callable

GIVE_UP_SECONDS = 60
"""Far more than it takes on a machine that is busy with other things."""


def wait_until(condition: Callable[[], object], *, seconds: float = GIVE_UP_SECONDS) -> None:
    """Return as soon as a condition holds.

    Raises:
        AssertionError: it does not hold in so many seconds.
    """
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, f"it did not happen in {seconds:g} seconds"
        time.sleep(0.02)
