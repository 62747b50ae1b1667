"""The invoke endpoint of OCI Functions (InvokeFunction): signed requests become direct calls of the function."""

from __future__ import annotations

import sys
import uuid
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from werkzeug.wrappers import Request, Response

from local.api import ApiError, SignedApi, not_found
from local.functions.fn_agent import Answer, FunctionUnavailable, invoke
from local.identity.resource_principal import ResourcePrincipal
from local.server import target

VERSIONS = ("20181201", "20260325")
"""Versions of the API. The OCI SDK of today sends the second one, earlier ones the first; the operation is the same."""
MAX_BODY_BYTES = 6_000_000

_DETACHED_THREADS = 4
_DETACHED_ANSWERS = 100


class InvokeApi(SignedApi):
    """Calls the function for the callers that may invoke it.

    Args:
        principal: the resource principal that may invoke the function.
        function_id: its OCID.
        socket_path: where the function listens.

    Attributes:
        detached_answers: the last answers to detached calls, which nobody waits for.
    """

    def __init__(self, principal: ResourcePrincipal, *, function_id: str, socket_path: Path) -> None:
        super().__init__(principal)
        self.detached_answers: deque[Answer] = deque(maxlen=_DETACHED_ANSWERS)
        self._function_id = function_id
        self._socket_path = socket_path
        self._detached = ThreadPoolExecutor(_DETACHED_THREADS, thread_name_prefix="detached")

    def answer(self, request: Request) -> Response:
        """The function's answer; that to a detached call comes before the function is called.

        Raises:
            ApiError: there is no such function, the request is not valid, or the function does not answer.
        """
        path = target(request).partition("?")[0]
        if request.method != "POST" or path not in [
            f"/{version}/functions/{self._function_id}/actions/invoke" for version in VERSIONS
        ]:
            raise not_found()
        body = checked_body(request)
        kind = request.headers.get("fn-invoke-type", "sync")
        if kind not in ("sync", "detached"):
            raise ApiError(400, "InvalidParameter", "fn-invoke-type must be sync or detached.")
        call_headers = [
            (name, request.headers[name]) for name in ("Content-Type", "Fn-Intent") if name in request.headers
        ]
        if request.headers.get("is-dry-run", "").lower() == "true":
            return Response(status=200)
        if kind == "detached":
            self._detached.submit(self._call_detached, body, call_headers)
            return Response(status=202, headers={"Fn-Call-Id": uuid.uuid4().hex.upper()})
        return call(self._socket_path, body, call_headers)

    def stop(self) -> None:
        """Start no more detached calls. Those that run end with the function's process."""
        self._detached.shutdown(wait=False, cancel_futures=True)

    def _call_detached(self, body: bytes, call_headers: list[tuple[str, str]]) -> None:
        try:
            self.detached_answers.append(invoke(self._socket_path, body, call_headers))
        except FunctionUnavailable as exc:
            print(f"A detached call failed: {exc}", file=sys.stderr)


def checked_body(request: Request) -> bytes:
    """The body of a request to call a function.

    Raises:
        ApiError: it is too large.
    """
    body = request.get_data()
    if len(body) > MAX_BODY_BYTES:
        raise ApiError(413, "RequestEntityTooLarge", f"The body has more than {MAX_BODY_BYTES:,} bytes.")
    return body


def call(socket_path: Path, body: bytes, headers: Sequence[tuple[str, str]]) -> Response:
    """The function's answer to a direct call, with those of its headers that the caller gets.

    Raises:
        ApiError: the function does not answer.
    """
    try:
        answer = invoke(socket_path, body, headers)
    except FunctionUnavailable as exc:
        raise ApiError(502, "FunctionInvokeExecutionFailed", str(exc)) from exc
    passed_on = [(name, value) for name, value in answer.headers if name.lower() in ("content-type", "fn-call-id")]
    return Response(answer.body, answer.status, passed_on)
