"""API Gateway: finds the deployment that a request is for.

Statuses and bodies of the gateway's own answers are API Gateway's as far as Oracle documents them.
"""

from __future__ import annotations

import uuid

from werkzeug.wrappers import Request, Response

from local.api_gateway.deployed_api import DeployedApi
from local.api_gateway.refusal import Refused
from local.server import headers, target

MAX_HEADER_BYTES = 8 * 1024

_OWN_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "sameorigin",
    "X-XSS-Protection": "1; mode=block",
}
"""Headers that API Gateway sends with every answer. No transformation can change them."""


class Gateway:
    """Answers requests by the deployments that it has got."""

    def __init__(self) -> None:
        self._apis: dict[str, DeployedApi] = {}

    def deploy(self, prefix: str, api: DeployedApi) -> None:
        """Answer requests whose path begins with `prefix` and a slash by `api`, in place of an earlier one."""
        self._apis[prefix] = api

    def __call__(self, request: Request) -> Response:
        try:
            response = self._answer(request)
        except Refused as refused:
            response = refused.response()
        response.headers.update(_OWN_HEADERS)
        response.headers["opc-request-id"] = f"/{uuid.uuid4().hex.upper()}"
        return response

    def _answer(self, request: Request) -> Response:
        if sum(len(name) + len(value) + 4 for name, value in headers(request)) > MAX_HEADER_BYTES:
            raise Refused(431)
        path = target(request).partition("?")[0]
        prefixes = [prefix for prefix in self._apis if path.startswith(f"{prefix}/")]
        if not prefixes:
            raise Refused(404)
        prefix = max(prefixes, key=len)
        return self._apis[prefix].answer(request, path.removeprefix(prefix))
