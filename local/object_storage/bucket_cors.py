"""CORS headers as Amazon S3 sends them for a bucket with a CORS rule. OCI's S3 API has no such rules."""

from __future__ import annotations

from collections.abc import Sequence

from werkzeug.wrappers import Request, Response

from local.api import ApiError

METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
EXPOSED_HEADERS = ("ETag",)
MAX_AGE_SECONDS = 3000

_VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


class BucketCors:
    """One CORS rule for all buckets.

    Args:
        allowed_origins: such as `https://app.example.com`, or `*` for all.
    """

    def __init__(self, allowed_origins: Sequence[str]) -> None:
        self._allowed_origins = frozenset(allowed_origins)

    def preflight(self, request: Request) -> Response:
        """The answer to a preflight request, which is never signed.

        Raises:
            ApiError: the rule does not allow the request.
        """
        if "Origin" not in request.headers:
            raise ApiError(400, "BadRequest", "Insufficient information. Origin request header needed.")
        method = request.headers.get("Access-Control-Request-Method")
        if method not in METHODS:
            raise ApiError(400, "BadRequest", f"Invalid Access-Control-Request-Method: {method}")
        if not self._allowed(request):
            raise ApiError(403, "AccessForbidden", "CORSResponse: This CORS request is not allowed.")
        response = Response(status=200)
        response.headers["Access-Control-Max-Age"] = str(MAX_AGE_SECONDS)
        wanted = request.headers.get("Access-Control-Request-Headers")
        if wanted is not None:
            response.headers["Access-Control-Allow-Headers"] = wanted
        return response

    def add_headers(self, request: Request, response: Response) -> None:
        """Let a page of an allowed origin read an answer, an error included."""
        if not self._allowed(request):
            return
        any_origin = "*" in self._allowed_origins
        response.headers["Access-Control-Allow-Origin"] = "*" if any_origin else request.headers["Origin"]
        response.headers["Access-Control-Allow-Methods"] = ", ".join(METHODS)
        response.headers["Access-Control-Expose-Headers"] = ", ".join(EXPOSED_HEADERS)
        response.headers["Vary"] = _VARY

    def _allowed(self, request: Request) -> bool:
        origin = request.headers.get("Origin")
        return origin is not None and not self._allowed_origins.isdisjoint({"*", origin})
