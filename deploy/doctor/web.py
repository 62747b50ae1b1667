"""HTTP requests that the SDK does not send: to the S3 Compatibility API, to the gateway, and to public addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from socket import gaierror
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

TIMEOUT_SECONDS = 10.0
MAX_BODY_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response; the names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoAnswer(OSError):
    """A server gives no answer; the text names its host, and no more of the URL."""


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow no redirection, so that each answer is that of the host that was asked."""


_opener = build_opener(_NoRedirects)


def ask(method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Answer:
    """The answer to an HTTP request, of any status.

    Raises:
        NoAnswer: there is none.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise NoAnswer("An address that should be of a web server is not.")
    request = Request(url, body, dict(headers or {}), method=method)  # noqa: S310 - see above
    try:
        try:
            response = _opener.open(request, timeout=TIMEOUT_SECONDS)
        except HTTPError as exc:
            response = exc
        with response:
            received = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, received, response.read(MAX_BODY_BYTES))
    except (OSError, HTTPException) as exc:
        cause = getattr(exc, "reason", exc)
        if isinstance(cause, gaierror):
            raise NoAnswer(no_address(urlsplit(url).hostname or "The host")) from None
        raise NoAnswer(f"{urlsplit(url).netloc} does not answer: {type(cause).__name__}.") from None


def no_address(host: str) -> str:
    """The sentence for a host name that has no address."""
    return f"{host} has no address: this machine is offline, its DNS fails, or the name or the region in it is wrong."
