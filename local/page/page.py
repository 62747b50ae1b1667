"""The page that `python -m local` shows in a browser: it uploads and downloads with the modules of `clients/js/src`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from local.server import is_own_host

_FOLDER = Path(__file__).resolve().parent
_ROOT = _FOLDER.parents[1]
_JAVASCRIPT = "text/javascript; charset=utf-8"
_FILES = {
    "/": (_FOLDER / "index.html", "text/html; charset=utf-8"),
    "/page.css": (_FOLDER / "page.css", "text/css; charset=utf-8"),
    **{f"/{path.name}": (path, _JAVASCRIPT) for path in _FOLDER.glob("*.js")},
    **{
        f"/{path.relative_to(_ROOT).as_posix()}": (path, _JAVASCRIPT)
        for path in (_ROOT / "clients/js/src").glob("*.js")
    },
}
SESSION_PATH = "/session"
MESSAGES_PATH = "/messages"
"""The messages that the function published, the newest first."""


class Page:
    """Answers requests for the page, and passes all others on to the gateway.

    Args:
        gateway: answers the other requests.
        prefix: of the keys of the page's uploads.
        token: makes a token for the page, in place of a real application's sign-in.
        messages: gives the messages that the function published, as JSON values.
    """

    def __init__(
        self,
        gateway: Callable[[Request], Response],
        *,
        prefix: str,
        token: Callable[[], str],
        messages: Callable[[], list[Any]],
    ) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._token = token
        self._messages = messages

    def __call__(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return self._gateway(request)
        if request.path in (SESSION_PATH, MESSAGES_PATH) and not is_own_host(request):
            return Response("Open the page by the address that `make run` prints.\n", 421)
        if request.path == SESSION_PATH:
            return _json({"prefix": self._prefix, "token": self._token()})
        if request.path == MESSAGES_PATH:
            return _json(self._messages())
        if request.path not in _FILES:
            return self._gateway(request)
        path, content_type = _FILES[request.path]
        # Read each time and never cached, so that a change shows when the page is loaded again.
        return Response(path.read_bytes(), content_type=content_type, headers={"Cache-Control": "no-cache"})


def _json(document: Any) -> Response:
    return Response(json.dumps(document), content_type="application/json", headers={"Cache-Control": "no-store"})
