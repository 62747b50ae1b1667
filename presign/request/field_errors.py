"""All faults of a JSON document at once, where a msgspec decoder stops at the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec

from presign.problems import FieldError


def pointer(*parts: str | int) -> str:
    """The JSON pointer (RFC 6901) of the member that `parts` lead to."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def field_faults(
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
        at: the JSON pointer of the document, put before each fault's.
        unknown: gives the sentence for a member that `struct` does not have.
    """
    fields = _fields(struct)
    faults: list[FieldError] = []
    for name, value in document.items():
        if name not in fields:
            faults.append(FieldError(at + pointer(name), unknown(name)))
        else:
            faults += _value_faults(value, fields[name].type, at + pointer(name))
    for name, field in fields.items():
        if field.required and name not in document:
            faults.append(FieldError(at + pointer(name), "is required"))
    return faults


@cache  # msgspec evaluates the annotations anew each time, which takes longer than all the rest
def _fields(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


def _value_faults(value: Any, expected: Any, at: str) -> list[FieldError]:
    detail, path = _first_fault(value, expected)
    if not detail:
        return []
    if not path:
        return [FieldError(at, detail)]
    # The fault is in a member of a mapping or an array. msgspec tells of the first alone, and not of its name in a
    # mapping, so each member is tried by itself.
    singles: dict[str | int, Any]
    if isinstance(value, dict):
        singles = {name: {name: item} for name, item in value.items()}
    else:
        singles = {index: [item] for index, item in enumerate(value)}
    found = {name: _first_fault(single, expected)[0] for name, single in singles.items()}
    return [FieldError(at + pointer(name), fault) for name, fault in found.items() if fault]


def _first_fault(value: Any, expected: Any) -> tuple[str, str]:
    """The text of the first fault and its path below `value`, both empty where there is none."""
    try:
        msgspec.convert(value, expected)
    except msgspec.ValidationError as exc:
        detail, _, path = str(exc).partition(" - at `$")
        return detail, path.rstrip("`")
    return "", ""
