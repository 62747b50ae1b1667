"""Options: each is declared once, in the annotation of its field, and written from there into the HTTP request."""

from collections.abc import Callable, Mapping, Set
from functools import cache
from typing import Any, Literal, get_args

import msgspec

from presign.model.header_values import field_value_error

Place = Literal["query", "header"]


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """The rules for the values of a field that its type can't express.

    Args:
        place: where in the HTTP request it travels; None if it does not, or in a way of its own.
        wire_name: its name there; empty if it follows from the field's (`max-keys` in the query, `Cache-Control` as a
            header).
        error_of: why a text is not a value of it, as a sentence without its subject; empty if it is one.
        text_of: how its value is written there.
        bound_by_par: whether a pre-authenticated request can hold its holder to the value.
        counted: whether its length counts for how long a URL may be. The client can't shorten a token of the store.
        recorded: whether audit records tell it, as it says which data the URL gives access to, and how they are shown.
    """

    place: Place | None = None
    wire_name: str = ""
    error_of: Callable[[str], str] = field_value_error
    text_of: Callable[[Any], str] = str
    bound_by_par: bool = True
    counted: bool = True
    recorded: bool = False


def in_query(wire_name: str = "", **members: Any) -> Option:
    """An option that travels as a query parameter."""
    return Option(place="query", wire_name=wire_name, **members)


def as_header(wire_name: str = "", **members: Any) -> Option:
    """An option that travels as a header."""
    return Option(place="header", wire_name=wire_name, **members)


@cache
def options_of(struct: type) -> Mapping[str, Option]:
    """The options that `struct` and its bases declare, by their fields, each with its name on the wire."""
    options: dict[str, Option] = {}
    for base in struct.__bases__:
        options |= options_of(base)
    for name, annotation in vars(struct).get("__annotations__", {}).items():
        if option := _declared(annotation):
            words = name.replace("_", "-")
            default = words.title() if option.place == "header" else words
            options[name] = msgspec.structs.replace(option, wire_name=option.wire_name or default)
    return options


def travelling(options: Mapping[str, Option], place: Place) -> Mapping[str, Option]:
    """Those of `options` that travel in this place; query parameters in alphabetical order of their names there."""
    found = [(name, option) for name, option in options.items() if option.place == place]
    return dict(sorted(found, key=lambda item: item[1].wire_name) if place == "query" else found)


def given(struct: msgspec.Struct, among: Set[str]) -> dict[str, Any]:
    """Those members of `struct` `among` these that the caller has given, as JSON values. Null and `""` give nothing."""
    members: dict[str, Any] = msgspec.to_builtins(struct)
    if among.isdisjoint(members):
        return {}
    return {name: value for name, value in members.items() if name in among and value not in ("", None)}


def written(struct: msgspec.Struct, options: Mapping[str, Option]) -> list[tuple[str, str]]:
    """Those of `options` that the caller has given: the name of each and its value, as they travel."""
    found = given(struct, options.keys())
    if not found:  # most requests have none
        return []
    # The value as it is, since the JSON value of a moment is a text already.
    return [
        (option.wire_name, option.text_of(getattr(struct, name))) for name, option in options.items() if name in found
    ]


def _declared(annotation: Any) -> Option | None:
    for part in reversed(get_args(annotation)):  # the outermost comes last
        option = part if isinstance(part, Option) else _declared(part)
        if option is not None:
            return option
    return None
