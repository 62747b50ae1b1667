"""Issues: from a grant to the URL. One protocol, one module for each way to give access."""

from typing import Protocol

import msgspec

from presign.issue.endpoint import StorageEndpoint
from presign.keys.clock import rfc3339
from presign.keys.credentials import CustomerSecretKey
from presign.policy import Grant
from presign.policy.limits import part_bytes
from presign.request.model import Via
from presign.request.operations.multipart import MAX_PARTS, CreateMultipartUpload

SIGNERS = ("sigv4", "boto3")
"""The issuers that sign with the customer secret key; each is imported only when it is chosen."""

PART_BYTES = 16 * 1024**2
"""The size of a part where the policy does not limit the object, good for objects of 156 GiB."""


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
        part_size: bytes, of an upload in parts: the size of all parts but the last.
        max_parts: how many parts it may have.
        max_content_length: bytes, the largest object that the policy allows; None for any.
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
    part_size: int | None = None
    max_parts: int | None = None
    max_content_length: int | None = None


class Issuer(Protocol):
    """Turns a grant into a URL that needs no other credentials."""

    def issue(self, grant: Grant, *, key: CustomerSecretKey, now: int) -> PresignedUrl:
        """The URL of `grant`, signed `now` (seconds since the epoch) with `key`, which it does not outlive.

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
    """The answer with the URL of `grant`, valid for `expires_in` seconds from `now` (seconds since the epoch).

    The client must send `headers`; `fields` are those of a form, and `par_id` is that of a pre-authenticated request.
    """
    operation = grant.request.operation
    presigned = PresignedUrl(
        url=url,
        method=operation.method,
        headers={} if headers is None else headers,
        expires_at=rfc3339(now + expires_in),
        expires_in=expires_in,
        operation=operation.name(),
        bucket=grant.request.bucket,
        key=operation.target if operation.is_on_object else None,
        prefix=None if operation.is_on_object else operation.target,
        via=grant.via,
        fields=fields,
        id=par_id,
        bound=par_id is None,
    )
    return _with_parts(presigned, grant) if type(operation) is CreateMultipartUpload else presigned


def _with_parts(presigned: PresignedUrl, grant: Grant) -> PresignedUrl:
    """The answer to the beginning of an upload in parts: how large the parts are to be, and how many there may be."""
    most = grant.max_content_length
    if most is None:
        return msgspec.structs.replace(presigned, part_size=PART_BYTES, max_parts=MAX_PARTS)
    size = part_bytes(most)
    parts = max(1, -(-most // size))
    return msgspec.structs.replace(presigned, part_size=size, max_parts=parts, max_content_length=most)
