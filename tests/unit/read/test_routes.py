"""`presign.read.routes`: which call an invocation is, and how large its body may be."""

from __future__ import annotations

from typing import Any

import pytest

from presign.model.invocation import Invocation
from presign.problems import MethodNotAllowed, NotFound, PayloadTooLarge
from presign.read.routes import (
    BATCH,
    DOCUMENT,
    EVENT,
    EVENTS,
    LINK,
    PRESIGN,
    REVOKE,
    SWEEP,
    Route,
    check_size,
    direct_route,
    http_route,
)


def http(method: str, target: str) -> Route:
    return http_route(Invocation(call_id="01CALL", caller="gateway", method=method, target=target, body=b""))


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("POST", "/v1/presign", PRESIGN),
        ("POST", "/v1/presign/batch", BATCH),
        ("POST", "/v1/presign/revoke", REVOKE),
        ("GET", "/v1/openapi.json", DOCUMENT),
        ("GET", "/v1/object", LINK),
        ("HEAD", "/v1/object", LINK),
    ],
)
def test_a_path_below_any_prefix(method: str, path: str, route: Route) -> None:
    assert http(method, path) is route
    assert http(method, f"/presigner{path}?a=/v1/other") is route


@pytest.mark.parametrize("path", ["", "/", "/v1/presign/", "/v1/presigns", "/other?/v1/presign"])
def test_no_such_path(path: str) -> None:
    with pytest.raises(NotFound):
        http("POST", path)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/v1/presign", "POST"), ("POST", "/v1/openapi.json", "GET"), ("POST", "/v1/object", "GET, HEAD")],
)
def test_another_method(method: str, path: str, allowed: str) -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        http(method, path)
    assert caught.value.headers == {"Allow": allowed}


@pytest.mark.parametrize(
    ("document", "route"),
    [
        ({"key": "a"}, PRESIGN),
        ({}, PRESIGN),
        ("requests", PRESIGN),
        (None, PRESIGN),
        ([], EVENTS),
        ({"requests": []}, BATCH),
        ({"eventType": ""}, EVENT),
        ({"sweep": {}}, SWEEP),
        ({"bucket": "b", "id": "x"}, REVOKE),
    ],
)
def test_a_direct_invocation_tells_its_call_by_its_members(document: Any, route: Route) -> None:
    assert direct_route(document) is route


@pytest.mark.parametrize(
    ("route", "most"),
    [
        (PRESIGN, 65_536),
        (REVOKE, 65_536),
        (EVENT, 65_536),
        (SWEEP, 65_536),
        (LINK, 65_536),
        (BATCH, 1_048_576),
        (EVENTS, 1_048_576),
    ],
)
def test_the_size_of_a_body(route: Route, most: int) -> None:
    check_size(b"a" * most, route)
    with pytest.raises(PayloadTooLarge) as caught:
        check_size(b"a" * (most + 1), route)
    assert str(caught.value) == f"The body has {most + 1} bytes; {most} are allowed"
