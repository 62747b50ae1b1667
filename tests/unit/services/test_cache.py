"""`presign.services.cache`: nobody waits while there is a usable value, and a service that is down is not stormed."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from presign.problems import SecretUnavailable
from presign.services.cache import HANG_SECONDS, CachedValue


class Source:
    """Something to fetch from, a clock beside it, and threads that run only when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.fetches = 0
        self.takes_seconds = 0.0
        self.fault: BaseException | None = None
        self.retired: set[int] = set()
        self.random = 0.0
        self.waiting: list[Callable[[], None]] = []

    def fetch(self) -> int:
        self.fetches += 1
        number = self.fetches
        self.now += self.takes_seconds
        if self.fault:
            raise self.fault
        return number

    def cached(self, *, max_stale_seconds: float = 0, at_once: bool = True) -> Callable[[], int]:
        cached = CachedValue(
            self.fetch,
            ttl_seconds=300,
            max_stale_seconds=max_stale_seconds,
            is_usable=lambda value: value not in self.retired,
            clock=lambda: self.now,
            jitter=lambda: self.random,
            start=(lambda run: run()) if at_once else self.waiting.append,
        )
        return lambda: cached.get(wait_seconds=0)

    def run(self) -> None:
        """Let the oldest of the threads that wait run to its end."""
        self.waiting.pop(0)()


def unavailable(get: Callable[[], int]) -> SecretUnavailable:
    """The problem that `get` raises."""
    with pytest.raises(SecretUnavailable) as caught:
        get()
    return caught.value


class TestFreshness:
    """A value is fetched when first asked for, and then when it is no longer fresh."""

    def test_nothing_is_fetched_and_no_thread_started_before_it_is_needed(self) -> None:
        source = Source()
        source.cached(at_once=False)
        assert (source.fetches, source.waiting) == (0, [])

    def test_a_value_is_fetched_once_while_it_is_fresh(self) -> None:
        source = Source()
        get = source.cached(max_stale_seconds=100)
        assert [get(), get()] == [1, 1]
        source.now += 299.9
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
        source.now += 224.9
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


class TestInTheBackground:
    """While a value may serve, nobody waits for the next."""

    def test_a_stale_value_serves_while_one_thread_fetches(self) -> None:
        source = Source()
        get = source.cached(max_stale_seconds=100, at_once=False)
        unavailable(get)
        source.run()
        source.now += 350
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
        source.fault = SecretUnavailable("down", retry_after_seconds=2)
        for _ in range(3):
            source.now += int(unavailable(get).headers["Retry-After"])
        source.fault = None
        assert get() == 4
        source.fault = SecretUnavailable("down", retry_after_seconds=2)
        source.now += 300
        assert unavailable(get).headers == {"Retry-After": "2"}

    def test_a_pause_that_the_service_asks_for_is_kept(self) -> None:
        source = Source()
        get = source.cached()
        source.fault = SecretUnavailable("too many requests", retry_after_seconds=120)
        assert unavailable(get).headers == {"Retry-After": "120"}
        source.now += 119.9
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


class TestRefusal:
    """A value that the service has taken back is used no longer; a single refusal, or an outage, changes nothing."""

    REFUSED = SecretUnavailable("404", refused=True)

    def after(self, *failures: tuple[float, SecretUnavailable]) -> tuple[Source, Callable[[], int]]:
        """A value that is stale, and fetches that failed that many seconds after it became so."""
        source = Source()
        get = source.cached(max_stale_seconds=3600)
        get()
        source.now += 310
        stale_at = source.now
        for seconds, failure in failures:
            source.now, source.fault = stale_at + seconds, failure
            with suppress(SecretUnavailable):
                get()
        return source, get

    def test_once(self) -> None:
        _, get = self.after((0, self.REFUSED))
        assert get() == 1

    def test_again_too_soon(self) -> None:
        _, get = self.after((0, self.REFUSED), (9, self.REFUSED))
        assert get() == 1

    def test_again_after_ten_seconds(self) -> None:
        _, get = self.after((0, self.REFUSED), (10, self.REFUSED))
        assert unavailable(get).cause == "404"

    def test_a_value_that_is_there_again(self) -> None:
        source, get = self.after((0, self.REFUSED), (10, self.REFUSED))
        source.fault = None
        source.now += 60
        assert get() == 4

    def test_an_outage(self) -> None:
        down = SecretUnavailable("500")
        _, get = self.after((0, down), (10, down), (60, down), (120, down))
        assert get() == 1

    def test_a_refusal_long_before(self) -> None:
        """Between the two the service gave the value, so the second is the first of its kind."""
        source, get = self.after((0, self.REFUSED))
        source.fault = None
        source.now += 5
        get()
        source.now += 310
        source.fault = self.REFUSED
        get()
        assert get() == 3
