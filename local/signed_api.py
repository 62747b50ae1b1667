"""The frame of an OCI service: requests are signed, and fail if a test wants that."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request, Response

from local.identity.request_signature import NotAuthenticated, Verifier
from local.server import headers, target


@dataclass(frozen=True)
class Fault:
    """A failure that befalls requests while it is set.

    Args:
        status: of the answer, instead of the right one.
        delay_seconds: before the answer.
        retry_after: the header `Retry-After` of the answer.
        share: of the requests, from 0 to 1; the others are answered as usual.
        is_carried_out: the service does what the request asks for, and fails only then.
    """

    status: int | None = None
    delay_seconds: float = 0
    retry_after: str | None = None
    share: float = 1
    is_carried_out: bool = False


class ApiError(Exception):
    """An error as OCI's services answer it.

    Args:
        status: of the HTTP response.
        code: Oracle's name of the error.
        message: for people.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class SignedApi(ABC):
    """Answers requests.

    Args:
        identity: knows who may send requests.
        chance: gives a number from 0 to 1, which decides whether a fault befalls a request.

    Attributes:
        requests: how many have come.
        faulted: how many of them failed because of a fault.
        fault: befalls the next requests.
    """

    def __init__(self, identity: Verifier, *, chance: Callable[[], float] = random.random) -> None:
        self.requests = 0
        self.faulted = 0
        self.fault: Fault | None = None
        self._identity = identity
        self._chance = chance
        self._count_lock = threading.Lock()

    def __call__(self, request: Request) -> Response:
        fault = self.fault
        hit = fault is not None and self._chance() < fault.share
        with self._count_lock:
            self.requests += 1
            self.faulted += hit
        if not (fault and hit):
            return self._answer_or_error(request)
        time.sleep(fault.delay_seconds)
        if fault.status is None or fault.is_carried_out:
            response = self._answer_or_error(request)
        if fault.status is not None:
            response = _error(ApiError(fault.status, "Fault", "A test asked for this."), request)
        if fault.retry_after:
            response.headers["Retry-After"] = fault.retry_after
        return response

    @abstractmethod
    def answer(self, request: Request) -> Response:
        """The answer to a request that is signed.

        Raises:
            ApiError: the service refuses the request.
        """

    def _answer_or_error(self, request: Request) -> Response:
        try:
            self._identity.verify(
                method=request.method,
                target=target(request),
                headers={name.lower(): value for name, value in headers(request)},
                body=request.get_data(),
            )
            response = self.answer(request)
        except NotAuthenticated as exc:
            return _error(ApiError(401, "NotAuthenticated", str(exc)), request)
        except ApiError as exc:
            return _error(exc, request)
        return _with_request_id(response, request)


def json_answer(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(json.dumps(document), status, headers, content_type="application/json")


def not_found() -> ApiError:
    """The error for a missing resource and for missing permissions alike."""
    return ApiError(404, "NotAuthorizedOrNotFound", "Authorization failed or requested resource not found.")


def _error(error: ApiError, request: Request) -> Response:
    return _with_request_id(json_answer({"code": error.code, "message": error.message}, status=error.status), request)


def _with_request_id(response: Response, request: Request) -> Response:
    response.headers["opc-request-id"] = request.headers.get("opc-request-id", uuid.uuid4().hex.upper())
    return response
