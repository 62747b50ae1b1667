"""Addresses to which secrets may be sent."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from presign_client.errors import InvalidArgument


def endpoint(url: str) -> str:
    """The URL of the API, without white space around it and slashes at its end.

    Args:
        url: as a person may write it.

    Raises:
        InvalidArgument: it is neither HTTPS nor for this machine, or is more than an address with a path.
    """
    text = url.strip() if isinstance(url, str) else url
    parts = secure(text, "The endpoint")
    try:
        (parts.hostname or "").encode("idna")
        is_plain = text.isascii() and text.isprintable() and " " not in text
    except UnicodeError:
        is_plain = False
    if not is_plain:
        raise InvalidArgument("The endpoint has characters that no URL has, or a name of a host that can't be one.")
    if "?" in text or "#" in text or "@" in parts.netloc:
        raise InvalidArgument("The endpoint must be a URL without a query, a fragment and a user.")
    return text.rstrip("/")


def secure(url: str, name: str = "The URL") -> SplitResult:
    """The parts of a URL to which secrets may be sent.

    Args:
        url: the URL.
        name: of the URL, for the error.

    Raises:
        InvalidArgument: it is neither HTTPS nor for this machine.
    """
    try:
        parts = urlsplit(url)
        is_secure = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
        if is_secure and parts.hostname and (parts.port is None or parts.port > 0):
            return parts
    except (ValueError, TypeError, AttributeError):
        pass
    raise InvalidArgument(f"{name} must be a URL that begins with https://; http:// is for this machine only.")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
