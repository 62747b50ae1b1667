"""A cached value: refresh-ahead, single flight, exponential backoff; stale-if-error, but not if the service refuses."""

import logging
import random
import threading
from collections.abc import Callable
from math import ceil, inf
from typing import Generic, TypeVar

from presign import logs
from presign.problems import SecretUnavailable
from presign.services.clock import elapsed

HANG_SECONDS = 30.0
"""A fetch that takes longer is given up, and another may begin. How it fails then tells nothing."""
STALE_WAIT_SECONDS = 2.0
"""The longest that a call with a stale value waits for the next one."""
OUTAGE_SECONDS = 60.0
"""For so long after a failure, or for the time to live if that is longer, the service counts as down."""
MAX_PAUSE_SECONDS = 30.0
"""The longest pause after a failure, if the service does not ask for a longer one."""
MAX_EMPTY_PAUSE_SECONDS = 60.0
"""The longest pause while there is no value, whatever the service asks for."""
_REFRESH_AT = 0.75
"""A value is fetched anew after this share of its time to live."""
_JITTER = 0.15
"""Up to this share later, so that not all containers do so at once."""

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
        self.failed_at = inf
        self.failure: str | None = None


class CachedValue(Generic[T]):
    """Keeps the value that `fetch` gives.

    `fetch` runs in a thread of its own, one at a time (single flight). It starts when a value is first asked for, and
    again when three quarters of the time to live are over. Callers get the cached value meanwhile, so they wait only if
    there is none, or if it is stale: older than its time to live.

    With a stale value a call waits for the service, 2 s at most. If the service is down, this call and the next ones go
    on with the stale value, and wait no more until the service has answered. If it refuses, and does so again when it
    is asked a second time, the value is dropped. After a failure the next fetch waits for a pause, which doubles with
    each failure (exponential backoff).

    The container may be frozen at any moment and thawed later, with a fetch under way. So a value's age counts from the
    start of its fetch, a fetch that hangs does not keep another from starting, and an old failure tells nothing.

    Args:
        fetch: gets the value; raises `SecretUnavailable` when it can't.
        ttl_seconds: how long a value is used without the service's answer.
        max_stale_seconds: how long after that it may still be used while the service is down.
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
        self._down_at = -inf
        """When the service was last found to be down; minus infinity after a success."""

    def fresh(self) -> T | None:
        """The value at hand, if it need not be fetched anew yet."""
        kept = self._kept
        if kept is not None and self._clock() < kept.next_at and self._is_usable(kept.value):
            return kept.value
        return None

    def get(self, *, wait_seconds: float = HANG_SECONDS) -> T:
        """The value at hand, or else, after `wait_seconds` at most, the one that is being fetched.

        Raises:
            SecretUnavailable: there is no usable value, and it can't be fetched, or not in that time.
        """
        asked_at = self._clock()
        attempt = self._attempt()
        stale = self._usable(asked_at)
        if stale is not None and self._may_serve(stale, asked_at):
            return stale.value
        wait_seconds = min(max(0.0, wait_seconds), HANG_SECONDS if stale is None else STALE_WAIT_SECONDS)
        ended = attempt.ended.wait(wait_seconds)
        now = self._clock()
        if now - asked_at < wait_seconds + HANG_SECONDS:  # else the container was frozen meanwhile
            if ended and attempt.failure is None:
                return attempt.value
            waited_until = asked_at + wait_seconds
            if stale is not None and waited_until - min(attempt.began_at, asked_at) >= STALE_WAIT_SECONDS:
                self._note_late(attempt, waited_until)
            if (kept := self._usable(now)) is not None:
                return kept.value
        if attempt.failure is None:
            raise SecretUnavailable("the answer did not come before the caller's deadline; the next call may get it")
        pause_seconds = max(1, ceil(self._next_at(attempt) - self._clock()))
        raise SecretUnavailable(attempt.failure, retry_after_seconds=pause_seconds)

    def _usable(self, now: float) -> _Attempt[T] | None:
        """The attempt that gave the value at hand, if that may be used while the service is down."""
        kept = self._kept
        is_usable = kept is not None and now - kept.began_at < self._usable_seconds and self._is_usable(kept.value)
        return kept if is_usable else None

    def _may_serve(self, kept: _Attempt[T], now: float) -> bool:
        """Whether the value may be used without the service's answer."""
        is_down = now - self._down_at < max(OUTAGE_SECONDS, self._ttl_seconds)
        return is_down or now - kept.began_at < self._ttl_seconds

    def _note_late(self, attempt: _Attempt[T], at: float) -> None:
        """The service counts as down since `at`, unless it has answered."""
        with self._lock:
            if not attempt.ended.is_set():
                self._down_at = at

    def _next_at(self, latest: _Attempt[T]) -> float:
        """When an attempt may follow `latest`."""
        if self._usable(self._clock()) is None:
            return min(latest.next_at, latest.failed_at + MAX_EMPTY_PAUSE_SECONDS)
        return latest.next_at

    def _attempt(self) -> _Attempt[T]:
        """The latest attempt, or a new one if it is time for that."""
        with self._lock:
            now, latest = self._clock(), self._latest
            if latest is not None and now < self._next_at(latest):
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
            attempt.value = self._fetch_or_confirm()
        except SecretUnavailable as exc:
            self._fail(attempt, exc)
        except BaseException as exc:  # noqa: BLE001 - those who wait must get an answer
            self._fail(attempt, SecretUnavailable(f"unexpected {logs.where_raised(exc)}"))
        else:
            with self._lock:
                attempt.next_at = attempt.began_at + self._ttl_seconds * (_REFRESH_AT + _JITTER * self._jitter())
                self._pause_seconds = 0.0
                self._down_at = -inf
                if self._kept is None or self._kept.began_at <= attempt.began_at:
                    self._kept = attempt
                attempt.ended.set()

    def _fetch_or_confirm(self) -> T:
        """The value that `fetch` gives. A refusal is raised only if it is confirmed."""
        try:
            return self._fetch()
        except SecretUnavailable as exc:
            if not exc.refused:
                raise
        return self._fetch()

    def _fail(self, attempt: _Attempt[T], exc: SecretUnavailable) -> None:
        with self._lock:
            now = self._clock()
            if now - attempt.began_at < HANG_SECONDS:
                if exc.refused:
                    self._kept = None
                else:
                    self._down_at = now
                self._pause_seconds = max(min(2 * self._pause_seconds, MAX_PAUSE_SECONDS), exc.retry_after_seconds)
                attempt.next_at = now + self._pause_seconds
            attempt.failure, attempt.failed_at = exc.cause, now
            used = self._usable(now)
        attempt.ended.set()
        if used is not None:
            _log.warning("%s; using the cached value, fetched %d s ago", exc.cause, now - used.began_at)
