"""Requests of the S3 API that name a multipart upload."""

from __future__ import annotations

from xml.etree import ElementTree

from werkzeug.wrappers import Request, Response

from local.api import ApiError
from local.object_storage.content import Content
from local.object_storage.s3_answer import iso_time, object_url, xml_response
from local.object_storage.s3_target import Target, number_parameter
from local.object_storage.uploads import MAX_PART_NUMBER, Upload, Uploads

MIN_PART_BYTES = 5 << 20
"""Of each part but the last."""
MAX_LISTED_PARTS = 1000


def answer(request: Request, target: Target, content: Content, uploads: Uploads) -> Response:
    """The answer to UploadPart, ListParts, CompleteMultipartUpload or AbortMultipartUpload.

    Raises:
        ApiError: there is no such upload, or S3 refuses the request.
    """
    upload_id = target.parameters["uploadId"]
    if request.method == "POST":
        parts = _part_list(content.read())
        create_only = request.headers.get("If-None-Match") == "*"
        made = uploads.complete(
            target.bucket, target.key, upload_id, parts, create_only=create_only, min_part_bytes=MIN_PART_BYTES
        )
        elements = {
            "Location": object_url(request, target.bucket, target.key),
            "Bucket": target.bucket,
            "Key": target.key,
            "ETag": f'"{made.s3_etag}"',
        }
        return xml_response("CompleteMultipartUploadResult", elements)
    upload = uploads.find(target.bucket, target.key, upload_id)
    match request.method:
        case "PUT":
            number = number_parameter(target, "partNumber", default="", least=1, most=MAX_PART_NUMBER)
            part = uploads.put_part(upload, number, content)
            return Response(headers={"ETag": f'"{part.s3_etag}"'})
        case "GET":
            return _list(target, upload)
        case "DELETE":
            uploads.abort(upload)
            return Response(status=204)
    raise ApiError(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")


def _list(target: Target, upload: Upload) -> Response:
    """One page of the parts, in the order of their numbers."""
    marker = number_parameter(target, "part-number-marker", default="0", least=0, most=2**31 - 1)
    limit = min(number_parameter(target, "max-parts", default="1000", least=0, most=2**31 - 1), MAX_LISTED_PARTS)
    found = sorted(
        ((number, part) for number, part in tuple(upload.parts.items()) if number > marker), key=lambda pair: pair[0]
    )
    listed = found[:limit]
    elements = {
        "Bucket": upload.bucket,
        "Key": upload.key,
        "UploadId": upload.id,
        "PartNumberMarker": str(marker),
        "NextPartNumberMarker": str(listed[-1][0] if listed else 0),
        "MaxParts": str(limit),
        "IsTruncated": "true" if len(found) > limit else "false",
        "Part": [
            {
                "PartNumber": str(number),
                "LastModified": iso_time(part.modified_at),
                "ETag": f'"{part.s3_etag}"',
                "Size": str(part.content.size),
            }
            for number, part in listed
        ],
    }
    return xml_response("ListPartsResult", elements)


def _part_list(body: bytes) -> list[tuple[int, str]]:
    """Numbers and ETags of the parts that a request for completion names."""
    try:
        document = ElementTree.fromstring(body)  # noqa: S314 - its sender has a signed URL
        parts = [
            (int(part.findtext("{*}PartNumber", "")), part.findtext("{*}ETag", "").strip('"'))
            for part in document.iterfind("{*}Part")
        ]
    except (ElementTree.ParseError, ValueError):
        parts = []
    if not parts:
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise ApiError(400, "MalformedXML", message)
    return parts
