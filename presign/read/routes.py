"""The routes of the API, and how large the body of each may be."""

from typing import Any

import msgspec

from presign.model.invocation import Invocation
from presign.problems import MethodNotAllowed, NotFound, PayloadTooLarge


class Route(msgspec.Struct, frozen=True, eq=False):
    """A kind of call. It is compared by identity, since some have the same members.

    Args:
        path: where API Gateway takes it; empty if it comes by a direct invocation only.
        methods: of the HTTP request.
        max_body_bytes: how large its body may be.
    """

    path: str = ""
    methods: tuple[str, ...] = ("POST",)
    max_body_bytes: int = 64 * 1024


PRESIGN = Route("/v1/presign")
BATCH = Route("/v1/presign/batch", max_body_bytes=1024 * 1024)
DOCUMENT = Route("/v1/openapi.json", methods=("GET",))
LINK = Route("/v1/object", methods=("GET", "HEAD"))
"""Redirects to the URL of a read."""
REVOKE = Route("/v1/presign/revoke")
EVENT = Route()
"""From the Events service."""
EVENTS = Route(max_body_bytes=1024 * 1024)
"""A list of them, from Connector Hub."""
SWEEP = Route()
"""Deletes expired pre-authenticated requests."""

MEMBERS = {"requests": BATCH, "eventType": EVENT, "sweep": SWEEP, "id": REVOKE}
"""The member by which a direct invocation tells its route."""
HTTP_ROUTES = (PRESIGN, BATCH, REVOKE, LINK, DOCUMENT)


def http_route(invocation: Invocation) -> Route:
    """The route of a call through API Gateway.

    Raises:
        NotFound: there is nothing at the path.
        MethodNotAllowed: there is, but not for the method.
    """
    path = invocation.target.partition("?")[0]
    for route in HTTP_ROUTES:
        if path.endswith(route.path):
            if invocation.method not in route.methods:
                raise MethodNotAllowed(headers={"Allow": ", ".join(route.methods)})
            return route
    raise NotFound


def direct_route(document: Any) -> Route:
    """The route of a direct invocation, which the members of its JSON tell."""
    if isinstance(document, list):
        return EVENTS
    if isinstance(document, dict):
        for name, route in MEMBERS.items():
            if name in document:
                return route
    return PRESIGN


def check_size(body: bytes, route: Route) -> None:
    """Raise `PayloadTooLarge` if `body` is larger than `route` allows."""
    if len(body) > route.max_body_bytes:
        raise PayloadTooLarge(detail=f"The body has {len(body)} bytes; {route.max_body_bytes} are allowed")
