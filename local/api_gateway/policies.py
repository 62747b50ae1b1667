"""The policies of an API deployment specification, as far as the local gateway obeys them.

The types list all that it obeys, and `deployment.parse` refuses anything else
(https://docs.oracle.com/iaas/Content/APIGateway/Tasks/apigatewaycreatingspecification.htm).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

ClaimTemplate = Annotated[str, msgspec.Meta(pattern=r"^([^$]|\$\{request\.auth\[[^\]]+\]\})*$")]
"""A text with context variables of the table `request.auth` alone."""

Constant = Annotated[str, msgspec.Meta(pattern=r"^[^$]*$")]
"""A text without context variables."""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A part of a specification, whose names are in camel case there."""


class RequiredClaim(Part, frozen=True):
    """A claim that every token must have."""

    key: str
    is_required: Literal[True]


class AdditionalValidation(Part, frozen=True):
    """Claims that a token must have besides a valid signature."""

    issuers: list[str]
    audiences: list[str]
    verify_claims: list[RequiredClaim] = []


class RemoteJwks(Part, frozen=True, tag_field="type", tag="REMOTE_JWKS"):
    """The address of the public keys that verify tokens."""

    uri: str
    additional_validation_policy: AdditionalValidation
    is_ssl_verify_disabled: Literal[False] = False
    max_cache_duration_in_hours: int = 1


class TokenAuthentication(Part, frozen=True, tag_field="type", tag="TOKEN_AUTHENTICATION"):
    """How requests carry their tokens, and how those are verified."""

    token_header: str
    token_auth_scheme: str
    validation_policy: RemoteJwks
    is_anonymous_access_allowed: Literal[False] = False
    max_clock_skew_in_seconds: float = 0


class Cors(Part, frozen=True):
    """Requests that pages of other origins may send."""

    allowed_origins: list[str]
    allowed_methods: list[str] = []
    allowed_headers: list[str] = []
    exposed_headers: list[str] = []
    is_allow_credentials_enabled: bool = False
    max_age_in_seconds: int = 0


class RateLimiting(Part, frozen=True):
    """How many requests the gateway accepts."""

    rate_in_requests_per_second: Annotated[int, msgspec.Meta(ge=1)]
    rate_key: Literal["CLIENT_IP", "TOTAL"]


class RequestPolicies(Part, frozen=True):
    """Policies for the requests of all routes. Without `authentication`, requests need no token."""

    authentication: TokenAuthentication | None = None
    cors: Cors | None = None
    rate_limiting: RateLimiting | None = None


class Authorization(Part, frozen=True):
    """Every caller with a valid token may use a route."""

    type: Literal["AUTHENTICATION_ONLY"]


class _Content(Part, frozen=True):
    validation_type: Literal["NONE"]


class BodyValidation(Part, frozen=True):
    """The media types that a request's body may have."""

    required: Literal[True]
    content: dict[str, _Content]
    validation_mode: Literal["ENFORCING"] = "ENFORCING"


class RequiredParameter(Part, frozen=True):
    """A parameter that a request's query must have."""

    name: str
    required: Literal[True]


class QueryParameterValidations(Part, frozen=True):
    """The parameters that a request's query must have."""

    parameters: list[RequiredParameter]
    validation_mode: Literal["ENFORCING"] = "ENFORCING"


class HeaderName(Part, frozen=True):
    """The name of a header, in any letter case."""

    name: str


class FilterHeaders(Part, frozen=True):
    """The headers that the gateway passes on: those of the list, or those that are not on it."""

    type: Literal["ALLOW", "BLOCK"]
    items: list[HeaderName]


class SetRequestHeader(Part, frozen=True):
    """A header that replaces the client's."""

    name: str
    values: Annotated[list[ClaimTemplate], msgspec.Meta(min_length=1, max_length=1)]
    if_exists: Literal["OVERWRITE"] = "OVERWRITE"


class SetRequestHeaders(Part, frozen=True):
    """Headers that replace the client's."""

    items: list[SetRequestHeader]


class RequestHeaders(Part, frozen=True):
    """Changes of a request's headers."""

    filter_headers: FilterHeaders
    set_headers: SetRequestHeaders = SetRequestHeaders(items=[])


class SetResponseHeader(Part, frozen=True):
    """A header that replaces the back end's, or is added to it."""

    name: str
    values: Annotated[list[Constant], msgspec.Meta(min_length=1, max_length=1)]
    if_exists: Literal["OVERWRITE", "APPEND"] = "OVERWRITE"


class SetResponseHeaders(Part, frozen=True):
    """Headers that the gateway sets in the back end's answer."""

    items: list[SetResponseHeader]


class ResponseHeaders(Part, frozen=True):
    """Changes of a response's headers."""

    set_headers: SetResponseHeaders
    filter_headers: FilterHeaders | None = None


class RouteRequestPolicies(Part, frozen=True):
    """Policies for the requests of one route."""

    header_transformations: RequestHeaders
    authorization: Authorization | None = None
    body_validation: BodyValidation | None = None
    query_parameter_validations: QueryParameterValidations | None = None


class RouteResponsePolicies(Part, frozen=True):
    """Policies for the responses of one route."""

    header_transformations: ResponseHeaders
