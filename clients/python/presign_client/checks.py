"""Checks of arguments, before anything is sent."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from presign_client.errors import InvalidArgument

F = TypeVar("F", bound=Callable[..., Any])


def path(given: object, name: str) -> Path:
    """A path.

    Args:
        given: the argument.
        name: of the argument, for the error; likewise below.

    Raises:
        InvalidArgument: it is none; likewise below.
    """
    try:
        found = os.fspath(given)  # type: ignore[call-overload] # that is the question
    except TypeError:
        found = None
    if not isinstance(found, str):
        raise InvalidArgument(f"{name} must be a path.")
    return Path(found)


def text(given: object, name: str) -> str:
    """A text."""
    if not isinstance(given, str):
        raise InvalidArgument(f"{name} must be a text.")
    return given


def several(given: object, name: str) -> Iterable[Any]:
    """Several values. A text is none of them, though its letters are several."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise InvalidArgument(f"{name} must be several texts, such as a list.")
    return given


def number(given: object, name: str, *, least: int = 0) -> int:
    """A whole number."""
    try:
        found = operator.index(given)  # type: ignore[arg-type] # that is the question
    except TypeError:
        found = least - 1
    if found < least:
        raise InvalidArgument(f"{name} must be a whole number, at least {least}.")
    return found


def function(given: F | None, name: str) -> F | None:
    """A function, or None."""
    if given is not None and not callable(given):
        raise InvalidArgument(f"{name} must be a function.")
    return given


def mapping(given: object, name: str) -> Mapping[str, Any]:
    """A mapping; an empty one for None."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidArgument(f"{name} must have names and values, such as a dictionary.")
    return given


def digest(given: object, name: str) -> str | None:
    """A SHA-256 digest in hexadecimal digits, or None."""
    if given is None or (isinstance(given, str) and re.fullmatch("[0-9a-fA-F]{64}", given)):
        return given
    raise InvalidArgument(f"{name} must be a SHA-256 digest, of 64 hexadecimal digits.")
