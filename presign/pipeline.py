"""The steps that the items of a call go through: read, authorize, issue.

A failure of one item becomes its refusal, and fails no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import msgspec

from presign import logs
from presign.answer_size import check_answer_size
from presign.audit import Issued, Refusal
from presign.issue.par import MAX_PARS
from presign.policy import Grant
from presign.problems import FieldError, InternalError, InvalidRequest, NotConfigured, Problem, SecretUnavailable
from presign.request.events import events_in, parse_event
from presign.request.model import Invocation, Principal, Request
from presign.request.operations.objects import GetObject
from presign.request.parser import requests_of_batch
from presign.request.routes import Route
from presign.service import Service

_log = logging.getLogger(__name__)


def read(service: Service, route: Route, document: Any, call_id: str) -> list[Request | Refusal]:
    """The items that are asked for."""
    parse: Callable[[Any], Request] = service.parser.parse
    documents = [document]
    if route is Route.BATCH:
        documents = requests_of_batch(document)
    elif route in (Route.EVENT, Route.EVENTS):
        documents, parse = events_in(document), partial(_request_of_event, service)
    items: list[Request | Refusal] = []
    for item in documents:
        try:
            items.append(parse(item))
        except Exception as exc:  # noqa: BLE001 - one item that fails must not fail the others
            items.append(Refusal(as_problem(exc, call_id)))
    return items


def _request_of_event(service: Service, document: Any) -> Request:
    """The download of the object that an event is about."""
    event = parse_event(document)
    request = service.parser.check(GetObject(bucket=event.bucket, key=event.key))
    return msgspec.structs.replace(request, event=event)


def authorize(
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
            items.append(Refusal(as_problem(exc, call_id), item))
    return items


def check_bounds(items: Sequence[Grant | Refusal]) -> None:
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


def sign(service: Service, items: Sequence[Grant | Refusal], invocation: Invocation) -> list[Grant | Issued | Refusal]:
    """A presigned URL for each grant via `s3`, all signed with one key at one time.

    The key is fetched only if there is such a grant.
    """
    if not any(isinstance(item, Grant) and item.via == "s3" for item in items):
        return [*items]
    try:
        key = service.key(deadline=invocation.deadline)
        issuer = service.issuer(deadline=invocation.deadline)
    except Exception as exc:  # noqa: BLE001 - the other items have their answers
        problem = as_problem(exc, invocation.call_id)
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
            outcomes.append(Refusal(as_problem(exc, invocation.call_id), item.request, item))
    return outcomes


def issue_pars(
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
            outcomes.append(Refusal(as_problem(late, invocation.call_id), item.request, item))
        except Exception as exc:  # noqa: BLE001 - one item that fails must not fail the others
            outcomes.append(Refusal(as_problem(exc, invocation.call_id), item.request, item))
    executor.shutdown(wait=False, cancel_futures=True)
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
