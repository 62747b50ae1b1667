"""Pre-authenticated requests (PARs): URLs of the native API that can be revoked one by one.

Oracle documents them in "Pre-Authenticated Requests" of the Object Storage guide.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from presign.issue import PresignedUrl, answer
from presign.issue.uri import uri_encode, uri_encode_path
from presign.keys.pars import AccessType, Pars
from presign.policy import Grant
from presign.request.model import Caller, Principal
from presign.request.operations.objects import PutObject
from presign.request.operations.prefixes import GetPrefix

MAX_PARS = 20
"""The most PARs that one call may create, since each costs a call of Object Storage."""

_PREFIX = "presign"


class ParName(msgspec.Struct, frozen=True):
    """The name of a PAR of this project. It tells who may revoke it, and holds no personal data.

    Args:
        tag: of the function that created it.
        caller: how the request for it came.
        subject: the SHA-256 of the claim `sub` in Base64 for URLs; empty if there was none.
        call_id: of the call.
    """

    tag: str
    caller: Caller
    subject: str
    call_id: str

    @classmethod
    def of(cls, principal: Principal, *, tag: str, call_id: str) -> ParName:
        """The name of a PAR for `principal`."""
        return cls(tag, principal.caller, subject_digest(principal.claims.get("sub")), call_id)

    @classmethod
    def parse(cls, name: str | None) -> ParName | None:
        """The parts of a PAR's name; None if it is not of this project."""
        parts = (name or "").split(":")
        if len(parts) != 5 or parts[0] != _PREFIX or parts[2] not in ("gateway", "invoke"):
            return None
        return cls(parts[1], "gateway" if parts[2] == "gateway" else "invoke", parts[3], parts[4])

    def __str__(self) -> str:
        return ":".join((_PREFIX, self.tag, self.caller, self.subject, self.call_id))

    def is_of(self, principal: Principal) -> bool:
        """Whether `principal` may revoke the PAR: the caller to whom it was given, or a direct invocation."""
        subject = subject_digest(principal.claims.get("sub"))
        return principal.caller == "invoke" or (self.caller == "gateway" and bool(subject) and self.subject == subject)


def subject_digest(subject: str | None) -> str:
    """The SHA-256 of a claim `sub` in Base64 for URLs (RFC 4648, 5), without padding; empty if there is no claim."""
    if subject is None:
        return ""
    return base64.urlsafe_b64encode(sha256(subject.encode()).digest()).decode().rstrip("=")


class ParIssuer:
    """Gives access by pre-authenticated requests.

    Args:
        pars: creates them.
        tag: of this function.
    """

    def __init__(self, pars: Pars, *, tag: str) -> None:
        self._pars = pars
        self._tag = tag

    def issue(self, grant: Grant, *, principal: Principal, call_id: str, now: int) -> PresignedUrl:
        """The URL of a new PAR for `grant`.

        Args:
            grant: gives the request and how long its URL is valid.
            principal: who gets the URL, and may revoke it.
            call_id: of the call.
            now: seconds since the epoch.

        Raises:
            SecretUnavailable: Object Storage can't be asked, or refuses.
        """
        operation = grant.request.operation
        access_type: AccessType = "ObjectRead"
        if isinstance(operation, GetPrefix):
            access_type = "AnyObjectRead"
        elif isinstance(operation, PutObject):
            access_type = "ObjectWrite"
        par_id, url = self._pars.create(
            grant.request.bucket,
            name=str(ParName.of(principal, tag=self._tag, call_id=call_id)),
            target=operation.target,
            access_type=access_type,
            listing=isinstance(operation, GetPrefix) and operation.listing,
            expires_at=now + grant.expires_in,
        )
        if isinstance(operation, GetPrefix):
            url += uri_encode_path(operation.prefix)
        url += _query(operation.query())
        headers = _native_headers(operation.headers())
        return answer(grant, url=url, now=now, expires_in=grant.expires_in, headers=headers, par_id=par_id)


def _query(parameters: list[tuple[str, str]]) -> str:
    """The overrides of the answer's headers, such as `httpResponseContentType` of the native API."""
    query = "&".join(f"http{name.title().replace('-', '')}={uri_encode(value)}" for name, value in parameters)
    return f"?{query}" if query else ""


def _native_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of an S3 upload under their names in the native API."""
    return {name.replace("x-amz-meta-", "opc-meta-"): value for name, value in headers.items()}


def is_open_upload(par: Any, *, key: str, tag: str, written_at: datetime) -> bool:
    """Whether a listed PAR is for uploads of just this object, of this function, and older than the object.

    Args:
        par: as the SDK lists it.
        key: the object key.
        tag: of this function.
        written_at: when the object was written.
    """
    name = ParName.parse(par.name)
    return (
        name is not None
        and name.tag == tag
        and par.access_type == "ObjectWrite"
        and par.object_name == key
        and par.time_created <= written_at
    )
