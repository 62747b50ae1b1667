"""The claims of the caller's token, as API Gateway hands them on.

API Gateway sets one header for each claim. The header's value begins with the gateway secret, which only the gateway
and the function know: where API Gateway can't write a claim as a header, it leaves the header as the client sent it
(https://docs.oracle.com/iaas/Content/APIGateway/Tasks/apigatewaymodifyingresponsesrequests.htm). The value ends with a
colon, since readers of a header drop spaces at its end (RFC 9110, 5.5); without the colon, `bob` and `bob ` would be
the same user.
"""

import hmac
import logging
from collections.abc import Mapping, Sequence

from presign.model.invocation import Invocation, Principal
from presign.problems import AccessDenied

PREFIX = "x-claim-"

_log = logging.getLogger(__name__)


def principal_of(invocation: Invocation, *, gateway_secrets: Sequence[str]) -> Principal:
    """The caller, with its claims. Any of `gateway_secrets` proves a claim; if there is none, no claim is taken.

    Raises:
        AccessDenied: there is a gateway secret, but the HTTP request has no claim that carries it.
    """
    if invocation.caller == "invoke":
        return Principal("invoke")
    carried = claims_of(invocation.headers, gateway_secrets=gateway_secrets)
    if gateway_secrets and not carried:
        raise AccessDenied(reason="no claim carries the gateway secret")
    # Latin-1 and UTF-8 bytes of one character would be the same text, though not the same user.
    claims = {name: value for name, value in carried.items() if value.isascii() and value.isprintable()}
    if len(claims) < len(carried):
        names = ", ".join(sorted(carried.keys() - claims.keys()))
        _log.warning("%s: claims ignored, as they are not printable ASCII: %s", invocation.call_id, names)
    return Principal("gateway", claims)


def claims_of(headers: Mapping[str, str | list[str]], *, gateway_secrets: Sequence[str]) -> dict[str, str]:
    """The claims that carry a gateway secret, by their names in lower case; a header that came twice is none."""
    claims = {}
    for header, value in headers.items():
        name = header.lower()
        if not (name.startswith(PREFIX) and isinstance(value, str)):
            continue
        secret, _, rest = value.partition(":")
        claim = rest.removesuffix(":")
        # For a claim that the token does not have, API Gateway sends an empty text.
        if claim and claim != rest:
            octets = secret.encode("utf-8", "surrogatepass")
            # Every comparison is made, so that the time tells nothing.
            matches = [hmac.compare_digest(octets, known.encode()) for known in gateway_secrets]
            if any(matches):
                claims[name.removeprefix(PREFIX)] = claim
    return claims
