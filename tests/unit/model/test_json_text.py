"""`presign.model.json_text`: JSON as the standard has it, and why a text is not JSON, in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presign.model.json_text import decode
from presign.problems import InvalidJson

LONE = "has a lone surrogate, such as \\ud800, which is no character"
EARLY = "ends too early: a bracket, a brace or a quotation mark is missing"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (b"", "is empty"),
        (b" \r\n\t", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b'{"key": "a"', EARLY),
        (b'{"key": "a', EARLY),
        (b'{"key": "\\ud800', EARLY),
        (b'{"key": "a\\ud800"}', LONE),
        (b'{"key": "\\ud800 and more of it"}', LONE),
        (b'{"key": "\\udc00 and more of it"}', LONE),
        (b'{"key": 1e400}', "has a number that is out of range"),
        (b'{"key": ' + b"9" * 5000 + b"}", "has a number that is out of range"),
        (b'{"key": "a\\ud800", "b": }', LONE),
        (b'{"key": NaN}', "has NaN or Infinity, which JSON does not have"),
        (b'{"key": -Infinity}', "has NaN or Infinity, which JSON does not have"),
        (b'{"key": "a\nb"}', "has a control character in a text (byte 10); escape it, such as \\n"),
        (b"\x1f\x8b\x08\x00", "is compressed with gzip; send it uncompressed"),
        (b"\xff\xfe{\x00}\x00", "is UTF-16 or UTF-32; send it in UTF-8"),
        (b"\xfe\xff\x00{\x00}", "is UTF-16 or UTF-32; send it in UTF-8"),
        (b"{\x00}\x00", "is UTF-16 or UTF-32; send it in UTF-8"),
        (b"\x00{\x00}", "is UTF-16 or UTF-32; send it in UTF-8"),
        (b'{"key": "\xff"}', "is not UTF-8 (byte 9)"),
        (b"[" * 60_000, "is nested too deeply"),
        (b'{"key": a}', "is malformed: invalid character (byte 8)"),
        (b'{"key": "a"} x', "is malformed: trailing characters (byte 14)"),
        (b'{"key": "a",}', "is malformed: trailing comma in object (byte 12)"),
        (b'{"key": tru}', "is malformed: invalid character (byte 12)"),
        (b'{"key": nul\n}', "is malformed: invalid character (byte 12)"),
        (b'{"key":\x01}', "is malformed: invalid character (byte 7)"),
        (b'\xef\xbb\xbf\xef\xbb\xbf{"key": 1}', "is malformed: invalid character (byte 0)"),
        (b"{'key': 1}", "is malformed: object keys must be strings (byte 1)"),
    ],
)
def test_the_cause_is_told_in_words(text: bytes, cause: str) -> None:
    with pytest.raises(InvalidJson) as caught:
        decode(text)
    assert [(error.pointer, error.detail) for error in caught.value.errors] == [("", cause)]


def test_a_byte_order_mark_is_skipped() -> None:
    assert decode(b'\xef\xbb\xbf{"key": "a"}') == {"key": "a"}


@given(
    st.text('{}[]":,\\\n\ufefftrufalsn0-.eNI', max_size=12)
    | st.binary(max_size=12).map(lambda text: text.decode("latin-1"))
)
def test_every_other_text_has_a_cause(text: str) -> None:
    try:
        decode(text.encode())
    except InvalidJson as exc:
        assert [(error.pointer, error.detail != "") for error in exc.errors] == [("", True)]


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(), st.lists))
def test_a_json_value_is_read_as_it_is(value: Any) -> None:
    assert decode(json.dumps(value).encode()) == value
