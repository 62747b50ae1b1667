"""The target of an S3 request, decoded."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from werkzeug.wrappers import Request

from local.api import ApiError
from local.server import target

VIRTUAL_HOSTED_DOMAIN = "storage.localhost"
"""Requests for a host below this one are in virtual-hosted style."""


@dataclass(frozen=True)
class Target:
    """The bucket or object that a request is about.

    Args:
        bucket: its name.
        key: of the object, empty if the request is about the bucket.
        parameters: of the query, without those that authenticate the request.
    """

    bucket: str
    key: str
    parameters: dict[str, str]


def s3_target(request: Request) -> Target:
    """The target of a request in path style or virtual-hosted style.

    Raises:
        ApiError: its percent-encoding is no UTF-8.
    """
    path, _, query = target(request).partition("?")
    path = decoded_path(path)
    host = request.host.partition(":")[0]
    if host.endswith(f".{VIRTUAL_HOSTED_DOMAIN}"):
        path = f"/{host.removesuffix(f'.{VIRTUAL_HOSTED_DOMAIN}')}{path}"
    bucket, _, key = path[1:].partition("/")
    parameters = {name: value for name, value in decoded_query(query) if not name.startswith("X-Amz-")}
    return Target(bucket, key, parameters)


def number_parameter(target: Target, name: str, *, default: str, least: int, most: int) -> int:
    """A parameter of the query that is a number.

    Raises:
        ApiError: it is no number from `least` to `most`.
    """
    text = target.parameters.get(name, default)
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        message = f"{name} must be an integer between {least} and {most}, inclusive"
        raise ApiError(400, "InvalidArgument", message, ArgumentName=name, ArgumentValue=text)
    return int(text)


def decoded_path(path: str) -> str:
    """A path without its percent-encoding.

    Raises:
        ApiError: it is no UTF-8.
    """
    try:
        return unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise _invalid_uri() from None


def decoded_query(query: str) -> list[tuple[str, str]]:
    """Names and values of a query without their encoding; `+` is a space, as S3 reads it.

    Raises:
        ApiError: the percent-encoding is no UTF-8.
    """
    pairs = [pair.partition("=")[::2] for pair in query.split("&") if pair]
    try:
        return [(unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")) for name, value in pairs]
    except UnicodeDecodeError:
        raise _invalid_uri() from None


def _invalid_uri() -> ApiError:
    return ApiError(400, "InvalidURI", "Couldn't parse the specified URI.")
