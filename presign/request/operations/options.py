"""What several operations have in common: the types of options, and what goes with the content of a new object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from presign.problems import FieldError
from presign.request.field_errors import pointer
from presign.request.header_values import field_name_fault, field_value_fault, media_type_fault
from presign.request.model import Operation

MAX_PUT_BYTES = 50 * 1024**3
"""Bytes: the most that OCI Object Storage takes in one PUT."""

MAX_METADATA_BYTES = 2048
"""Bytes: the most that the names and values of an object's metadata may come to, as S3 counts them."""

ByteCount = Annotated[int, msgspec.Meta(ge=0, le=MAX_PUT_BYTES)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class Upload(Operation, kw_only=True):
    """What goes with the content of an object that is made.

    Every option becomes a header that is signed, so that the client must send it, and can send no other value.

    Args:
        content_type: the media type.
        cache_control, content_disposition, content_encoding: what the header of this name is to say whenever the object
            is read.
        metadata: names and values, sent as `x-amz-meta-…`.
    """

    header_options = {
        "content_type": "Content-Type",
        "cache_control": "Cache-Control",
        "content_disposition": "Content-Disposition",
        "content_encoding": "Content-Encoding",
    }
    checks = {
        **Operation.checks,
        "content_type": media_type_fault,
        "cache_control": field_value_fault,
        "content_disposition": field_value_fault,
        "content_encoding": field_value_fault,
    }

    content_type: Text | None = None
    cache_control: Text | None = None
    content_disposition: Text | None = None
    content_encoding: Text | None = None
    metadata: dict[str, str] | None = None

    def faults(self) -> list[FieldError]:
        return [*super().faults(), *metadata_faults(self.metadata)]

    def headers(self) -> dict[str, str]:
        return {**super().headers(), **metadata_headers(self.metadata)}


def any_fault(value: str) -> str:
    """What keeps `value` from saying "if there is any" (RFC 9110, 13.1.2)."""
    return "" if value == "*" else 'must be "*"'


def metadata_headers(metadata: dict[str, str] | None) -> dict[str, str]:
    return {f"x-amz-meta-{name.lower()}": value for name, value in metadata.items()} if metadata else {}


def metadata_faults(metadata: dict[str, str] | None) -> Iterator[FieldError]:
    if not metadata:
        return
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
