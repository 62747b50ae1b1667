"""The steps that the items of a call go through: read, authorize, issue.

A failure of one item becomes its refusal, and fails no other.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import msgspec

from presign import logs
from presign.answer_size import check_answer_size
from presign.audit import Issued, Refusal
from presign.issue import PresignedUrl
from presign.issue.par import MAX_PARS
from presign.policy import Grant
from presign.problems import FieldError, InternalError, InvalidRequest, NotConfigured, Problem, SecretUnavailable
from presign.request.events import events_of_list, parse_event
from presign.request.model import Invocation, Principal, Request
from presign.request.operations.objects import GetObject
from presign.request.parser import requests_of_batch
from presign.request.routes import BATCH, EVENTS, Route
from presign.service import Service

_log = logging.getLogger(__name__)


def read(service: Service, route: Route, document: Any, call_id: str) -> list[Request | Refusal]:
    """The items that are asked for."""
    documents = [document]
    if route is BATCH:
        documents = requests_of_batch(document)
    elif route is EVENTS:
        documents = events_of_list(document)
    parse: Callable[[Any], Request] = partial(_request_of_event, service) if route.events else service.parser.parse
    items: list[Request | Refusal] = []
    for item in documents:
        try:
            items.append(parse(item))
        except Exception as exc:  # noqa: BLE001 - one item that fails must not fail the others
            items.append(Refusal(as_problem(exc, call_id)))
    return items


def authorize(
    service: Service, requests: Sequence[Request | Refusal], principal: Principal, call_id: str
) -> list[Grant | Refusal]:
    """A grant for each request that the policy allows."""
    items: list[Grant | Refusal] = []
    for request in requests:
        if not isinstance(request, Request):
            items.append(request)
            continue
        try:
            items.append(service.policy.authorize(request, principal))
        except Exception as exc:  # noqa: BLE001 - likewise
            items.append(Refusal(as_problem(exc, call_id), request))
    return items


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
    service: Service, grants: Sequence[Grant | Refusal], principal: Principal, invocation: Invocation
) -> list[Issued | Refusal]:
    """A URL for each grant: PARs are all created at once, and presigned URLs all signed with one key at one time.

    The key is fetched only if there is a grant via `s3`.
    """
    pars = iter(_started_pars(service, grants, principal, invocation.call_id))
    sign: Callable[[Grant], PresignedUrl | Problem] | None = None
    outcomes: list[Issued | Refusal] = []
    url: PresignedUrl | Problem
    for grant in grants:
        if not isinstance(grant, Grant):
            outcomes.append(grant)
            continue
        try:
            if grant.via == "par":
                url = _created_par(next(pars), service, invocation)
            else:
                sign = _signer(service, invocation) if sign is None else sign
                url = sign(grant)
        except Exception as exc:  # noqa: BLE001 - likewise
            url = as_problem(exc, invocation.call_id)
        outcomes.append(Refusal(url, grant.request, grant) if isinstance(url, Problem) else Issued(grant, url))
    return outcomes


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


def _request_of_event(service: Service, document: Any) -> Request:
    """The download of the object that an event is about."""
    event = parse_event(document)
    request = service.parser.check(GetObject(bucket=event.bucket, key=event.key))
    return msgspec.structs.replace(request, event=event)


def _signer(service: Service, invocation: Invocation) -> Callable[[Grant], PresignedUrl | Problem]:
    """Signs a grant; without a key it gives the same problem for each, which is logged once."""
    try:
        key = service.key(deadline=invocation.deadline)
        issuer = service.issuer(deadline=invocation.deadline)
    except Exception as exc:  # noqa: BLE001 - the items that were refused have their answers already
        problem = as_problem(exc, invocation.call_id)
        return lambda grant: problem
    now = service.now()
    return lambda grant: issuer.issue(grant, key=key, now=now)


def _started_pars(
    service: Service, grants: Sequence[Grant | Refusal], principal: Principal, call_id: str
) -> list[Future[PresignedUrl]]:
    wanted = [grant for grant in grants if isinstance(grant, Grant) and grant.via == "par"]
    if not wanted:
        return []
    create = partial(service.pars.issue, principal=principal, call_id=call_id, now=service.now())
    return [service.pars.executor.submit(create, grant) for grant in wanted]


def _created_par(started: Future[PresignedUrl], service: Service, invocation: Invocation) -> PresignedUrl:
    try:
        return started.result(timeout=max(0.0, service.seconds_left(invocation.deadline)))
    except TimeoutError:
        late = "Object Storage did not create a pre-authenticated request before the deadline"
        raise SecretUnavailable(late) from None
