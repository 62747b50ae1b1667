"""The native API's answers in JSON: errors and results."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Response

from local.object_storage.s3_answer import S3Error

_CODES = {
    "BadDigest": "UnmatchedContentMD5",
    "InvalidDigest": "InvalidContentMD5",
    "InvalidPart": "InvalidUploadPart",
    "EntityTooSmall": "InvalidUploadPart",
    "MissingContentLength": "MissingContentLength",
    "NoSuchBucket": "BucketNotFound",
    "NoSuchKey": "ObjectNotFound",
    "PreconditionFailed": "IfNoneMatchFailed",
}
"""The native API's names of S3's errors."""


class NativeError(Exception):
    """An error as the native API answers it.

    Args:
        status: of the HTTP response.
        code: Oracle's name of the error.
        message: for people.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message

    @classmethod
    def of(cls, error: S3Error) -> NativeError:
        """The native API's error in place of S3's."""
        return cls(error.status, _CODES.get(error.code, error.code), error.message)

    def response(self) -> Response:
        """The error as an answer in JSON."""
        return json_response({"code": self.code, "message": self.message}, status=self.status)


def bucket_not_found(bucket: str) -> NativeError:
    """The error for a missing bucket and for missing permissions alike."""
    message = (
        f"Either the bucket named '{bucket}' does not exist in the namespace or you are not authorized to access it"
    )
    return NativeError(404, "BucketNotFound", message)


def json_response(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(json.dumps(document), status, headers, content_type="application/json")


def add_common_headers(response: Response, request_id: str | None = None) -> None:
    """Add the headers that every answer of the native API has."""
    response.headers["opc-request-id"] = request_id or uuid.uuid4().hex.upper()
    response.headers["x-api-id"] = "native"


def bucket_ocid(bucket: str) -> str:
    """The OCID of a bucket."""
    return f"ocid1.bucket.oc1..{uuid.uuid5(uuid.NAMESPACE_URL, bucket).hex}"


def timestamp(moment: datetime) -> str:
    """A moment as the native API writes it (RFC 3339, milliseconds)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
