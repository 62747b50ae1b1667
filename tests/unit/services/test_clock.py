"""`presign.services.clock`: a wrong clock is noticed by the answers of others, and told once."""

from __future__ import annotations

import time

import pytest

from presign.services.clock import ClockCheck, elapsed, seconds_ahead

NOON = 1_795_521_600.0  # Tue, 24 Nov 2026 12:00:00 GMT


class Machine:
    """A machine's clock, and the check of it."""

    def __init__(self) -> None:
        self.now = NOON
        self._clock_check = ClockCheck(lambda: self.now)

    def check(self, date: str | None, *, asked_seconds_ago: float = 0) -> bool:
        headers = {} if date is None else {"date": date}
        return self._clock_check.check(headers, asked_at=self.now - asked_seconds_ago)


@pytest.mark.parametrize(
    "date",
    [
        "Tue, 24 Nov 2026 12:00:00 GMT",
        "Tue, 24 Nov 2026 11:55:00 GMT",
        "Tue, 24 Nov 2026 12:05:00 GMT",
        "tomorrow",
        "Tue, 24 Nov 99999999999 12:00:00 GMT",
        "",
        None,
    ],
)
def test_a_clock_that_may_be_right(date: str | None, caplog: pytest.LogCaptureFixture) -> None:
    assert not Machine().check(date)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("date", "off"),
    [
        ("Tue, 24 Nov 2026 09:30:00 GMT", "2:30:00 (h:mm:ss) ahead of"),
        ("Tue, 24 Nov 2026 11:54:59 GMT", "0:05:01 (h:mm:ss) ahead of"),
        ("Tue, 24 Nov 2026 12:05:01 GMT", "0:05:01 (h:mm:ss) behind"),
        ("Thu, 26 Nov 2026 12:00:00 GMT", "2 days, 0:00:00 (h:mm:ss) behind"),
    ],
)
def test_a_clock_that_is_off(date: str, off: str, caplog: pytest.LogCaptureFixture) -> None:
    assert Machine().check(date)
    assert [record.message for record in caplog.records] == [
        f"The clock of this machine is {off} that of OCI. OCI and Object Storage refuse what is signed at the wrong "
        "time. A function cannot set the clock: deploy it again, so that it runs on another host, or ask Oracle's "
        "support; elsewhere, synchronise the clock (NTP)."
    ]


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Tue, 24 Nov 2026 11:59:50 GMT", 5),
        ("Tue, 24 Nov 2026 11:59:55 GMT", 0),
        ("Tue, 24 Nov 2026 11:59:57 GMT", 0),
        ("Tue, 24 Nov 2026 12:00:00 GMT", 0),
        ("Tue, 24 Nov 2026 12:00:05 GMT", -5),
    ],
)
def test_an_answer_may_be_dated_at_any_time_until_it_is_read(date: str, ahead: float) -> None:
    assert seconds_ahead(date, asked_at=NOON - 5, now=NOON) == ahead


def test_it_is_told_once_until_the_clock_is_right_again(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    off, right = "Tue, 24 Nov 2026 09:30:00 GMT", "Tue, 24 Nov 2026 12:00:00 GMT"
    assert [machine.check(date) for date in (off, off, right, right, off)] == [True, True, False, False, True]
    assert len(caplog.records) == 2


def test_an_answer_that_was_read_hours_later_does_not_make_the_clock_wrong() -> None:
    """The container was frozen between the request and the reading of its answer."""
    machine = Machine()
    assert not machine.check("Tue, 24 Nov 2026 09:00:00 GMT", asked_seconds_ago=3 * 3600)
    assert machine.check("Tue, 24 Nov 2026 08:54:59 GMT", asked_seconds_ago=3 * 3600)


def test_the_clock_for_durations_goes_on() -> None:
    began = elapsed()
    time.sleep(0.01)
    assert 0.01 <= elapsed() - began < 1
