"""HTTP back ends: the servers that API Gateway passes requests on to.

The gateway puts its back end's name into `Host`, and tells whose request it is in headers of its own
(https://docs.oracle.com/iaas/Content/APIGateway/Tasks/apigatewaytroubleshooting_topic-forwarded_headers_do_not_match.htm).
Oracle does not document whether it encodes path and query anew on the way, so `Encoding` has the ways to try.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal
from urllib.parse import quote, unquote_to_bytes, urlsplit

from werkzeug.wrappers import Response

from local.api_gateway.deployment import HttpBackend
from local.api_gateway.refusal import Refused

Encoding = Literal["kept", "least", "most"]
"""How path and query leave the gateway: as they came; decoded, and then with the least that needs encoding encoded;
or decoded and with all encoded that may be, and the parameters in another order."""

MAX_BODY_BYTES = 20 * 1024 * 1024
"""The largest body of a request that goes to an HTTP back end."""

_CHUNK_BYTES = 1 << 16
_SAFE: dict[Encoding, tuple[str, str]] = {"least": ("/!$&'()*+,;=:@~", "!$'()*,;:@/?~"), "most": ("/", "")}
"""For path and query, the characters that stay as they are besides letters, digits and `-._`."""


def target_url(backend: HttpBackend, parameters: Mapping[str, str], query: str, encoding: Encoding) -> str:
    """The URL of the back end's resource that a request is for.

    Args:
        parameters: the values of the path parameters, as they stood in the request.
        query: of the request.
    """
    url = backend.url
    for name, value in parameters.items():
        url = url.replace(f"${{request.path[{name}]}}", value)
    if encoding == "kept":
        return f"{url}?{query}" if query else url
    path_safe, query_safe = _SAFE[encoding]
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    if encoding == "most":
        pairs.reverse()
    encoded = [f"{_again(name, query_safe)}{sign}{_again(value, query_safe)}" for name, sign, value in pairs]
    url = f"{scheme}://{authority}{slash}{_again(path, path_safe)}"
    return f"{url}?{'&'.join(encoded)}" if encoded else url


def _again(text: str, safe: str) -> str:
    """A part of a URL, decoded and encoded again."""
    return quote(unquote_to_bytes(text.encode("latin-1")), safe=safe)


def forward(
    backend: HttpBackend, *, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes, client: str
) -> Response:
    """The back end's answer to a request, whose body is still to come.

    Args:
        url: what `target_url` gave.
        headers: of the request, without those about the connection.
        client: the address that the request came from.

    Raises:
        Refused: the back end can't be reached, is too slow, or can't be sent such a URL.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=backend.connect_timeout_in_seconds)
    try:
        connection.connect()
        connection.sock.settimeout(backend.send_timeout_in_seconds)
        connection.putrequest(method, url.partition(parts.netloc)[2], skip_host=True, skip_accept_encoding=True)
        for name, value in _sent(headers, host=parts.netloc, client=client):
            connection.putheader(name, value)
        if body or method in ("PUT", "POST"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        connection.sock.settimeout(backend.read_timeout_in_seconds)
        answer = connection.getresponse()
    except (TimeoutError, OSError, ValueError, http.client.HTTPException) as exc:
        connection.close()
        raise Refused(_status(exc)) from exc
    response = Response(_chunks(connection, answer), answer.status, answer.getheaders(), direct_passthrough=True)
    if answer.getheader("Content-Type") is None:
        del response.headers["Content-Type"]  # werkzeug has added one
    return response


def _status(failure: Exception) -> int:
    if isinstance(failure, TimeoutError):
        return 504
    return 400 if isinstance(failure, ValueError | http.client.InvalidURL) else 502


def _sent(headers: Iterable[tuple[str, str]], *, host: str, client: str) -> Iterator[tuple[str, str]]:
    """The headers that the back end gets: the client's, and the gateway's own."""
    passed = {"Forwarded": f"for={client}", "X-Forwarded-For": client}
    yield "Host", host
    yield "X-Real-IP", client
    for name, value in headers:
        match name.lower():
            case "host" | "content-length" | "x-real-ip" | "expect":
                continue
            case "forwarded":
                passed["Forwarded"] = f"{value}, {passed['Forwarded']}"
            case "x-forwarded-for":
                passed["X-Forwarded-For"] = f"{value}, {passed['X-Forwarded-For']}"
            case _:
                yield name, value
    yield from passed.items()


def _chunks(connection: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := answer.read(_CHUNK_BYTES):
            yield chunk
        if answer.length:
            raise ConnectionAbortedError("The back end has not sent all of its answer.")
    finally:
        connection.close()
