"""Addresses to which secrets may be sent."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from presign_client.errors import InvalidArgument


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
    raise InvalidArgument(f"{name} must be a URL that begins with https://.")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
