"""The proxy that a request goes through, by the usual environment variables or the system's settings."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass


class Proxy(NamedTuple):
    """An HTTP proxy.

    Attributes:
        host, port: where it listens.
        headers: that it needs to let a connection through.
    """

    host: str
    port: int | None
    headers: Mapping[str, str]


def proxy_for(host: str) -> Proxy | None:
    """The proxy for HTTPS connections to a host, None if they go there directly."""
    named = getproxies().get("https")
    if not named or proxy_bypass(host):
        return None
    url = urlsplit(named if "://" in named else f"http://{named}")
    headers = {}
    if url.username:
        login = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    return Proxy(url.hostname or "", url.port or 80, headers)
