"""URLs that serve more than once, or that were asked for together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from time import monotonic

from presign_client.api import Api, Request
from presign_client.urls import PresignedUrl

AT_ONCE = 100
"""So many URLs are asked for by one call."""


class Link:
    """A URL that is asked for again before it expires, and after it was refused.

    Args:
        ask: asks for it.
        url: one that was just asked for.
        clock: seconds that only ever grow.
    """

    def __init__(
        self,
        ask: Callable[[], PresignedUrl],
        *,
        url: PresignedUrl | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._ask, self._clock = ask, clock
        self._lock = threading.Lock()
        self._url = url
        self._stale_at = clock() + _fresh_seconds(url) if url else 0.0

    def get(self) -> PresignedUrl:
        """The URL."""
        with self._lock:
            if self._url is None or self._clock() >= self._stale_at:
                asked_at = self._clock()
                self._url = self._ask()
                self._stale_at = asked_at + _fresh_seconds(self._url)
            return self._url

    def drop(self, url: PresignedUrl) -> None:
        """Don't give this URL again."""
        with self._lock:
            if self._url is url:
                self._url = None


class Links:
    """URLs for many requests, some of which will be used soon after each other.

    Args:
        api: gives them.
        requests: by number.
        clock: seconds that only ever grow.
    """

    def __init__(self, api: Api, requests: Mapping[int, Request], *, clock: Callable[[], float] = monotonic) -> None:
        self._api, self._requests, self._clock = api, requests, clock
        self._lock = threading.Lock()
        self._urls: dict[int, PresignedUrl] = {}
        self._stale_at: dict[int, float] = {}

    def get(self, number: int) -> PresignedUrl:
        """The URL for the request of a number; others that are still to be asked for are asked for with it.

        Raises:
            Problem: it is refused.
        """
        with self._lock:
            if number not in self._urls or self._clock() >= self._stale_at[number]:
                self._ask(number)
            return self._urls[number]

    def drop(self, number: int) -> None:
        """Don't give this URL again."""
        with self._lock:
            self._urls.pop(number, None)

    def _ask(self, first: int) -> None:
        missing = [number for number in self._requests if number not in self._urls or number == first]
        numbers = sorted(missing, key=lambda number: (number < first, number))[:AT_ONCE]
        asked_at = self._clock()
        for number, result in zip(numbers, self._api.sign_some([self._requests[n] for n in numbers]), strict=True):
            if isinstance(result, PresignedUrl):
                self._urls[number] = result
                self._stale_at[number] = asked_at + _fresh_seconds(result)
            elif number == first:
                raise result


def _fresh_seconds(url: PresignedUrl) -> float:
    return 0.9 * url.expires_in
