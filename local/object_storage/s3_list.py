"""Lists of the S3 API: objects (ListObjectsV2) and unfinished uploads (ListMultipartUploads)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from urllib.parse import quote

from werkzeug.wrappers import Response

from local.api import ApiError
from local.object_storage.objects import Objects
from local.object_storage.s3_answer import iso_time, xml_response
from local.object_storage.s3_target import Target, number_parameter
from local.object_storage.stored_object import StoredObject
from local.object_storage.uploads import Upload, Uploads

MAX_LISTED = 1000
"""Objects and common prefixes, or uploads, of one page."""


def list_objects(asked: Target, objects: Objects) -> Response:
    """The answer to ListObjectsV2.

    Raises:
        ApiError: there is no such bucket, or a parameter is not valid.
    """
    parameters = asked.parameters
    if parameters.get("fetch-owner", "false") != "false":
        raise ApiError(501, "NotImplemented", "This store does not implement fetch-owner.")
    encoded = _encoding(asked)
    limit = number_parameter(asked, "max-keys", default="1000", least=0, most=2**31 - 1)
    prefix, delimiter = parameters.get("prefix", ""), parameters.get("delimiter", "")
    start_after, token = parameters.get("start-after", ""), parameters.get("continuation-token")
    start = f"{start_after}\0" if start_after else ""
    if token is not None:
        start = _key_of(token)
    page = objects.list(asked.bucket, prefix=prefix, delimiter=delimiter, start=start, limit=min(limit, MAX_LISTED))
    next_key = page.next_key if limit else ""  # a page of no keys is never truncated
    elements = {"Name": asked.bucket, "Prefix": encoded(prefix)}
    if token is not None:
        elements["ContinuationToken"] = token
    if next_key:
        elements["NextContinuationToken"] = base64.urlsafe_b64encode(next_key.encode()).decode()
    if start_after:
        elements["StartAfter"] = encoded(start_after)
    elements["KeyCount"] = str(len(page.objects) + len(page.prefixes))
    elements["MaxKeys"] = str(min(limit, MAX_LISTED))
    if delimiter:
        elements["Delimiter"] = encoded(delimiter)
    if "encoding-type" in parameters:
        elements["EncodingType"] = parameters["encoding-type"]
    elements["IsTruncated"] = "true" if next_key else "false"
    contents = [_object(stored, encoded) for stored in page.objects]
    common = [{"Prefix": encoded(found)} for found in page.prefixes]
    return xml_response("ListBucketResult", {**elements, "Contents": contents, "CommonPrefixes": common})


def list_uploads(asked: Target, uploads: Uploads) -> Response:
    """The answer to ListMultipartUploads.

    Raises:
        ApiError: there is no such bucket, or a parameter is not valid.
    """
    parameters = asked.parameters
    if "delimiter" in parameters:
        raise ApiError(501, "NotImplemented", "This store does not implement delimiter in a list of uploads.")
    encoded = _encoding(asked)
    limit = min(number_parameter(asked, "max-uploads", default="1000", least=1, most=2**31 - 1), MAX_LISTED)
    prefix, key_marker = parameters.get("prefix", ""), parameters.get("key-marker", "")
    id_marker = parameters.get("upload-id-marker", "") if key_marker else ""
    # Without an id the marker stands behind all uploads of its key.
    marker = (key_marker.encode(), id_marker or "\x7f")
    found = sorted(
        (
            upload
            for upload in uploads.of_bucket(asked.bucket)
            if upload.key.startswith(prefix) and (not key_marker or (upload.key.encode(), upload.id) > marker)
        ),
        key=lambda upload: (upload.key.encode(), upload.id),
    )
    listed, is_truncated = found[:limit], len(found) > limit
    elements = {"Bucket": asked.bucket, "KeyMarker": encoded(key_marker), "UploadIdMarker": id_marker}
    if is_truncated:
        elements |= {"NextKeyMarker": encoded(listed[-1].key), "NextUploadIdMarker": listed[-1].id}
    elements |= {"Prefix": encoded(prefix), "MaxUploads": str(limit)}
    if "encoding-type" in parameters:
        elements["EncodingType"] = parameters["encoding-type"]
    elements["IsTruncated"] = "true" if is_truncated else "false"
    members = [_upload(upload, encoded) for upload in listed]
    return xml_response("ListMultipartUploadsResult", {**elements, "Upload": members})


def _object(stored: StoredObject, encoded: Callable[[str], str]) -> dict[str, str]:
    return {
        "Key": encoded(stored.key),
        "LastModified": iso_time(stored.modified_at),
        "ETag": f'"{stored.s3_etag}"',
        "Size": str(stored.content.size),
        "StorageClass": "STANDARD",
    }


def _upload(upload: Upload, encoded: Callable[[str], str]) -> dict[str, str]:
    return {
        "Key": encoded(upload.key),
        "UploadId": upload.id,
        "StorageClass": "STANDARD",
        "Initiated": iso_time(upload.created_at),
    }


def _encoding(asked: Target) -> Callable[[str], str]:
    """The form that keys have in the answer: percent-encoded only if the request asks for it."""
    match asked.parameters.get("encoding-type"):
        case None:
            return str
        case "url":
            return quote
    raise ApiError(400, "InvalidArgument", "Invalid Encoding Method specified in Request", ArgumentName="encoding-type")


def _key_of(token: str) -> str:
    """The first key of the page that a continuation token stands for."""
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise ApiError(400, "InvalidArgument", "The continuation token provided is incorrect") from None
