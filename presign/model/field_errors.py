"""All validation errors of a JSON document at once, where a msgspec decoder stops at the first."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from itertools import islice
from typing import Any, Literal, get_args, get_origin

import msgspec

from presign.problems import FieldError

MAX_TRIED = 1000
"""The most members of a mapping or an array that are tried one by one."""

MAX_LIKENED = 2
"""The most unknown members of an object for which a name of other letters is looked for, as that takes time."""
_MAX_GUESSED_CHARACTERS = 40

_NAMES = {
    "array": "an array",
    "bool": "true or false",
    "datetime": "a time (RFC 3339)",
    "float": "a number with a fraction or an exponent",
    "int": "a whole number",
    "null": "null",
    "object": "an object",
    "str": "a text",
}
"""The types of JSON values, by msgspec's names."""
_wrong_type = re.compile(r"Expected `(\w+)(?: \| null)?`, got `(\w+)`")
_bound = re.compile(r"Expected `(\w+)`(?: of length)? ([<>])= (\d+)")
_neither_letter_nor_digit = re.compile(r"[^a-z0-9]")
_UNITS = {"array": " members", "int": "", "str": " characters"}


def pointer(*parts: str | int) -> str:
    """The JSON pointer (RFC 6901) of the member that `parts` lead to."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def field_errors(
    document: Any,
    struct: type[msgspec.Struct],
    *,
    at: str = "",
    unknown: Callable[[str], str] = lambda name: "",
    others: Iterable[str] = (),
    noun: str = "this object",
) -> Iterator[FieldError]:
    """Every way in which `document`, the JSON value at the pointer `at`, does not fit `struct`; unknown members first.

    Args:
        unknown: tells where a member belongs that `struct` does not have; empty if that is not known.
        others: further names besides those of `struct` that may have been meant.
        noun: names the JSON value in sentences.
    """
    if not isinstance(document, dict):
        yield FieldError(at, "must be a JSON object")
        return
    fields = _fields(struct)
    for number, name in enumerate(name for name in document if name not in fields):
        guess = nearest(name, [*fields, *others], liken=number < MAX_LIKENED)
        yield FieldError(at + pointer(name), unknown(name) or f"is not a field of {noun}{guess}")
    for name, field in fields.items():
        if field.required and name not in document:
            yield FieldError(at + pointer(name), "is required")
    for name, value in document.items():
        if name in fields:
            yield from _value_errors(value, fields[name].type, at + pointer(name))


def nearest(name: str, names: Iterable[str], *, liken: bool = True) -> str:
    """The question whether the one of `names` was meant that is most like `name`; empty if none is like it.

    Without `liken`, only one of the same letters and digits: `putObject` for `put_object`.
    """
    if len(name) > _MAX_GUESSED_CHARACTERS:
        return ""
    letters = _letters(name)
    by_letters = _by_letters(tuple(names))
    found = [letters] if letters in by_letters else []
    if liken and not found:
        from difflib import get_close_matches  # most requests have no such error, and a cold start should not pay

        beginning_alike = [known for known in by_letters if known[:1] == letters[:1]]
        found = get_close_matches(letters, beginning_alike, 1, cutoff=0.65)
    return f"; did you mean {by_letters[found[0]]}?" if found else ""


@lru_cache(maxsize=64)
def _by_letters(names: tuple[str, ...]) -> dict[str, str]:
    return {_letters(name): name for name in names}


def _letters(name: str) -> str:
    return _neither_letter_nor_digit.sub("", name.lower())


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
