"""The steps that the items of a call go through: read, authorize, issue.

A failure of one item becomes its refusal, and fails no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import msgspec

from presign import logs
from presign.answer_size import check_answer_size
from presign.audit import Issued, Refusal
from presign.issue import PresignedUrl
from presign.issue.par import MAX_PARS
from presign.policy import Grant
from presign.problems import FieldError, InternalError, InvalidRequest, NotConfigured, Problem, SecretUnavailable
from presign.request.events import events_in, parse_event
from presign.request.model import Invocation, Principal, Request
from presign.request.operations.objects import GetObject
from presign.request.parser import requests_of_batch
from presign.request.routes import Route
from presign.service import Service

T = TypeVar("T")
_log = logging.getLogger(__name__)


def read(service: Service, route: Route, document: Any, call_id: str) -> list[Request | Refusal]:
    """The items that are asked for."""
    parse: Callable[[Any], Request] = service.parser.parse
    documents = [document]
    if route is Route.BATCH:
        documents = requests_of_batch(document)
    elif route in (Route.EVENT, Route.EVENTS):
        documents, parse = events_in(document), partial(_request_of_event, service)
    return [_result(partial(parse, item), call_id) for item in documents]


def authorize(
    service: Service, items: Sequence[Request | Refusal], principal: Principal, call_id: str
) -> list[Grant | Refusal]:
    """A grant for each request that the policy allows."""
    return [
        item
        if isinstance(item, Refusal)
        else _result(partial(service.policy.authorize, item, principal), call_id, request=item)
        for item in items
    ]


def check_bounds(items: Sequence[Grant | Refusal], *, body_bytes: int) -> None:
    """Do nothing if the URLs of all items can be issued, and their answer can be sent.

    Raises:
        InvalidRequest: they are too many PARs for one call.
        PayloadTooLarge: the answer would be too large.
    """
    pars = sum(isinstance(item, Grant) and item.via == "par" for item in items)
    if pars > MAX_PARS:
        detail = f"asks for {pars} pre-authenticated requests; {MAX_PARS} are allowed"
        raise InvalidRequest([FieldError("/requests", detail)])
    check_answer_size(items, body_bytes=body_bytes)


def issue(
    service: Service, items: Sequence[Grant | Refusal], principal: Principal, invocation: Invocation
) -> list[Issued | Refusal]:
    """A URL for each grant: PARs are all created at once, and presigned URLs all signed with one key at one time.

    The key is fetched only if there is a grant via `s3`.
    """
    call_id = invocation.call_id
    vias = {item.via for item in items if isinstance(item, Grant)}
    pars = iter(_started_pars(service, items, principal, call_id) if "par" in vias else ())
    sign = _result(partial(_signer, service, invocation), call_id) if "s3" in vias else None

    def issued(grant: Grant) -> Issued | Refusal:
        step: Callable[[], PresignedUrl]
        if grant.via == "par" or sign is None:
            step = partial(_created_par, next(pars), service, invocation)
        elif isinstance(sign, Refusal):
            return Refusal(sign.problem, grant.request, grant)
        else:
            step = partial(sign, grant)
        answer = _result(step, call_id, request=grant.request, grant=grant)
        return answer if isinstance(answer, Refusal) else Issued(grant, answer)

    return [item if isinstance(item, Refusal) else issued(item) for item in items]


def as_problem(exc: Exception, call_id: str) -> Problem:
    """The caller's answer for `exc`; the operator finds the cause in the log."""
    if isinstance(exc, NotConfigured):
        for error in exc.errors:
            _log.error("%s: setting %s", call_id, error)
    elif isinstance(exc, SecretUnavailable):
        _log.error("%s: %s", call_id, exc.cause)
    elif not isinstance(exc, Problem):
        _log.error("%s: unexpected %s", call_id, logs.where_raised(exc))
    return exc if isinstance(exc, Problem) else InternalError()


def _result(
    step: Callable[[], T], call_id: str, *, request: Request | None = None, grant: Grant | None = None
) -> T | Refusal:
    """The result of a step of one item, or its refusal."""
    try:
        return step()
    except Exception as exc:  # noqa: BLE001 - one item that fails must not fail the others
        return Refusal(as_problem(exc, call_id), request, grant)


def _request_of_event(service: Service, document: Any) -> Request:
    """The download of the object that an event is about."""
    event = parse_event(document)
    request = service.parser.check(GetObject(bucket=event.bucket, key=event.key))
    return msgspec.structs.replace(request, event=event)


def _signer(service: Service, invocation: Invocation) -> Callable[[Grant], PresignedUrl]:
    key = service.key(deadline=invocation.deadline)
    issuer = service.issuer(deadline=invocation.deadline)
    return partial(issuer.issue, key=key, now=service.now())


def _started_pars(
    service: Service, items: Sequence[Grant | Refusal], principal: Principal, call_id: str
) -> list[Future[PresignedUrl]]:
    create = partial(service.pars.issue, principal=principal, call_id=call_id, now=service.now())
    executor = ThreadPoolExecutor(MAX_PARS)
    started = [executor.submit(create, item) for item in items if isinstance(item, Grant) and item.via == "par"]
    executor.shutdown(wait=False)
    return started


def _created_par(started: Future[PresignedUrl], service: Service, invocation: Invocation) -> PresignedUrl:
    try:
        return started.result(timeout=max(0.0, service.seconds_left(invocation.deadline)))
    except TimeoutError:
        late = "Object Storage did not create a pre-authenticated request before the deadline"
        raise SecretUnavailable(late) from None
