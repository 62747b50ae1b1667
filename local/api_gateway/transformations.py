"""What a deployment does to the headers of requests and responses.

As API Gateway documents it: set first, then filter, so that what is set must be on the list of what may pass; and a
header is left as it came where its new value would be empty or no header value
(https://docs.oracle.com/iaas/Content/APIGateway/Tasks/apigatewaymodifyingresponsesrequests.htm and
`apigatewaytroubleshooting_topic-header_transformations_do_not_work.htm` there).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from local.api_gateway.deployment import RequestHeaders, ResponseHeaders

PROTECTED = frozenset(
    {"cdn-loop", "connection", "content-length", "cookie", "except", "expect", "keep-alive", "opc-request-id", "origin"}
    | {"proxy-authorization", "te", "transfer-encoding", "upgrade", "x-forwarded-for", "x-real-ip"}
)
"""Request headers that no transformation touches."""

Headers = list[tuple[str, str]]

_context_variable = re.compile(r"\$\{request\.auth\[([^\]]+)\]\}")


def request_headers(received: Iterable[tuple[str, str]], policy: RequestHeaders, claims: Mapping[str, Any]) -> Headers:
    """The headers that the function gets, of those that were received, with `claims` for the context variables."""
    headers = list(received)
    for item in policy.set_headers.items:
        value = _context_variable.sub(lambda found: claim_text(claims.get(found[1])), item.values[0])
        headers = _overwrite(headers, item.name, value)
    allowed = {item.name.lower() for item in policy.filter_headers.items} | PROTECTED
    return [(name, value) for name, value in headers if name.lower() in allowed]


def response_headers(received: Iterable[tuple[str, str]], policy: ResponseHeaders) -> Headers:
    """The headers that the client gets, of those that the function sent."""
    headers = list(received)
    for item in policy.set_headers.items:
        headers = _overwrite(headers, item.name, item.values[0])
    return headers


def claim_text(claim: Any) -> str:
    """A claim as a context variable: text as it is, nothing for one that is missing, and all else as JSON.

    Oracle does not document how a claim that is a list or a number is written; a Lua table's usual form is JSON.
    """
    if claim is None:
        return ""
    return claim if isinstance(claim, str) else json.dumps(claim, separators=(",", ":"))


def _overwrite(headers: Headers, name: str, value: str) -> Headers:
    if name.lower() in PROTECTED or not value or not (value.isascii() and value.isprintable()):
        return headers
    return [*((other, kept) for other, kept in headers if other.lower() != name.lower()), (name, value)]
