"""API deployment specifications, as far as the local gateway obeys them.

The types list all that it obeys: it refuses a specification that uses anything else, and the error names that feature
(https://docs.oracle.com/iaas/Content/APIGateway/Tasks/apigatewaycreatingspecification.htm).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from gateway.fill import TEMPLATE, fill

Path = Annotated[str, msgspec.Meta(pattern=r"^/[A-Za-z0-9$_.+!*'(),;:@&=/-]*$")]
"""A route's path without parameters and wildcards."""

ClaimTemplate = Annotated[str, msgspec.Meta(pattern=r"^([^$]|\$\{request\.auth\[[^\]]+\]\})*$")]
"""A text with context variables of the table `request.auth` alone."""

Constant = Annotated[str, msgspec.Meta(pattern=r"^[^$]*$")]
"""A text without context variables."""


class UnsupportedDeployment(Exception):
    """A specification is wrong, or uses a feature of API Gateway that the local gateway does not have."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    pass


class RequiredClaim(_Part, frozen=True):
    """A claim that every token must have."""

    key: str
    is_required: Literal[True]


class AdditionalValidation(_Part, frozen=True):
    """Claims that a token must have besides a valid signature."""

    issuers: list[str]
    audiences: list[str]
    verify_claims: list[RequiredClaim] = []


class RemoteJwks(_Part, frozen=True, tag_field="type", tag="REMOTE_JWKS"):
    """The address of the public keys that verify tokens."""

    uri: str
    additional_validation_policy: AdditionalValidation
    is_ssl_verify_disabled: Literal[False] = False
    max_cache_duration_in_hours: int = 1


class TokenAuthentication(_Part, frozen=True, tag_field="type", tag="TOKEN_AUTHENTICATION"):
    """How requests carry their tokens, and how those are verified."""

    token_header: str
    token_auth_scheme: str
    validation_policy: RemoteJwks
    is_anonymous_access_allowed: Literal[False] = False
    max_clock_skew_in_seconds: float = 0


class Cors(_Part, frozen=True):
    """Requests that pages of other origins may send."""

    allowed_origins: list[str]
    allowed_methods: list[str] = []
    allowed_headers: list[str] = []
    exposed_headers: list[str] = []
    is_allow_credentials_enabled: bool = False
    max_age_in_seconds: int = 0


class RateLimiting(_Part, frozen=True):
    """How many requests the gateway accepts."""

    rate_in_requests_per_second: Annotated[int, msgspec.Meta(ge=1)]
    rate_key: Literal["CLIENT_IP", "TOTAL"]


class RequestPolicies(_Part, frozen=True):
    """Policies for the requests of all routes."""

    authentication: TokenAuthentication
    cors: Cors | None = None
    rate_limiting: RateLimiting | None = None


class _AccessLog(_Part, frozen=True):
    is_enabled: bool


class _ExecutionLog(_Part, frozen=True):
    is_enabled: bool
    log_level: Literal["INFO", "WARN", "ERROR"] = "INFO"


class _LoggingPolicies(_Part, frozen=True):
    """Settings of OCI Logging, which the local gateway ignores."""

    access_log: _AccessLog | None = None
    execution_log: _ExecutionLog | None = None


class FunctionBackend(_Part, frozen=True, tag_field="type", tag="ORACLE_FUNCTIONS_BACKEND"):
    """The function that a route calls."""

    function_id: str


class Authorization(_Part, frozen=True):
    """Every caller with a valid token may use a route."""

    type: Literal["AUTHENTICATION_ONLY"]


class _Content(_Part, frozen=True):
    validation_type: Literal["NONE"]


class BodyValidation(_Part, frozen=True):
    """The media types that a request's body may have."""

    required: Literal[True]
    content: dict[str, _Content]
    validation_mode: Literal["ENFORCING"] = "ENFORCING"


class HeaderName(_Part, frozen=True):
    """The name of a header, in any letter case."""

    name: str


class FilterHeaders(_Part, frozen=True):
    """The headers that the gateway passes on."""

    type: Literal["ALLOW"]
    items: list[HeaderName]


class SetRequestHeader(_Part, frozen=True):
    """A header that replaces the client's."""

    name: str
    values: Annotated[list[ClaimTemplate], msgspec.Meta(min_length=1, max_length=1)]
    if_exists: Literal["OVERWRITE"] = "OVERWRITE"


class SetRequestHeaders(_Part, frozen=True):
    """Headers that replace the client's."""

    items: list[SetRequestHeader]


class RequestHeaders(_Part, frozen=True):
    """Changes of a request's headers."""

    filter_headers: FilterHeaders
    set_headers: SetRequestHeaders = SetRequestHeaders(items=[])


class SetResponseHeader(_Part, frozen=True):
    """A header that replaces the function's."""

    name: str
    values: Annotated[list[Constant], msgspec.Meta(min_length=1, max_length=1)]
    if_exists: Literal["OVERWRITE"] = "OVERWRITE"


class SetResponseHeaders(_Part, frozen=True):
    """Headers that replace the function's."""

    items: list[SetResponseHeader]


class ResponseHeaders(_Part, frozen=True):
    """Changes of a response's headers."""

    set_headers: SetResponseHeaders


class RouteRequestPolicies(_Part, frozen=True):
    """Policies for the requests of one route."""

    header_transformations: RequestHeaders
    authorization: Authorization = Authorization(type="AUTHENTICATION_ONLY")
    body_validation: BodyValidation | None = None


class RouteResponsePolicies(_Part, frozen=True):
    """Policies for the responses of one route."""

    header_transformations: ResponseHeaders


class Route(_Part, frozen=True):
    """A path, and the function that answers there."""

    path: Path
    methods: list[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]]
    backend: FunctionBackend
    request_policies: RouteRequestPolicies
    response_policies: RouteResponsePolicies | None = None


class Deployment(_Part, frozen=True):
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


def filled(values: Mapping[str, Sequence[str]]) -> Any:
    """The project's own specification with `values` in place of its placeholders."""
    return fill(json.loads(TEMPLATE.read_text("utf-8")), values)
