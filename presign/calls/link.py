"""The call behind a link that does not end: it redirects to the URL of a read."""

from functools import partial
from typing import Any

import msgspec

from presign.calls.call import Call
from presign.calls.presign import presign_one
from presign.model.outcomes import Refusal
from presign.model.request import Request
from presign.problems import AccessDenied, FieldError, InvalidRequest, Problem


class Redirect(msgspec.Struct, frozen=True):
    """The answer that leads a client to `location` (RFC 9110, 15.4.3)."""

    location: str


def link(call: Call) -> Redirect | Problem:
    """Answer the call with a redirect to a presigned URL."""
    outcome = presign_one(call, partial(_presigned, call))
    return outcome.problem if isinstance(outcome, Refusal) else Redirect(outcome.answer.url)


def _presigned(call: Call, document: Any) -> Request:
    """The request in `document`, for a presigned URL alone: with PARs, each click on the link would leave another.

    Raises:
        InvalidRequest: it has validation errors, or only a rule with `via: par` allows it.
    """
    policy, request = call.service.policy, call.service.parser.parse(document)
    presigned = msgspec.structs.replace(request, operation=msgspec.structs.replace(request.operation, via="s3"))
    try:
        policy.authorize(presigned, call.principal)
    except AccessDenied:
        policy.authorize(request, call.principal)
        raise InvalidRequest([FieldError("", "needs a rule with via: s3, as a link can't lead to a PAR")]) from None
    return presigned
