"""Issues: from a grant to the URL. One protocol, one module for each way to give access."""

from __future__ import annotations

from typing import Protocol

import msgspec

from presign.issue.endpoint import StorageEndpoint
from presign.keys.clock import rfc3339
from presign.keys.credentials import CustomerSecretKey
from presign.policy import Grant
from presign.request.model import Via
from presign.request.operations.prefixes import GetPrefix

SIGNERS = ("sigv4", "boto3")
"""The issuers that sign with the customer secret key; each is imported only when it is chosen."""


class PresignedUrl(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A URL that its holder may use until `expires_at`.

    Args:
        url: the URL; its holder may use it, so it belongs in no log.
        method: the HTTP method that it is for.
        headers: the client must send exactly these with it.
        expires_at: when it ends (RFC 3339, UTC).
        expires_in: seconds from now until then.
        key, prefix: of the object, or of the objects.
        via: `s3` for a presigned URL, `par` for a pre-authenticated request.
        fields: of a form, those that it must hold before the file.
        id: of a PAR, to revoke it.
        bound: whether the URL is good for these headers only. Those of a PAR are advice: its holder may send others.
    """

    url: str
    method: str
    headers: dict[str, str]
    expires_at: str
    expires_in: int
    operation: str
    bucket: str
    key: str | None = None
    prefix: str | None = None
    via: Via
    fields: dict[str, str] | None = None
    id: str | None = None
    bound: bool = True


class Issuer(Protocol):
    """Turns a grant into a URL that needs no other credentials."""

    def issue(self, grant: Grant, *, key: CustomerSecretKey, now: int) -> PresignedUrl:
        """The URL of `grant`, signed with `key`.

        Args:
            grant: gives the request and how long its URL is valid.
            key: the customer secret key, which the URL does not outlive.
            now: seconds since the epoch.

        Raises:
            SecretUnavailable: the key is retired.
        """


def make_issuer(name: str, *, endpoint: StorageEndpoint, region: str) -> Issuer:
    """The issuer of this name, one of `SIGNERS`."""
    if name == "boto3":
        from presign.issue.boto3 import Boto3Issuer

        return Boto3Issuer(endpoint=endpoint, region=region)
    from presign.issue.sigv4 import SigV4Issuer

    return SigV4Issuer(endpoint=endpoint, region=region)


def answer(
    grant: Grant,
    *,
    url: str,
    now: int,
    expires_in: int,
    headers: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
    par_id: str | None = None,
) -> PresignedUrl:
    """The answer with the URL of `grant`.

    Args:
        grant: the grant.
        url: its URL.
        now: seconds since the epoch.
        expires_in: seconds from `now` that the URL is valid.
        headers: the client must send them; none by default.
        fields: of a form.
        par_id: of a pre-authenticated request.
    """
    operation = grant.request.operation
    is_prefix = isinstance(operation, GetPrefix)
    return PresignedUrl(
        url=url,
        method=operation.method,
        headers={} if headers is None else headers,
        expires_at=rfc3339(now + expires_in),
        expires_in=expires_in,
        operation=operation.name(),
        bucket=grant.request.bucket,
        key=None if is_prefix else operation.target,
        prefix=operation.target if is_prefix else None,
        via=grant.via,
        fields=fields,
        id=par_id,
        bound=par_id is None,
    )
