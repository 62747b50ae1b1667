"""The Functions API, as far as it invokes the function."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.wrappers import Request, Response

from conftest import Running
from local.server import Server, headers, target


@contextmanager
def functions_api(running: Running) -> Iterator[str]:
    """Its URL, for callers that sign as the function's own resource principal."""

    def answer(request: Request) -> Response:
        received = {name.lower(): value for name, value in headers(request)}
        running.stack.identity.verify(
            method=request.method, target=target(request), headers=received, body=request.get_data()
        )
        return Response(running.stack.invoke(request.get_data()).body, content_type="application/octet-stream")

    with Server(answer) as server:
        yield server.url
