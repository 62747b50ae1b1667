"""The proxy that a request goes through, by the usual environment variables or the system's settings."""

from __future__ import annotations

import base64
import http.client
import socket
from collections.abc import Mapping
from typing import NamedTuple, cast
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from presign_client.errors import ConnectionFailed, InvalidArgument
from presign_client.limits import TimedSocket, TimeLimit


class Proxy(NamedTuple):
    """An HTTP proxy.

    Attributes:
        host, port: where it listens.
        headers: that it needs to let a connection through.
    """

    host: str
    port: int
    headers: Mapping[str, str]


def proxy_for(host: str) -> Proxy | None:
    """The proxy for HTTPS connections to a host, None if they go there directly.

    Raises:
        InvalidArgument: the setting is not the URL of an HTTP proxy.
    """
    named = getproxies().get("https")
    if not named or proxy_bypass(host):
        return None
    try:
        url = urlsplit(named if "://" in named else f"http://{named}")
        port = url.port or 80
        is_http = url.scheme in ("http", "https") and bool(url.hostname)
    except ValueError:
        is_http = False
    if not is_http:
        raise InvalidArgument("HTTPS_PROXY must be the URL of an HTTP proxy, such as http://proxy.example:3128.")
    headers = {}
    if url.username:
        login = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    return Proxy(url.hostname or "", port, headers)


def tunnel(proxy: Proxy, host: str, port: int, *, seconds: float) -> socket.socket:
    """A connection to a server through a proxy.

    Args:
        proxy: the proxy.
        host, port: of the server.
        seconds: that the proxy may be silent.

    Raises:
        ConnectionFailed: the proxy refused.
        OSError, http.client.HTTPException: there was no answer.
    """
    connected = socket.create_connection((proxy.host, proxy.port), seconds)
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        timed = TimedSocket(connected)
        timed.limit = TimeLimit(seconds)
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        headers = "".join(f"{name}: {value}\r\n" for name, value in proxy.headers.items())
        timed.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{headers}\r\n".encode())
        with http.client.HTTPResponse(cast("socket.socket", timed), method="CONNECT") as answer:
            answer.begin()
            if answer.status != 200:
                raise ConnectionFailed(host, cause=f"the proxy answered with status {answer.status}")
    except BaseException:
        connected.close()
        raise
    return connected
