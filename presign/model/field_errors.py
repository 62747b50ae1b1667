"""All validation errors of a JSON document at once, where a msgspec decoder stops at the first."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any, Literal, get_args, get_origin

import msgspec

from presign.problems import FieldError

MAX_TRIED = 1000
"""The most members of a mapping or an array that are tried one by one."""

_NAMES = {
    "array": "an array",
    "bool": "true or false",
    "datetime": "a time (RFC 3339)",
    "float": "a number with a fraction",
    "int": "a whole number",
    "null": "null",
    "object": "an object",
    "str": "a text",
}
"""The types of JSON values, by msgspec's names."""
_wrong_type = re.compile(r"Expected `(\w+)(?: \| null)?`, got `(\w+)`")
_bound = re.compile(r"Expected `(\w+)`(?: of length)? ([<>])= (\d+)")
_UNITS = {"array": " members", "int": "", "str": " characters"}


def pointer(*parts: str | int) -> str:
    """The JSON pointer (RFC 6901) of the member that `parts` lead to."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def field_errors(
    document: Any,
    struct: type[msgspec.Struct],
    *,
    at: str = "",
    unknown: Callable[[str], str] = lambda name: "is not a field of this object",
) -> Iterator[FieldError]:
    """Every way in which `document`, the JSON value at the pointer `at`, does not fit `struct`.

    `unknown` gives the sentence for a member that `struct` does not have.
    """
    if not isinstance(document, dict):
        yield FieldError(at, "must be a JSON object")
        return
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
    if not path:
        if detail:
            yield FieldError(at, detail)
        return
    # The error is in a member of a mapping or an array. msgspec reports the first alone, and not its name in a mapping,
    # so each member is tried by itself.
    members = value.items() if isinstance(value, dict) else enumerate(value)
    errors = [
        FieldError(at + pointer(name), error)
        for name, member in islice(members, MAX_TRIED)
        if (error := _first_error({name: member} if isinstance(value, dict) else [member], expected)[0])
    ]
    yield from errors or [FieldError(at, f"has a member that is wrong: {detail}")]


def _first_error(value: Any, expected: Any) -> tuple[str, str]:
    """The text of the first error and its path below `value`, both empty where there is none."""
    try:
        msgspec.convert(value, expected)
    except msgspec.ValidationError as exc:
        detail, _, path = str(exc).partition(" - at `$")
        return _sentence(detail, expected), path.rstrip("`")
    return "", ""


def _sentence(detail: str, expected: Any) -> str:
    """An error of msgspec in plain words."""
    if found := _wrong_type.fullmatch(detail):
        return f"must be {_NAMES[found[1]]}, not {_NAMES[found[2]]}"
    if detail.endswith("of length >= 1"):
        return "must not be empty"
    if found := _bound.fullmatch(detail):
        verb = "be" if found[1] == "int" else "have"
        return f"must {verb} at {'most' if found[2] == '<' else 'least'} {found[3]}{_UNITS[found[1]]}"
    if detail.startswith("Invalid enum value"):
        return f"must be one of {', '.join(map(str, _choices(expected)))}"
    return "must be a time with an offset, such as 2026-11-25T12:00:00Z" if "datetime" in detail else detail


def _choices(type_: Any) -> list[Any]:
    """The values of the only `Literal` in a type."""
    if get_origin(type_) is Literal:
        return [*get_args(type_)]
    return [value for inner in get_args(type_) for value in _choices(inner)]
