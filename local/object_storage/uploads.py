"""Multipart uploads, where moto does less than S3 or needs more memory.

An upload belongs to one key, its parts are checked, and they are put together in a file.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from werkzeug.wrappers import Request, Response

from local.object_storage.content import CHUNK_BYTES, Content, reader
from local.object_storage.objects import Objects, Resource
from local.object_storage.s3_answer import S3Error, xml_response
from local.server import headers, target

MIN_PART_BYTES = 5 << 20
MAX_PART_NUMBER = 10_000
MAX_LISTED_PARTS = 1000


class Uploads:
    """The uploads that have begun.

    Args:
        objects: where the finished ones go.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._lock = threading.Lock()

    def answer(self, request: Request, resource: Resource, content: Content) -> Response:
        """The answer to a request that names an upload.

        Raises:
            S3Error: there is no such upload, or S3 would not do with it what is asked.
        """
        if request.method == "POST":
            return self._complete(request, resource, content.read())
        upload = self._find(resource)
        if request.method == "GET":
            return _list(resource, upload)
        if request.method == "PUT":
            number = _number(resource, "partNumber", default="", least=1, most=MAX_PART_NUMBER)
            replaced = upload.parts.get(number)
            upload.parts[number] = part = self._objects.make(number, content, metadata={}, etag=content.md5())
            if replaced:
                replaced.dispose()
            return Response(headers={"ETag": part.etag})
        return self._objects.ask(request.method, resource.path, resource.query, headers(request))

    def _complete(self, request: Request, resource: Resource, body: bytes) -> Response:
        with self._lock:  # so that a request sent again finds the object, not the parts on their way into it
            made = self._objects.find(resource)
            if not (made and made.multipart and made.multipart.id == resource.parameters["uploadId"]):
                upload = self._find(resource)
                made = self._put_together(upload, _chosen(upload, _part_list(body)))
                self._objects.put(resource, made, create_only=request.headers.get("If-None-Match") == "*")
                del self._objects.bucket(resource).multiparts[upload.id]
        location = request.host_url.rstrip("/") + target(request).partition("?")[0]
        elements = {"Location": location, "Bucket": resource.bucket, "Key": resource.key, "ETag": made.etag}
        return xml_response("CompleteMultipartUploadResult", elements)

    def _find(self, resource: Resource) -> Any:
        """The upload that is named, when it is one of this very key."""
        upload_id = resource.parameters["uploadId"]
        upload = self._objects.bucket(resource).multiparts.get(upload_id)
        if upload is None or upload.key_name != resource.key:
            message = (
                "The specified upload does not exist. The upload ID may be invalid, "
                "or the upload may have been aborted or completed."
            )
            raise S3Error(404, "NoSuchUpload", message, UploadId=upload_id)
        return upload

    def _put_together(self, upload: Any, parts: Sequence[Any]) -> Any:
        content = Content()
        for part in parts:
            with reader(part._value_buffer.fileno()) as file:
                shutil.copyfileobj(file, content, CHUNK_BYTES)
        digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
        etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        made = self._objects.make(upload.key_name, content, metadata=upload.metadata, etag=etag)
        made.multipart = upload
        return made


def _number(resource: Resource, name: str, *, default: str, least: int, most: int) -> int:
    text = resource.parameters.get(name, default)
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        message = f"{name} must be an integer between {least} and {most}, inclusive"
        raise S3Error(400, "InvalidArgument", message, ArgumentName=name, ArgumentValue=text)
    return int(text)


def _list(resource: Resource, upload: Any) -> Response:
    """The parts that have come, in the order of their numbers, one page of them."""
    marker = _number(resource, "part-number-marker", default="0", least=0, most=2**31 - 1)
    limit = min(_number(resource, "max-parts", default="1000", least=0, most=2**31 - 1), MAX_LISTED_PARTS)
    numbers = sorted(number for number in tuple(upload.parts) if number > marker)
    listed = [(number, upload.parts[number]) for number in numbers[:limit]]
    elements = {
        "Bucket": resource.bucket,
        "Key": resource.key,
        "UploadId": upload.id,
        "PartNumberMarker": str(marker),
        "NextPartNumberMarker": str(listed[-1][0] if listed else 0),
        "MaxParts": str(limit),
        "IsTruncated": "true" if len(numbers) > limit else "false",
        "Part": [
            {
                "PartNumber": str(number),
                "LastModified": part.last_modified_ISO8601,
                "ETag": part.etag,
                "Size": str(part.size),
            }
            for number, part in listed
        ],
    }
    return xml_response("ListPartsResult", elements)


def _part_list(body: bytes) -> list[tuple[int, str]]:
    """Numbers and ETags of the parts that a request names."""
    try:
        document = ElementTree.fromstring(body)  # noqa: S314 - of somebody who has a signed URL
        parts = [
            (int(part.findtext("{*}PartNumber", "")), part.findtext("{*}ETag", "").strip('"'))
            for part in document.iterfind("{*}Part")
        ]
    except (ElementTree.ParseError, ValueError):
        parts = []
    if not parts:
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise S3Error(400, "MalformedXML", message)
    return parts


def _chosen(upload: Any, parts: Sequence[tuple[int, str]]) -> list[Any]:
    """The parts of an upload that are to make the object."""
    numbers = [number for number, _ in parts]
    if numbers != sorted(set(numbers)):
        message = (
            "The list of parts was not in ascending order. The parts list must be specified in order by part number."
        )
        raise S3Error(400, "InvalidPartOrder", message)
    chosen = [upload.parts.get(number) for number in numbers]
    for part, (number, etag) in zip(chosen, parts, strict=True):
        if part is None or part.etag.strip('"') != etag:
            message = (
                "One or more of the specified parts could not be found.  The part may not have been uploaded, "
                "or the specified entity tag may not match the part's entity tag."
            )
            raise S3Error(400, "InvalidPart", message, PartNumber=str(number), ETag=etag)
    for part, number in zip(chosen[:-1], numbers, strict=False):
        if part.size < MIN_PART_BYTES:
            raise S3Error(
                400,
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=str(part.size),
                MinSizeAllowed=str(MIN_PART_BYTES),
                PartNumber=str(number),
            )
    return chosen
