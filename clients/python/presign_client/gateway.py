"""The function behind API Gateway."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from presign_client.addresses import endpoint as address
from presign_client.answers import api_document
from presign_client.connections import Answer, Connections
from presign_client.errors import InvalidArgument, NoToken, PresignError

ANSWER_SECONDS = 60


class Gateway:
    """The function behind API Gateway.

    Args:
        endpoint: URL of the API, such as `https://…/presigner/v1/presign`.
        token: the caller's token, or a function that gives it. It is called before each request. If the token is
            refused it is called again, once for all requests that were refused with the same token.

    Raises:
        InvalidArgument: the endpoint is not an HTTPS URL, or has a query or a user. Plain HTTP is allowed for this
            machine only.
    """

    def __init__(self, endpoint: str, token: str | Callable[[], str]) -> None:
        self._endpoint = address(endpoint)
        self._token = token
        self._connections = Connections()
        self._lock = threading.Lock()
        self._renewed: dict[str, str] = {}

    def presign(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """See `Presigner`."""
        return self._post("", request)

    def batch(self, requests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """See `Presigner`."""
        return self._post("/batch", {"requests": requests})

    def revoke(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """See `Presigner`."""
        return self._post("/revoke", request)

    def _post(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        body = encoded(document)
        token = self._given()
        answer = self._send(path, body, token)
        if answer.status == 401 and not isinstance(self._token, str):
            renewed = self._renew(token)
            if renewed != token:
                answer = self._send(path, body, renewed)
        return api_document(answer)

    def _send(self, path: str, body: bytes, token: str) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}
        url = self._endpoint + path
        answer = self._connections.send("POST", url, body, headers=headers, answer_seconds=ANSWER_SECONDS)
        _ = answer.content
        return answer

    def _renew(self, refused: str) -> str:
        """The token that comes after a refused one: asked for once, however many requests were refused with it."""
        with self._lock:
            if refused not in self._renewed:
                self._renewed = {refused: self._given()}
            return self._renewed[refused]

    def _given(self) -> str:
        """The token.

        Raises:
            NoToken: there is none, or it is no text that a header can hold.
        """
        try:
            given = self._token if isinstance(self._token, str) else self._token()
        except PresignError:
            raise
        except Exception as error:
            raise NoToken(f"The token could not be had: {type(error).__name__}.") from error
        token = given.strip() if isinstance(given, str) else ""
        if not token:
            raise NoToken("There is no token.")
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise NoToken("The token has characters that no token has, such as spaces or line breaks.")
        return token


def encoded(document: Mapping[str, Any]) -> bytes:
    """A request as JSON. A `timedelta` becomes its seconds.

    Raises:
        InvalidArgument: it holds something else that JSON can't, such as half of a character.
    """
    try:
        json.dumps(document, default=_seconds, ensure_ascii=False).encode()  # fails where an escape would hide it
        return json.dumps(document, default=_seconds, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"An option can't be sent as JSON: {error}.") from None


def _seconds(value: Any) -> int:
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    raise TypeError(f"it is of the type {type(value).__name__}")
