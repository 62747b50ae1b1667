"""Using URLs: requests to Object Storage."""

from __future__ import annotations

from collections.abc import Mapping

from presign_client.answers import store_error
from presign_client.connections import Answer, Body, Connections
from presign_client.urls import PresignedUrl

ANSWER_SECONDS = 60
COMPLETION_SECONDS = 600
"""Object Storage may take minutes to join thousands of parts."""


class Store:
    """Sends requests to presigned URLs.

    Args:
        connections: to Object Storage.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def use(
        self,
        url: PresignedUrl,
        body: bytes | Body = b"",
        *,
        headers: Mapping[str, str] | None = None,
        slow: bool = False,
    ) -> Answer:
        """Send the request that `url` is for; the whole answer.

        Args:
            url: the URL.
            body: of the request.
            headers: more of them, which the URL does not bind.
            slow: whether the answer may take minutes.

        Raises:
            StoreError: Object Storage refused.
            ConnectionFailed: there was no answer.
        """
        return self.send(url.method, url.url, body, headers={**url.headers, **(headers or {})}, slow=slow)

    def send(
        self, method: str, url: str, body: bytes | Body = b"", *, headers: Mapping[str, str], slow: bool = False
    ) -> Answer:
        """Send a request; the whole answer. It raises as `use` does."""
        answer = self._send(method, url, body, headers, COMPLETION_SECONDS if slow else ANSWER_SECONDS)
        error = store_error(answer)
        if error:
            raise error
        return answer

    def open(self, url: PresignedUrl, *, headers: Mapping[str, str]) -> Answer:
        """Send a request; the answer, whose body is still to be read. It raises as `use` does."""
        answer = self._send(url.method, url.url, b"", {**url.headers, **headers}, ANSWER_SECONDS)
        if 200 <= answer.status < 300:
            return answer
        error = store_error(answer)
        assert error  # noqa: S101 - since the status is one
        raise error

    def _send(
        self, method: str, url: str, body: bytes | Body, headers: Mapping[str, str], answer_seconds: float
    ) -> Answer:
        asked = {"Accept-Encoding": "identity", "User-Agent": "presign-client", **headers}
        return self._connections.send(method, url, body, headers=asked, answer_seconds=answer_seconds)
