"""The types of options that several operations share, and the options that go with the content of a new object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec

from presign.problems import FieldError
from presign.request.field_errors import pointer
from presign.request.header_values import field_name_error, field_value_error
from presign.request.model import ObjectOperation

MAX_PUT_BYTES = 50 * 1024**3
"""Bytes: the most that OCI Object Storage takes in one PUT."""

MAX_METADATA_BYTES = 2048
"""Bytes: the most that the names and values of an object's metadata may have together, as S3 counts them."""

MAX_METADATA_ENTRIES = 64
"""The most entries of an object's metadata, since each costs time to check and to sign."""

ByteCount = Annotated[int, msgspec.Meta(ge=0, le=MAX_PUT_BYTES)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class Upload(ObjectOperation, frozen=True, kw_only=True):
    """The options that go with the content of a new object.

    Every option becomes a signed header, so the client must send it, and can send no other value.

    Args:
        content_type: the media type.
        cache_control, content_disposition, content_encoding: the header of this name whenever the object is read.
        metadata: names and values, sent as `x-amz-meta-…`.
    """

    header_options: ClassVar[tuple[str, ...]] = (
        "content_type",
        "cache_control",
        "content_disposition",
        "content_encoding",
    )

    content_type: Text | None = None
    cache_control: Text | None = None
    content_disposition: Text | None = None
    content_encoding: Text | None = None
    metadata: dict[str, str] | None = None

    def validation_errors(self) -> Iterator[FieldError]:
        yield from super().validation_errors()
        yield from metadata_errors(self.metadata)

    def headers(self) -> dict[str, str]:
        return {**super().headers(), **metadata_headers(self.metadata)}


def metadata_headers(metadata: dict[str, str] | None) -> dict[str, str]:
    """The headers that carry `metadata`."""
    return {f"x-amz-meta-{name.lower()}": value for name, value in metadata.items()} if metadata else {}


def metadata_errors(metadata: dict[str, str] | None) -> Iterator[FieldError]:
    """Each entry of `metadata` that S3 would refuse or a header can't carry."""
    if not metadata:
        return
    if len(metadata) > MAX_METADATA_ENTRIES:
        yield FieldError("/metadata", f"has {len(metadata)} entries; {MAX_METADATA_ENTRIES} are allowed")
        return
    seen = set()
    for name, value in metadata.items():
        if error := field_name_error(name) or field_value_error(value):
            yield FieldError(pointer("metadata", name), error)
        if name.lower() in seen:
            yield FieldError(pointer("metadata", name), "is there twice, as letter case does not count")
        seen.add(name.lower())
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        yield FieldError("/metadata", f"has {size} bytes with its names; {MAX_METADATA_BYTES} are allowed")
