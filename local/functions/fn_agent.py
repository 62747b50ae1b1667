"""The Fn agent of OCI Functions, which calls the function over a unix socket."""

from __future__ import annotations

import http.client
import socket
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

TIMEOUT_SECONDS = 30
START_SECONDS = 10
MAX_ANSWER_BYTES = 6_000_000
"""The largest answer that OCI Functions passes on."""


class Answer(NamedTuple):
    """An HTTP response of the function."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class FunctionUnavailable(Exception):
    """The function gives no answer that can be passed on."""


def invoke(
    socket_path: Path,
    body: bytes,
    headers: Iterable[tuple[str, str]] = (),
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Answer:
    """Send `body` to the function as a direct invocation does (`fn invoke`, another function).

    Args:
        timeout_seconds: how long to wait for the answer; the function gets the end of this time as its deadline.

    Raises:
        FunctionUnavailable: nobody listens, the answer does not come, or it is too large.
    """
    return _call(socket_path, body, headers, timeout_seconds)


def invoke_http(
    socket_path: Path, *, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
) -> Answer:
    """Send an HTTP request to the function as API Gateway does, and undo the wrapping of its answer.

    Raises:
        FunctionUnavailable: nobody listens, the answer does not come, or it is too large.
    """
    agent_headers = [("Fn-Intent", "httprequest"), ("Fn-Http-Method", method), ("Fn-Http-Request-Url", target)]
    # Spaces around a header's value are no part of it (RFC 9110, 5.5); the Fn agent removes them.
    client_headers = [(f"Fn-Http-H-{name}", value.strip(" \t")) for name, value in headers]
    answer = _call(socket_path, body, [*agent_headers, *client_headers])
    status, unwrapped = answer.status, []
    for name, value in answer.headers:
        if name.lower() == "fn-http-status":
            status = int(value)
        elif name.lower().startswith("fn-http-h-"):
            unwrapped.append((name[len("fn-http-h-") :], value))
        elif name.lower() == "content-type":
            unwrapped.append((name, value))
    return Answer(status, unwrapped, answer.body)


def _call(
    socket_path: Path,
    body: bytes,
    headers: Iterable[tuple[str, str]],
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Answer:
    deadline = datetime.now(UTC) + timedelta(seconds=timeout_seconds)
    call_id = uuid.uuid4().hex.upper()
    connection = _UnixConnection(socket_path, timeout_seconds)
    try:
        connection.putrequest("POST", "/call")
        connection.putheader("Fn-Call-Id", call_id)
        connection.putheader("Fn-Deadline", deadline.isoformat(timespec="milliseconds"))
        connection.putheader("Content-Length", str(len(body)))
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        answer_headers = [*response.getheaders(), ("Fn-Call-Id", call_id)]
        answer = Answer(response.status, answer_headers, response.read(MAX_ANSWER_BYTES + 1))
    except (OSError, http.client.HTTPException) as exc:
        raise FunctionUnavailable(f"The function does not answer: {exc!r}") from exc
    finally:
        connection.close()
    if len(answer.body) > MAX_ANSWER_BYTES:
        raise FunctionUnavailable(f"The function's answer is larger than {MAX_ANSWER_BYTES:,} bytes.")
    return answer


class _UnixConnection(http.client.HTTPConnection):
    """An HTTP connection over a unix socket. It waits until the other side listens."""

    def __init__(self, path: Path, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while True:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            try:
                self.sock.connect(str(self._path))
                return
            except (FileNotFoundError, ConnectionRefusedError):
                self.sock.close()
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.02)
