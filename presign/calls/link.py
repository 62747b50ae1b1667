"""The call behind a link that does not end: it redirects to the URL of a read."""

from functools import partial

import msgspec

from presign.authorize.decision import Policy
from presign.calls.call import Call
from presign.calls.presign import presign_one
from presign.model.invocation import Principal
from presign.model.outcomes import Grant, Refusal
from presign.model.request import Request
from presign.problems import AccessDenied, FieldError, InvalidRequest, Problem


class Redirect(msgspec.Struct, frozen=True):
    """The answer that leads a client to `location` (RFC 9110, 15.4.3)."""

    location: str


def link(call: Call) -> Redirect | Problem:
    """Answer the call with a redirect to a presigned URL."""
    outcome = presign_one(call, call.service.parser.parse, partial(_authorize, call.service.policy))
    return outcome.problem if isinstance(outcome, Refusal) else Redirect(outcome.answer.url)


def _authorize(policy: Policy, request: Request, principal: Principal) -> Grant:
    """The grant of a presigned URL for `request`: with PARs, each click on the link would leave another behind.

    Raises:
        InvalidRequest: only a rule with `via: par` allows it.
    """
    operation = msgspec.structs.replace(request.operation, via="s3")
    try:
        return policy.authorize(msgspec.structs.replace(request, operation=operation), principal)
    except AccessDenied:
        policy.authorize(request, principal)
        raise InvalidRequest([FieldError("", "needs a rule with via: s3, as a link can't lead to a PAR")]) from None
