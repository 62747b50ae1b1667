"""An HTTP server on the loopback interface, in a thread of its own."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
"""By which programs on this machine call a server."""

_POLL_SECONDS = 60.0
_HEADERS = "local.headers"


class PortTaken(Exception):
    """Something else listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"Port {port} is taken by another program.")


class Server:
    """Runs from its creation until `stop`.

    Args:
        app: gives the response to a request; called in several threads.
        port: 0 for any free one.

    Raises:
        PortTaken: the port is in use.
    """

    def __init__(self, app: Callable[[Request], Response], *, port: int = 0) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((HOST, port))
            except OSError as exc:
                if exc.errno != errno.EADDRINUSE:
                    raise
                raise PortTaken(port) from exc
            listener.listen(128)
            self.port: int = listener.getsockname()[1]
            # werkzeug gets a copy of the bound socket: where it can't bind one itself, it ends the program.
            self._server = make_server(
                HOST,
                self.port,
                Request.application(_dated(app)),
                threaded=True,
                request_handler=_Handler,
                fd=listener.fileno(),
            )
        # `stop` wakes the server, which need not look by itself.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://{HOST}:{self.port}"

    def stop(self) -> None:
        """Stop answering, and free the port."""
        threading.Thread(target=self._server.shutdown).start()
        while self._thread.is_alive():  # the first connection may wake it before it is told to end
            with suppress(OSError):
                socket.create_connection((HOST, self.port)).close()
            self._thread.join(0.01)
        self._server.server_close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def target(request: Request) -> str:
    """The target of the request line as received."""
    return str(request.environ["RAW_URI"])


def headers(request: Request) -> list[tuple[str, str]]:
    """The headers as received; WSGI drops those with an underscore in their names and joins others."""
    received: list[tuple[str, str]] = request.environ[_HEADERS]
    return received


def is_own_host(request: Request) -> bool:
    """Whether a request names this server as its host.

    A page of another host can make its own name lead to this machine (DNS rebinding), and is then of one origin with
    this server. But its browser still sends the page's name.
    """
    port = request.environ["SERVER_PORT"]
    own = {f"{name}:{port}" for name in NAMES} | (set(NAMES) if port == "80" else set())
    return request.headers.get("Host", "").lower() in own


def _dated(app: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """`app` with the header `Date` (RFC 9110, 6.6.1) in those of its answers that lack it."""

    def answer(request: Request) -> Response:
        response = app(request)
        response.headers.setdefault("Date", formatdate(usegmt=True))
        return response

    return answer


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def make_environ(self) -> dict[str, Any]:
        return {**super().make_environ(), _HEADERS: self.headers.items()}

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin an answer, without a second `Date`."""
        self.send_response_only(code, message)

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        """Close the connection, since the rest of a broken request may follow on it."""
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing, since a presigned URL gives access to its reader."""
