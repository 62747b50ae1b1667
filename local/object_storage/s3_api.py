"""The S3 Compatibility API: every presigned URL and every posted form is verified."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from werkzeug.wrappers import Request, Response

from local.api import ApiError
from local.object_storage import post_policy, presigned, s3_list, s3_multipart
from local.object_storage.content import Content, receive
from local.object_storage.objects import Objects
from local.object_storage.post_form import read_form
from local.object_storage.s3_answer import object_url, xml_response
from local.object_storage.s3_copy import COPY_SOURCE, copy_object
from local.object_storage.s3_target import Target, s3_target
from local.object_storage.stored_object import STORED_HEADERS, StoredObject, object_answer, stored_object
from local.object_storage.uploads import Uploads
from local.server import headers, target

METADATA_PREFIX = "x-amz-meta-"

_FIELDS_NOT_IMPLEMENTED = ("acl", "redirect", "success_action_redirect", "tagging")
_OVERRIDES = {f"response-{name.lower()}": name for name in STORED_HEADERS}


class S3Api:
    """Answers requests with a presigned URL, and forms with a POST policy.

    Args:
        objects, uploads: what the requests are about.
        keys: secret access keys by access key id.
        region: the one that URLs must be signed for.
        clock: gives the time, in UTC.
    """

    def __init__(
        self, objects: Objects, uploads: Uploads, *, keys: dict[str, str], region: str, clock: Callable[[], datetime]
    ) -> None:
        self._objects = objects
        self._uploads = uploads
        self._keys = keys
        self._region = region
        self._clock = clock

    def answer(self, request: Request) -> Response:
        """The answer to a request.

        Raises:
            ApiError: S3 refuses the request.
        """
        asked = s3_target(request)
        if request.method == "POST" and not asked.key and "?" not in target(request):
            return self._post_object(request, asked)
        presigned.verify(
            method=request.method,
            target=target(request),
            headers=headers(request),
            keys=self._keys,
            region=self._region,
            now=self._clock(),
        )
        content = receive(request)
        if COPY_SOURCE in request.headers and (asked.parameters or request.method != "PUT"):
            raise ApiError(501, "NotImplemented", "This store copies whole objects only.")
        if "uploadId" in asked.parameters:
            return s3_multipart.answer(request, asked, content, self._uploads)
        match request.method:
            case "GET" | "HEAD" if asked.key:
                return self._get_object(request, asked)
            case "GET" if asked.parameters.get("list-type") == "2":
                return s3_list.list_objects(asked, self._objects)
            case "GET" if "uploads" in asked.parameters:
                return s3_list.list_uploads(asked, self._uploads)
            case "PUT" if asked.key and COPY_SOURCE in request.headers:
                return copy_object(request, asked, self._objects, metadata_prefix=METADATA_PREFIX)
            case "PUT" if asked.key:
                return self._put_object(request, asked, content)
            case "POST" if "uploads" in asked.parameters:
                return self._begin_upload(request, asked)
            case "DELETE" if asked.key:
                _require_version(asked, self._objects.find(asked.bucket, asked.key))
                self._objects.delete(asked.bucket, asked.key)
                return Response(status=204)
        raise ApiError(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")

    def _get_object(self, request: Request, asked: Target) -> Response:
        found = self._objects.find(asked.bucket, asked.key)
        _require_version(asked, found)
        if found is None:
            raise ApiError(404, "NoSuchKey", "The specified key does not exist.", Key=asked.key)
        overrides = {name: asked.parameters[given] for given, name in _OVERRIDES.items() if given in asked.parameters}
        etag = f'"{found.s3_etag}"'
        return object_answer(request, found, etag=etag, metadata_prefix=METADATA_PREFIX, overrides=overrides)

    def _put_object(self, request: Request, asked: Target, content: Content) -> Response:
        if "partNumber" in asked.parameters:
            raise ApiError(400, "InvalidArgument", "This operation does not accept partNumber without uploadId")
        if asked.parameters:
            raise ApiError(501, "NotImplemented", "This store does not implement this operation.")
        made = stored_object(asked.key, content, headers(request), metadata_prefix=METADATA_PREFIX)
        self._objects.put(asked.bucket, made, create_only="If-None-Match" in request.headers)
        return Response(headers={"ETag": f'"{made.s3_etag}"'})

    def _begin_upload(self, request: Request, asked: Target) -> Response:
        upload = self._uploads.begin(asked.bucket, asked.key, headers(request), metadata_prefix=METADATA_PREFIX)
        elements = {"Bucket": asked.bucket, "Key": asked.key, "UploadId": upload.id}
        return xml_response("InitiateMultipartUploadResult", elements)

    def _post_object(self, request: Request, asked: Target) -> Response:
        """The answer to a form (POST Object)."""
        form = read_form(request)
        fields = form.fields
        post_policy.verify(
            fields,
            bucket=asked.bucket,
            size=form.content.size,
            keys=self._keys,
            region=self._region,
            now=self._clock(),
        )
        for name in _FIELDS_NOT_IMPLEMENTED:
            if name in fields:
                raise ApiError(501, "NotImplemented", f"This store does not implement the field {name}.")
        form.content.check(fields)
        made = stored_object(fields["key"], form.content, fields.items(), metadata_prefix=METADATA_PREFIX)
        self._objects.put(asked.bucket, made, create_only=False)
        etag, location = f'"{made.s3_etag}"', object_url(request, asked.bucket, made.key)
        status = fields.get("success_action_status")
        response = Response(status=int(status) if status in ("200", "201") else 204)
        if status == "201":
            elements = {"Location": location, "Bucket": asked.bucket, "Key": made.key, "ETag": etag}
            response = xml_response("PostResponse", elements, status=201)
        response.headers["ETag"] = etag
        response.headers["Location"] = location
        return response


def _require_version(asked: Target, found: StoredObject | None) -> None:
    """Buckets have no versioning here, so that an object has only one version."""
    version = asked.parameters.get("versionId", "null")
    if version != "null" and not (found and found.is_version(version)):
        raise ApiError(404, "NoSuchVersion", "The specified version does not exist.", Key=asked.key)
