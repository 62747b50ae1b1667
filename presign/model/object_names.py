"""Names of objects and buckets that OCI Object Storage and a URL allow.

Each `…_error` function gives the reason as a sentence without its subject, or an empty string if all is right.
"""

import re
from functools import partial

MAX_KEY_BYTES = 1024
MAX_TOKEN_BYTES = 4096
"""Bytes: the longest token that a store may give to go on with a list."""

_control_character = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_not_in_xml = frozenset("\ufffe\uffff")
_bucket_name = re.compile(r"[A-Za-z0-9._-]{1,256}")
_dot_segments = frozenset({".", ".."})
_host_label = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


def has_control_character(text: str) -> bool:
    """Whether `text` holds a character of Unicode's category Cc."""
    # Control characters are not printable, and most texts are: that is known at once.
    return not text.isprintable() and _control_character.search(text) is not None


def key_error(key: str) -> str:
    """Why `key` is not an object key that every client can put in a URL.

    A `.` or `..` segment is refused since browsers and HTTP clients fold it away (RFC 3986, 5.2.4), and the signature
    no longer fits what they send. XML 1.0 (2.2) can't hold U+FFFE and U+FFFF, so nobody could read a list that has such
    a key. It can't hold control characters and surrogates either.
    """
    if not 1 <= len(key.encode("utf-8", "surrogatepass")) <= MAX_KEY_BYTES:
        return f"must be 1 to {MAX_KEY_BYTES} bytes of UTF-8"
    if not key.isprintable():  # most are, and none of these characters is
        if _control_character.search(key):
            return "must not hold control characters"
        if not _not_in_xml.isdisjoint(key):
            return "must not hold U+FFFE or U+FFFF, with which no list could be read"
    if key[0] == "/":
        return "must not begin with a slash"
    if "/." in f"/{key}" and not _dot_segments.isdisjoint(key.split("/")):
        return "must not have a '.' or '..' segment"
    return ""


def prefix_error(prefix: str) -> str:
    """Why `prefix` is neither an object key nor the beginning of one."""
    return (key_error(f"{prefix}x") and key_error(prefix)) if prefix else ""


def store_text_error(text: str, *, max_bytes: int) -> str:
    """Why `text` can't be one that the store gave: it may hold anything but control characters."""
    if len(text.encode("utf-8", "surrogatepass")) > max_bytes:
        return f"must have at most {max_bytes} bytes of UTF-8"
    return "must not hold control characters" if has_control_character(text) else ""


token_error = partial(store_text_error, max_bytes=MAX_TOKEN_BYTES)
marker_error = partial(store_text_error, max_bytes=MAX_KEY_BYTES)


def bucket_error(bucket: str) -> str:
    """Why `bucket` is not the name of a bucket in OCI Object Storage."""
    if not _bucket_name.fullmatch(bucket):
        return "must be 1 to 256 letters, digits, hyphens, underscores and periods"
    return path_segment_error(bucket)


def virtual_hosted_bucket_error(bucket: str) -> str:
    """Why `bucket` can't be part of a host name, as virtual-hosted style needs it (RFC 1123, 2.1)."""
    if not _host_label.fullmatch(bucket):
        return "must be 3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit"
    return ""


def path_segment_error(segment: str) -> str:
    """Why `segment` can't be a segment of a URL's path, even percent-encoded (RFC 3986, 5.2.4).

    The SDK refuses one of spaces alone.
    """
    if not segment.strip():
        return "must not be blank"
    return "must not be '.' or '..'" if segment in _dot_segments else ""


def store_id_error(text: str, *, name: str) -> str:
    """Why `text` can't be an opaque id of the store's; the error calls the id by `name`, such as "upload id"."""
    if not (text.isascii() and text.isprintable()) or " " in text:
        return f"must be the {name} that the store gave: printable ASCII without spaces"
    return ""
