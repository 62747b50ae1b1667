"""A call of the function, and who makes it."""

from collections.abc import Mapping
from typing import Literal

import msgspec

Caller = Literal["gateway", "invoke"]
"""How a request came: through API Gateway, or by a direct invocation, which IAM has allowed."""


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the function, free of the FDK.

    Args:
        method, target: of the HTTP request that the gateway received; empty for a direct invocation. The target is its
            path, which may begin with the prefix of the gateway's deployment, and its query.
        headers: its header fields; a field that came several times has a list.
        deadline: when the caller stops waiting, as the Fn agent tells (RFC 3339); empty if it does not.
    """

    call_id: str
    caller: Caller
    method: str = ""
    target: str = ""
    headers: Mapping[str, str | list[str]] = {}
    body: bytes
    deadline: str = ""


class Principal(msgspec.Struct, frozen=True):
    """The caller; `claims` are those of its token, as API Gateway has verified it, by their names in lower case."""

    caller: Caller
    claims: Mapping[str, str] = {}
