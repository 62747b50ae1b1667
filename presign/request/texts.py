"""Texts in a request: names of objects and buckets, and values of HTTP header fields.

Each `…_error` function gives the reason as a sentence without its subject, or an empty string if all is right.
"""

import base64
import re
import string
from datetime import UTC, datetime
from email.utils import format_datetime

MAX_KEY_BYTES = 1024

_control_character = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_bucket_name = re.compile(r"[A-Za-z0-9._-]{1,256}")
_dot_segments = frozenset({".", ".."})
_host_label = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]")
_tchars = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_quoted_string = r'"(?:[^"\\]|\\.)*"'
_ATTR_CHARS = "!#$&+-.^_`|~" + string.ascii_letters + string.digits
_ext_value = tuple(chr(byte) if chr(byte) in _ATTR_CHARS else f"%{byte:02X}" for byte in range(256))
_media_type = re.compile(rf"{_tchars}/{_tchars}(?:[ ]*;[ ]*{_tchars}=(?:{_tchars}|{_quoted_string}))*")
_not_in_quoted_file_name = re.compile(r"[^ !#$&-\[\]-~]")  # beyond ASCII, and the quote, the backslash and the percent


def has_control_character(text: str) -> bool:
    """Whether `text` holds a character of Unicode's category Cc."""
    # Control characters are not printable, and most texts are: that is known at once.
    return not text.isprintable() and _control_character.search(text) is not None


def key_error(key: str) -> str:
    """Why `key` is not an object key that every client can put in a URL.

    A `.` or `..` segment is refused since browsers and HTTP clients fold it away (RFC 3986, 5.2.4), and the signature
    no longer fits what they send.
    """
    if not 1 <= len(key.encode("utf-8", "surrogatepass")) <= MAX_KEY_BYTES:
        return f"must be 1 to {MAX_KEY_BYTES} bytes of UTF-8"
    if has_control_character(key):
        return "must not hold control characters"
    if key[0] == "/":
        return "must not begin with a slash"
    if "." in key and not _dot_segments.isdisjoint(key.split("/")):
        return "must not have a '.' or '..' segment"
    return ""


def prefix_error(prefix: str) -> str:
    """Why `prefix` is not the beginning of any object key."""
    return key_error(f"{prefix}x") if prefix else ""


def bucket_error(bucket: str) -> str:
    """Why `bucket` is not the name of a bucket in OCI Object Storage."""
    if not _bucket_name.fullmatch(bucket):
        return "must be 1 to 256 letters, digits, hyphens, underscores and periods"
    if bucket in (".", ".."):
        return "must not be '.' or '..'"
    return ""


def virtual_hosted_bucket_error(bucket: str) -> str:
    """Why `bucket` can\'t be part of a host name, as virtual-hosted style needs it (RFC 1123, 2.1)."""
    if not _host_label.fullmatch(bucket):
        return "must be 3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit"
    return ""


def upload_id_error(upload_id: str) -> str:
    """Why `upload_id` is not the id of a multipart upload, which is opaque but sent as it is."""
    if not (upload_id.isascii() and upload_id.isprintable()) or " " in upload_id:
        return "must be the upload id that the store gave: printable ASCII without spaces"
    return ""


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
    """Why `text` can\'t be sent, unchanged by any proxy, as the value of a header field."""
    if not (text.isascii() and text.isprintable()):
        return "must be printable ASCII"
    if text != text.strip() or not text:
        return "must not be empty, nor begin or end with a space"
    return ""


def media_type_error(text: str) -> str:
    """Why `text` is not a media type with its parameters (RFC 9110, 8.3.1)."""
    return field_value_error(text) or ("" if _media_type.fullmatch(text) else "must be a media type, such as image/png")


def file_name_error(text: str) -> str:
    """Why `text` is not the name of a file in any directory."""
    if has_control_character(text):
        return "must not hold control characters"
    if "/" in text or "\\" in text:
        return "must be a file name without slashes and backslashes"
    return ""


def field_name_error(text: str) -> str:
    """Why `text` can\'t be (part of) the name of a header field (RFC 9110, 5.1)."""
    return "" if re.fullmatch(_tchars, text) else "must be an HTTP token: letters, digits and !#$%&'*+-.^_`|~"


def any_error(text: str) -> str:
    """Why `text` does not mean "if there is any" (RFC 9110, 13.1.2)."""
    return "" if text == "*" else 'must be "*"'


def http_date_error(text: str) -> str:
    """Why the moment that `text` tells (RFC 3339) can't be written as an HTTP date."""
    try:
        http_date(datetime.fromisoformat(text))
    except OverflowError:
        return "is out of range"
    return ""


def digest_error(text: str, *, size: int) -> str:
    """Why `text` is not the Base64 form (RFC 4648) of a digest of `size` bytes."""
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != size or base64.b64encode(digest).decode() != text:
        return f"must be the Base64 form of {size} bytes"
    return ""
