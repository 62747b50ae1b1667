"""The way of a request: read, authorize, issue, record, answer."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from presign import audit, logs
from presign.answer_size import check_answer_size
from presign.audit import Issued, Refusal
from presign.policy import Grant
from presign.problems import (
    MEDIA_TYPE,
    InternalError,
    NotConfigured,
    Problem,
    SecretUnavailable,
)
from presign.request.claims import principal_of
from presign.request.events import object_of_event
from presign.request.field_errors import pointer
from presign.request.model import Invocation, Principal, Request
from presign.request.parser import decode, json_object, requests_of_batch
from presign.request.routes import Route, check_size, direct_route, http_route
from presign.service import Service
from presign.settings import Settings

_encoder = msgspec.json.Encoder()
_log = logging.getLogger(__name__)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an invocation, as an HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


class App:
    """Answers invocations.

    The settings are read, and the log level is set, when the application is started or first asked.

    Args:
        config: the function's configuration.
        root: the folder of the function, where `POLICY` may name a file.
        clock: gives the time, in seconds since the epoch.
        audit_stream: gets one line for each item; by default standard error.
    """

    def __init__(
        self,
        config: Mapping[str, str],
        *,
        root: Path,
        clock: Callable[[], float] = time.time,
        audit_stream: BinaryIO | None = None,
    ) -> None:
        self._config = config
        self._root = root
        self._clock = clock
        self._audit_stream = audit_stream

    def warm(self) -> None:
        """Read the settings, and begin to fetch the key, before the first call.

        It waits for nothing and raises nothing: the log tells of failures, and so does the answer to a caller who
        meets them.
        """
        try:
            service = self._service
        except Exception as exc:  # noqa: BLE001 - callers get it as an answer
            _as_problem(exc, "start")
            return
        threading.Thread(target=_fetch_ahead, args=(service,), daemon=True).start()

    def handle(self, invocation: Invocation) -> Reply:
        """The answer to `invocation`. It raises nothing: a failure becomes a problem in the reply."""
        try:
            return self._answer(invocation)
        except Exception as exc:  # noqa: BLE001 - the caller gets an answer in any case
            problem = _as_problem(exc, invocation.call_id)
            with suppress(OSError, ValueError):
                self._record([Refusal(problem)], invocation, Principal(invocation.caller))
            return _problem_reply(problem, invocation.call_id)

    def _answer(self, invocation: Invocation) -> Reply:
        route = http_route(invocation) if invocation.caller == "gateway" else None
        if route is Route.DOCUMENT:
            return _reply(200, "application/json", self._document)
        service = self._service
        principal = principal_of(invocation, gateway_secrets=service.gateway_secrets)
        check_size(invocation.body, Route.BATCH if route is None else route)
        document = decode(invocation.body)
        if route is None:
            route = direct_route(document)
            check_size(invocation.body, route)
        requests = _read(service, route, document, invocation.call_id)
        grants = _authorize(service, requests, principal, invocation.call_id)
        if route is Route.BATCH:
            check_answer_size(grants)
        outcomes = _issue(service, grants, invocation)
        self._record(outcomes, invocation, principal, batch=route is Route.BATCH)
        if route is Route.BATCH:
            results = [_result(outcome, index, invocation.call_id) for index, outcome in enumerate(outcomes)]
            return _reply(200, "application/json", _encoder.encode({"results": results}))
        [outcome] = outcomes
        if isinstance(outcome, Refusal):
            return _problem_reply(outcome.problem, invocation.call_id)
        return _reply(200, "application/json", _encoder.encode(outcome.answer))

    def _record(
        self,
        outcomes: Sequence[Issued | Refusal],
        invocation: Invocation,
        principal: Principal,
        *,
        batch: bool = False,
    ) -> None:
        stream = sys.stderr.buffer if self._audit_stream is None else self._audit_stream
        audit.write(outcomes, stream, invocation=invocation, principal=principal, batch=batch)

    @cached_property
    def _service(self) -> Service:
        logs.set_level("INFO")
        settings = Settings.from_config(self._config, root=self._root)
        logs.set_level(settings.log_level)
        return Service(settings, clock=self._clock)

    @cached_property
    def _document(self) -> bytes:
        return (self._root / "gateway" / "openapi.json").read_bytes()


def _read(service: Service, route: Route, document: Any, call_id: str) -> list[Request | Refusal]:
    """The items that are asked for."""
    if route is Route.EVENT:
        return [service.parser.check(object_of_event(json_object(document)))]
    documents = requests_of_batch(document) if route is Route.BATCH else [document]
    items: list[Request | Refusal] = []
    for item in documents:
        try:
            items.append(service.parser.parse(item))
        except Exception as exc:  # noqa: BLE001 - one item that fails must not fail the others
            items.append(Refusal(_as_problem(exc, call_id)))
    return items


def _authorize(
    service: Service, requests: Sequence[Request | Refusal], principal: Principal, call_id: str
) -> list[Grant | Refusal]:
    """A grant for each request that the policy allows."""
    items: list[Grant | Refusal] = []
    for item in requests:
        if isinstance(item, Refusal):
            items.append(item)
            continue
        try:
            items.append(service.policy.authorize(item, principal))
        except Exception as exc:  # noqa: BLE001 - one item that fails must not fail the others
            items.append(Refusal(_as_problem(exc, call_id), item))
    return items


def _issue(service: Service, grants: Sequence[Grant | Refusal], invocation: Invocation) -> list[Issued | Refusal]:
    """A URL for each grant, all signed with one key at one time, which is fetched only if there is a grant."""
    refusals = [item for item in grants if isinstance(item, Refusal)]
    if len(refusals) == len(grants):
        return [*refusals]
    try:
        key = service.key(deadline=invocation.deadline)
        issuer = service.issuer(deadline=invocation.deadline)
    except Exception as exc:  # noqa: BLE001 - the items that were refused have their answers already
        problem = _as_problem(exc, invocation.call_id)
        return [item if isinstance(item, Refusal) else Refusal(problem, item.request, item) for item in grants]
    now = service.now()
    items: list[Issued | Refusal] = []
    for item in grants:
        if isinstance(item, Refusal):
            items.append(item)
            continue
        try:
            items.append(Issued(item, issuer.issue(item, key=key, now=now)))
        except Exception as exc:  # noqa: BLE001 - one item that fails must not fail the others
            items.append(Refusal(_as_problem(exc, invocation.call_id), item.request, item))
    return items


def _fetch_ahead(service: Service) -> None:
    try:
        service.key()
        service.issuer()
    except Exception as exc:  # noqa: BLE001 - callers get it as an answer, unless the next fetch goes well
        _as_problem(exc, "start")


def _as_problem(exc: Exception, call_id: str) -> Problem:
    """The caller's answer for `exc`; the operator finds the cause in the log."""
    if isinstance(exc, NotConfigured):
        for error in exc.errors:
            _log.error("%s: setting %s", call_id, error)
    elif isinstance(exc, SecretUnavailable):
        _log.error("%s: %s", call_id, exc.cause)
    elif not isinstance(exc, Problem):
        _log.error("%s: unexpected %s", call_id, logs.where_raised(exc))
    return exc if isinstance(exc, Problem) else InternalError()


def _result(outcome: Issued | Refusal, index: int, call_id: str) -> Any:
    """The result of one item of a batch."""
    if isinstance(outcome, Issued):
        return outcome.answer
    return {"problem": outcome.problem.details(call_id, at=pointer("requests", index))}


def _problem_reply(problem: Problem, call_id: str) -> Reply:
    return _reply(problem.status, MEDIA_TYPE, _encoder.encode(problem.details(call_id)), problem.headers)


def _reply(status: int, media_type: str, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
    # A URL is as good as a password while it lasts, so no cache may keep an answer.
    common = {"Content-Type": media_type, "Cache-Control": "no-store"}
    return Reply(status=status, headers={**common, **(headers or {})}, body=body)
