"""A cached value: stale-while-revalidate, single flight, exponential backoff."""

import logging
import random
import threading
from collections.abc import Callable
from math import ceil
from typing import Generic, TypeVar

from presign import logs
from presign.problems import SecretUnavailable
from presign.services.clock import elapsed

HANG_SECONDS = 30.0
"""A fetch that takes longer is given up, and another may begin."""
REFUSED_SECONDS = 10.0
"""A refusal that is repeated after this time is final: the cached value is dropped."""
MAX_PAUSE_SECONDS = 30.0
"""The longest pause after a failure, if the service does not ask for a longer one."""
_JITTER = 0.25
"""A value is fetched anew up to this share of its time to live sooner, so that not all containers do so at once."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


class _Attempt(Generic[T]):
    """One fetch, running or ended."""

    value: T
    """The fetched value; set only if it has ended without a failure."""

    def __init__(self, *, began_at: float) -> None:
        self.began_at = began_at
        self.next_at = began_at + HANG_SECONDS
        """When the next attempt may begin."""
        self.ended = threading.Event()
        self.failure: str | None = None


class CachedValue(Generic[T]):
    """Keeps the value that `fetch` gives.

    `fetch` runs in a thread of its own. It starts when a value is first asked for, and again when the cached value is
    no longer fresh. Until it ends, callers get the stale value (stale-while-revalidate); they wait only if there is
    none. One fetch runs at a time (single flight). After a failure the next fetch waits for a pause, which doubles with
    each failure (exponential backoff). During an outage the stale value stays in use. If the service refuses, and
    still does after 10 s, the value is dropped.

    The container may be frozen at any moment and thawed later, with a fetch under way. So a value's age counts from the
    start of its fetch, and a fetch that hangs does not keep another from starting.

    Args:
        fetch: gets the value; raises `SecretUnavailable` when it can't.
        ttl_seconds: how long a value is fresh.
        max_stale_seconds: how long after that it may still be used.
        is_usable: whether a value may be used; if not, its age does not matter.
        clock: seconds on a clock that never goes back.
        jitter: a random number from 0 to 1.
        start: runs a function in the background.
    """

    def __init__(
        self,
        fetch: Callable[[], T],
        *,
        ttl_seconds: float,
        max_stale_seconds: float = 0,
        is_usable: Callable[[T], bool] = lambda value: True,
        clock: Callable[[], float] = elapsed,
        jitter: Callable[[], float] = random.random,
        start: Callable[[Callable[[], None]], None] = lambda run: threading.Thread(target=run, daemon=True).start(),
    ) -> None:
        self._fetch = fetch
        self._ttl_seconds = ttl_seconds
        self._usable_seconds = ttl_seconds + max_stale_seconds
        self._is_usable = is_usable
        self._clock = clock
        self._jitter = jitter
        self._start = start
        self._lock = threading.Lock()
        self._kept: _Attempt[T] | None = None
        """The attempt that the value at hand is from."""
        self._latest: _Attempt[T] | None = None
        self._pause_seconds = 0.0
        """The pause after the last failure; 0 after a success."""
        self._refused_at: float | None = None
        """The time of the first refusal since the last success."""

    def fresh(self) -> T | None:
        """The value at hand, if it is still fresh."""
        kept = self._kept
        if kept is not None and self._clock() < kept.next_at and self._is_usable(kept.value):
            return kept.value
        return None

    def get(self, *, wait_seconds: float = HANG_SECONDS) -> T:
        """The value at hand, or else, after `wait_seconds` at most, the one that is being fetched.

        Raises:
            SecretUnavailable: there is no usable value, and it can't be fetched, or not in that time.
        """
        kept, now = self._kept, self._clock()
        attempt = self._attempt()
        if kept is not None and now - kept.began_at < self._usable_seconds and self._is_usable(kept.value):
            return kept.value
        if not attempt.ended.wait(min(max(0.0, wait_seconds), HANG_SECONDS)):
            raise SecretUnavailable("the answer did not come before the caller's deadline; the next call may get it")
        if attempt.failure is not None:
            pause_seconds = max(1, ceil(attempt.next_at - self._clock()))
            raise SecretUnavailable(attempt.failure, retry_after_seconds=pause_seconds)
        return attempt.value

    def _attempt(self) -> _Attempt[T]:
        """The latest attempt, or a new one if it is time for that."""
        with self._lock:
            now, latest = self._clock(), self._latest
            if latest is not None and now < latest.next_at:
                has_value = latest.ended.is_set() and latest.failure is None
                if not has_value or self._is_usable(latest.value):
                    return latest
            attempt = self._latest = _Attempt[T](began_at=now)
        try:
            self._start(lambda: self._run(attempt))
        except RuntimeError as exc:  # no more threads may be started
            self._fail(attempt, SecretUnavailable(f"The fetch could not be started: {exc}"))
        return attempt

    def _run(self, attempt: _Attempt[T]) -> None:
        try:
            attempt.value = self._fetch()
        except SecretUnavailable as exc:
            self._fail(attempt, exc)
        except BaseException as exc:  # noqa: BLE001 - those who wait must get an answer
            self._fail(attempt, SecretUnavailable(f"unexpected {logs.where_raised(exc)}"))
        else:
            with self._lock:
                attempt.next_at = attempt.began_at + self._ttl_seconds * (1 - _JITTER * self._jitter())
                self._pause_seconds = 0.0
                self._refused_at = None
                if self._kept is None or self._kept.began_at <= attempt.began_at:
                    self._kept = attempt
            attempt.ended.set()

    def _fail(self, attempt: _Attempt[T], exc: SecretUnavailable) -> None:
        now = self._clock()
        with self._lock:
            self._pause_seconds = max(min(2 * self._pause_seconds, MAX_PAUSE_SECONDS), exc.retry_after_seconds)
            attempt.failure = exc.cause
            attempt.next_at = now + self._pause_seconds
            if exc.refused:
                if self._refused_at is None:
                    self._refused_at = now
                elif now - self._refused_at >= REFUSED_SECONDS:
                    self._kept = None
            kept = self._kept
        attempt.ended.set()
        if kept is not None and now - kept.began_at < self._usable_seconds:
            _log.warning("%s; using the cached value, fetched %d s ago", exc.cause, now - kept.began_at)
