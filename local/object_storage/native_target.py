"""The targets of the native API's requests, decoded."""

from __future__ import annotations

from urllib.parse import unquote

from werkzeug.wrappers import Request

from local.api import ApiError
from local.parameters import number
from local.server import target

MAX_NAME_BYTES = 1024
"""Of an object's name in UTF-8."""
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


def check_object_name(name: str) -> None:
    """Return if an object may have this name (Oracle, "Object Storage Objects", "Object Names").

    Raises:
        ApiError: it is too long, or holds a line feed, a carriage return or a NUL.
    """
    if not 1 <= len(name.encode()) <= MAX_NAME_BYTES or not {"\n", "\r", "\0"}.isdisjoint(name):
        message = f"An object's name has 1 to {MAX_NAME_BYTES:,} bytes, without line feed, carriage return and NUL."
        raise ApiError(400, "InvalidObjectName", message)


def limit(request: Request, *, most: int) -> int:
    """The parameter `limit` of a list; `most` if it is not given.

    Raises:
        ApiError: it is not a number from 1 to `most`.
    """
    return number(request, "limit", default=most, least=1, most=most)
