"""The upload in parts."""

from functools import partial
from typing import Annotated

import msgspec

from presign.model.object_names import store_id_error
from presign.model.operation import ObjectOperation
from presign.model.operations.objects import ChecksumSha256, ContentLength, ContentMd5, IfNoneMatch, Text, Upload
from presign.model.options import in_query

MAX_PARTS = 10_000
"""The most parts that an upload may have, and so the highest part number."""


class CreateMultipartUpload(Upload, frozen=True, kw_only=True):
    """Begin an upload in parts; the store's answer holds its upload id. The options are those of `Upload`."""

    method = "POST"

    def query(self) -> list[tuple[str, str]]:
        return [("uploads", "")]


class OfMultipartUpload(ObjectOperation, frozen=True, kw_only=True):
    """A request on an upload in parts.

    Args:
        upload_id: of the upload, as the store gave it.
    """

    upload_id: Annotated[Text, in_query("uploadId", error_of=partial(store_id_error, name="upload id"), recorded=True)]


class UploadPart(OfMultipartUpload, frozen=True, kw_only=True):
    """Upload one part.

    Args:
        part_number: its place among the parts, from 1.
        content_length: bytes; without it, the holder of the URL may upload a part of any size.
        content_md5: the Base64 form of the MD5 of the part.
        checksum_sha256: the Base64 form of the SHA-256 of the part.
    """

    method = "PUT"
    part_number: Annotated[int, msgspec.Meta(ge=1, le=MAX_PARTS), in_query("partNumber", recorded=True)]
    content_length: ContentLength | None = None
    content_md5: ContentMd5 | None = None
    checksum_sha256: ChecksumSha256 | None = None


class CompleteMultipartUpload(OfMultipartUpload, frozen=True, kw_only=True):
    """Make the object out of the parts, which the client lists in the body.

    Args:
        if_none_match: `"*"` to create the object only if there is none of this name.
    """

    method = "POST"
    if_none_match: IfNoneMatch | None = None


class AbortMultipartUpload(OfMultipartUpload, frozen=True, kw_only=True):
    """Give an upload up; the store forgets its parts."""

    method = "DELETE"


class ListParts(OfMultipartUpload, frozen=True, kw_only=True):
    """List the parts that the store has, at most 1,000 in one answer.

    Args:
        part_number_marker: the part number after which the list is to begin.
        max_parts: how many parts the answer may list.
    """

    method = "GET"
    part_number_marker: Annotated[int, msgspec.Meta(ge=0, le=MAX_PARTS), in_query()] | None = None
    max_parts: Annotated[int, msgspec.Meta(ge=1, le=1000), in_query()] | None = None
