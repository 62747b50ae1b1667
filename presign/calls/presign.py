"""The calls for URLs: one, or a batch. Their items are read, authorized, issued and recorded.

A failure of one item becomes its refusal, and fails no other.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, TypeGuard

import msgspec

from presign.calls.call import Call
from presign.issue.par import create_par
from presign.model.field_errors import pointer
from presign.model.invocation import Principal
from presign.model.outcomes import Grant, Issued, PresignedUrl, Refusal
from presign.model.request import Request
from presign.problems import FieldError, InvalidRequest, PayloadTooLarge, Problem, SecretUnavailable, logged_problem
from presign.read.parser import requests_of_batch
from presign.record import records_of
from presign.services.pars import MAX_PARS

MAX_ANSWER_BYTES = 6_000_000
"""A function may send 6 MB."""
MAX_PAR_ANSWER_BYTES = 32 * 1024
"""Bytes: more than any answer with a PAR has."""

_FRAME_BYTES = len('{"results":[]}')

Parse = Callable[[Any], Request]
Authorize = Callable[[Request, Principal], Grant]

_encoder = msgspec.json.Encoder()


def one(call: Call) -> PresignedUrl | Problem:
    """Answer a call for one URL."""
    return answer_of(presign_one(call, call.service.parser.parse, call.service.policy.authorize))


def batch(call: Call) -> Any:
    """Answer a call for several URLs; an item that is refused has a problem in place of its URL.

    Raises:
        InvalidRequest: the items ask for too many PARs.
        PayloadTooLarge: the answer would be too large to be sent. No PAR has been created, and nothing recorded.
    """
    grants = _granted(call, requests_of_batch(call.document), call.service.parser.parse, call.service.policy.authorize)
    pars = sum(isinstance(item, Grant) and item.via == "par" for item in grants)
    if pars > MAX_PARS:
        detail = f"asks for {pars} pre-authenticated requests; {MAX_PARS} are allowed"
        raise InvalidRequest([FieldError("/requests", detail)])
    signed = _signed(call, grants)
    answer = _encoded(signed, call)
    if len(answer) + pars * MAX_PAR_ANSWER_BYTES > MAX_ANSWER_BYTES:
        raise _too_large(signed, call)
    outcomes = signed
    if pars:
        outcomes = _with_pars(call, signed)
        answer = _encoded(outcomes, call)
    call.audit.write(records_of(outcomes, invocation=call.invocation, principal=call.principal, batch=True))
    return msgspec.Raw(answer)


def presign_one(call: Call, parse: Parse, authorize: Authorize) -> Issued | Refusal:
    """The outcome of a call whose whole JSON is one item, recorded."""
    items = _signed(call, _granted(call, [call.document], parse, authorize))
    [outcome] = _with_pars(call, items) if isinstance(items[0], Grant) else items
    call.audit.write(records_of([outcome], invocation=call.invocation, principal=call.principal))
    return outcome


def presign_all(call: Call, documents: Sequence[Any], parse: Parse, authorize: Authorize) -> list[Issued | Refusal]:
    """The outcome of each of `documents`, recorded, however many of them get PARs."""
    outcomes = _with_pars(call, _signed(call, _granted(call, documents, parse, authorize)))
    call.audit.write(records_of(outcomes, invocation=call.invocation, principal=call.principal, batch=True))
    return outcomes


def answer_of_all(outcomes: Sequence[Issued | Refusal], call: Call) -> Any:
    """The JSON that lists the answers; raises `PayloadTooLarge` if it is too large to be sent."""
    answer = _encoded(outcomes, call)
    if len(answer) > MAX_ANSWER_BYTES:
        raise _too_large(outcomes, call)
    return msgspec.Raw(answer)


def answer_of(outcome: Issued | Refusal) -> PresignedUrl | Problem:
    """The caller's answer for the only item of a call."""
    return outcome.answer if isinstance(outcome, Issued) else outcome.problem


def _granted(call: Call, documents: Sequence[Any], parse: Parse, authorize: Authorize) -> list[Grant | Refusal]:
    """A grant for each item that `parse` can read and `authorize` allows."""
    principal = call.principal
    items: list[Grant | Refusal] = []
    for document in documents:
        request = None
        try:
            request = parse(document)
            items.append(authorize(request, principal))
        except Exception as exc:  # noqa: BLE001 - one item that fails must not fail the others
            items.append(Refusal(logged_problem(exc, call.id), request))
    return items


def _signed(call: Call, items: Sequence[Grant | Refusal]) -> list[Any]:
    """A presigned URL for each grant via `s3`, all signed with one key at one time; the others as they are.

    The key is fetched only if there is such a grant. A failure to fetch it is logged once.
    """
    if not any(map(_is_signed, items)):
        return [*items]
    service, deadline = call.service, call.invocation.deadline
    try:
        key, issuer = service.key(deadline=deadline), service.issuer(deadline=deadline)
    except Exception as exc:  # noqa: BLE001 - the items that were refused have their answers already
        problem = logged_problem(exc, call.id)
        return [Refusal(problem, item.request, item) if _is_signed(item) else item for item in items]
    now = service.now()
    outcomes: list[Any] = []
    for item in items:
        outcome: Any = item
        if _is_signed(item):
            try:
                outcome = Issued(item, issuer.issue(item, key=key, now=now))
            except Exception as exc:  # noqa: BLE001 - one item that fails must not fail the others
                outcome = Refusal(logged_problem(exc, call.id), item.request, item)
        outcomes.append(outcome)
    return outcomes


def _with_pars(call: Call, items: Sequence[Issued | Grant | Refusal]) -> list[Issued | Refusal]:
    """A PAR for each grant that is left. They are created side by side."""
    service = call.service
    create = partial(create_par, pars=service.pars, principal=call.principal, call_id=call.id, now=service.now())
    created = iter(call.side_by_side(create, [item for item in items if isinstance(item, Grant)]))
    return [_created(item, next(created), call) if isinstance(item, Grant) else item for item in items]


def _created(grant: Grant, result: PresignedUrl | Exception, call: Call) -> Issued | Refusal:
    """The outcome of a grant; `result` is the answer with its PAR, or the exception that kept it from being created."""
    if isinstance(result, TimeoutError):
        result = SecretUnavailable("Object Storage did not create a pre-authenticated request before the deadline")
    if isinstance(result, Exception):
        return Refusal(logged_problem(result, call.id), grant.request, grant)
    return Issued(grant, result)


def _is_signed(item: Grant | Refusal) -> TypeGuard[Grant]:
    return isinstance(item, Grant) and item.via == "s3"


def _encoded(items: Sequence[Issued | Grant | Refusal], call: Call) -> bytes:
    return _encoder.encode({"results": _results(items, call)})


def _results(items: Sequence[Issued | Grant | Refusal], call: Call) -> list[Any]:
    """The members of an answer to several, one for each item; null where a PAR is still to be created."""
    place = [] if isinstance(call.document, list) else ["requests"]
    results: list[Any] = []
    for index, item in enumerate(items):
        if isinstance(item, Issued):
            results.append(item.answer)
        elif isinstance(item, Refusal):
            results.append({"problem": item.problem.details(call.id, at=pointer(*place, index))})
        else:
            results.append(None)
    return results


def _too_large(items: Sequence[Issued | Grant | Refusal], call: Call) -> PayloadTooLarge:
    sizes = [
        MAX_PAR_ANSWER_BYTES if result is None else len(_encoder.encode(result)) + 1 for result in _results(items, call)
    ]
    fitting = sum(size <= MAX_ANSWER_BYTES - _FRAME_BYTES for size in accumulate(sizes))
    would = f"The answer would be larger than {MAX_ANSWER_BYTES} bytes"
    return PayloadTooLarge(detail=f"{would}; the first {fitting} requests would fit")
