"""`presign.cache`: one fetch for all who wait, and no storm on a service that is down."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from presign.cache import CachedValue
from presign.problems import SecretUnavailable


class Source:
    """Something to fetch from, with a clock beside it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.fetches = 0
        self.down = False

    def fetch(self) -> int:
        self.fetches += 1
        if self.down:
            raise SecretUnavailable("down", retry_after_seconds=2)
        return self.fetches

    def cached(self, *, max_stale_seconds: float = 0) -> Callable[[], int]:
        return CachedValue(self.fetch, ttl_seconds=300, max_stale_seconds=max_stale_seconds, clock=lambda: self.now).get


def test_a_value_is_fetched_once_while_it_is_fresh() -> None:
    source = Source()
    get = source.cached()
    assert source.fetches == 0
    assert [get(), get()] == [1, 1]
    source.now += 299.9
    assert get() == 1
    source.now += 0.1
    assert get() == 2


def test_a_stale_value_serves_while_there_is_no_other() -> None:
    source = Source()
    get = source.cached(max_stale_seconds=100)
    get()
    source.down = True
    source.now += 399.9
    assert get() == 1
    source.now += 0.1
    with pytest.raises(SecretUnavailable):
        get()


def test_after_a_failure_nobody_tries_again_for_a_moment() -> None:
    source = Source()
    get = source.cached()
    source.down = True
    for _ in range(3):
        with pytest.raises(SecretUnavailable):
            get()
    assert source.fetches == 1
    source.down = False
    source.now += 1.9
    with pytest.raises(SecretUnavailable):
        get()
    source.now += 0.1
    assert get() == 2


def test_a_stale_value_serves_without_a_try_for_each_request() -> None:
    source = Source()
    get = source.cached(max_stale_seconds=100)
    get()
    source.down = True
    source.now += 300
    assert [get(), get(), get()] == [1, 1, 1]
    assert source.fetches == 2


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
