"""CopyObject of the S3 API: a PUT whose header names another object in place of a body."""

from __future__ import annotations

from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from local.api import ApiError
from local.object_storage.objects import Objects
from local.object_storage.s3_answer import iso_time, xml_response
from local.object_storage.s3_target import Target
from local.object_storage.stored_object import StoredObject, stored_object
from local.server import headers

COPY_SOURCE = "x-amz-copy-source"

_DIRECTIVE = "x-amz-metadata-directive"
_CONDITIONS = f"{COPY_SOURCE}-"


def copy_object(request: Request, asked: Target, objects: Objects, *, metadata_prefix: str) -> Response:
    """The answer to CopyObject. The signature must be verified before: it covers every `x-amz-` header.

    Args:
        metadata_prefix: of the headers that hold metadata, in lower case.

    Raises:
        ApiError: there is no such source or bucket, or S3 refuses the request.
    """
    for name in request.headers.keys():  # noqa: SIM118 - iteration gives pairs
        if name.lower().startswith(_CONDITIONS):
            raise ApiError(501, "NotImplemented", f"This store does not implement the header {name.lower()}.")
    directive = request.headers.get(_DIRECTIVE, "COPY")
    if directive not in ("COPY", "REPLACE"):
        raise ApiError(400, "InvalidArgument", "Unknown metadata directive.", ArgumentName=_DIRECTIVE)
    bucket, key, version = _source(request.headers[COPY_SOURCE])
    source = objects.find(bucket, key)
    if source is None:
        raise ApiError(404, "NoSuchKey", "The specified key does not exist.", Key=key)
    if not source.is_version(version):
        raise ApiError(404, "NoSuchVersion", "The specified version does not exist.", Key=key)
    if directive == "COPY" and (bucket, key) == (asked.bucket, asked.key):
        message = "This copy request is illegal because it is trying to copy an object to itself without changing it."
        raise ApiError(400, "InvalidRequest", message)
    if directive == "REPLACE":
        made = stored_object(asked.key, source.content, headers(request), metadata_prefix=metadata_prefix)
    else:
        digest = source.content.digest("md5").hex()
        made = StoredObject(asked.key, source.content, source.headers, source.metadata, s3_etag=digest)
    objects.put(asked.bucket, made, create_only="If-None-Match" in request.headers)
    elements = {"LastModified": iso_time(made.modified_at), "ETag": f'"{made.s3_etag}"'}
    return xml_response("CopyObjectResult", elements)


def _source(value: str) -> tuple[str, str, str]:
    """Bucket, key, and version that `x-amz-copy-source` names."""
    path, _, version = value.partition("?versionId=")
    try:
        bucket, _, key = unquote(path, errors="strict").removeprefix("/").partition("/")
    except UnicodeDecodeError:
        bucket = key = ""
    if not bucket or not key:
        message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise ApiError(400, "InvalidArgument", message, ArgumentName=COPY_SOURCE)
    return bucket, key, version or "null"
