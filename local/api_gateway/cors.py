"""Cross-origin requests of web pages (the Fetch standard's CORS protocol), as a deployment allows them."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from local.api_gateway.policies import Cors


def is_preflight(request: Request) -> bool:
    """Whether a browser asks if a page may send a request, before it sends it."""
    return (
        request.method == "OPTIONS"
        and "Origin" in request.headers
        and "Access-Control-Request-Method" in request.headers
    )


def preflight_headers(request: Request, cors: Cors) -> dict[str, str]:
    """The headers of the answer to a preflight request, none for a page of another origin."""
    headers = _origin_headers(request, cors)
    if not headers:
        return {}
    if cors.allowed_methods:
        headers["Access-Control-Allow-Methods"] = ", ".join(cors.allowed_methods)
    if cors.allowed_headers:
        headers["Access-Control-Allow-Headers"] = ", ".join(cors.allowed_headers)
    if cors.max_age_in_seconds:
        headers["Access-Control-Max-Age"] = str(cors.max_age_in_seconds)
    return headers


def add_headers(response: Response, request: Request, cors: Cors) -> None:
    """Let a page of an allowed origin read `response`."""
    headers = _origin_headers(request, cors)
    if headers and cors.exposed_headers:
        headers["Access-Control-Expose-Headers"] = ", ".join(cors.exposed_headers)
    response.headers.update(headers)
    response.vary.add("Origin")


def _origin_headers(request: Request, cors: Cors) -> dict[str, str]:
    origin = request.headers.get("Origin")
    if origin is None or not {origin, "*"} & set(cors.allowed_origins):
        return {}
    headers = {"Access-Control-Allow-Origin": origin if origin in cors.allowed_origins else "*"}
    if cors.is_allow_credentials_enabled:
        headers["Access-Control-Allow-Credentials"] = "true"
    return headers
