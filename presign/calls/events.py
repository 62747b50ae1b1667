"""The calls of events: an object was written. The answer is its URL, which is also delivered."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from presign.authorize.decision import Policy
from presign.calls.call import Call
from presign.calls.presign import Authorize, Parse, answer_of, answer_of_all, presign_all, presign_one
from presign.model.invocation import Principal
from presign.model.outcomes import Grant, Issued, PresignedUrl, Refusal
from presign.model.request import Event, Request
from presign.problems import AccessDenied, EventFailed, InvalidRequest, Problem, SecretUnavailable, logged_problem
from presign.read.events import events_of_list, object_of, request_of_event
from presign.record import deletion
from presign.services.delivery import Message
from presign.services.pars import Pars, is_not_found, is_open_upload

_log = logging.getLogger(__name__)


def event(call: Call) -> PresignedUrl | Problem:
    """Answer one event, as the Events service sends it.

    Raises:
        EventFailed: something failed that may go well the next time, so the sender is to send the event again.
    """
    outcome = presign_one(call, *_steps(call))
    _follow(call, [call.document], [outcome])
    return answer_of(outcome)


def events(call: Call) -> Any:
    """Answer a list of events, as Connector Hub sends it; raises `EventFailed` likewise, if any of them failed."""
    try:
        documents = events_of_list(call.document)
    except Problem as exc:
        _log.warning("%s: list of events refused: %s", call.id, exc)
        raise
    outcomes = presign_all(call, documents, *_steps(call))
    _follow(call, documents, outcomes)
    return answer_of_all(outcomes, call)


def close_uploads(event: Event, call: Call) -> int:
    """Delete the PARs by which the object of an event could be written again; tells how many.

    PARs created after the object was written stay. A bucket that is gone has none.

    Raises:
        SecretUnavailable: Object Storage can't be asked, or refuses.
        TimeoutError: the deadline came before all were deleted.
    """
    pars = call.service.pars
    bucket, key, written_at = event.bucket, event.key, event.written_at
    if written_at is None:
        _log.warning(
            "event %a does not tell when %a was written, so no upload is closed", event.event_id, f"{bucket}/{key}"
        )
        return 0
    try:
        listed = [*call.in_time(pars.all(bucket, object_prefix=key))]
    except SecretUnavailable as exc:
        if _is_of_no_bucket(event, exc, pars):
            return 0
        raise
    found = [par for par in listed if is_open_upload(par, key=key, tags=pars.tags, written_at=written_at)]
    for par in call.in_time(found):
        pars.delete(bucket, par)
    return len(found)


def _is_of_no_bucket(event: Event, problem: Problem, pars: Pars) -> bool:
    """Whether an event has this problem because its bucket is gone, so that it would have it the next time too."""
    if event.compartment_id is None or not is_not_found(problem):
        return False
    return pars.is_bucket_gone(event.bucket, compartment=event.compartment_id)


def _steps(call: Call) -> tuple[Parse, Authorize]:
    """The two steps that events have of their own."""
    return partial(request_of_event, parser=call.service.parser), partial(_authorize, call.service.policy)


def _authorize(policy: Policy, request: Request, principal: Principal) -> Grant:
    """The grant of the version that was written. If only PARs are given for the object, it is for any version."""
    with suppress(InvalidRequest):
        return policy.authorize(request, principal)
    operation = msgspec.structs.replace(request.operation, version_id=None)
    return policy.authorize(msgspec.structs.replace(request, operation=operation), principal)


def _follow(call: Call, documents: Sequence[Any], outcomes: Sequence[Issued | Refusal]) -> None:
    """Do all that events ask for besides URLs: deliver the answers, then close uploads. One that fails fails alone."""
    for document, outcome in zip(documents, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            _tell_refusal(call, document, outcome.problem)
    results = [*_deliver(call, outcomes), *_failures(call, outcomes), *_close_all(call, outcomes)]
    if any(isinstance(result, Problem) and result.status >= 500 for result in results):
        raise EventFailed


def _tell_refusal(call: Call, document: Any, problem: Problem) -> None:
    """Log why an event was refused, unless its audit record has the reason: if the policy does not allow its URL."""
    if problem.status < 500 and not isinstance(problem, AccessDenied):
        _log.warning("%s: event of %s refused: %s", call.id, object_of(document), problem)


def _failures(call: Call, outcomes: Sequence[Issued | Refusal]) -> list[Problem]:
    """The problems of events without a URL that may get one the next time."""
    failed = [outcome for outcome in outcomes if isinstance(outcome, Refusal) and outcome.problem.status >= 500]

    def is_final(refusal: Refusal) -> bool:
        event = None if refusal.request is None else refusal.request.event
        return event is not None and _is_of_no_bucket(event, refusal.problem, call.service.pars)

    finals = call.side_by_side(is_final, failed)
    return [refusal.problem for refusal, final in zip(failed, finals, strict=True) if final is not True]


def _deliver(call: Call, outcomes: Sequence[Issued | Refusal]) -> list[Any]:
    delivery = call.service.delivery
    if delivery is None:
        return []
    messages = [
        Message(outcome.request.event, outcome.answer)
        for outcome in outcomes
        if isinstance(outcome, Issued) and outcome.request.event is not None
    ]
    batches = delivery.batches(messages)
    results = _side_by_side(call, delivery.publish, batches)
    for batch, result in zip(batches, results, strict=True):
        if isinstance(result, Problem):
            ids = ", ".join(ascii(message.event.event_id) for message in batch)
            _log.error("%s: no message was delivered for the events %s", call.id, ids)
    return results


def _close_all(call: Call, outcomes: Sequence[Issued | Refusal]) -> list[Any]:
    policy = call.service.policy
    written = [outcome.request.event for outcome in outcomes if outcome.request and outcome.request.event]
    events = [event for event in written if policy.is_single_use(event.bucket, event.key)]
    results = _side_by_side(call, partial(close_uploads, call=call), events)
    records = []
    for event, result in zip(events, results, strict=True):
        told = {"problem": result} if isinstance(result, Problem) else {"deleted": result}
        records.append(deletion(call.invocation, event="close_uploads", bucket=event.bucket, key=event.key, **told))
    call.audit.write(records)
    return results


def _side_by_side(call: Call, step: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """The result of `step` for each of `items`, or its problem, which is logged. Those left at the deadline fail."""
    left = SecretUnavailable("the deadline came before all events were processed; the sender is to send them again")

    def told(result: Any) -> Any:
        if isinstance(result, TimeoutError):
            return left
        return logged_problem(result, call.id) if isinstance(result, Exception) else result

    results = [told(result) for result in call.side_by_side(step, items)]
    if left in results:
        logged_problem(left, call.id)
    return results
