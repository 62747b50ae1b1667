"""The answer that hands a URL out."""

import msgspec

from presign.issue.uri import uri_encode
from presign.model.operation import Operation
from presign.model.operations.multipart import MAX_PARTS, CreateMultipartUpload
from presign.model.outcomes import Grant, PresignedUrl
from presign.model.part_sizes import PART_BYTES, part_bytes
from presign.model.times import rfc3339
from presign.problems import FieldError, InvalidRequest

URL_BYTES = 8_000
"""A URL must be shorter, as many servers and proxies stop at 8 KB for the first line of a request."""


def answer(
    grant: Grant,
    *,
    url: str,
    now: int,
    expires_at: int,
    headers: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
    par_id: str | None = None,
) -> PresignedUrl:
    """The answer with the URL of `grant`, valid from `now` until `expires_at` (seconds since the epoch).

    The client must send `headers`; `fields` are those of a form, and `par_id` is that of a pre-authenticated request.

    Raises:
        InvalidRequest: the URL is too long.
    """
    operation = grant.request.operation
    if len(url) >= URL_BYTES and (size := _counted_bytes(url, operation)) >= URL_BYTES:
        raise InvalidRequest([FieldError("", f"makes a URL of {size} bytes; it must have less than {URL_BYTES}")])
    presigned = PresignedUrl(
        url=url,
        method=operation.method,
        headers={} if headers is None else headers,
        expires_at=rfc3339(expires_at),
        expires_in=expires_at - now,
        operation=operation.name,
        bucket=grant.request.bucket,
        key=operation.target if operation.is_on_object else None,
        prefix=None if operation.is_on_object else operation.target,
        via=grant.via,
        fields=fields,
        id=par_id,
        bound=par_id is None,
    )
    return _with_parts(presigned, grant) if type(operation) is CreateMultipartUpload else presigned


def _counted_bytes(url: str, operation: Operation) -> int:
    """The length of `url` without the tokens that the store gave, which nobody can shorten."""
    tokens = [getattr(operation, name) or "" for name, option in operation.options.items() if not option.counted]
    return len(url) - sum(len(uri_encode(token)) for token in tokens)


def _with_parts(presigned: PresignedUrl, grant: Grant) -> PresignedUrl:
    """The answer to the beginning of an upload in parts: how large the parts are to be, and how many there may be."""
    most = grant.max_content_length
    if most is None:
        return msgspec.structs.replace(presigned, part_size=PART_BYTES, max_parts=MAX_PARTS)
    size = part_bytes(most)
    parts = max(1, -(-most // size))
    return msgspec.structs.replace(presigned, part_size=size, max_parts=parts, max_content_length=most)
