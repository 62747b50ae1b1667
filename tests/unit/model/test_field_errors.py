"""`presign.model.field_errors`: the nearest name of an unknown member, and how far it is looked for."""

from __future__ import annotations

import msgspec
import pytest

from presign.model.field_errors import field_errors, nearest


class Struct(msgspec.Struct):
    """Anything with members."""

    content_type: str = ""
    expires_in: int = 0


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ContentType", "content_type"),
        ("content-type", "content_type"),
        ("contenttype", "content_type"),
        ("content_typ", "content_type"),
        ("expires", "expires_in"),
        ("EXPIRES_IN", "expires_in"),
        ("c", ""),
        ("colour", ""),
        ("", ""),
        ("xcontent_type", ""),
    ],
)
def test_the_nearest_name(name: str, meant: str) -> None:
    expected = f"; did you mean {meant}?" if meant else ""
    assert nearest(name, ["content_type", "expires_in"]) == expected


def test_a_long_name_is_none() -> None:
    assert nearest("content_type" + "_" * 28, ["content_type"]) == "; did you mean content_type?"
    assert nearest("content_type" + "_" * 29, ["content_type"]) == ""


def test_the_same_letters_only() -> None:
    assert nearest("expiresIn", ["expires_in"], liken=False) == "; did you mean expires_in?"
    assert nearest("expires", ["expires_in"], liken=False) == ""


def test_only_two_members_are_likened() -> None:
    """Looking for a name takes a tenth of a millisecond, and a batch may have many members."""
    found = list(field_errors({"expires": 1, "expire": 2, "expiry_in": 3, "expiresIn": 4}, Struct, at="/a"))
    assert [(error.pointer, error.detail) for error in found] == [
        ("/a/expires", "is not a field of this object; did you mean expires_in?"),
        ("/a/expire", "is not a field of this object; did you mean expires_in?"),
        ("/a/expiry_in", "is not a field of this object"),
        ("/a/expiresIn", "is not a field of this object; did you mean expires_in?"),
    ]


def test_other_names_and_places() -> None:
    found = field_errors(
        {"Kind": 1, "id": 2},
        Struct,
        unknown=lambda name: "belongs elsewhere" if name == "id" else "",
        others=["kind"],
        noun="a thing",
    )
    assert [(error.pointer, error.detail) for error in found] == [
        ("/Kind", "is not a field of a thing; did you mean kind?"),
        ("/id", "belongs elsewhere"),
    ]
