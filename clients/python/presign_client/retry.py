"""Exponential backoff, and jobs that run side by side until one of them fails."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

from presign_client.errors import ConnectionFailed, InvalidArgument, PresignError, Stopped, StoreError

T = TypeVar("T")

_EXPIRED_IN_A_ROW = 2
_MAX_DOUBLED = 30
"""A pause is not doubled more often: later ones would be too large for a number."""
_UNKNOWN_HOST_ATTEMPTS = 5
"""Enough for a device that is offline for some seconds; a wrong name is not waited for much longer."""


def _pause(seconds: float, stopped: threading.Event) -> None:
    stopped.wait(seconds)


def _say_nothing(_error: PresignError, _seconds: float) -> None:
    pass


@dataclass(frozen=True)
class Retry:
    """Tries again what may succeed later.

    Args:
        attempts: how often at most.
        first_pause_seconds: before the second attempt; each further pause is twice as long.
        max_pause_seconds: no pause is longer, unless the server asks for it by `Retry-After`.
        max_retry_after_seconds: if the server asks for a longer pause, the failure is final. Its
            `retry_after_seconds` tells when to come back.
        pause: waits so many seconds, or until the event is set.
        jitter: a number from 0 to 1; 0 halves a pause.
        on_pause: is told the failure and the seconds before each pause.

    Raises:
        InvalidArgument: one of them is of another type, or below 0.
    """

    attempts: int = 8
    first_pause_seconds: float = 0.5
    max_pause_seconds: float = 30
    max_retry_after_seconds: float = 60
    pause: Callable[[float, threading.Event], None] = _pause
    jitter: Callable[[], float] = random.random
    on_pause: Callable[[PresignError, float], None] = _say_nothing

    def __post_init__(self) -> None:
        numbers = (self.attempts, self.first_pause_seconds, self.max_pause_seconds, self.max_retry_after_seconds)
        if not all(isinstance(one, int | float) and one >= 0 for one in numbers):
            raise InvalidArgument("The attempts and the seconds of a Retry must be numbers, at least 0.")
        if not all(callable(one) for one in (self.pause, self.jitter, self.on_pause)):
            raise InvalidArgument("pause, jitter and on_pause of a Retry must be functions.")

    def run(self, attempt: Callable[[], T], stopped: threading.Event | None = None) -> T:
        """The result of `attempt` once it succeeds.

        After Object Storage has refused a URL the next attempt follows at once, twice at most: the URL had expired,
        and an attempt asks for a new one.

        Raises:
            PresignError: that of the last attempt.
            Stopped: `stopped` was set meanwhile.
        """
        stopped = stopped or threading.Event()
        failures = refusals = 0
        while True:
            if stopped.is_set():
                raise Stopped("The transfer was stopped.")
            try:
                return attempt()
            except PresignError as error:
                if isinstance(error, StoreError) and error.may_be_expired and refusals < _EXPIRED_IN_A_ROW:
                    refusals += 1
                    continue
                failures += 1
                is_unknown_host = isinstance(error, ConnectionFailed) and error.is_unknown_host
                attempts = min(self.attempts, _UNKNOWN_HOST_ATTEMPTS) if is_unknown_host else self.attempts
                is_final = failures >= attempts or error.retry_after_seconds > self.max_retry_after_seconds
                if is_final or not error.passes:
                    raise
                seconds = min(self.first_pause_seconds * 2 ** min(failures - 1, _MAX_DOUBLED), self.max_pause_seconds)
                seconds = max(seconds * (1 + self.jitter()) / 2, error.retry_after_seconds)
                self.on_pause(error, seconds)
                self.pause(seconds, stopped)


def run_all(jobs: Iterable[Callable[[], None]], *, at_once: int, stopped: threading.Event) -> None:
    """Run all jobs, so many of them at once.

    The first failure, and an interruption of this thread, sets `stopped`; jobs that have not begun are dropped then.

    Raises:
        Exception: the first failure.
    """

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException:
            stopped.set()  # at once, since this thread would begin the next job before the one below notices
            raise

    jobs = list(jobs)
    if len(jobs) == 1:
        jobs[0]()  # in this thread, since one more would gain nothing
        return
    with ThreadPoolExecutor(at_once, thread_name_prefix="presign-client") as pool:
        futures = [pool.submit(run, job) for job in jobs]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException:
            stopped.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    ended = [future for future in futures if not future.cancelled()]
    failures = [error for future in ended if (error := future.exception()) is not None]
    if failures:
        raise next((error for error in failures if not isinstance(error, Stopped)), failures[0])
