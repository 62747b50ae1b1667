"""Time: a clock to measure durations with, and whether the machine's clock is right."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime

MAX_SKEW_SECONDS = 300
"""OCI refuses requests whose `Date` is further off (its API reference, "Maximum Allowed Client Clock Skew")."""

_log = logging.getLogger(__name__)
_boot_clock: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def elapsed() -> float:
    """Seconds on a clock that never goes back, whatever is done to the time of day.

    On Linux it goes on while the container is frozen and while the machine sleeps.
    """
    return time.monotonic() if _boot_clock is None else time.clock_gettime(_boot_clock)


def seconds_ahead(date: str, *, asked_at: float, now: float) -> float | None:
    """How far this machine's clock is ahead of one that dated an answer (RFC 9110, 6.6.1); None if `date` is none.

    The answer to a request made at `asked_at` (seconds since the epoch) may have been dated at any time until `now`, as
    the container may have been frozen before it could be read.
    """
    try:
        theirs = parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, asked_at - theirs) or min(0.0, now - theirs)


class ClockCheck:
    """Notices by the answers of OCI that the machine's clock is wrong, and tells it in the log once.

    `clock` gives the machine's time, in seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told = False

    def check(self, headers: Mapping[str, str], *, asked_at: float) -> bool:
        """Whether the clock is further off the `Date` of an answer than OCI accepts; logs it once.

        `asked_at` is when the request was made, in seconds since the epoch.
        """
        ahead = seconds_ahead(headers.get("date", ""), asked_at=asked_at, now=self._clock())
        if ahead is None:
            return False
        off = abs(ahead) > MAX_SKEW_SECONDS
        if off and not self._told:
            _log.error(
                "The clock of this machine is %s (h:mm:ss) %s that of OCI. OCI and Object Storage refuse what is "
                "signed at the wrong time. A function cannot set the clock: deploy it again, so that it runs on "
                "another host, or ask Oracle's support; elsewhere, synchronise the clock (NTP).",
                timedelta(seconds=round(abs(ahead))),
                "ahead of" if ahead > 0 else "behind",
            )
        self._told = off
        return off
