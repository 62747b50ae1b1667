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
from collections.abc import Set as AbstractSet
from typing import Any

from local.api_gateway.policies import FilterHeaders, RequestHeaders, ResponseHeaders

PROTECTED = frozenset(
    {"cdn-loop", "connection", "content-length", "cookie", "except", "expect", "keep-alive", "opc-request-id", "origin"}
    | {"proxy-authorization", "te", "transfer-encoding", "upgrade", "x-forwarded-for", "x-real-ip"}
)
"""Request headers that no transformation changes."""

PROTECTED_IN_RESPONSES = frozenset(
    {"access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods"}
    | {"access-control-allow-origin", "access-control-expose-headers", "access-control-max-age", "connection"}
    | {"content-length", "except", "keep-alive", "opc-request-id", "proxy-authenticate", "public-key-pins"}
    | {"retry-after", "strict-transport-security", "te", "trailers", "transfer-encoding", "upgrade"}
    | {"x-content-type-options", "x-frame-options", "x-xss-protection"}
)
"""Response headers that no transformation changes."""

Headers = list[tuple[str, str]]

_context_variable = re.compile(r"\$\{request\.auth\[([^\]]+)\]\}")


def request_headers(received: Iterable[tuple[str, str]], policy: RequestHeaders, claims: Mapping[str, Any]) -> Headers:
    """The headers that the back end gets. `claims` are the values of the context variables."""
    headers = list(received)
    for item in policy.set_headers.items:
        value = _context_variable.sub(lambda found: claim_text(claims.get(found[1])), item.values[0])
        headers = _overwrite(headers, item.name, value, protected=PROTECTED)
    return _filtered(headers, policy.filter_headers, protected=PROTECTED)


def response_headers(received: Iterable[tuple[str, str]], policy: ResponseHeaders) -> Headers:
    """The headers that the client gets."""
    headers = list(received)
    for item in policy.set_headers.items:
        earlier = [value for name, value in headers if name.lower() == item.name.lower()]
        values = [*earlier, item.values[0]] if item.if_exists == "APPEND" else [item.values[0]]
        headers = _overwrite(headers, item.name, ", ".join(values), protected=PROTECTED_IN_RESPONSES)
    if policy.filter_headers is None:
        return headers
    return _filtered(headers, policy.filter_headers, protected=PROTECTED_IN_RESPONSES)


def claim_text(claim: Any) -> str:
    """The value of a context variable: a text unchanged, empty for a missing claim, JSON for any other claim.

    Oracle does not document the form of a claim that is a list or a number; JSON is an assumption.
    """
    if claim is None:
        return ""
    return claim if isinstance(claim, str) else json.dumps(claim, separators=(",", ":"))


def _overwrite(headers: Headers, name: str, value: str, *, protected: AbstractSet[str]) -> Headers:
    if name.lower() in protected or not value or not (value.isascii() and value.isprintable()):
        return headers
    return [*((other, kept) for other, kept in headers if other.lower() != name.lower()), (name, value)]


def _filtered(headers: Headers, policy: FilterHeaders, *, protected: AbstractSet[str]) -> Headers:
    listed = {item.name.lower() for item in policy.items}
    is_allowed = policy.type == "ALLOW"
    return [
        (name, value) for name, value in headers if name.lower() in protected or (name.lower() in listed) == is_allowed
    ]
