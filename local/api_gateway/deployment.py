"""API deployment specifications, as far as the local gateway obeys them.

The types list all that it obeys: it refuses a specification that uses anything else, and the error names that feature
(https://docs.oracle.com/iaas/Content/APIGateway/Tasks/apigatewaycreatingspecification.htm).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from gateway.fill import STORE_TEMPLATE, TEMPLATE, fill, fill_store
from local.api_gateway.policies import Part, RequestPolicies, RouteRequestPolicies, RouteResponsePolicies

Path = Annotated[str, msgspec.Meta(pattern=r"^/[A-Za-z0-9$_.+!*'(),;:@&=/-]*(\{[A-Za-z0-9_]+\*\})?$")]
"""A route's path. A wildcard `{name*}` at its end stands for any number of segments."""

BackendUrl = Annotated[str, msgspec.Meta(pattern=r"^https?://[A-Za-z0-9.:-]+(/[^$?#]*(\$\{request\.path\[\w+\]\})?)?$")]
"""A back end's URL. A path parameter may stand at its end, but never in its host."""


Overrides = Mapping[tuple[str, ...], Any]
"""Parts of a specification that stand in place of the project's own, by their paths."""

NO_RATE_LIMIT: Overrides = {("requestPolicies", "rateLimiting", "rateInRequestsPerSecond"): 1_000_000}
"""Tests and measurements ask faster than clients may."""


class UnsupportedDeployment(Exception):
    """A specification is wrong, or uses a feature of API Gateway that the local gateway does not have."""


class _AccessLog(Part, frozen=True):
    is_enabled: bool


class _ExecutionLog(Part, frozen=True):
    is_enabled: bool
    log_level: Literal["INFO", "WARN", "ERROR"] = "INFO"


class _LoggingPolicies(Part, frozen=True):
    """Settings of OCI Logging, which the local gateway ignores."""

    access_log: _AccessLog | None = None
    execution_log: _ExecutionLog | None = None


class FunctionBackend(Part, frozen=True, tag_field="type", tag="ORACLE_FUNCTIONS_BACKEND"):
    """The function that a route calls."""

    function_id: str


class HttpBackend(Part, frozen=True, tag_field="type", tag="HTTP_BACKEND"):
    """The server that a route passes its requests on to."""

    url: BackendUrl
    connect_timeout_in_seconds: float = 60
    read_timeout_in_seconds: float = 10
    send_timeout_in_seconds: float = 10
    is_ssl_verify_disabled: Literal[False] = False


class Route(Part, frozen=True):
    """A path, and the back end that answers there."""

    path: Path
    methods: list[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]]
    backend: FunctionBackend | HttpBackend
    request_policies: RouteRequestPolicies
    response_policies: RouteResponsePolicies | None = None

    def parameters(self, path: str) -> dict[str, str] | None:
        """The values of the path parameters if `path` is one of this route's, else None."""
        beginning, _, rest = self.path.partition("{")
        if not rest:
            return {} if path == beginning else None
        return {rest.removesuffix("*}"): path[len(beginning) :]} if path.startswith(beginning) else None


class Deployment(Part, frozen=True):
    """A whole specification."""

    request_policies: RequestPolicies
    routes: list[Route]
    logging_policies: _LoggingPolicies | None = None


def parse(specification: Any) -> Deployment:
    """The deployment that a filled specification, decoded from its JSON, describes.

    Raises:
        UnsupportedDeployment: the specification is wrong, or the local gateway does not have a feature of it.
    """
    try:
        return msgspec.convert(specification, Deployment)
    except msgspec.ValidationError as exc:
        raise UnsupportedDeployment(f"The local gateway cannot obey the deployment: {exc}") from exc


def filled(values: Mapping[str, Sequence[str]], overrides: Overrides | None = None) -> Any:
    """The project's own specification with `values` in place of its placeholders, and with `overrides`."""
    specification = fill(json.loads(TEMPLATE.read_text("utf-8")), values)
    for (*path, name), value in (overrides or {}).items():
        part = specification
        for step in path:
            part = part[step]
        part[name] = value
    return specification


def filled_store(values: Mapping[str, Sequence[str]]) -> Any:
    """The project's own specification of the store route with `values` in place of its placeholders."""
    return fill_store(json.loads(STORE_TEMPLATE.read_text("utf-8")), values)
