"""What can be asked for: the operations, their options, and the limits of each."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

import msgspec

from presign.faults import field_faults, pointer
from presign.problems import FieldError, InvalidJson, InvalidRequest

MAX_EXPIRES_IN = 604_800
"""Seconds: the longest that a SigV4 presigned URL may be valid."""

MAX_PUT_BYTES = 50 * 1024**3
"""Bytes: the most that OCI Object Storage takes in one PUT."""

MAX_METADATA_BYTES = 2048
"""Bytes: the most that the names and values of an object's metadata may come to, as S3 counts them."""

Seconds = Annotated[int, msgspec.Meta(ge=1, le=MAX_EXPIRES_IN)]
ByteCount = Annotated[int, msgspec.Meta(ge=0, le=MAX_PUT_BYTES)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class Operation(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What every operation on one object takes; the subclasses add their options.

    Args:
        key: the object's name, 1 to 1,024 bytes of UTF-8.
        bucket: the bucket's name; the deployment's default bucket when left out.
        expires_in: seconds that the URL is valid; the deployment's default when left out.
    """

    name: ClassVar[str]
    method: ClassVar[str]
    query_options: ClassVar[dict[str, str]] = {}
    """The options that travel in the query string, with their names there, in the order in which they appear."""
    header_options: ClassVar[dict[str, str]] = {}
    """The options that travel as headers, with their names there."""

    key: Text
    bucket: str | None = None
    expires_in: Seconds | None = None

    def query(self) -> list[tuple[str, str]]:
        """Names and values of the query parameters of this request, not encoded."""
        pairs = []
        for option, wire_name in self.query_options.items():
            value = getattr(self, option)
            if value is not None:
                pairs.append((wire_name, http_date(value) if isinstance(value, datetime) else value))
        return pairs

    def headers(self) -> dict[str, str]:
        """The headers that the client must send with this request, `Host` apart."""
        found = {}
        for option, wire_name in self.header_options.items():
            value = getattr(self, option)
            if value is not None:
                found[wire_name] = str(value)
        return found


class HeadObject(Operation, kw_only=True):
    """Read an object's headers."""

    name = "head_object"
    method = "HEAD"
    query_options = {
        "version_id": "versionId",
        "response_content_disposition": "response-content-disposition",
        "response_content_type": "response-content-type",
        "response_cache_control": "response-cache-control",
        "response_content_encoding": "response-content-encoding",
        "response_content_language": "response-content-language",
        "response_expires": "response-expires",
    }

    operation: Literal["head_object"] = "head_object"
    version_id: Text | None = None
    download_as: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None = None
    response_content_type: Text | None = None
    response_cache_control: Text | None = None
    response_content_disposition: Text | None = None
    response_content_encoding: Text | None = None
    response_content_language: Text | None = None
    response_expires: Annotated[datetime, msgspec.Meta(tz=True)] | None = None

    def query(self) -> list[tuple[str, str]]:
        pairs = super().query()
        if self.download_as is not None:
            pairs.append(("response-content-disposition", attachment(self.download_as)))
        return pairs


class GetObject(HeadObject, kw_only=True):
    """Download an object."""

    name = "get_object"
    method = "GET"

    operation: Literal["get_object"] = "get_object"  # type: ignore[assignment]


class PutObject(Operation, kw_only=True):
    """Upload an object in one request."""

    name = "put_object"
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

    operation: Literal["put_object"] = "put_object"
    content_type: Text | None = None
    content_length: ByteCount | None = None
    content_md5: str | None = None
    checksum_sha256: str | None = None
    cache_control: Text | None = None
    content_disposition: Text | None = None
    content_encoding: Text | None = None
    if_none_match: Literal["*"] | None = None
    metadata: dict[str, str] | None = None

    def headers(self) -> dict[str, str]:
        found = super().headers()
        for name, value in (self.metadata or {}).items():
            found[f"x-amz-meta-{name.lower()}"] = value
        return found


class DeleteObject(Operation, kw_only=True):
    """Delete an object."""

    name = "delete_object"
    method = "DELETE"
    query_options = {"version_id": "versionId"}

    operation: Literal["delete_object"] = "delete_object"
    version_id: Text | None = None


OPERATIONS: dict[str, type[Operation]] = {
    operation.name: operation for operation in (GetObject, HeadObject, PutObject, DeleteObject)
}
