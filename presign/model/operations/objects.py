"""The operations on one object: read it, write it, copy it, delete it."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec

from presign.model.field_errors import pointer
from presign.model.header_values import (
    any_error,
    attachment,
    digest_error,
    disposition_error,
    field_name_error,
    field_value_error,
    file_name_error,
    http_date,
    http_date_error,
    media_type_error,
)
from presign.model.object_names import bucket_error, key_error, store_id_error
from presign.model.operation import ObjectKey, ObjectOperation
from presign.model.options import Option, as_header, given, in_query
from presign.problems import FieldError

MAX_PUT_BYTES = 50 * 1024**3
"""Bytes: the most that OCI Object Storage takes in one PUT."""

MAX_METADATA_BYTES = 2048
"""Bytes: the most that the names and values of an object's metadata may have together, as S3 counts them."""

MAX_METADATA_ENTRIES = 64
"""The most entries of an object's metadata, since each costs time to check and to sign."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]

ByteCount = Annotated[int, msgspec.Meta(ge=0, le=MAX_PUT_BYTES)]

VersionId = Annotated[Text, in_query("versionId", bound_by_par=False, recorded=True)]
ContentLength = Annotated[ByteCount, as_header(bound_by_par=False, recorded=True)]
ContentMd5 = Annotated[str, as_header("Content-MD5", error_of=partial(digest_error, size=16), bound_by_par=False)]
ChecksumSha256 = Annotated[
    str, as_header("x-amz-checksum-sha256", error_of=partial(digest_error, size=32), bound_by_par=False)
]
IfNoneMatch = Annotated[str, as_header(error_of=any_error)]

_version_id_error = partial(store_id_error, name="version id")
_Header = Annotated[Text, as_header()]
_Override = Annotated[Text, in_query(recorded=True)]
_DownloadName = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=255),
    in_query("response-content-disposition", error_of=file_name_error, text_of=attachment, recorded=True),
]
_Expiry = Annotated[
    datetime, msgspec.Meta(tz=True), in_query(error_of=http_date_error, text_of=http_date, recorded=True)
]


class HeadObject(ObjectOperation, frozen=True, kw_only=True):
    """Read an object's headers.

    Args:
        version_id: the version of the object.
        download_as: the file name under which a browser is to save the object.
        response_cache_control, response_content_disposition, response_content_encoding, response_content_language,
            response_content_type, response_expires: the header of this name in the store's answer.
    """

    method = "HEAD"

    version_id: VersionId | None = None
    download_as: _DownloadName | None = None
    response_cache_control: _Override | None = None
    response_content_disposition: Annotated[Text, in_query(error_of=disposition_error, recorded=True)] | None = None
    response_content_encoding: _Override | None = None
    response_content_language: _Override | None = None
    response_content_type: Annotated[Text, in_query(error_of=media_type_error, recorded=True)] | None = None
    response_expires: _Expiry | None = None

    def validation_errors(self) -> list[FieldError]:
        errors = super().validation_errors()
        if self.download_as is not None and self.response_content_disposition is not None:
            errors.append(FieldError("/download_as", "cannot be given together with response_content_disposition"))
        return errors


class GetObject(HeadObject, frozen=True, kw_only=True):
    """Download an object; the options are those of `HeadObject`."""

    method = "GET"


class Upload(ObjectOperation, frozen=True, kw_only=True):
    """The options that go with the content of a new object.

    Every option becomes a signed header, so the client must send it, and can send no other value.

    Args:
        content_type: the media type.
        cache_control, content_disposition, content_encoding: the header of this name whenever the object is read.
        metadata: names and values, sent as `x-amz-meta-…`.
    """

    content_type: Annotated[Text, as_header(error_of=media_type_error)] | None = None
    cache_control: _Header | None = None
    content_disposition: Annotated[Text, as_header(error_of=disposition_error)] | None = None
    content_encoding: _Header | None = None
    metadata: dict[str, str] | None = None

    def validation_errors(self) -> list[FieldError]:
        return [*super().validation_errors(), *metadata_errors(self.metadata)]

    def headers(self) -> dict[str, str]:
        return {**super().headers(), **metadata_headers(self.metadata)}


class PutObject(Upload, frozen=True, kw_only=True):
    """Upload an object in one request; `Upload` has further options.

    Args:
        content_length: bytes; without it, the holder of the URL may upload an object of any size.
        content_md5: the Base64 form of the MD5 of the content.
        checksum_sha256: the Base64 form of the SHA-256 of the content.
        if_none_match: `"*"` to create the object only if there is none of this name.
    """

    method = "PUT"
    content_length: ContentLength | None = None
    content_md5: ContentMd5 | None = None
    checksum_sha256: ChecksumSha256 | None = None
    if_none_match: IfNoneMatch | None = None


class DeleteObject(ObjectOperation, frozen=True, kw_only=True):
    """Delete an object.

    Args:
        version_id: the version of the object.
    """

    method = "DELETE"
    version_id: VersionId | None = None


class CopyObject(Upload, frozen=True, kw_only=True):
    """Copy an object; the options of `Upload` replace those of the source with `metadata_directive: "REPLACE"`.

    Args:
        source_bucket: the bucket of the source; that of the copy when left out.
        source_key: the object key of the source.
        source_version_id: the version of the source.
        metadata_directive: whether the copy has the type and the metadata of the source, or those that are given.
    """

    method = "PUT"

    source_bucket: Annotated[str, Option(error_of=bucket_error, recorded=True)] | None = None
    source_key: Annotated[ObjectKey, Option(error_of=key_error, recorded=True)]
    source_version_id: Annotated[Text, Option(error_of=_version_id_error, recorded=True)] | None = None
    metadata_directive: Literal["COPY", "REPLACE"] | None = "COPY"

    def validation_errors(self) -> list[FieldError]:
        errors = super().validation_errors()
        if self.metadata_directive != "REPLACE":
            ignored = given(self, self.header_options.keys() | {"metadata"})
            errors += [FieldError(f"/{name}", "needs metadata_directive to be REPLACE") for name in ignored]
        return errors

    def headers(self) -> dict[str, str]:
        source = quote(f"{self.source_bucket}/{self.source_key}", safe="/-._~")
        if self.source_version_id is not None:
            source += f"?versionId={self.source_version_id}"
        directive = self.metadata_directive or "COPY"
        return {**super().headers(), "x-amz-copy-source": source, "x-amz-metadata-directive": directive}


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
        if (lower := name.lower()) in seen:
            yield FieldError(pointer("metadata", name), "is there twice, as letter case does not count")
        seen.add(lower)
    size = len("".join([*metadata, *metadata.values()]).encode())
    if size > MAX_METADATA_BYTES:
        yield FieldError("/metadata", f"has {size} bytes with its names; {MAX_METADATA_BYTES} are allowed")
