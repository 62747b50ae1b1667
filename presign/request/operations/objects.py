"""The operations on one object: read it, write it, delete it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec

from presign.problems import FieldError
from presign.request.header_values import attachment
from presign.request.model import ObjectOperation
from presign.request.operations.options import ByteCount, Text, Upload

FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


RESPONSE_OPTIONS = (
    "response_cache_control",
    "response_content_disposition",
    "response_content_encoding",
    "response_content_language",
    "response_content_type",
    "response_expires",
)


class HeadObject(ObjectOperation, frozen=True, kw_only=True, tag="head_object"):
    """Read an object's headers.

    Args:
        version_id: the version of the object.
        download_as: the file name under which a browser is to save the object.
        response_cache_control, response_content_disposition, response_content_encoding, response_content_language,
            response_content_type, response_expires: the header of this name in the store's answer.
    """

    method = "HEAD"
    query_options = ("version_id", *RESPONSE_OPTIONS)

    version_id: Text | None = None
    download_as: FileName | None = None
    response_cache_control: Text | None = None
    response_content_disposition: Text | None = None
    response_content_encoding: Text | None = None
    response_content_language: Text | None = None
    response_content_type: Text | None = None
    response_expires: Moment | None = None

    def validation_errors(self) -> Iterator[FieldError]:
        yield from super().validation_errors()
        if self.download_as is not None and self.response_content_disposition is not None:
            yield FieldError("/download_as", "cannot be given together with response_content_disposition")

    def query(self) -> list[tuple[str, str]]:
        pairs = super().query()
        if self.download_as is not None:
            pairs.append(("response-content-disposition", attachment(self.download_as)))
        return pairs


class GetObject(HeadObject, frozen=True, kw_only=True, tag="get_object"):
    """Download an object; the options are those of `HeadObject`."""

    method = "GET"


class PutObject(Upload, frozen=True, kw_only=True, tag="put_object"):
    """Upload an object in one request; `Upload` has further options.

    Args:
        content_length: bytes; without it, the holder of the URL may upload an object of any size.
        content_md5: the Base64 form of the MD5 of the content.
        checksum_sha256: the Base64 form of the SHA-256 of the content.
        if_none_match: `"*"` to create the object only if there is none of this name.
    """

    method = "PUT"
    header_options = (*Upload.header_options, "content_length", "content_md5", "checksum_sha256", "if_none_match")

    content_length: ByteCount | None = None
    content_md5: str | None = None
    checksum_sha256: str | None = None
    if_none_match: str | None = None


class DeleteObject(ObjectOperation, frozen=True, kw_only=True, tag="delete_object"):
    """Delete an object.

    Args:
        version_id: the version of the object.
    """

    method = "DELETE"
    query_options = ("version_id",)

    version_id: Text | None = None
