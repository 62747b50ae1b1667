"""All validation errors of a JSON document at once, where a msgspec decoder stops at the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec

from presign.problems import FieldError


def pointer(*parts: str | int) -> str:
    """The JSON pointer (RFC 6901) of the member that `parts` lead to."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def field_errors(
    document: Mapping[str, Any],
    struct: type[msgspec.Struct],
    *,
    at: str = "",
    unknown: Callable[[str], str] = lambda name: "is not a field of this object",
) -> list[FieldError]:
    """Every way in which the members of `document` do not fit the types and limits of `struct`.

    Args:
        document: a decoded JSON object.
        struct: the msgspec type that it should be.
        at: the JSON pointer of the document, put before that of each error.
        unknown: gives the sentence for a member that `struct` does not have.
    """
    fields = _fields(struct)
    errors: list[FieldError] = []
    for name, value in document.items():
        if name not in fields:
            errors.append(FieldError(at + pointer(name), unknown(name)))
        else:
            errors += _value_errors(value, fields[name].type, at + pointer(name))
    for name, field in fields.items():
        if field.required and name not in document:
            errors.append(FieldError(at + pointer(name), "is required"))
    return errors


@cache  # msgspec evaluates the annotations anew each time, which takes longer than all the rest
def _fields(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


def _value_errors(value: Any, expected: Any, at: str) -> list[FieldError]:
    detail, path = _first_error(value, expected)
    if not detail:
        return []
    if not path:
        return [FieldError(at, detail)]
    # The error is in a member of a mapping or an array. msgspec reports the first alone, and not its name in a mapping,
    # so each member is tried by itself.
    singles: dict[str | int, Any]
    if isinstance(value, dict):
        singles = {name: {name: item} for name, item in value.items()}
    else:
        singles = {index: [item] for index, item in enumerate(value)}
    found = {name: _first_error(single, expected)[0] for name, single in singles.items()}
    return [FieldError(at + pointer(name), error) for name, error in found.items() if error]


def _first_error(value: Any, expected: Any) -> tuple[str, str]:
    """The text of the first error and its path below `value`, both empty where there is none."""
    try:
        msgspec.convert(value, expected)
    except msgspec.ValidationError as exc:
        detail, _, path = str(exc).partition(" - at `$")
        return detail, path.rstrip("`")
    return "", ""
