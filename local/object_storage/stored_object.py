"""An object of the store, made from an upload's headers and content, and the answer to a request for it."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import wrap_file

from local.api import ApiError
from local.object_storage.content import CHUNK_BYTES, Content

STORED_HEADERS = (
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Type",
    "Expires",
)
"""Headers of an upload that every download of the object has too, unless its request sets others."""


@dataclass(frozen=True)
class StoredObject:
    """An object.

    Args:
        key: unique in the bucket.
        content: the bytes.
        headers: those of `STORED_HEADERS` that the upload had.
        metadata: values by name, the names without the prefix that an API gives them.
        s3_etag: the ETag in the S3 API, without quotes: the MD5 digest, or for an object of several parts the digest of
            their digests, `-`, and their number.
        upload_id: of the multipart upload that made the object, empty for a single upload.
        etag: the ETag in the native API.
        modified_at: when the object was stored.
    """

    key: str
    content: Content
    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    s3_etag: str
    upload_id: str = ""
    etag: str = field(default_factory=lambda: str(uuid.uuid4()))
    modified_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def md5(self) -> str:
        """The MD5 digest in Base64; of an object of several parts the digest of their digests and their number."""
        digest, dash, parts = self.s3_etag.partition("-")
        return base64.b64encode(bytes.fromhex(digest)).decode() + dash + parts

    def is_version(self, version: str) -> bool:
        """Whether this is the id of the object's only version, as its events have it; `null` always is."""
        return version in ("null", self.etag)


def stored_object(
    key: str,
    content: Content,
    headers: Iterable[tuple[str, str]],
    *,
    metadata_prefix: str,
    s3_etag: str = "",
    upload_id: str = "",
) -> StoredObject:
    """The object that an upload with these headers makes.

    Args:
        metadata_prefix: of the headers that hold metadata, in lower case.
        s3_etag: the MD5 digest of the content if empty.
    """
    named = {name.lower(): (name, value) for name, value in headers}
    return StoredObject(
        key,
        content,
        headers={name: named[name.lower()][1] for name in STORED_HEADERS if name.lower() in named},
        metadata={
            lower.removeprefix(metadata_prefix): value
            for lower, (_, value) in named.items()
            if lower.startswith(metadata_prefix)
        },
        s3_etag=s3_etag or content.digest("md5").hex(),
        upload_id=upload_id,
    )


def object_answer(
    request: Request, stored: StoredObject, *, etag: str, metadata_prefix: str, overrides: Mapping[str, str]
) -> Response:
    """The answer to GET or HEAD of an object, which may ask for a range or on a condition.

    Args:
        etag: as the API has it.
        metadata_prefix: of the headers that hold metadata.
        overrides: those of `STORED_HEADERS` that the request sets in the answer.

    Raises:
        ApiError: the condition does not hold, or the object has no such range.
    """
    about = {
        "Content-Type": "application/octet-stream",
        **stored.headers,
        **{f"{metadata_prefix}{name}": value for name, value in stored.metadata.items()},
        "ETag": etag,
        "Last-Modified": format_datetime(stored.modified_at, usegmt=True),
        "Accept-Ranges": "bytes",
        "Content-Length": str(stored.content.size),
    }
    is_head = request.method == "HEAD"
    body = [] if is_head else wrap_file(request.environ, stored.content.open(), CHUNK_BYTES)  # type: ignore[arg-type]
    response = Response(body, 200, about, direct_passthrough=True)
    try:
        response.make_conditional(request.environ, accept_ranges=True, complete_length=stored.content.size)
    except RequestedRangeNotSatisfiable:
        raise ApiError(416, "InvalidRange", "The requested range is not satisfiable") from None
    if response.status_code == 412:
        raise ApiError(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
    if response.status_code in (200, 206):
        response.headers.update(overrides)
    return response
