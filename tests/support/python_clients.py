"""Python clients of a running system, for the tests that use one."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests
from presign_client import Client, Gateway, Presigner, Retry

from support.systems import Running

MIB = 1 << 20
UNKNOWN_HOST = ".".join([letter * 63 for letter in "abcd"])
"""It is longer than a name can be, so no server is asked for its address."""


def content(size: int, *, seed: int = 1) -> bytes:
    """Bytes that no compression and no repetition makes alike, the same each time."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


BIG = content(20 * MIB + 1)
"""It goes up in five parts under a policy that makes parts of 5 MiB."""


def read(running: Running, key: str) -> requests.Response:
    """The store's answer to a read of an object."""
    return requests.get(running.ask(key=key).json()["url"], timeout=10)


def client(
    running: Running, *, presigner: Presigner | None = None, pause: Callable[[], None] | None = None, **options: Any
) -> Client:
    """A client with alice's token, that does `pause` between two attempts."""

    def paused(_seconds: float, _stopped: threading.Event) -> None:
        if pause:
            pause()

    options.setdefault("retry", Retry(pause=paused))
    return Client(presigner or Gateway(f"{running.stack.url}/v1/presign", running.stack.token()), **options)


class Recorder:
    """Passes requests on, and remembers them.

    Args:
        presigner: gets them.
        change: what becomes of each answer, by the number of the request.
    """

    def __init__(
        self, presigner: Presigner, change: Callable[[int, dict[str, Any]], dict[str, Any]] | None = None
    ) -> None:
        self.requests: list[dict[str, Any]] = []
        self.batches: list[int] = []
        self._presigner = presigner
        self._change = change or (lambda _, answer: answer)
        self._lock = threading.Lock()

    @classmethod
    def of(cls, running: Running, change: Any = None) -> Recorder:
        return cls(Gateway(f"{running.stack.url}/v1/presign", running.stack.token()), change)

    def presign(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.requests.append(dict(request))
            number = len(self.requests)
        return self._change(number, self._presigner.presign(request))

    def batch(self, requests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        with self._lock:
            self.batches.append(len(requests))
            self.requests += [dict(request) for request in requests]
        return self._presigner.batch(requests)

    def revoke(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return self._presigner.revoke(request)

    def operations(self) -> list[str]:
        """The operations that were asked for, in order."""
        return [request["operation"] for request in self.requests]
