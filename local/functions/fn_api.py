"""The API of the Fn project's server, as far as `fn invoke` uses it: it finds a function by its name, and calls it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from local.api import Api, ApiError, json_answer
from local.functions.invoke_api import call, checked_body
from local.server import is_own_host, target

INVOKE_ENDPOINT = "fnproject.io/fn/invokeEndpoint"
"""The annotation of a function that tells where it is called."""

_APP_ID = "ocid1.fnapp.oc1..local"


class FnApi(Api):
    """Answers the Fn project's CLI, whose requests to such a server are not signed.

    So all programs on this machine may call the function, but no web page that is open on it.

    Args:
        name: of the function, and of its app.
        function_id: its OCID.
        socket_path: where the function listens.
    """

    def __init__(self, *, name: str, function_id: str, socket_path: Path) -> None:
        super().__init__()
        self._name = name
        self._function_id = function_id
        self._socket_path = socket_path

    def authenticate(self, request: Request, now: float) -> None:
        """Return if no web page sent a request.

        A browser tells a page's origin with every POST. It tells none with a GET of the page's own origin, but then the
        host is the page's own.

        Raises:
            ApiError: a page may have sent it.
        """
        if "Origin" in request.headers or not is_own_host(request):
            raise ApiError(403, "Forbidden", "This address is for programs on this machine, not for web pages.")

    def answer(self, request: Request) -> Response:
        """The answer to ListApps, ListFns, or a call of the function.

        Raises:
            ApiError: there is nothing at the path, the body is too large, or the function does not answer.
        """
        path = target(request).partition("?")[0]
        invoke_path = f"/invoke/{self._function_id}"
        match request.method, path:
            case "GET", "/v2/apps":
                return _found(request, {"id": _APP_ID, "name": self._name})
            case "GET", "/v2/fns":
                annotations = {INVOKE_ENDPOINT: request.host_url.rstrip("/") + invoke_path}
                one = {"id": self._function_id, "app_id": _APP_ID, "name": self._name, "annotations": annotations}
                return _found(request, one)
            case "POST", _ if path == invoke_path:
                content_type = [("Content-Type", request.content_type)] if request.content_type else []
                return call(self._socket_path, checked_body(request), content_type)
        raise ApiError(404, "NotFound", "This server has only what `fn invoke` needs.")


def _found(request: Request, one: dict[str, Any]) -> Response:
    """A list with the one that there is, empty if the query asks for another."""
    wanted = {name: request.args[name] for name in ("name", "app_id") if name in request.args}
    return json_answer({"items": [one] if wanted.items() <= one.items() else []})
