"""The way of a request: read, authorize, issue, record, answer."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from presign import audit, logs, pipeline
from presign.audit import AuditRecord, Issued, Refusal
from presign.problems import MEDIA_TYPE, EventFailed, Problem, SecretUnavailable
from presign.request.claims import principal_of
from presign.request.field_errors import pointer
from presign.request.model import Invocation, Principal
from presign.request.parser import decode
from presign.request.routes import BATCH, DOCUMENT, REVOKE, SWEEP, check_size, direct_route, http_route
from presign.revocation import Revocation, Sweep, close_uploads, parse, revoke, sweep
from presign.service import Service
from presign.settings import Settings

_JSON = {"Content-Type": "application/json"}
_encoder = msgspec.json.Encoder()


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an invocation, as an HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


class App:
    """Answers invocations.

    The settings are read, and the log level is set, when the application is started or first asked.

    `config` is the function's configuration; its `POLICY` may name a file in the folder `root`. `clock` gives the time,
    in seconds since the epoch. `audit_stream` gets one line for each item; by default it is standard error.
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
        with _logged_failure():
            fetch_ahead = _logged_failure()(self._service.warm)
            threading.Thread(target=fetch_ahead, daemon=True).start()

    def handle(self, invocation: Invocation) -> Reply:
        """The answer to `invocation`. It raises nothing: a failure becomes a problem in the reply."""
        try:
            return self._answer(invocation)
        except Exception as exc:  # noqa: BLE001 - the caller gets an answer in any case
            problem = pipeline.as_problem(exc, invocation.call_id)
            principal = Principal(invocation.caller)
            with suppress(OSError, ValueError):
                self._record(audit.records_of([Refusal(problem)], invocation=invocation, principal=principal))
            return _problem_reply(problem, invocation.call_id)

    def _answer(self, invocation: Invocation) -> Reply:
        route = http_route(invocation) if invocation.caller == "gateway" else None
        if route is DOCUMENT:
            return _reply(msgspec.Raw((self._root / "gateway" / "openapi.json").read_bytes()))
        service = self._service
        principal = principal_of(invocation, gateway_secrets=service.gateway_secrets)
        check_size(invocation.body, BATCH if route is None else route)
        document = decode(invocation.body)
        if route is None:
            route = direct_route(document)
            check_size(invocation.body, route)
        if route is REVOKE:
            return self._revoke(parse(document, Revocation), service, principal, invocation)
        if route is SWEEP:
            return self._sweep(parse(document["sweep"], Sweep, at="/sweep"), service, invocation)
        requests = pipeline.read(service, route, document, invocation.call_id)
        grants = pipeline.authorize(service, requests, principal, invocation.call_id)
        if route.several:
            pipeline.check_bounds(grants, body_bytes=len(invocation.body))
        outcomes = pipeline.issue(service, grants, principal, invocation)
        self._record(audit.records_of(outcomes, invocation=invocation, principal=principal, batch=route.several))
        if route.events:
            self._follow_events(outcomes, service, invocation)
        if route.several:
            return _reply({"results": _results(outcomes, invocation.call_id)})
        [outcome] = outcomes
        if isinstance(outcome, Refusal):
            return _problem_reply(outcome.problem, invocation.call_id)
        return _reply(outcome.answer)

    def _follow_events(self, outcomes: Sequence[Issued | Refusal], service: Service, invocation: Invocation) -> None:
        """Do all that events ask for besides URLs: close uploads, and deliver the answers.

        Raises:
            EventFailed: something failed that may go well the next time, so the sender is to send the events again.
        """
        try:
            for event in [outcome.request.event for outcome in outcomes if outcome.request and outcome.request.event]:
                deleted = close_uploads(event, policy=service.policy, pars=service.pars)
                if deleted is not None:
                    where = {"bucket": event.bucket, "key": event.key}
                    self._record_deletion(invocation, event="close_uploads", **where, deleted=deleted)
            if service.delivery is not None:
                service.delivery.publish(outcomes)
        except SecretUnavailable as exc:
            pipeline.as_problem(exc, invocation.call_id)
            raise EventFailed from exc
        if any(isinstance(outcome, Refusal) and outcome.problem.status >= 500 for outcome in outcomes):
            raise EventFailed

    def _revoke(self, asked: Revocation, service: Service, principal: Principal, invocation: Invocation) -> Reply:
        subject = principal.claims.get("sub", msgspec.UNSET)
        where = {"bucket": asked.bucket, "id": asked.id}
        record = partial(self._record_deletion, invocation, event="revoke", subject=subject, **where)
        try:
            revoked = revoke(asked, principal, policy=service.policy, pars=service.pars)
        except Exception as exc:  # noqa: BLE001 - the record tells what was tried
            problem = pipeline.as_problem(exc, invocation.call_id)
            record(outcome=audit.outcome_of(problem), code=problem.code)
            return _problem_reply(problem, invocation.call_id)
        record(key=revoked.key)
        return _reply(revoked)

    def _sweep(self, asked: Sweep, service: Service, invocation: Invocation) -> Reply:
        seconds_left = partial(service.seconds_left, invocation.deadline)
        swept = sweep(asked, pars=service.pars, now=service.now(), seconds_left=seconds_left)
        self._record_deletion(invocation, event="sweep", bucket=asked.bucket, deleted=swept.deleted)
        return _reply(swept)

    def _record_deletion(self, invocation: Invocation, **members: Any) -> None:
        self._record([AuditRecord(call_id=invocation.call_id, caller=invocation.caller, **members)])

    def _record(self, records: Sequence[AuditRecord]) -> None:
        audit.write(records, sys.stderr.buffer if self._audit_stream is None else self._audit_stream)

    @cached_property
    def _service(self) -> Service:
        logs.set_level("INFO")
        settings = Settings.from_config(self._config, root=self._root)
        logs.set_level(settings.log_level)
        return Service(settings, clock=self._clock)


@contextmanager
def _logged_failure() -> Iterator[None]:
    try:
        yield
    except Exception as exc:  # noqa: BLE001 - callers get it as an answer, unless it goes well then
        pipeline.as_problem(exc, "start")


def _results(outcomes: Sequence[Issued | Refusal], call_id: str) -> list[Any]:
    return [
        outcome.answer
        if isinstance(outcome, Issued)
        else {"problem": outcome.problem.details(call_id, at=pointer("requests", index))}
        for index, outcome in enumerate(outcomes)
    ]


def _problem_reply(problem: Problem, call_id: str) -> Reply:
    headers = {"Content-Type": MEDIA_TYPE, **problem.headers}
    return _reply(problem.details(call_id), status=problem.status, headers=headers)


def _reply(document: Any, *, status: int = 200, headers: Mapping[str, str] = _JSON) -> Reply:
    # A URL is as good as a password while it lasts, so no cache may keep an answer.
    return Reply(status=status, headers={**headers, "Cache-Control": "no-store"}, body=_encoder.encode(document))
