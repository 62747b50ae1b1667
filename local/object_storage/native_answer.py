"""The native API's answers in JSON: errors and results."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from werkzeug.wrappers import Response

from local.api import ApiError, json_answer

_CODES = {
    "BadDigest": "UnmatchedContentMD5",
    "InvalidDigest": "InvalidContentMD5",
    "InvalidPart": "InvalidUploadPart",
    "EntityTooSmall": "InvalidUploadPart",
    "NoSuchBucket": "BucketNotFound",
    "NoSuchKey": "ObjectNotFound",
    "PreconditionFailed": "IfNoneMatchFailed",
}
"""The native API's names of those errors that the parts shared by both APIs raise under S3's names."""


def error_response(error: ApiError) -> Response:
    """An error in JSON, under the native API's name."""
    return json_answer({"code": _CODES.get(error.code, error.code), "message": error.message}, status=error.status)


def bucket_not_found(bucket: str) -> ApiError:
    """The error for a missing bucket and for missing permissions alike."""
    message = (
        f"Either the bucket named '{bucket}' does not exist in the namespace or you are not authorized to access it"
    )
    return ApiError(404, "BucketNotFound", message)


def bucket_ocid(bucket: str) -> str:
    """The OCID of a bucket."""
    return f"ocid1.bucket.oc1..{uuid.uuid5(uuid.NAMESPACE_URL, bucket).hex}"


def timestamp(moment: datetime) -> str:
    """A moment as the native API writes it (RFC 3339, milliseconds)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
