"""The outcomes of the steps: a grant, a URL, and for each item of a call its answer or its refusal."""

import msgspec

from presign.model.operation import Via
from presign.model.request import Request
from presign.problems import Problem


class Grant(msgspec.Struct, frozen=True):
    """Leave to hand out one URL. Only `Policy` makes one, and an issuer takes nothing else.

    Args:
        request: with all that the limits of the rule add to it.
        expires_in: seconds that the URL may be valid.
        rule: the number of the rule that granted it, from 0.
        max_content_length: bytes, the largest object that the rule allows to upload; None for any.
        reuse_for: seconds in which the same URL is to be given for the same request; None for another each time.
    """

    request: Request
    expires_in: int
    rule: int
    via: Via
    max_content_length: int | None = None
    reuse_for: int | None = None


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


class Issued(msgspec.Struct, frozen=True):
    """A granted item with its answer."""

    grant: Grant
    answer: PresignedUrl

    @property
    def request(self) -> Request:
        """The request that was granted."""
        return self.grant.request


class Refusal(msgspec.Struct, frozen=True):
    """An item without a URL: why, its request if that could be read, and its grant if the service failed after it."""

    problem: Problem
    request: Request | None = None
    grant: Grant | None = None
