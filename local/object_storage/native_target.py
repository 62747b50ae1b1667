"""The targets of the native API's requests, decoded."""

from __future__ import annotations

from urllib.parse import unquote

from werkzeug.wrappers import Request

from local.api import ApiError
from local.server import target

MAX_TARGET_BYTES = 3500
"""Of a PAR's request, with the object's name. Which error Oracle answers beyond it is not documented."""


def segments(request: Request, count: int) -> list[str]:
    """The first segments of a request's path, decoded; the last one holds the rest, with its slashes.

    Args:
        count: of the segments; missing ones are empty.

    Raises:
        ApiError: the percent-encoding is no UTF-8.
    """
    path = target(request).partition("?")[0]
    found = path[1:].split("/", count - 1)
    try:
        return [unquote(segment, errors="strict") for segment in found] + [""] * (count - len(found))
    except UnicodeDecodeError:
        raise ApiError(400, "InvalidParameter", "The path is not UTF-8.") from None


def limit(request: Request, *, most: int) -> int:
    """The parameter `limit` of a list.

    Raises:
        ApiError: it is not a number from 1 to `most`.
    """
    text = request.args.get("limit", str(most))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise ApiError(400, "InvalidParameter", f"limit must be a number from 1 to {most}.")
    return int(text)
