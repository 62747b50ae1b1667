"""Using URLs: requests to Object Storage, and its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import requests
from requests.adapters import HTTPAdapter

from presign_client.errors import ConnectionFailed, StoreError
from presign_client.urls import TIMEOUT_SECONDS, PresignedUrl, seconds

COMPLETION_SECONDS = 600
"""Object Storage may take minutes to join thousands of parts."""


class Store:
    """Sends requests to presigned URLs.

    Args:
        connections: how many may be open at once.
    """

    def __init__(self, *, connections: int) -> None:
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=connections, pool_block=True))

    def use(
        self, url: PresignedUrl, data: Any = None, *, headers: Mapping[str, str] | None = None, slow: bool = False
    ) -> requests.Response:
        """Send what `url` is for, and the whole answer.

        Args:
            headers: more of them, which the URL does not bind.
            slow: whether the answer may take minutes.

        Raises:
            StoreError: Object Storage refused.
            ConnectionFailed: there was no answer.
        """
        return self.send(url.method, url.url, data, headers={**url.headers, **(headers or {})}, slow=slow)

    def send(
        self,
        method: str,
        url: str,
        data: Any = None,
        *,
        headers: Mapping[str, str],
        slow: bool = False,
        stream: bool = False,
    ) -> requests.Response:
        """Send a request; with `stream` the body of the answer is the caller's to read. It raises as `use` does."""
        host = urlsplit(url).netloc
        try:
            response = self._session.request(
                method,
                url,
                data=data,
                headers={"Accept-Encoding": "identity", **headers},
                auth=_nobody,
                timeout=(TIMEOUT_SECONDS[0], COMPLETION_SECONDS) if slow else TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=stream,
            )
            if stream and response.ok:
                return response
            error = _error(response)
        except requests.RequestException as failure:
            # Its text would hold the URL.
            raise ConnectionFailed(host, cause=type(failure).__name__) from None
        if error:
            raise error
        return response


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps `requests` from adding a password of `.netrc`: the URL itself authenticates."""
    return request


def xml(response: requests.Response) -> ElementTree.Element:
    """The XML of an answer; an empty element if it has none."""
    try:
        return ElementTree.fromstring(response.content)  # noqa: S314 - an answer of the store that signs are made for
    except ElementTree.ParseError:
        return ElementTree.Element("none")


def text(element: ElementTree.Element, name: str) -> str:
    """The text of a child, empty if there is none."""
    return element.findtext(f"{{*}}{name}") or ""


def _error(response: requests.Response) -> StoreError | None:
    status = response.status_code
    is_xml = response.content.lstrip()[:1] == b"<"
    found = xml(response) if is_xml else None
    is_error = found is not None and found.tag.rpartition("}")[2] == "Error"
    if 200 <= status < 300 and not is_error:
        return None
    code, message = "", ""
    if found is not None:
        code, message = text(found, "Code"), text(found, "Message")
    else:
        try:
            document = response.json()
            code, message = str(document["code"]), str(document["message"])
        except (ValueError, KeyError, TypeError):
            pass
    return StoreError(
        message or f"Object Storage answered with status {status}.",
        # S3 may have sent the status 200 before it finds that it can't join the parts.
        status=500 if status < 300 else status,
        code=code or f"http_{status}",
        retry_after_seconds=seconds(response.headers.get("Retry-After")),
    )
