"""The routes of the API, and how large the body of each may be."""

from __future__ import annotations

from enum import Enum
from typing import Any

from presign.problems import MethodNotAllowed, NotFound, PayloadTooLarge
from presign.request.model import Invocation

MAX_BODY_BYTES = 64 * 1024
MAX_BATCH_BYTES = 1024 * 1024


class Route(Enum):
    """A question that the function answers."""

    PRESIGN = "/v1/presign"
    BATCH = "/v1/presign/batch"
    DOCUMENT = "/v1/openapi.json"
    REVOKE = "/v1/presign/revoke"
    EVENT = "event"
    """Of the Events service; it comes by a direct invocation only."""
    EVENTS = "events"
    """A list of them, from Connector Hub; likewise."""
    SWEEP = "sweep"
    """Deletes expired pre-authenticated requests; likewise."""

    @property
    def method(self) -> str:
        """The HTTP method of its path."""
        return "GET" if self is Route.DOCUMENT else "POST"

    @property
    def max_body_bytes(self) -> int:
        """Bytes: the largest body."""
        return MAX_BATCH_BYTES if self in (Route.BATCH, Route.EVENTS) else MAX_BODY_BYTES


_MEMBERS = {"requests": Route.BATCH, "eventType": Route.EVENT, "sweep": Route.SWEEP, "id": Route.REVOKE}
"""The member by which a direct invocation tells its route."""
HTTP_ROUTES = (Route.PRESIGN, Route.BATCH, Route.REVOKE, Route.DOCUMENT)


def http_route(invocation: Invocation) -> Route:
    """The route of a call through API Gateway.

    Raises:
        NotFound: there is nothing at the path.
        MethodNotAllowed: there is, but not for the method.
    """
    path = invocation.target.partition("?")[0]
    for route in HTTP_ROUTES:
        if path.endswith(route.value):
            if invocation.method != route.method:
                raise MethodNotAllowed(headers={"Allow": route.method})
            return route
    raise NotFound


def direct_route(document: Any) -> Route:
    """The route of a direct invocation, which the members of its JSON tell."""
    if isinstance(document, list):
        return Route.EVENTS
    members = document if isinstance(document, dict) else {}
    return next((route for name, route in _MEMBERS.items() if name in members), Route.PRESIGN)


def check_size(body: bytes, route: Route) -> None:
    """Do nothing if `body` is small enough.

    Raises:
        PayloadTooLarge: it is not.
    """
    if len(body) > route.max_body_bytes:
        raise PayloadTooLarge(detail=f"The body has {len(body)} bytes; {route.max_body_bytes} are allowed")
