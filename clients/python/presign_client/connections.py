"""HTTP connections that are kept, end in time, and say nothing about the URLs and the tokens that they carry."""

from __future__ import annotations

import http.client
import io
import os
import socket
import ssl
import threading
import weakref
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, Protocol, cast
from urllib.parse import SplitResult

from presign_client.addresses import secure
from presign_client.errors import ConnectionFailed, PresignError
from presign_client.limits import TimedSocket, TimeLimit
from presign_client.proxies import proxy_for, tunnel

CONNECT_SECONDS = 10
BLOCK_BYTES = 1 << 18
"""A body is read and sent in blocks of this size."""
MAX_DOCUMENT_BYTES = 64 << 20
"""Of an answer that is read as a whole; the largest are lists and batches of a few megabytes."""

_KEPT = 32
_FAILURES = (OSError, http.client.HTTPException, ValueError)
"""Of sockets, of HTTP, and of a URL or a header that can't be sent."""


class Body(Protocol):
    """A body that is read while it is sent."""

    def __len__(self) -> int: ...

    def read(self, size: int = -1) -> bytes:
        """The next bytes, empty at the end."""
        ...


class Server(NamedTuple):
    """A server, and the process that has connections to it: a forked one must not use its parent's."""

    scheme: str
    host: str
    port: int | None
    process: int


class Connection(NamedTuple):
    """An open connection.

    Attributes:
        server: that it leads to.
        http: what requests are sent by.
        timed: its socket.
    """

    server: Server
    http: http.client.HTTPConnection
    timed: TimedSocket


class Connections:
    """Sends requests, each over a connection of its own that later requests use again.

    It follows no redirect, and adds neither cookies nor passwords.
    """

    def __init__(self) -> None:
        self._idle: dict[Server, list[Connection]] = defaultdict(list)
        self._reached: set[str] = set()
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None
        weakref.finalize(self, _close, self._idle)

    def send(
        self,
        method: str,
        url: str,
        body: bytes | Body = b"",
        *,
        headers: Mapping[str, str],
        answer_seconds: float,
    ) -> Answer:
        """Send a request; the answer, whose body is still to be read.

        Args:
            method: of the request.
            url: begins with `https://`. Plain HTTP is allowed for this machine only.
            body: of the request.
            headers: of the request.
            answer_seconds: how long the server may be silent.

        Raises:
            InvalidArgument: the URL is of another kind.
            ConnectionFailed: there was no answer in time.
        """
        parts = secure(url)
        server = Server(parts.scheme, parts.hostname or "", parts.port, os.getpid())
        connection: Connection | None = None
        try:
            with self._failures(server.host):
                connection = self._kept(server) or self._new(server)
            connection.timed.limit = TimeLimit(answer_seconds)
            response, is_reusable = self._exchange(connection, method, parts, body, headers)
        except BaseException:
            if connection:
                connection.http.close()
            raise
        self._reached.add(server.host)
        return Answer(response, connection, self if is_reusable else None)

    def keep(self, connection: Connection) -> None:
        """Use a connection again, for a later request."""
        with self._lock:
            idle = self._idle[connection.server]
            if len(idle) < _KEPT:
                idle.append(connection)
                return
        connection.http.close()

    def _kept(self, server: Server) -> Connection | None:
        while True:
            with self._lock:
                idle = self._idle[server]
                connection = idle.pop() if idle else None
            if connection is None or connection.timed.is_usable():
                return connection
            connection.http.close()

    def _new(self, server: Server) -> Connection:
        how: dict[str, Any] = {"timeout": CONNECT_SECONDS, "blocksize": BLOCK_BYTES}
        if server.scheme == "http":
            made = http.client.HTTPConnection(server.host, server.port, **how)
            made.connect()
        elif proxy := proxy_for(server.host):
            made = http.client.HTTPSConnection(server.host, server.port, context=self._context(), **how)
            with self._failures(f"the proxy {proxy.host}"):
                through = tunnel(proxy, server.host, server.port or 443, seconds=CONNECT_SECONDS)
            through.settimeout(CONNECT_SECONDS)
            made.sock = self._context().wrap_socket(through, server_hostname=server.host)
        else:
            made = http.client.HTTPSConnection(server.host, server.port, context=self._context(), **how)
            made.connect()
        timed = TimedSocket(made.sock)
        made.sock = timed
        return Connection(server, made, timed)

    def _exchange(
        self,
        connection: Connection,
        method: str,
        parts: SplitResult,
        body: bytes | Body,
        headers: Mapping[str, str],
    ) -> tuple[http.client.HTTPResponse, bool]:
        """The answer to a request, and whether all of the request was sent."""
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        is_all_sent = True
        with self._failures(connection.server.host):
            sent = {name: value.encode() for name, value in headers.items()}
            if body or method in ("POST", "PUT"):
                sent.setdefault("Content-Length", str(len(body)).encode())
            connection.http.request(method, target, headers=sent)
        content = io.BytesIO(body) if isinstance(body, bytes) else body
        # Failures of the body are not those of the connection: it may tell a caller's function how far it has come.
        while body and is_all_sent and (block := content.read(BLOCK_BYTES)):
            with self._failures(connection.server.host):
                is_all_sent = _is_sent(connection.http, block)
        with self._failures(connection.server.host):
            response = connection.http.getresponse()
            if connection.timed.has_ended:  # `http.client` takes a part of the headers for all of them
                raise http.client.IncompleteRead(b"")
        return response, is_all_sent and not response.will_close

    @contextmanager
    def _failures(self, host: str) -> Iterator[None]:
        try:
            yield
        except PresignError:
            raise
        except _FAILURES as error:
            is_unknown_host = isinstance(error, socket.gaierror) and host not in self._reached
            raise ConnectionFailed(host, cause=_cause(error), is_unknown_host=is_unknown_host) from None

    def _context(self) -> ssl.SSLContext:
        """The certificates of the system and those of `certifi`, since some systems have none for Python."""
        with self._lock:
            if self._tls is None:
                import certifi

                self._tls = ssl.create_default_context()
                self._tls.load_verify_locations(certifi.where())
            return self._tls


class Answer:
    """The answer to a request.

    Args:
        response: the answer as `http.client` gives it.
        connection: that it came by.
        connections: get the connection back when the body has been read, None if it can't be used again.

    Attributes:
        status: of HTTP.
        headers: of HTTP; their names have no case.
        host: that gave it.
    """

    def __init__(
        self, response: http.client.HTTPResponse, connection: Connection, connections: Connections | None
    ) -> None:
        self._response, self._connection, self._connections = response, connection, connections
        self.status = response.status
        self.headers = cast("Mapping[str, str]", response.headers)
        self.host = connection.server.host
        self._content: bytes | None = None

    @property
    def content(self) -> bytes:
        """The whole body.

        Raises:
            ConnectionFailed: it did not arrive in time, or is larger than any answer that is read as a whole.
        """
        if self._content is None:
            with self:
                try:
                    content = self._response.read(MAX_DOCUMENT_BYTES)
                except _FAILURES as error:
                    raise ConnectionFailed(self.host, cause=_cause(error)) from None
                if self._response.length or len(content) == MAX_DOCUMENT_BYTES:
                    raise ConnectionFailed(self.host, cause="the answer ended too early, or is too large")
                self._content = content
        return self._content

    def read_into(self, buffer: memoryview) -> int:
        """Read the next bytes; how many they are, 0 at the end.

        Raises:
            ConnectionFailed: they did not arrive in time.
        """
        try:
            return self._response.readinto(buffer)
        except _FAILURES as error:
            raise ConnectionFailed(self.host, cause=_cause(error)) from None

    def close(self) -> None:
        """Give the connection back if the body was read to its end, or else end it."""
        if self._response.isclosed() and self._connections:
            self._connections.keep(self._connection)
        else:
            self._response.close()
            self._connection.http.close()
        self._connections = None

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_sent(connection: http.client.HTTPConnection, block: bytes) -> bool:
    """Send a block of a body; whether the server took it. It may have answered before it got all."""
    try:
        connection.send(block)
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def _close(idle: Mapping[Server, Sequence[Connection]]) -> None:
    for connections in idle.values():
        for connection in connections:
            connection.http.close()


def _cause(error: BaseException) -> str:
    """The kind of a failure. Its text is left out, since it may hold the URL or a header."""
    with suppress(AttributeError):
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the certificate is not accepted: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return f"{type(error).__name__}: no address was found"
    return "it took too long" if isinstance(error, TimeoutError) else type(error).__name__
