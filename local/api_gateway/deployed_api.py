"""One deployment of API Gateway: obeys its specification, and passes requests on to the back ends of its routes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from werkzeug.wrappers import Request, Response

from local.api_gateway import cors, http_backend
from local.api_gateway.deployment import Deployment, HttpBackend, Route
from local.api_gateway.policies import RouteRequestPolicies, TokenAuthentication
from local.api_gateway.rate_limiter import RateLimiter
from local.api_gateway.refusal import Refused
from local.api_gateway.token_verifier import InvalidToken, KeysUnavailable, TokenVerifier
from local.api_gateway.transformations import Headers, request_headers, response_headers
from local.functions.fn_agent import FunctionUnavailable, invoke_http
from local.server import headers, target

MAX_FUNCTION_BODY_BYTES = 6 * 1024 * 1024

_CHUNK_BYTES = 1 << 20
_CONNECTION_HEADERS = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
"""Headers about the connection, which no gateway passes on (RFC 9110, 7.6.1)."""


class _Passed(NamedTuple):
    """A request that the gateway lets through."""

    request: Request
    route: Route
    parameters: Mapping[str, str]
    headers: Headers
    body: bytes


class DeployedApi:
    """Answers requests of clients: by itself those that it refuses, by its back ends all others.

    Args:
        deployment: the specification that it obeys.
        socket_path: where the function listens, whatever function a route names.
        encoding: how URLs are encoded on the way to an HTTP back end.
    """

    def __init__(self, deployment: Deployment, *, socket_path: Path, encoding: http_backend.Encoding = "kept") -> None:
        policies = deployment.request_policies
        self._routes = deployment.routes
        self._cors = policies.cors
        self._authentication = policies.authentication
        self._verifier = _verifier(policies.authentication) if policies.authentication else None
        self._limiter = RateLimiter(policies.rate_limiting) if policies.rate_limiting else None
        self._socket_path = socket_path
        self._encoding = encoding

    def answer(self, request: Request, path: str) -> Response:
        """The answer to a request for a path below the deployment's prefix."""
        try:
            response = self._answer(request, path)
        except Refused as refused:
            response = refused.response()
        if self._cors and not cors.is_preflight(request):
            cors.add_headers(response, request, self._cors)
        return response

    def _answer(self, request: Request, path: str) -> Response:
        found = [(route, values) for route in self._routes if (values := route.parameters(path)) is not None]
        if not found:
            raise Refused(404)
        if self._cors and cors.is_preflight(request):
            return Response(status=204, headers=cors.preflight_headers(request, self._cors))
        route, parameters = next((pair for pair in found if request.method in pair[0].methods), (None, {}))
        if route is None:
            raise Refused(405, Allow=", ".join(method for route, _ in found for method in route.methods))
        if self._limiter and not self._limiter.allows(request.remote_addr or ""):
            raise Refused(429, Retry_After="1")
        claims = self._claims(request)
        is_http = isinstance(route.backend, HttpBackend)
        body = _body(request, most_bytes=http_backend.MAX_BODY_BYTES if is_http else MAX_FUNCTION_BODY_BYTES)
        _validate(request, body, route.request_policies)
        received = [(name, value) for name, value in headers(request) if name.lower() not in _CONNECTION_HEADERS]
        sent = request_headers(received, route.request_policies.header_transformations, claims)
        response = self._call_back_end(_Passed(request, route, parameters, sent, body))
        if route.response_policies:
            changed = response_headers(response.headers.items(), route.response_policies.header_transformations)
            response.headers.clear()
            response.headers.extend(changed)
        return response

    def _claims(self, request: Request) -> dict[str, Any]:
        """The claims of the request's token, none if the deployment asks for no token."""
        if self._authentication is None or self._verifier is None:
            return {}
        wanted, wanted_scheme = self._authentication.token_header.lower(), self._authentication.token_auth_scheme
        found = [value for name, value in headers(request) if name.lower() == wanted]
        scheme, _, token = found[0].partition(" ") if len(found) == 1 else ("", "", "")
        if scheme.lower() != wanted_scheme.lower():
            raise Refused(401, WWW_Authenticate=wanted_scheme)
        try:
            return self._verifier.claims(token.strip())
        except InvalidToken as exc:
            raise Refused(401, WWW_Authenticate=f'{wanted_scheme} error="invalid_token"') from exc
        except KeysUnavailable as exc:
            raise Refused(500) from exc

    def _call_back_end(self, passed: _Passed) -> Response:
        backend = passed.route.backend
        if isinstance(backend, HttpBackend):
            query = target(passed.request).partition("?")[2]
            return http_backend.forward(
                backend,
                method=passed.request.method,
                url=http_backend.target_url(backend, passed.parameters, query, self._encoding),
                headers=passed.headers,
                body=passed.body,
                client=passed.request.remote_addr or "",
            )
        try:
            answer = invoke_http(
                self._socket_path,
                method=passed.request.method,
                target=target(passed.request),
                headers=passed.headers,
                body=passed.body,
            )
        except FunctionUnavailable as exc:
            raise Refused(502) from exc
        return Response(answer.body, answer.status, answer.headers)


def _verifier(authentication: TokenAuthentication) -> TokenVerifier:
    return TokenVerifier(
        authentication.validation_policy, max_clock_skew_seconds=authentication.max_clock_skew_in_seconds
    )


def _body(request: Request, *, most_bytes: int) -> bytes:
    """The body of a request. One that is too large is read to its end all the same, so that its sender then reads the
    refusal.

    Raises:
        Refused: it has more than `most_bytes`.
    """
    body, size = bytearray(), 0
    while chunk := request.stream.read(_CHUNK_BYTES):
        size += len(chunk)
        if size <= most_bytes:
            body += chunk
    if size > most_bytes:
        raise Refused(413)
    return bytes(body)


def _validate(request: Request, body: bytes, policies: RouteRequestPolicies) -> None:
    if policies.query_parameter_validations:
        given = {pair.partition("=")[0] for pair in target(request).partition("?")[2].split("&")}
        if any(parameter.name not in given for parameter in policies.query_parameter_validations.parameters):
            raise Refused(400)
    if policies.body_validation is None:
        return
    if not body:
        raise Refused(400)
    if request.mimetype not in policies.body_validation.content:
        raise Refused(415)
