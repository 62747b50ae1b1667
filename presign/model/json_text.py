"""JSON texts as values, or else, in words, why a text is not JSON."""

import json
import re
from typing import Any

import msgspec

from presign.problems import FieldError, InvalidJson

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_invalid_character = re.compile(r"invalid character \(byte (\d+)\)")

_decoder = msgspec.json.Decoder()


def decode(text: bytes) -> Any:
    """The JSON value of `text`; a byte order mark before it is skipped (RFC 8259, 8.1).

    Raises:
        InvalidJson: it is not JSON; the error says why.
    """
    text = text.removeprefix(_BYTE_ORDER_MARK)
    try:
        return _decoder.decode(text)
    except RecursionError:
        cause = "is nested too deeply"
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        cause = _encoding_error(text) or _syntax_error(text, str(exc))
    raise InvalidJson([FieldError("", cause)])


def _encoding_error(text: bytes) -> str:
    """Why `text` is not UTF-8 with something in it, or an empty string."""
    if not text.strip():
        return "is empty"
    if text.startswith(b"\x1f\x8b"):
        return "is compressed with gzip; send it uncompressed"
    if text.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in text[:2]:
        return "is UTF-16 or UTF-32; send it in UTF-8"
    try:
        text.decode()
    except UnicodeDecodeError as exc:
        return f"is not UTF-8 (byte {exc.start})"
    return ""


def _syntax_error(text: bytes, detail: str) -> str:
    """An error of msgspec in plain words."""
    if "out of range" in detail:
        return "has a number that is out of range"
    error = _error_of_python(text)
    if "surrogate" in detail or ("truncated" in detail and not error):
        return "has a lone surrogate, such as \\ud800, which is no character"
    if not error:
        return "has NaN or Infinity, which JSON does not have"
    if "truncated" in detail:
        return "ends too early: a bracket, a brace or a quotation mark is missing"
    found = _invalid_character.search(detail)
    if found and error.startswith("Invalid control character"):
        return f"has a control character in a text (byte {found[1]}); escape it, such as \\n"
    return f"is malformed: {detail.partition(': ')[2]}"


def _error_of_python(text: bytes) -> str:
    """Why the standard library does not read `text`; empty if it does. It takes NaN and lone surrogates too."""
    try:
        json.loads(text.decode())  # of bytes it would skip a byte order mark
    except (ValueError, RecursionError) as exc:
        return str(exc)
    return ""
