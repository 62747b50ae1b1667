"""The claims of the caller's token, as API Gateway hands them on.

API Gateway sets one header for each claim, and marks its value with a key that only it and the function know. The mark
is needed: where a claim cannot be written as a header, API Gateway leaves the header as the client sent it
(https://docs.oracle.com/iaas/Content/APIGateway/Tasks/apigatewaymodifyingresponsesrequests.htm). The end of a value is
marked too, by a colon, since whoever reads a header on its way leaves out the spaces at its end (RFC 9110, 5.5), and
then `bob` and `bob `, with a space, would be the same.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

PREFIX = "x-claim-"


def claims_from(headers: Mapping[str, str | list[str]], *, key: str) -> dict[str, str]:
    """The claims in the headers of a request that came through API Gateway, by their names in lower case.

    Args:
        headers: of the HTTP request; a header that came several times has a list.
        key: what API Gateway puts before each claim, with a colon between; if it is empty, no claim is taken.
    """
    claims = {}
    for name, value in headers.items():
        name = name.lower()
        if not (key and name.startswith(PREFIX) and isinstance(value, str)):
            continue
        mark, _, marked = value.partition(":")
        claim = marked.removesuffix(":")
        # The claim that the token does not have is an empty text.
        if claim and claim != marked and hmac.compare_digest(_octets(mark), _octets(key)):
            claims[name.removeprefix(PREFIX)] = claim
    return claims


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
