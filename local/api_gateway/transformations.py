"""Transformations of the headers of requests and responses.

As API Gateway documents them: it sets headers first and filters them then, so that a header that is set must be on the
list of allowed ones. A header keeps its old value if the new one would be empty or is no valid header value
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
"""Request headers that no transformation changes."""

Headers = list[tuple[str, str]]

_context_variable = re.compile(r"\$\{request\.auth\[([^\]]+)\]\}")


def request_headers(received: Iterable[tuple[str, str]], policy: RequestHeaders, claims: Mapping[str, Any]) -> Headers:
    """The headers that the function gets. `claims` are the values of the context variables."""
    headers = list(received)
    for item in policy.set_headers.items:
        value = _context_variable.sub(lambda found: claim_text(claims.get(found[1])), item.values[0])
        headers = _overwrite(headers, item.name, value)
    allowed = {item.name.lower() for item in policy.filter_headers.items} | PROTECTED
    return [(name, value) for name, value in headers if name.lower() in allowed]


def response_headers(received: Iterable[tuple[str, str]], policy: ResponseHeaders) -> Headers:
    """The headers that the client gets."""
    headers = list(received)
    for item in policy.set_headers.items:
        headers = _overwrite(headers, item.name, item.values[0])
    return headers


def claim_text(claim: Any) -> str:
    """The value of a context variable: a text unchanged, empty for a missing claim, JSON for any other claim.

    Oracle does not document the form of a claim that is a list or a number; JSON is an assumption.
    """
    if claim is None:
        return ""
    return claim if isinstance(claim, str) else json.dumps(claim, separators=(",", ":"))


def _overwrite(headers: Headers, name: str, value: str) -> Headers:
    if name.lower() in PROTECTED or not value or not (value.isascii() and value.isprintable()):
        return headers
    return [*((other, kept) for other, kept in headers if other.lower() != name.lower()), (name, value)]
