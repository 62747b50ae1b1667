"""`presign.services.cache`: who waits for the next value, for how long, and when a value is used no longer."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from presign.problems import SecretUnavailable
from presign.services.cache import HANG_SECONDS, OUTAGE_SECONDS, CachedValue
from support.waiting import wait_until


class Source:
    """Something to fetch from, a clock beside it, and threads that run only when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.fetches = 0
        self.takes_seconds = 0.0
        self.fault: BaseException | None = None
        self.faults: list[SecretUnavailable | None] = []
        self.retired: set[int] = set()
        self.random = 0.0
        self.waiting: list[Callable[[], None]] = []
        self.runs_at_once = True

    def fetch(self) -> int:
        self.fetches += 1
        number = self.fetches
        self.now += self.takes_seconds
        if fault := self.faults.pop(0) if self.faults else self.fault:
            raise fault
        return number

    def cache(self, *, max_stale_seconds: float = 0) -> CachedValue[int]:
        return CachedValue(
            self.fetch,
            ttl_seconds=300,
            max_stale_seconds=max_stale_seconds,
            is_usable=lambda value: value not in self.retired,
            clock=lambda: self.now,
            jitter=lambda: self.random,
            start=self.start,
        )

    def cached(
        self, *, max_stale_seconds: float = 0, at_once: bool = True, wait_seconds: float = 0
    ) -> Callable[[], int]:
        self.runs_at_once = at_once
        cached = self.cache(max_stale_seconds=max_stale_seconds)
        return lambda: cached.get(wait_seconds=wait_seconds)

    def start(self, run: Callable[[], None]) -> None:
        if self.runs_at_once:
            run()
        else:
            self.waiting.append(run)

    def run(self) -> None:
        """Let the oldest of the threads that wait run to its end."""
        self.waiting.pop(0)()


def unavailable(get: Callable[[], int]) -> SecretUnavailable:
    """The problem that `get` raises."""
    with pytest.raises(SecretUnavailable) as caught:
        get()
    return caught.value


class TestFreshness:
    """A value is fetched when first asked for, and then when three quarters of its time to live are over."""

    def test_nothing_is_fetched_and_no_thread_started_before_it_is_needed(self) -> None:
        source = Source()
        source.cached(at_once=False)
        assert (source.fetches, source.waiting) == (0, [])

    def test_a_value_is_fetched_once_while_it_is_fresh(self) -> None:
        source = Source()
        get = source.cached(max_stale_seconds=100)
        assert [get(), get()] == [1, 1]
        source.now += 224.9
        assert get() == 1
        assert source.fetches == 1
        source.now += 0.1
        get()
        assert source.fetches == 2
        assert get() == 2

    def test_caches_that_began_together_do_not_fetch_together(self) -> None:
        source = Source()
        get = source.cached(max_stale_seconds=100)
        source.random = 1.0
        get()
        source.now += 269.9
        get()
        assert source.fetches == 1
        source.now += 0.1
        get()
        assert source.fetches == 2

    def test_a_clock_that_stands_still_does_no_harm(self) -> None:
        source = Source()
        get = source.cached()
        assert [get() for _ in range(100)] == [1] * 100

    def test_a_value_that_is_good_no_longer_does_not_serve(self) -> None:
        source = Source()
        get = source.cached(max_stale_seconds=100)
        assert get() == 1
        source.retired.add(1)
        assert get() == 2
        source.retired.add(2)
        source.fault = SecretUnavailable("down")
        assert unavailable(get).cause == "down"


class TestFresh:
    """The value at hand is fresh until it is to be fetched anew."""

    def test_until_three_quarters_of_the_time_to_live_are_over(self) -> None:
        source = Source()
        cached = source.cache(max_stale_seconds=100)
        assert (cached.fresh(), source.fetches) == (None, 0)
        assert (cached.get(), cached.fresh()) == (1, 1)
        source.now += 224.9
        assert cached.fresh() == 1
        source.now += 0.1
        assert (cached.fresh(), source.fetches) == (None, 1)

    def test_one_that_takes_the_place_of_another_at_the_same_moment(self) -> None:
        source = Source()
        cached = source.cache()
        cached.get()
        source.retired.add(1)
        assert cached.fresh() is None
        assert (cached.get(), cached.fresh()) == (2, 2)


class TestInTheBackground:
    """Until a value's time to live is over, nobody waits for the next."""

    def test_a_value_serves_while_one_thread_fetches(self) -> None:
        source = Source()
        get = source.cached(at_once=False, wait_seconds=30)
        source.runs_at_once = True
        assert get() == 1
        source.runs_at_once = False
        source.now += 299
        assert [get(), get(), get()] == [1, 1, 1]
        assert len(source.waiting) == 1
        source.run()
        assert get() == 2
        assert source.waiting == []

    def test_it_serves_until_it_is_too_old(self) -> None:
        source = Source()
        get = source.cached(max_stale_seconds=100)
        get()
        source.fault = SecretUnavailable("down", retry_after_seconds=2)
        source.now += 399.9
        assert get() == 1
        source.now += 0.1
        problem = unavailable(get)
        assert (problem.cause, problem.headers) == ("down", {"Retry-After": "2"})

    def test_it_is_not_used_any_longer_unless_that_is_allowed(self) -> None:
        source = Source()
        cached = CachedValue(source.fetch, ttl_seconds=300, clock=lambda: source.now, start=source.start)
        assert cached.get() == 1
        source.now, source.fault = source.now + 300, SecretUnavailable("down")
        assert unavailable(cached.get).cause == "down"

    def test_the_log_tells_that_the_cached_value_is_used(self, caplog: pytest.LogCaptureFixture) -> None:
        source = Source()
        get = source.cached(max_stale_seconds=100)
        get()
        source.fault = SecretUnavailable("Vault is down")
        source.now += 310
        with caplog.at_level(logging.WARNING):
            assert [get(), get()] == [1, 1]
        assert [record.message for record in caplog.records] == [
            "Vault is down; using the cached value, fetched 310 s ago",
        ]

    def test_a_first_fetch_that_takes_too_long_serves_the_next_call(self) -> None:
        source = Source()
        get = source.cached(at_once=False)
        problem = unavailable(get)
        assert problem.cause == "the answer did not come before the caller's deadline; the next call may get it"
        assert int(problem.headers["Retry-After"]) > 0
        source.run()
        assert get() == 1
        assert source.fetches == 1

    def test_who_waits_waits_no_longer_than_told(self) -> None:
        go_on = threading.Event()
        cached = CachedValue(lambda: go_on.wait(10), ttl_seconds=300)
        began = time.monotonic()
        with pytest.raises(SecretUnavailable):
            cached.get(wait_seconds=0.2)
        assert 0.2 <= time.monotonic() - began < 1
        go_on.set()
        assert cached.get(wait_seconds=1e12) is True

    def test_a_fetch_that_hangs_does_not_keep_the_process_from_ending(self) -> None:
        program = (
            "import time\n"
            "from presign.problems import SecretUnavailable\n"
            "from presign.services.cache import CachedValue\n"
            "try: CachedValue(lambda: time.sleep(60), ttl_seconds=1).get(wait_seconds=0.1)\n"
            "except SecretUnavailable: print('ended')"
        )
        ended = subprocess.run(  # noqa: S603 - a fixed command
            [sys.executable, "-c", program], capture_output=True, encoding="utf-8", timeout=20, check=True
        )
        assert (ended.stdout, ended.stderr) == ("ended\n", "")


class TestFreezing:
    """The container may stand still between any two steps, and for any time."""

    def test_a_fetch_that_hangs_does_not_keep_another_from_beginning(self) -> None:
        source = Source()
        get = source.cached(max_stale_seconds=3600, at_once=False)
        unavailable(get)
        source.run()
        source.now += 300
        assert get() == 1
        source.now += HANG_SECONDS - 0.1
        assert get() == 1
        assert len(source.waiting) == 1
        source.now += 0.1
        assert get() == 1
        assert len(source.waiting) == 2

    def test_an_older_fetch_does_not_replace_what_a_newer_one_gave(self) -> None:
        source = Source()
        get = source.cached(max_stale_seconds=3600, at_once=False)
        unavailable(get)
        source.now += HANG_SECONDS
        unavailable(get)
        source.waiting.reverse()
        source.run()
        assert get() == 1
        source.run()
        assert source.fetches == 2
        assert get() == 1

    def test_a_call_without_a_value_that_is_answered_late(self) -> None:
        """It waits for 30 s. After 30 s more nobody is there for the answer."""
        source = Source()

        def is_usable(value: int) -> bool:
            if source.waiting:  # the call has found no value
                source.run()
            return False

        cached = CachedValue(
            source.fetch, ttl_seconds=300, is_usable=is_usable, clock=lambda: source.now, start=source.start
        )
        assert cached.get() == 1
        source.runs_at_once = False
        source.takes_seconds = 59
        assert cached.get(wait_seconds=30) == 2
        source.takes_seconds = 60
        problem = unavailable(lambda: cached.get(wait_seconds=30))
        assert problem.cause == "the answer did not come before the caller's deadline; the next call may get it"

    def test_what_was_fetched_before_the_container_was_frozen_is_as_old_as_its_fetch(self) -> None:
        """The answer lay in the socket for an hour; it may be an hour out of date."""
        source = Source()
        source.takes_seconds = 3600
        get = source.cached(max_stale_seconds=7200, at_once=False)
        unavailable(get)
        source.run()
        assert get() == 1
        assert len(source.waiting) == 1
        source.takes_seconds = 0
        source.run()
        assert get() == 2


class TestFailures:
    """After a failure nobody tries again for a while."""

    def test_nobody_tries_again_within_the_pause(self) -> None:
        source = Source()
        get = source.cached()
        source.fault = SecretUnavailable("down", retry_after_seconds=2)
        for _ in range(3):
            unavailable(get)
        assert source.fetches == 1
        source.fault = None
        source.now += 1.5
        assert unavailable(get).headers == {"Retry-After": "1"}
        source.now += 0.5
        assert get() == 2

    def test_the_pause_doubles_up_to_half_a_minute(self) -> None:
        source = Source()
        get = source.cached()
        source.fault = SecretUnavailable("down", retry_after_seconds=2)
        pauses = []
        for _ in range(6):
            pauses.append(int(unavailable(get).headers["Retry-After"]))
            source.now += pauses[-1]
        assert pauses == [2, 4, 8, 16, 30, 30]
        assert source.fetches == 6

    def test_a_success_ends_the_doubling(self) -> None:
        source = Source()
        get = source.cached()
        source.fault = SecretUnavailable("down", retry_after_seconds=1)
        pauses = []
        for _ in range(3):
            pauses.append(int(unavailable(get).headers["Retry-After"]))
            source.now += pauses[-1]
        assert pauses == [1, 2, 4]
        source.fault = None
        assert get() == 4
        source.fault = SecretUnavailable("down", retry_after_seconds=1)
        source.now += 300
        assert unavailable(get).headers == {"Retry-After": "1"}

    def test_a_pause_that_the_service_asks_for_is_kept(self) -> None:
        source = Source()
        get = source.cached()
        source.fault = SecretUnavailable("too many requests", retry_after_seconds=50)
        assert unavailable(get).headers == {"Retry-After": "50"}
        source.now += 49.9
        unavailable(get)
        assert source.fetches == 1

    def test_a_stale_value_serves_without_a_try_for_each_request(self) -> None:
        source = Source()
        get = source.cached(max_stale_seconds=100)
        get()
        source.fault = SecretUnavailable("down")
        source.now += 300
        assert [get(), get(), get()] == [1, 1, 1]
        assert source.fetches == 2

    @pytest.mark.parametrize("fault", [ValueError("hunter2"), SystemExit(1)])
    def test_a_fault_that_nobody_thought_of_is_told_without_its_message(self, fault: BaseException) -> None:
        source = Source()
        get = source.cached()
        source.fault = fault
        cause = unavailable(get).cause
        assert cause.startswith(f"unexpected {type(fault).__name__} at ")
        assert "hunter2" not in cause

    def test_no_thread_can_be_started(self) -> None:
        def start(run: Callable[[], None]) -> None:
            raise RuntimeError("can't start new thread")

        cached = CachedValue(lambda: 1, ttl_seconds=300, start=start)
        with pytest.raises(SecretUnavailable) as caught:
            cached.get()
        assert caught.value.cause == "The fetch could not be started: can't start new thread"

    def test_a_failure_told_many_times_takes_no_more_memory(self) -> None:
        source = Source()
        get = source.cached()
        source.fault = SecretUnavailable("down")
        problems = [unavailable(get) for _ in range(3)]
        depths = []
        for problem in problems:
            depth, traceback = 0, problem.__traceback__
            while traceback:
                depth, traceback = depth + 1, traceback.tb_next
            depths.append(depth)
        assert len(set(depths)) == 1


@pytest.mark.parametrize("down", [False, True])
def test_one_thread_fetches_for_all(down: bool) -> None:
    fetching, go_on = threading.Event(), threading.Event()
    fetches = []

    def fetch() -> str:
        fetches.append(1)
        fetching.set()
        assert go_on.wait(10)
        if down:
            raise SecretUnavailable("down")
        return "value"

    cached = CachedValue(fetch, ttl_seconds=300)
    results = []

    def get() -> None:
        try:
            results.append(cached.get())
        except SecretUnavailable as exc:
            results.append(exc.cause)

    threads = [threading.Thread(target=get) for _ in range(16)]
    for thread in threads:
        thread.start()
    assert fetching.wait(10)
    go_on.set()
    for thread in threads:
        thread.join()
    assert results == ["down" if down else "value"] * 16
    assert len(fetches) == 1


class TestStale:
    """A value that is older than its time to live is used only if the service does not answer."""

    OUTAGE = SecretUnavailable("500")
    REFUSED = SecretUnavailable("404", refused=True)

    def stale(self, *, age_seconds: float = 300, wait_seconds: float = 30) -> tuple[Source, Callable[[], int]]:
        """A value of that age, and fetches that begin, but do not run by themselves."""
        source = Source()
        get = source.cached(max_stale_seconds=3600, wait_seconds=wait_seconds)
        assert get() == 1
        source.runs_at_once = False
        source.now += age_seconds
        return source, get

    def test_a_call_waits_for_the_next_value(self) -> None:
        source, get = self.stale()
        results: list[int] = []
        caller = threading.Thread(target=lambda: results.append(get()))
        caller.start()
        wait_until(lambda: source.waiting)
        assert results == []
        source.run()
        caller.join(10)
        assert results == [2]

    def test_it_waits_two_seconds_at_most_and_the_next_calls_not_at_all(self) -> None:
        source, get = self.stale(age_seconds=299)
        assert get() == 1  # at once, since it is not stale yet
        source.now += 1
        seconds = []
        for _ in range(3):
            began = time.monotonic()
            assert get() == 1
            seconds.append(time.monotonic() - began)
        assert 2 <= seconds[0] < 20
        assert max(seconds[1:]) < 2

    def test_the_next_call_does_not_wait_by_the_real_clock_either(self) -> None:
        hanging = threading.Event()
        cached = CachedValue(lambda: hanging.wait(30) or 1, ttl_seconds=0.01, max_stale_seconds=60)
        hanging.set()
        cached.get()
        hanging.clear()
        time.sleep(0.02)
        cached.get()
        began = time.monotonic()
        cached.get()
        assert time.monotonic() - began < 1
        hanging.set()

    def test_calls_with_less_time_wait_for_two_seconds_between_them(self) -> None:
        source, get = self.stale(wait_seconds=0.5)
        seconds = []
        for _ in range(5):
            began = time.monotonic()
            assert get() == 1
            seconds.append(time.monotonic() - began)
            source.now += 0.5
        assert min(seconds[:4]) >= 0.5
        assert seconds[4] < 0.5

    def test_it_waits_no_longer_than_its_deadline(self) -> None:
        _, get = self.stale(wait_seconds=0.2)
        began = time.monotonic()
        assert get() == 1
        assert time.monotonic() - began < 2

    def test_nobody_waits_while_the_service_is_down(self) -> None:
        source, get = self.stale()
        source.fault, source.runs_at_once = self.OUTAGE, True
        assert get() == 1
        source.runs_at_once = False
        began = time.monotonic()
        for _ in range(30):
            source.now += 100
            assert get() == 1
            if source.waiting:
                source.run()
        assert time.monotonic() - began < 30  # they would have waited for 60 s
        source.now, source.runs_at_once = source.now + 600, True
        assert unavailable(get).cause == "500"

    def test_after_an_outage_calls_wait_again(self) -> None:
        source, get = self.stale()
        source.runs_at_once, source.fault = True, self.OUTAGE
        assert get() == 1
        source.now, source.fault = source.now + 30, None
        assert get() == 3
        source.now, source.fault = source.now + 300, self.REFUSED
        assert unavailable(get).cause == "404"

    def test_a_container_that_is_thawed_asks_before_it_uses_the_value(self) -> None:
        """Neither a failure nor a fetch from before it was frozen tells anything."""
        source, get = self.stale(age_seconds=240)
        source.fault, source.runs_at_once = self.OUTAGE, True
        assert get() == 1
        source.now += 10
        source.runs_at_once = False
        assert get() == 1
        source.now += 3300
        source.run()
        source.fault, source.runs_at_once = self.REFUSED, True
        assert unavailable(get).cause == "404"

    def test_a_container_that_is_frozen_while_a_call_waits(self) -> None:
        """The call ends: it is too late for the value, and the caller has gone."""
        source, get = self.stale()
        source.takes_seconds, source.fault, source.runs_at_once = 3000, self.OUTAGE, True
        assert unavailable(get).cause == "500"
        source.takes_seconds, source.fault = 0, self.REFUSED
        assert unavailable(get).cause == "404"

    def test_the_outage_is_forgotten_when_it_is_older_than_the_time_to_live(self) -> None:
        source, get = self.stale()
        source.fault, source.runs_at_once = self.OUTAGE, True
        assert get() == 1
        source.fault, source.runs_at_once = None, False
        source.now += max(OUTAGE_SECONDS, 300)
        results: list[int] = []
        caller = threading.Thread(target=lambda: results.append(get()))
        caller.start()
        wait_until(lambda: source.waiting)
        source.run()
        caller.join(10)
        assert results == [3]


class TestRefusal:
    """A refusal that a second try confirms ends the use of the value at once; an outage does not."""

    REFUSED = SecretUnavailable("404", refused=True)

    def aged(self, seconds: float, *faults: SecretUnavailable | None) -> tuple[Source, Callable[[], int]]:
        """A value of that age, and how the next fetches end."""
        source = Source()
        get = source.cached(max_stale_seconds=3600)
        get()
        source.now += seconds
        source.faults = [*faults]
        return source, get

    @pytest.mark.parametrize("age_seconds", [225, 299, 300, 3800])
    def test_it_is_asked_twice(self, age_seconds: float) -> None:
        source, get = self.aged(age_seconds, self.REFUSED, self.REFUSED)
        assert unavailable(get).cause == "404"
        assert source.fetches == 3
        assert unavailable(get).cause == "404"
        assert source.fetches == 3

    def test_one_that_is_not_confirmed(self) -> None:
        source, get = self.aged(300, self.REFUSED, None)
        assert get() == 3
        assert source.fetches == 3

    def test_one_that_an_outage_follows(self) -> None:
        _, get = self.aged(300, self.REFUSED, SecretUnavailable("500"))
        assert get() == 1

    def test_a_value_that_is_there_again(self) -> None:
        source, get = self.aged(300, self.REFUSED, self.REFUSED)
        unavailable(get)
        source.now += 2
        assert get() == 4

    def test_one_of_a_fetch_that_was_given_up_tells_nothing(self) -> None:
        """The container was frozen in the middle of it."""
        source, get = self.aged(225, self.REFUSED, self.REFUSED)
        source.runs_at_once = False
        assert get() == 1
        source.now += HANG_SECONDS
        source.run()
        assert get() == 1
        source.run()
        assert get() == 4

    def test_one_that_comes_late_does_not_drop_a_newer_value(self) -> None:
        source = Source()
        get = source.cached(max_stale_seconds=3600, at_once=False)
        unavailable(get)
        source.now += HANG_SECONDS
        unavailable(get)
        source.waiting.reverse()
        source.run()
        source.faults = [self.REFUSED, self.REFUSED]
        source.run()
        assert get() == 1


class TestWithoutAValue:
    """A pause that the service asks for is at most 60 s while there is no value."""

    ASKED = SecretUnavailable("429", retry_after_seconds=3600)

    def test_the_next_fetch_is_a_minute_later(self) -> None:
        source = Source()
        get = source.cached()
        source.fault = self.ASKED
        assert unavailable(get).headers == {"Retry-After": "60"}
        source.fault = None
        source.now += 59.9
        assert unavailable(get).headers == {"Retry-After": "1"}
        source.now += 0.1
        assert get() == 2

    def test_a_value_that_ends_within_the_pause(self) -> None:
        source = Source()
        get = source.cached(max_stale_seconds=3600)
        assert get() == 1
        source.now += 3000
        source.fault = self.ASKED
        assert get() == 1
        source.now, source.fault = source.now + 899, None
        assert (get(), source.fetches) == (1, 2)
        source.now += 1
        assert get() == 3
