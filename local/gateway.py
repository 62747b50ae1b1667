"""The gateway: hands each HTTP request to the function, and its answer back."""

from __future__ import annotations

from pathlib import Path

from werkzeug.wrappers import Request, Response

from local.function import FunctionUnavailable, invoke_http
from local.server import headers, target

_CONNECTION_HEADERS = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
"""Headers about the connection, which no gateway passes on (RFC 9110, 7.6.1)."""


class Gateway:
    """Answers requests.

    Args:
        socket_path: where the function listens.
    """

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = socket_path

    def __call__(self, request: Request) -> Response:
        passed_on = [(name, value) for name, value in headers(request) if name.lower() not in _CONNECTION_HEADERS]
        try:
            answer = invoke_http(
                self._socket_path,
                method=request.method,
                target=target(request),
                headers=passed_on,
                body=request.get_data(),
            )
        except FunctionUnavailable:
            return Response('{"code": 502, "message": "Bad Gateway"}', 502, content_type="application/json")
        return Response(answer.body, answer.status, answer.headers)
