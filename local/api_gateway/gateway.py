"""API Gateway: obeys an API deployment specification and passes requests on to the function.

Statuses and bodies of the gateway's own answers are API Gateway's as far as Oracle documents them.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from local.api_gateway import cors
from local.api_gateway.deployment import Deployment, Route
from local.api_gateway.ratelimit import RateLimiter
from local.api_gateway.token_verifier import InvalidToken, KeysUnavailable, TokenVerifier
from local.api_gateway.transformations import request_headers, response_headers
from local.functions.function import FunctionUnavailable, invoke_http
from local.server import headers, target

MAX_FUNCTION_BODY_BYTES = 6 * 1024 * 1024
MAX_HEADER_BYTES = 8 * 1024

_MESSAGES = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
}
"""API Gateway's texts. `http.HTTPStatus` has others for some statuses in newer versions of Python."""
_CONNECTION_HEADERS = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
"""Headers about the connection, which no gateway passes on (RFC 9110, 7.6.1)."""


class _Refused(Exception):
    """The gateway refuses a request."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Gateway:
    """Answers requests of clients: by itself what it refuses, by the function all others.

    Args:
        deployment: the specification that it obeys.
        socket_path: where the function listens.
    """

    def __init__(self, deployment: Deployment, socket_path: Path) -> None:
        policies = deployment.request_policies
        self._routes = deployment.routes
        self._cors = policies.cors
        self._authentication = policies.authentication
        self._verifier = TokenVerifier(
            self._authentication.validation_policy,
            max_clock_skew_seconds=self._authentication.max_clock_skew_in_seconds,
        )
        self._limiter = RateLimiter(policies.rate_limiting) if policies.rate_limiting else None
        self._socket_path = socket_path

    def __call__(self, request: Request) -> Response:
        try:
            response = self._answer(request)
        except _Refused as refused:
            response = _error(refused)
        if self._cors and not cors.is_preflight(request):
            cors.add_headers(response, request, self._cors)
        response.headers["opc-request-id"] = f"/{uuid.uuid4().hex.upper()}"
        return response

    def _answer(self, request: Request) -> Response:
        if sum(len(name) + len(value) + 4 for name, value in headers(request)) > MAX_HEADER_BYTES:
            raise _Refused(431)
        path = target(request).partition("?")[0]
        routes = [route for route in self._routes if route.path == path]
        if not routes:
            raise _Refused(404)
        if self._cors and cors.is_preflight(request):
            return Response(status=204, headers=cors.preflight_headers(request, self._cors))
        route = next((route for route in routes if request.method in route.methods), None)
        if route is None:
            raise _Refused(405, Allow=", ".join(method for route in routes for method in route.methods))
        if self._limiter and not self._limiter.allows(request.remote_addr or ""):
            raise _Refused(429, Retry_After="1")
        claims = self._claims(request)
        body = request.get_data()
        _validate_body(request, body, route)
        return self._call_function(request, body, route, claims)

    def _claims(self, request: Request) -> dict[str, Any]:
        """The claims of the request's token."""
        wanted = self._authentication.token_header.lower()
        found = [value for name, value in headers(request) if name.lower() == wanted]
        scheme, _, token = found[0].partition(" ") if len(found) == 1 else ("", "", "")
        if scheme.lower() != self._authentication.token_auth_scheme.lower():
            raise _Refused(401, WWW_Authenticate=self._authentication.token_auth_scheme)
        try:
            return self._verifier.claims(token.strip())
        except InvalidToken as exc:
            raise _Refused(
                401,
                WWW_Authenticate=f'{self._authentication.token_auth_scheme} error="invalid_token"',
            ) from exc
        except KeysUnavailable as exc:
            raise _Refused(500) from exc

    def _call_function(self, request: Request, body: bytes, route: Route, claims: dict[str, Any]) -> Response:
        received = [(name, value) for name, value in headers(request) if name.lower() not in _CONNECTION_HEADERS]
        try:
            answer = invoke_http(
                self._socket_path,
                method=request.method,
                target=target(request),
                headers=request_headers(received, route.request_policies.header_transformations, claims),
                body=body,
            )
        except FunctionUnavailable as exc:
            raise _Refused(502) from exc
        sent = answer.headers
        if route.response_policies:
            sent = response_headers(sent, route.response_policies.header_transformations)
        return Response(answer.body, answer.status, sent)


def _validate_body(request: Request, body: bytes, route: Route) -> None:
    if len(body) > MAX_FUNCTION_BODY_BYTES:
        raise _Refused(413)
    validation = route.request_policies.body_validation
    if validation is None:
        return
    if not body:
        raise _Refused(400)
    if request.mimetype not in validation.content:
        raise _Refused(415)


def _error(refused: _Refused) -> Response:
    document = {"code": refused.status, "message": _MESSAGES[refused.status]}
    return Response(json.dumps(document), refused.status, refused.headers, content_type="application/json")
