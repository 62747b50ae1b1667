"""The way of a request: read, authorize, issue, record, answer."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from presign import audit, logs
from presign.answer_size import check_answer_size
from presign.audit import AuditRecord, Issued, Refusal
from presign.issue.par import MAX_PARS
from presign.policy import Grant
from presign.problems import (
    MEDIA_TYPE,
    FieldError,
    InternalError,
    InvalidRequest,
    NotConfigured,
    Problem,
    SecretUnavailable,
)
from presign.request.claims import principal_of
from presign.request.events import object_of_event, time_of_event
from presign.request.field_errors import pointer
from presign.request.model import Invocation, Principal, Request
from presign.request.parser import decode, json_object, requests_of_batch
from presign.request.routes import Route, check_size, direct_route, http_route
from presign.revocation import (
    Revocation,
    Sweep,
    close_uploads,
    parse_revocation,
    parse_sweep,
    revoke,
    sweep,
)
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
            principal = Principal(invocation.caller)
            with suppress(OSError, ValueError):
                self._record(audit.records_of([Refusal(problem)], invocation=invocation, principal=principal))
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
        if route is Route.REVOKE:
            return self._revoke(parse_revocation(document), service, principal, invocation)
        if route is Route.SWEEP:
            return self._sweep(parse_sweep(document), service, invocation)
        if route is Route.EVENT:
            self._close_uploads(json_object(document), service, invocation)
        return self._presign(route, document, service, principal, invocation)

    def _presign(
        self, route: Route, document: Any, service: Service, principal: Principal, invocation: Invocation
    ) -> Reply:
        batch = route is Route.BATCH
        requests = _read(service, route, document, invocation.call_id)
        grants = _authorize(service, requests, principal, invocation.call_id)
        if batch:
            _check_bounds(grants)
        outcomes = _issue_pars(service, _sign(service, grants, invocation), principal, invocation)
        self._record(audit.records_of(outcomes, invocation=invocation, principal=principal, batch=batch))
        if batch:
            results = [_result(outcome, index, invocation.call_id) for index, outcome in enumerate(outcomes)]
            return _json_reply({"results": results})
        [outcome] = outcomes
        if isinstance(outcome, Refusal):
            return _problem_reply(outcome.problem, invocation.call_id)
        return _json_reply(outcome.answer)

    def _revoke(self, asked: Revocation, service: Service, principal: Principal, invocation: Invocation) -> Reply:
        record: dict[str, Any] = {"bucket": asked.bucket, "id": asked.id}
        try:
            revoked = revoke(asked, principal, policy=service.policy, pars=service.pars, tag=service.tag)
        except Exception as exc:  # noqa: BLE001 - the record tells what was tried
            problem = _as_problem(exc, invocation.call_id)
            reply = _problem_reply(problem, invocation.call_id)
            record |= audit.failure(problem)
        else:
            reply = _json_reply(revoked)
            record["key"] = revoked.key
        self._record([_deletion("revoke", invocation, subject=principal.claims.get("sub", msgspec.UNSET), **record)])
        return reply

    def _sweep(self, asked: Sweep, service: Service, invocation: Invocation) -> Reply:
        swept = sweep(
            asked,
            pars=service.pars,
            tag=service.tag,
            now=service.now(),
            seconds_left=lambda: service.seconds_left(invocation.deadline),
        )
        self._record([_deletion("sweep", invocation, bucket=asked.bucket, deleted=swept.deleted)])
        return _json_reply(swept)

    def _close_uploads(self, event: dict[str, Any], service: Service, invocation: Invocation) -> None:
        """Delete the single-use PARs by which the object of an event could be written again."""
        written = object_of_event(event)
        if written.bucket is None or not service.policy.is_single_use(written.bucket, written.key):
            return
        deleted = close_uploads(
            written.bucket, written.key, written_at=time_of_event(event), pars=service.pars, tag=service.tag
        )
        record = _deletion("close_uploads", invocation, bucket=written.bucket, key=written.key, deleted=deleted)
        self._record([record])

    def _record(self, records: Sequence[AuditRecord]) -> None:
        audit.write(records, sys.stderr.buffer if self._audit_stream is None else self._audit_stream)

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


def _check_bounds(items: Sequence[Grant | Refusal]) -> None:
    """Do nothing if the URLs of all items can be issued, and their answer can be sent.

    Raises:
        InvalidRequest: they are too many PARs for one call.
        PayloadTooLarge: the answer would be too large.
    """
    pars = sum(isinstance(item, Grant) and item.via == "par" for item in items)
    if pars > MAX_PARS:
        detail = f"asks for {pars} pre-authenticated requests; {MAX_PARS} are allowed"
        raise InvalidRequest([FieldError("/requests", detail)])
    check_answer_size(items)


def _sign(service: Service, items: Sequence[Grant | Refusal], invocation: Invocation) -> list[Grant | Issued | Refusal]:
    """A presigned URL for each grant via `s3`, all signed with one key at one time.

    The key is fetched only if there is such a grant.
    """
    if not any(isinstance(item, Grant) and item.via == "s3" for item in items):
        return [*items]
    try:
        key = service.key(deadline=invocation.deadline)
        issuer = service.issuer(deadline=invocation.deadline)
    except Exception as exc:  # noqa: BLE001 - the other items have their answers
        problem = _as_problem(exc, invocation.call_id)
        return [
            Refusal(problem, item.request, item) if isinstance(item, Grant) and item.via == "s3" else item
            for item in items
        ]
    now = service.now()
    outcomes: list[Grant | Issued | Refusal] = []
    for item in items:
        if isinstance(item, Refusal) or item.via != "s3":
            outcomes.append(item)
            continue
        try:
            outcomes.append(Issued(item, issuer.issue(item, key=key, now=now)))
        except Exception as exc:  # noqa: BLE001 - one item that fails must not fail the others
            outcomes.append(Refusal(_as_problem(exc, invocation.call_id), item.request, item))
    return outcomes


def _issue_pars(
    service: Service, items: Sequence[Grant | Issued | Refusal], principal: Principal, invocation: Invocation
) -> list[Issued | Refusal]:
    """A pre-authenticated request for each grant that is left, all created at once."""
    issued = [item for item in items if not isinstance(item, Grant)]
    if len(issued) == len(items):
        return issued
    now = service.now()
    executor = ThreadPoolExecutor(MAX_PARS)
    started = {
        index: executor.submit(service.par_issuer.issue, item, principal=principal, call_id=invocation.call_id, now=now)
        for index, item in enumerate(items)
        if isinstance(item, Grant)
    }
    outcomes: list[Issued | Refusal] = []
    for index, item in enumerate(items):
        if not isinstance(item, Grant):
            outcomes.append(item)
            continue
        try:
            answer = started[index].result(timeout=max(0.0, service.seconds_left(invocation.deadline)))
            outcomes.append(Issued(item, answer))
        except TimeoutError:
            late = SecretUnavailable("Object Storage did not create a pre-authenticated request before the deadline")
            outcomes.append(Refusal(_as_problem(late, invocation.call_id), item.request, item))
        except Exception as exc:  # noqa: BLE001 - one item that fails must not fail the others
            outcomes.append(Refusal(_as_problem(exc, invocation.call_id), item.request, item))
    executor.shutdown(wait=False, cancel_futures=True)
    return outcomes


def _deletion(
    event: Literal["revoke", "sweep", "close_uploads"], invocation: Invocation, **members: Any
) -> AuditRecord:
    return AuditRecord(event=event, call_id=invocation.call_id, caller=invocation.caller, **members)


def _fetch_ahead(service: Service) -> None:
    try:
        service.warm()
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


def _json_reply(document: Any) -> Reply:
    return _reply(200, "application/json", _encoder.encode(document))


def _reply(status: int, media_type: str, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
    # A URL is as good as a password while it lasts, so no cache may keep an answer.
    common = {"Content-Type": media_type, "Cache-Control": "no-store"}
    return Reply(status=status, headers={**common, **(headers or {})}, body=body)
