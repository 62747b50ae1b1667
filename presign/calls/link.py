"""The call behind a link that does not end: it redirects to the URL of a read."""

import msgspec

from presign.calls.call import Call
from presign.calls.presign import presign_one
from presign.model.outcomes import Grant, Refusal
from presign.model.request import Request
from presign.problems import AccessDenied, FieldError, InvalidRequest, Problem


class Redirect(msgspec.Struct, frozen=True):
    """The answer that leads a client to `location` (RFC 9110, 15.4.3)."""

    location: str


def link(call: Call) -> Redirect | Problem:
    """Answer the call with a redirect to a presigned URL."""
    outcome = presign_one(call, call.service.parser.parse, _presigned)
    return outcome.problem if isinstance(outcome, Refusal) else Redirect(outcome.answer.url)


def _presigned(request: Request, call: Call) -> Grant:
    """The grant of a presigned URL for `request`: with PARs, each click on the link would leave another behind.

    Raises:
        InvalidRequest: only a rule with `via: par` allows it.
    """
    policy = call.service.policy
    operation = msgspec.structs.replace(request.operation, via="s3")
    try:
        return policy.authorize(msgspec.structs.replace(request, operation=operation), call.principal)
    except AccessDenied:
        policy.authorize(request, call.principal)
        raise InvalidRequest([FieldError("", "needs a rule with via: s3, as a link can't lead to a PAR")]) from None
