"""The gateway's own refusals."""

from __future__ import annotations

import json

from werkzeug.wrappers import Response

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
    504: "Gateway Timeout",
}
"""API Gateway's texts. `http.HTTPStatus` has others for some statuses in newer versions of Python."""


class Refused(Exception):
    """The gateway refuses a request.

    Args:
        status: of the answer.
        headers: of the answer, with underscores in place of hyphens.
    """

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> Response:
        """The answer."""
        document = {"code": self.status, "message": _MESSAGES[self.status]}
        return Response(json.dumps(document), self.status, self.headers, content_type="application/json")
