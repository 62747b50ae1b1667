"""The upload in parts."""

from typing import Annotated

import msgspec

from presign.request.model import ObjectOperation
from presign.request.operations.objects import ByteCount, Text, Upload

MAX_PARTS = 10_000
"""The most parts that an upload may have, and so the highest part number."""


class CreateMultipartUpload(Upload, frozen=True, kw_only=True, tag="create_multipart_upload"):
    """Begin an upload in parts; the store's answer holds its upload id. The options are those of `Upload`."""

    method = "POST"

    def query(self) -> list[tuple[str, str]]:
        return [("uploads", "")]


class OfMultipartUpload(ObjectOperation, frozen=True, kw_only=True):
    """A request on an upload in parts.

    Args:
        upload_id: of the upload, as the store gave it.
    """

    query_options = frozenset({"upload_id"})

    upload_id: Text


class UploadPart(OfMultipartUpload, frozen=True, kw_only=True, tag="upload_part"):
    """Upload one part.

    Args:
        part_number: its place among the parts, from 1.
        content_length: bytes; without it, the holder of the URL may upload a part of any size.
        content_md5: the Base64 form of the MD5 of the part.
        checksum_sha256: the Base64 form of the SHA-256 of the part.
    """

    method = "PUT"
    query_options = frozenset({"part_number", "upload_id"})
    header_options = frozenset({"content_length", "content_md5", "checksum_sha256"})

    part_number: Annotated[int, msgspec.Meta(ge=1, le=MAX_PARTS)]
    content_length: ByteCount | None = None
    content_md5: str | None = None
    checksum_sha256: str | None = None


class CompleteMultipartUpload(OfMultipartUpload, frozen=True, kw_only=True, tag="complete_multipart_upload"):
    """Make the object out of the parts, which the client lists in the body.

    Args:
        if_none_match: `"*"` to create the object only if there is none of this name.
    """

    method = "POST"
    header_options = frozenset({"if_none_match"})

    if_none_match: str | None = None


class AbortMultipartUpload(OfMultipartUpload, frozen=True, kw_only=True, tag="abort_multipart_upload"):
    """Give an upload up; the store forgets its parts."""

    method = "DELETE"


class ListParts(OfMultipartUpload, frozen=True, kw_only=True, tag="list_parts"):
    """List the parts that the store has, at most 1,000 in one answer.

    Args:
        part_number_marker: the part number after which the list is to begin.
        max_parts: how many parts the answer may list.
    """

    method = "GET"
    query_options = frozenset({"upload_id", "part_number_marker", "max_parts"})

    part_number_marker: Annotated[int, msgspec.Meta(ge=0, le=MAX_PARTS)] | None = None
    max_parts: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
