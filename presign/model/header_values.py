"""Values of HTTP header fields: how they are written, and why a text is not one.

Each `…_error` function gives the reason as a sentence without its subject, or an empty string if all is right.
"""

import base64
import re
import string
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import unquote

from presign.model.object_names import has_control_character

_tchars = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_token = re.compile(_tchars)
_quoted_string = r'"(?:[^"\\]|\\.)*"'
_ATTR_CHARS = "!#$&+-.^_`|~" + string.ascii_letters + string.digits
_ext_value = tuple(chr(byte) if chr(byte) in _ATTR_CHARS else f"%{byte:02X}" for byte in range(256))
_media_type = re.compile(rf"{_tchars}/{_tchars}(?:[ ]*;[ ]*{_tchars}=(?:{_tchars}|{_quoted_string}))*")
_bidirectional_controls = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_DISGUISE = "must not hold bidirectional controls, by which exe.jpg can look like gpj.exe"
_not_in_quoted_file_name = re.compile(r"[^ !#$&-\[\]-~]")  # beyond ASCII, and the quote, the backslash and the percent


def http_date(moment: datetime) -> str:
    """`moment` as an HTTP date (RFC 9110, 5.6.7), to the second."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def attachment(file_name: str) -> str:
    """A `Content-Disposition` that makes a browser save the answer as `file_name` (RFC 6266).

    A name that plain `filename` can't hold safely is sent in `filename*` as UTF-8 (RFC 8187), and the plain one, for
    old clients, has an underscore in place of each character that would be read in different ways.
    """
    plain = _not_in_quoted_file_name.sub("_", file_name)
    if plain == file_name:
        return f'attachment; filename="{plain}"'
    octets = file_name.encode("utf-8", "surrogatepass").decode("latin-1")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{octets.translate(_ext_value)}"


def field_value_error(text: str) -> str:
    """Why `text` can't be sent, unchanged by any proxy, as the value of a header field."""
    if not (text.isascii() and text.isprintable()):
        return "must be printable ASCII"
    if text != text.strip() or not text:
        return "must not be empty, nor begin or end with a space"
    return ""


def media_type_error(text: str) -> str:
    """Why `text` is not a media type with its parameters (RFC 9110, 8.3.1)."""
    return field_value_error(text) or ("" if _media_type.fullmatch(text) else "must be a media type, such as image/png")


def disposition_error(text: str) -> str:
    """Why `text` is not a `Content-Disposition` that shows the name of its file as it is (RFC 6266)."""
    error = field_value_error(text)
    if not error and "%" in text and not _bidirectional_controls.isdisjoint(unquote(text)):
        return _DISGUISE
    return error


def file_name_error(text: str) -> str:
    """Why `text` is not the name of a file in any directory."""
    if has_control_character(text):
        return "must not hold control characters"
    if not _bidirectional_controls.isdisjoint(text):
        return _DISGUISE
    if "/" in text or "\\" in text:
        return "must be a file name without slashes and backslashes"
    return ""


def field_name_error(text: str) -> str:
    """Why `text` can't be (part of) the name of a header field (RFC 9110, 5.1)."""
    return "" if _token.fullmatch(text) else "must be an HTTP token: letters, digits and !#$%&'*+-.^_`|~"


def any_error(text: str) -> str:
    """Why `text` does not mean "if there is any" (RFC 9110, 13.1.2)."""
    return "" if text == "*" else 'must be "*"'


def http_date_error(text: str) -> str:
    """Why the moment that `text` tells (RFC 3339) can't be written as an HTTP date.

    Readers take a year below 100 for one of their own century (RFC 5322, 4.3).
    """
    with suppress(OverflowError):
        if datetime.fromisoformat(text).astimezone(UTC).year >= 100:
            return ""
    return "is out of range"


def digest_error(text: str, *, size: int) -> str:
    """Why `text` is not the Base64 form (RFC 4648) of a digest of `size` bytes."""
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != size or base64.b64encode(digest).decode() != text:
        return f"must be the Base64 form of {size} bytes"
    return ""
