"""Rate limiting: a token bucket for each client, or one for all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from local.api_gateway.policies import RateLimiting


class RateLimiter:
    """Counts requests. After a pause it lets a second's worth of requests pass at once.

    Args:
        policy: the deployment's.
        clock: gives the time, in seconds.
    """

    def __init__(self, policy: RateLimiting, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = policy.rate_in_requests_per_second
        self._per_client = policy.rate_key == "CLIENT_IP"
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}
        """For each client, the number of requests left and the time when it was computed."""
        self._lock = threading.Lock()

    def allows(self, client: str) -> bool:
        """Whether one more request of `client` may pass now. If so, it is counted."""
        key = client if self._per_client else ""
        with self._lock:
            now = self._clock()
            left, then = self._buckets.get(key, (self._rate, now))
            left = min(self._rate, left + (now - then) * self._rate)
            allowed = left >= 1
            self._buckets[key] = (left - 1 if allowed else left, now)
            return allowed
