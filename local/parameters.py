"""The parameters and bodies of requests to OCI's APIs, and Oracle's names of the errors in them.

(https://docs.oracle.com/iaas/Content/API/References/apierrors.htm)
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from werkzeug.wrappers import Request

from local.api import ApiError

Decoded = TypeVar("Decoded")


def json_body(request: Request) -> bytes:
    """The body of a request, which must be declared as JSON. The signature covers this declaration.

    Raises:
        ApiError: it has another media type. Oracle does not document the error's name.
    """
    if request.mimetype != "application/json":
        raise ApiError(415, "UnsupportedMediaType", "The body must be application/json.")
    return request.get_data()


def decoded(body: bytes, type_: type[Decoded]) -> Decoded:
    """The JSON of a body.

    Raises:
        ApiError: it is no JSON, a member is missing, or one is not valid.
    """
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as exc:
        code = "MissingParameter" if "missing required field" in str(exc) else "InvalidParameter"
        raise ApiError(400, code, f"The body is not valid: {exc}") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ApiError(400, "CannotParseRequest", f"The body is not JSON: {exc}") from exc


def number(request: Request, name: str, *, default: int, least: int = 0, most: int) -> int:
    """A number in the query of a request.

    Raises:
        ApiError: it is none, or out of its bounds.
    """
    text = request.args.get(name, str(default))
    if not (re.fullmatch("[0-9]{1,19}", text) and least <= int(text) <= most):
        raise ApiError(400, "InvalidParameter", f"{name} must be a number from {least} to {most:,}.")
    return int(text)


def required(request: Request, name: str) -> str:
    """A text in the query of a request.

    Raises:
        ApiError: it is missing.
    """
    text = request.args.get(name)
    if not text:
        raise ApiError(400, "MissingParameter", f"{name} is required.")
    return text
