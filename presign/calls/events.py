"""The calls of events: an object was written. The answer is its URL, which is also delivered."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from presign.authorize.decision import Policy
from presign.calls.call import Call
from presign.calls.presign import answer_of, presign_one, presign_several
from presign.model.outcomes import Issued, PresignedUrl, Refusal
from presign.model.request import Event, Request
from presign.problems import EventFailed, Problem, SecretUnavailable, logged_problem
from presign.read.events import events_of_list, request_of_event
from presign.record import deletion
from presign.services.delivery import Message
from presign.services.pars import Pars, is_open_upload


def event(call: Call) -> PresignedUrl | Problem:
    """Answer one event, as the Events service sends it.

    Raises:
        EventFailed: something failed that may go well the next time, so the sender is to send the event again.
    """
    outcome = presign_one(call, _parse(call))
    _follow(call, [outcome])
    return answer_of(outcome)


def events(call: Call) -> Any:
    """Answer a list of events, as Connector Hub sends it; raises `EventFailed` likewise."""
    outcomes, results = presign_several(call, events_of_list(call.document), _parse(call))
    _follow(call, outcomes)
    return results


def close_uploads(event: Event, *, policy: Policy, pars: Pars) -> int | None:
    """Delete the single-use PARs by which the object of an event could be written again; tells how many.

    PARs created after the object was written stay. None if no rule of `policy` has them for this object, or the event
    does not tell when it was written. Raises `SecretUnavailable` if Object Storage can't be asked, or refuses.
    """
    bucket, key, written_at = event.bucket, event.key, event.written_at
    if written_at is None or not policy.is_single_use(bucket, key):
        return None
    listed = pars.all(bucket, object_prefix=key)
    found = [par for par in listed if is_open_upload(par, key=key, tag=pars.tag, written_at=written_at)]
    for par in found:
        pars.delete(bucket, par.id)
    return len(found)


def _parse(call: Call) -> Callable[[Any], Request]:
    return partial(request_of_event, parser=call.service.parser)


def _follow(call: Call, outcomes: Sequence[Issued | Refusal]) -> None:
    """Do all that events ask for besides URLs: close uploads, and deliver the answers."""
    service = call.service
    try:
        for event in [outcome.request.event for outcome in outcomes if outcome.request and outcome.request.event]:
            deleted = close_uploads(event, policy=service.policy, pars=service.pars)
            if deleted is not None:
                where = {"bucket": event.bucket, "key": event.key}
                call.audit.write([deletion(call.invocation, event="close_uploads", **where, deleted=deleted)])
        if service.delivery is not None:
            service.delivery.publish(_messages(outcomes))
    except SecretUnavailable as exc:
        logged_problem(exc, call.id)
        raise EventFailed from exc
    if any(isinstance(outcome, Refusal) and outcome.problem.status >= 500 for outcome in outcomes):
        raise EventFailed


def _messages(outcomes: Sequence[Issued | Refusal]) -> list[Message]:
    """A message for each event that got a URL."""
    return [
        Message(outcome.request.event, outcome.answer)
        for outcome in outcomes
        if isinstance(outcome, Issued) and outcome.request.event is not None
    ]
