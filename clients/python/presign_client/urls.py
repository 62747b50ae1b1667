"""Asking for URLs: through API Gateway, or by invoking the function."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from presign_client.errors import ConnectionFailed, Problem

TIMEOUT_SECONDS = (10, 60)
"""To connect, and between two pieces of the answer."""


@dataclass(frozen=True)
class PresignedUrl:
    """A URL and how to use it: send `method` to `url` with exactly these `headers`.

    Attributes:
        expires_at: RFC 3339.
        fields: of a form (`post_object`), which must hold them all and the file last.
        via: `s3`, or `par` for a pre-authenticated request.
        id: of a pre-authenticated request; `revoke` takes it.
        bound: whether the headers are signed, so that the holder of the URL can't send others.
        answer: everything that the function said.
    """

    url: str = field(repr=False)
    method: str
    headers: Mapping[str, str]
    expires_at: str
    expires_in: int
    operation: str
    bucket: str
    key: str
    fields: Mapping[str, str] | None = field(default=None, repr=False)
    via: str = "s3"
    id: str | None = field(default=None, repr=False)
    bound: bool = True
    answer: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> PresignedUrl:
        """The URL that an answer of the function holds."""
        optional = {name: answer[name] for name in ("fields", "via", "id", "bound") if name in answer}
        return cls(
            url=answer["url"],
            method=answer["method"],
            headers=answer["headers"],
            expires_at=answer["expires_at"],
            expires_in=answer["expires_in"],
            operation=answer["operation"],
            bucket=answer["bucket"],
            key=answer.get("key", answer.get("prefix", "")),
            answer=answer,
            **optional,
        )


class Presigner(Protocol):
    """The function, as a client reaches it."""

    def presign(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request for a URL.

        Raises:
            Problem: the function or API Gateway refused.
            ConnectionFailed: there was no answer.
        """
        ...

    def revoke(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request to take a pre-authenticated request back. It raises as `presign` does."""
        ...


class Gateway:
    """The function behind API Gateway.

    Args:
        endpoint: URL of the API, such as `https://…/presigner/v1/presign`.
        token: the caller's token, or a function that gives it. It is called before each request.
        session: sends the requests.

    Raises:
        ValueError: the endpoint is not an HTTPS URL. Plain HTTP is allowed for this machine only.
    """

    def __init__(
        self, endpoint: str, token: str | Callable[[], str], *, session: requests.Session | None = None
    ) -> None:
        url = urlsplit(endpoint)
        if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.hostname or "")):
            raise ValueError("The endpoint must be a URL that begins with https://.")
        self._endpoint = endpoint.rstrip("/")
        self._host = url.netloc.rpartition("@")[2]
        self._token = token
        self._session = session or requests.Session()

    def presign(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """See `Presigner`."""
        return self._post("", request)

    def revoke(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """See `Presigner`."""
        return self._post("/revoke", request)

    def _post(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        token = self._token if isinstance(self._token, str) else self._token()
        response = self._send(path, document, token)
        if response.status_code == 401 and not isinstance(self._token, str):
            renewed = self._token()
            if renewed != token:  # it has been refreshed meanwhile
                response = self._send(path, document, renewed)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.status_code != 200 or not isinstance(answer, dict):
            raise Problem.from_document(
                answer, status=response.status_code, retry_after_seconds=seconds(response.headers.get("Retry-After"))
            )
        return answer

    def _send(self, path: str, document: Mapping[str, Any], token: str) -> requests.Response:
        try:
            return self._session.post(
                self._endpoint + path,
                json=document,
                auth=_Bearer(token),
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise ConnectionFailed(self._host, cause=type(error).__name__) from None


class Function:
    """The function, invoked directly. The caller needs the permission to invoke it, and no token.

    Args:
        function_id: OCID of the function.
        client: an `oci.functions.FunctionsInvokeClient` for the function's invoke endpoint.
    """

    def __init__(self, function_id: str, client: Any) -> None:
        self._function_id = function_id
        self._client = client

    @classmethod
    def as_resource_principal(cls, function_id: str, *, endpoint: str) -> Function:
        """For another function, which its resource principal lets in."""
        from oci.auth.signers import get_resource_principals_signer
        from oci.functions import FunctionsInvokeClient

        signer = get_resource_principals_signer()
        return cls(function_id, FunctionsInvokeClient({}, signer=signer, service_endpoint=endpoint))

    @classmethod
    def from_config(cls, function_id: str, *, endpoint: str, profile: str = "DEFAULT") -> Function:
        """For a user with the OCI CLI's configuration file."""
        from oci.config import from_file
        from oci.functions import FunctionsInvokeClient

        return cls(function_id, FunctionsInvokeClient(from_file(profile_name=profile), service_endpoint=endpoint))

    def presign(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """See `Presigner`."""
        return self._invoke(request)

    def revoke(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """See `Presigner`."""
        return self._invoke(request)

    def _invoke(self, document: Mapping[str, Any]) -> dict[str, Any]:
        from oci.exceptions import ConnectTimeout, RequestException, ServiceError

        try:
            body = json.dumps(document).encode()
            content = self._client.invoke_function(self._function_id, invoke_function_body=body).data.content
        except ServiceError as error:
            raise Problem(
                "The function could not be invoked.", status=error.status, code=error.code or f"http_{error.status}"
            ) from None
        except (ConnectTimeout, RequestException) as error:
            raise ConnectionFailed("the function", cause=type(error).__name__) from None
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        # A direct invocation has no status of its own: the answer of a refusal holds it.
        if not isinstance(answer, dict) or "status" in answer:
            raise Problem.from_document(answer, status=502)
        return answer


class _Bearer(requests.auth.AuthBase):
    """Sends a token, even where `.netrc` has a password for the host."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def seconds(retry_after: str | None) -> float:
    """The seconds that a header `Retry-After` asks for; 0 if there is none, or if it is a date."""
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else 0


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
