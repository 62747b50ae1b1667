"""A value that is fetched once, kept for a while, and shared by all who ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from presign.problems import SecretUnavailable

T = TypeVar("T")


class CachedValue(Generic[T]):
    """Keeps what `fetch` gives.

    However many threads wait for the value, one of them fetches it. They share a failure as they share a value: until
    the time that it names for another try, nobody tries again, so that a service that is down is not stormed.

    Args:
        fetch: gets the value; raises `SecretUnavailable` when it can't.
        ttl_seconds: how long a value is fresh.
        max_stale_seconds: how long after that it may still serve while it can't be fetched.
        clock: seconds on a clock that never goes back.
    """

    def __init__(
        self,
        fetch: Callable[[], T],
        *,
        ttl_seconds: float,
        max_stale_seconds: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._ttl_seconds = ttl_seconds
        self._max_stale_seconds = max_stale_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[T, float] | None = None
        """The value, and when it ceases to be fresh."""
        self._failed: tuple[SecretUnavailable, float] | None = None
        """The last failure, and when to try again."""

    def get(self) -> T:
        """The value, fetched now if there is none that is fresh.

        Raises:
            SecretUnavailable: it can't be fetched, and none is left that may still serve.
        """
        kept = self._kept
        if kept is not None and self._clock() < kept[1]:
            return kept[0]
        with self._lock:
            kept = self._kept
            if kept is not None and self._clock() < kept[1]:
                return kept[0]
            try:
                return self._refresh()
            except SecretUnavailable:
                if kept is not None and self._clock() < kept[1] + self._max_stale_seconds:
                    return kept[0]
                raise

    def _refresh(self) -> T:
        if self._failed is not None and self._clock() < self._failed[1]:
            raise self._failed[0]
        try:
            value = self._fetch()
        except SecretUnavailable as exc:
            self._failed = (exc, self._clock() + exc.retry_after_seconds)
            raise
        self._failed = None
        self._kept = (value, self._clock() + self._ttl_seconds)
        return value
