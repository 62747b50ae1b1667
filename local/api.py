"""The frame of a service's API: its errors, and the faults that tests ask for."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from werkzeug.wrappers import Request, Response

from local.identity.request_signature import NotAuthenticated, Verifier
from local.server import headers, target


class ApiError(Exception):
    """The refusal of a request.

    Args:
        status: of the HTTP response.
        code: the API's name of the error.
        message: for people.
        details: further elements of an S3 answer.
    """

    def __init__(self, status: int, code: str, message: str, **details: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details


@dataclass(frozen=True)
class Fault:
    """A failure of a service. It stays until a test takes it away.

    Args:
        status: of the answer, instead of the right one.
        delay_seconds: before anything of the body is read.
        until: requests wait until it is set.
        retry_after: the header `Retry-After` of the answer.
        cut_after_bytes: the connection breaks without an answer when so many bytes of the request's body are read.
        is_carried_out: the service does what the request asks for, and fails only then.
        clock_ahead_seconds: how far the service's clock is ahead of this machine's.
        method: the only one whose requests fail, such as `PUT`; None for all.
        api: the only one of Object Storage's APIs whose requests fail; None for all.
        share: of the requests that fail, from 0 to 1.
    """

    status: int | None = None
    delay_seconds: float = 0
    until: threading.Event | None = None
    retry_after: str | None = None
    cut_after_bytes: int | None = None
    is_carried_out: bool = False
    clock_ahead_seconds: float = 0
    method: str | None = None
    api: str | None = None
    share: float = 1


class Api(ABC):
    """Answers requests, unless they meet a fault.

    Args:
        chance: gives a number from 0 to 1, which decides whether a request meets a fault that befalls a share of them.

    Attributes:
        requests: how many have come.
        faulted: how many of them met a fault.
        fault: befalls the next requests.
    """

    def __init__(self, *, chance: Callable[[], float] = random.random) -> None:
        self.requests = 0
        self.faulted = 0
        self.fault: Fault | None = None
        self._chance = chance
        self._count_lock = threading.Lock()

    @abstractmethod
    def answer(self, request: Request) -> Response:
        """The answer to a request.

        Raises:
            ApiError: the service refuses the request.
        """

    def authenticate(self, request: Request, now: float) -> None:  # noqa: B027 - some authenticate in `answer`
        """Return if the request proves from whom it comes, at a time in seconds since the epoch.

        Raises:
            ApiError: it does not.
        """

    def refusal(self, request: Request, error: ApiError) -> Response:
        """The answer in place of the right one."""
        return json_answer({"code": error.code, "message": error.message}, status=error.status)

    def complete(self, request: Request, response: Response) -> None:
        """Add the headers that every answer has."""
        add_request_id(request, response)

    def is_met(self, fault: Fault, request: Request) -> bool:
        """Whether a request meets the fault."""
        return fault.method in (None, request.method) and self._chance() < fault.share

    def __call__(self, request: Request) -> Response:
        fault = self.fault
        if fault and not self.is_met(fault, request):
            fault = None
        with self._count_lock:
            self.requests += 1
            self.faulted += fault is not None
        try:
            response = self._answer_with(fault, request) if fault else self._answer_at(request, time.time())
        except ApiError as error:
            response = self.refusal(request, error)
        if fault and fault.retry_after:
            response.headers["Retry-After"] = fault.retry_after
        if fault and fault.clock_ahead_seconds:
            response.headers["Date"] = formatdate(time.time() + fault.clock_ahead_seconds, usegmt=True)
        self.complete(request, response)
        return response

    def _answer_with(self, fault: Fault, request: Request) -> Response:
        time.sleep(fault.delay_seconds)
        if fault.until:
            fault.until.wait()
        if fault.cut_after_bytes is not None:
            if fault.cut_after_bytes:
                request.stream.read(fault.cut_after_bytes)
            raise ConnectionAbortedError("A test asked for this.")  # the server then closes the connection
        now = time.time() + fault.clock_ahead_seconds
        if fault.status is None:
            return self._answer_at(request, now)
        if fault.is_carried_out:
            with suppress(ApiError):
                self._answer_at(request, now)
        raise ApiError(fault.status, "Fault", "A test asked for this.")

    def _answer_at(self, request: Request, now: float) -> Response:
        self.authenticate(request, now)
        return self.answer(request)


class SignedApi(Api):
    """An API whose requests are all signed as OCI's services demand it.

    Args:
        verifier: knows who may send requests.
        chance: as of `Api`.
    """

    def __init__(self, verifier: Verifier, *, chance: Callable[[], float] = random.random) -> None:
        super().__init__(chance=chance)
        self._verifier = verifier

    def authenticate(self, request: Request, now: float) -> None:
        """Return if the request is signed.

        Raises:
            ApiError: it is not.
        """
        check_signature(request, self._verifier, now)


def check_signature(request: Request, verifier: Verifier, now: float) -> None:
    """Return if `verifier` knows who signed a request.

    Args:
        now: the time, in seconds since the epoch.

    Raises:
        ApiError: it does not.
    """
    try:
        verifier.verify(
            method=request.method,
            target=target(request),
            headers={name.lower(): value for name, value in headers(request)},
            body=request.get_data(),
            now=now,
        )
    except NotAuthenticated as exc:
        raise ApiError(401, "NotAuthenticated", str(exc)) from exc


def json_answer(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(json.dumps(document), status, headers, content_type="application/json")


def not_found() -> ApiError:
    """One error for a missing resource and for missing permissions, so that nobody learns what exists."""
    return ApiError(404, "NotAuthorizedOrNotFound", "Authorization failed or requested resource not found.")


def add_request_id(request: Request, response: Response) -> None:
    """Add the id by which Oracle's support finds a request: the caller's own, or a new one."""
    response.headers["opc-request-id"] = request.headers.get("opc-request-id", uuid.uuid4().hex.upper())
