"""The operations, each with its options, their limits, and where they travel in the HTTP request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec

from presign.faults import pointer
from presign.header_values import (
    attachment,
    field_name_fault,
    field_value_fault,
    file_name_fault,
    http_date_fault,
    md5_fault,
    media_type_fault,
    sha256_fault,
)
from presign.model import Operation
from presign.problems import FieldError

MAX_PUT_BYTES = 50 * 1024**3
"""Bytes: the most that OCI Object Storage takes in one PUT."""

MAX_METADATA_BYTES = 2048
"""Bytes: the most that the names and values of an object's metadata may come to, as S3 counts them."""

ByteCount = Annotated[int, msgspec.Meta(ge=0, le=MAX_PUT_BYTES)]
FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class HeadObject(Operation, kw_only=True, tag="head_object"):
    """Read an object's headers.

    Args:
        version_id: the version of the object.
        download_as: the file name under which a browser is to save the object.
        response_cache_control: what the header of this name is to say in the answer; the other `response_…` likewise.
    """

    method = "HEAD"
    query_options = {
        "version_id": "versionId",
        "response_cache_control": "response-cache-control",
        "response_content_disposition": "response-content-disposition",
        "response_content_encoding": "response-content-encoding",
        "response_content_language": "response-content-language",
        "response_content_type": "response-content-type",
        "response_expires": "response-expires",
    }
    checks = {
        **Operation.checks,
        "version_id": field_value_fault,
        "download_as": file_name_fault,
        "response_cache_control": field_value_fault,
        "response_content_disposition": field_value_fault,
        "response_content_encoding": field_value_fault,
        "response_content_language": field_value_fault,
        "response_content_type": media_type_fault,
        "response_expires": http_date_fault,
    }

    version_id: Text | None = None
    download_as: FileName | None = None
    response_cache_control: Text | None = None
    response_content_disposition: Text | None = None
    response_content_encoding: Text | None = None
    response_content_language: Text | None = None
    response_content_type: Text | None = None
    response_expires: Moment | None = None

    def faults(self) -> Iterator[FieldError]:
        yield from super().faults()
        if self.download_as is not None and self.response_content_disposition is not None:
            yield FieldError("/download_as", "cannot be given together with response_content_disposition")

    def query(self) -> list[tuple[str, str]]:
        pairs = super().query()
        if self.download_as is not None:
            pairs.append(("response-content-disposition", attachment(self.download_as)))
        return pairs


class GetObject(HeadObject, kw_only=True, tag="get_object"):
    """Download an object; the options are those of `HeadObject`."""

    method = "GET"


class PutObject(Operation, kw_only=True, tag="put_object"):
    """Upload an object in one request.

    Every option becomes a header that is signed, so that the client must send it, and can send no other value.

    Args:
        content_length: bytes; without it, whoever has the URL may upload an object of any size.
        content_md5: the Base64 form of the MD5 of the content.
        checksum_sha256: the Base64 form of the SHA-256 of the content.
        metadata: names and values, sent as `x-amz-meta-…`.
        if_none_match: `"*"` to create the object only if there is none of this name.
    """

    method = "PUT"
    header_options = {
        "content_type": "Content-Type",
        "content_length": "Content-Length",
        "content_md5": "Content-MD5",
        "checksum_sha256": "x-amz-checksum-sha256",
        "cache_control": "Cache-Control",
        "content_disposition": "Content-Disposition",
        "content_encoding": "Content-Encoding",
        "if_none_match": "If-None-Match",
    }
    checks = {
        **Operation.checks,
        "content_type": media_type_fault,
        "content_md5": md5_fault,
        "checksum_sha256": sha256_fault,
        "cache_control": field_value_fault,
        "content_disposition": field_value_fault,
        "content_encoding": field_value_fault,
        "if_none_match": lambda value: "" if value == "*" else 'must be "*"',
    }

    content_type: Text | None = None
    content_length: ByteCount | None = None
    content_md5: str | None = None
    checksum_sha256: str | None = None
    cache_control: Text | None = None
    content_disposition: Text | None = None
    content_encoding: Text | None = None
    metadata: dict[str, str] | None = None
    if_none_match: str | None = None

    def faults(self) -> Iterator[FieldError]:
        yield from super().faults()
        if self.metadata:
            yield from _metadata_faults(self.metadata)

    def headers(self) -> dict[str, str]:
        found = super().headers()
        if self.metadata:
            found.update((f"x-amz-meta-{name.lower()}", value) for name, value in self.metadata.items())
        return found


class DeleteObject(Operation, kw_only=True, tag="delete_object"):
    """Delete an object.

    Args:
        version_id: the version of the object.
    """

    method = "DELETE"
    query_options = {"version_id": "versionId"}
    checks = {**Operation.checks, "version_id": field_value_fault}

    version_id: Text | None = None


OPERATIONS: dict[str, type[Operation]] = {
    operation.name(): operation for operation in (GetObject, HeadObject, PutObject, DeleteObject)
}


def _metadata_faults(metadata: dict[str, str]) -> Iterator[FieldError]:
    seen = set()
    for name, value in metadata.items():
        if fault := field_name_fault(name) or field_value_fault(value):
            yield FieldError(pointer("metadata", name), fault)
        if name.lower() in seen:
            yield FieldError(pointer("metadata", name), "is there twice, as letter case does not count")
        seen.add(name.lower())
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        yield FieldError("/metadata", f"comes to {size} bytes with its names; {MAX_METADATA_BYTES} are allowed")
