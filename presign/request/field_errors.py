"""All validation errors of a JSON document at once, where a msgspec decoder stops at the first."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

import msgspec

from presign.problems import FieldError

MAX_TRIED = 1000
"""The most members of a mapping or an array that are tried one by one."""


def pointer(*parts: str | int) -> str:
    """The JSON pointer (RFC 6901) of the member that `parts` lead to."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def field_errors(
    document: Mapping[str, Any],
    struct: type[msgspec.Struct],
    *,
    at: str = "",
    unknown: Callable[[str], str] = lambda name: "is not a field of this object",
) -> Iterator[FieldError]:
    """Every way in which the members of `document`, a JSON object at the pointer `at`, do not fit `struct`.

    `unknown` gives the sentence for a member that `struct` does not have.
    """
    fields = _fields(struct)
    for name, field in fields.items():
        if field.required and name not in document:
            yield FieldError(at + pointer(name), "is required")
    for name, value in document.items():
        if name not in fields:
            yield FieldError(at + pointer(name), unknown(name))
        else:
            yield from _value_errors(value, fields[name].type, at + pointer(name))


@cache  # msgspec evaluates the annotations anew each time, which takes longer than all the rest
def _fields(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


def _value_errors(value: Any, expected: Any, at: str) -> Iterator[FieldError]:
    detail, path = _first_error(value, expected)
    if not detail:
        return
    if not path:
        yield FieldError(at, detail)
        return
    # The error is in a member of a mapping or an array. msgspec reports the first alone, and not its name in a mapping,
    # so each member is tried by itself.
    members = value.items() if isinstance(value, dict) else enumerate(value)
    found = False
    for name, member in islice(members, MAX_TRIED):
        if error := _first_error({name: member} if isinstance(value, dict) else [member], expected)[0]:
            found = True
            yield FieldError(at + pointer(name), error)
    if not found:
        yield FieldError(at, f"has a member that is wrong: {detail}")


def _first_error(value: Any, expected: Any) -> tuple[str, str]:
    """The text of the first error and its path below `value`, both empty where there is none."""
    try:
        msgspec.convert(value, expected)
    except msgspec.ValidationError as exc:
        detail, _, path = str(exc).partition(" - at `$")
        return detail, path.rstrip("`")
    return "", ""
