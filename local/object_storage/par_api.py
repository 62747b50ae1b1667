"""The use of pre-authenticated requests: requests without a signature, whose path begins with a token.

Oracle documents it in "Pre-Authenticated Request Object URLs in Object Storage"
(https://docs.oracle.com/iaas/Content/Object/Tasks/usingpreauthenticatedrequests_topic-Working_with_PreAuthenticated_Requests.htm).
"""

from __future__ import annotations

import re
import secrets
from email.utils import format_datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from local.api import ApiError, json_answer, not_found
from local.object_storage.content import receive
from local.object_storage.native_answer import timestamp
from local.object_storage.native_conditions import is_create_only
from local.object_storage.native_target import MAX_TARGET_BYTES, check_object_name, limit, segments
from local.object_storage.objects import Objects
from local.object_storage.preauthenticated_requests import PreauthenticatedRequest, PreauthenticatedRequests
from local.object_storage.stored_object import STORED_HEADERS, StoredObject, object_answer, stored_object
from local.object_storage.uploads import MAX_PART_NUMBER, Upload, Uploads
from local.server import headers, target

METADATA_PREFIX = "opc-meta-"
MIN_PART_BYTES = 10 << 20
"""Of each part but the last. Oracle's documentation has said so; it now names a maximum only."""
MAX_LISTED_OBJECTS = 1000

_FIELDS = {"name", "size", "etag", "timecreated", "md5", "timemodified", "storagetier", "archivalstate"}
"""Of a listed object, in lower case."""
_CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST,PUT,GET,HEAD,DELETE,OPTIONS",
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": (
        "accept-ranges,access-control-allow-credentials,access-control-allow-methods,access-control-allow-origin,"
        "content-length,content-type,date,etag,last-modified,opc-client-info,opc-multipart-md5,opc-request-id,"
        "storage-tier,version-id,x-api-id"
    ),
}
"""As in Oracle's example of an answer."""
_OVERRIDES = {f"httpResponse{name.replace('-', '')}": name for name in STORED_HEADERS}


def add_cors_headers(request: Request, response: Response) -> None:
    """Let pages of all origins read an answer.

    Oracle does not document which request headers a preflight's answer allows; here it allows those that are asked for.
    """
    response.headers.update(_CORS)
    wanted = request.headers.get("Access-Control-Request-Headers")
    if request.method == "OPTIONS" and wanted is not None:
        response.headers["access-control-allow-headers"] = wanted


class ParApi:
    """Answers requests with a PAR's URL, or with that of an upload which such a request began.

    Args:
        objects, uploads, pars: what the requests are about.
        namespace: of the tenancy.
    """

    def __init__(self, objects: Objects, uploads: Uploads, pars: PreauthenticatedRequests, *, namespace: str) -> None:
        self._objects = objects
        self._uploads = uploads
        self._pars = pars
        self._namespace = namespace
        self._upload_tokens: dict[str, Upload] = {}

    def answer(self, request: Request) -> Response:
        """The answer to a request.

        Raises:
            ApiError: Object Storage refuses the request.
        """
        if request.method == "OPTIONS":
            return Response(status=200)
        if len(target(request)) > MAX_TARGET_BYTES:
            raise ApiError(414, "UriTooLong", f"A request of a PAR has at most {MAX_TARGET_BYTES} bytes.")
        _, token, _, namespace, _, bucket, kind, name = segments(request, 8)
        if namespace != self._namespace:
            raise not_found()
        if kind == "u":
            return self._answer_upload(request, token, bucket, name)
        par = self._pars.in_use(token)
        if kind != "o" or bucket != par.bucket:
            raise not_found()
        if not name and request.method == "GET" and par.is_for_any_object:
            return self._list(request, par)
        if not name or not par.allows(request.method, name):
            raise not_found()
        if request.method == "PUT":
            return self._put(request, bucket, name)
        return self._get(request, bucket, name)

    def _get(self, request: Request, bucket: str, key: str) -> Response:
        found = self._objects.find(bucket, key)
        if found is None:
            raise ApiError(404, "ObjectNotFound", f"The object '{key}' was not found in the bucket '{bucket}'")
        overrides = {name: request.args[given] for given, name in _OVERRIDES.items() if given in request.args}
        response = object_answer(request, found, etag=found.etag, metadata_prefix=METADATA_PREFIX, overrides=overrides)
        response.headers.update({"storage-tier": "Standard", "version-id": found.etag})
        if response.status_code == 200:
            response.headers["opc-multipart-md5" if "-" in found.md5 else "content-md5"] = found.md5
        return response

    def _put(self, request: Request, bucket: str, key: str) -> Response:
        check_object_name(key)
        create_only = is_create_only(request, self._objects.find(bucket, key))
        if request.headers.get("opc-multipart", "").lower() == "true":
            return self._begin_upload(request, bucket, key, create_only=create_only)
        made = stored_object(key, receive(request), headers(request), metadata_prefix=METADATA_PREFIX)
        self._objects.put(bucket, made, create_only=create_only)
        return Response(headers=_stored(made))

    def _list(self, request: Request, par: PreauthenticatedRequest) -> Response:
        """ListObjects."""
        prefix = request.args.get("prefix", "")
        if not par.allows_listing(prefix):
            raise not_found()
        delimiter = request.args.get("delimiter", "")
        if delimiter not in ("", "/"):
            raise ApiError(400, "InvalidParameter", "delimiter must be /.")
        start = request.args.get("start", "")
        if "startAfter" in request.args:
            start = max(start, f"{request.args['startAfter']}\0")
        listing = self._objects.list(
            par.bucket,
            prefix=prefix,
            delimiter=delimiter,
            start=start,
            end=request.args.get("end", ""),
            limit=limit(request, most=MAX_LISTED_OBJECTS),
        )
        fields = {field.strip().lower() for field in request.args.get("fields", "name").strip('"').split(",")}
        if unknown := fields - _FIELDS:
            raise ApiError(400, "InvalidParameter", f"fields must not have {', '.join(sorted(unknown))}.")
        document: dict[str, Any] = {"objects": [_summary(stored, fields) for stored in listing.objects]}
        if delimiter:
            document["prefixes"] = listing.prefixes
        if listing.next_key:
            document["nextStartWith"] = listing.next_key
        return json_answer(document)

    def _begin_upload(self, request: Request, bucket: str, key: str, *, create_only: bool) -> Response:
        if create_only and self._objects.find(bucket, key):
            raise ApiError(412, "IfNoneMatchFailed", "The object exists.")
        upload = self._uploads.begin(bucket, key, headers(request), metadata_prefix=METADATA_PREFIX)
        token = secrets.token_urlsafe(48)
        self._upload_tokens[token] = upload
        # The path as it came, so that the key keeps its encoding.
        encoded_key = target(request).partition("?")[0].split("/", 8)[8]
        return json_answer(
            {
                "namespace": self._namespace,
                "bucket": bucket,
                "object": key,
                "uploadId": upload.id,
                "timeCreated": timestamp(upload.created_at),
                "storageTier": "Standard",
                "accessUri": f"/p/{token}/n/{self._namespace}/b/{bucket}/u/{encoded_key}/id/{upload.id}/",
            }
        )

    def _answer_upload(self, request: Request, token: str, bucket: str, name: str) -> Response:
        """The answer to a request with the access URI of an upload.

        Its token goes on working when the PAR that began the upload is deleted or expires; Oracle does not document
        whether it does so in OCI.
        """
        upload = self._upload_tokens.get(token)
        if upload is None:
            raise ApiError(401, "NotAuthenticated", "The pre-authenticated request does not exist.")
        scope = f"{upload.key}/id/{upload.id}/"
        if bucket != upload.bucket or not name.startswith(scope):
            raise not_found()
        self._uploads.find(upload.bucket, upload.key, upload.id)
        number = name.removeprefix(scope)
        match request.method, number:
            case "PUT", str() if re.fullmatch("[0-9]{1,5}", number) and 1 <= int(number) <= MAX_PART_NUMBER:
                return Response(headers=_stored(self._uploads.put_part(upload, int(number), receive(request))))
            case "PUT", str() if number:
                message = f"The part number must be from 1 to {MAX_PART_NUMBER}."
                raise ApiError(400, "InvalidUploadPart", message)
            case "POST", "":
                return self._commit(request, upload)
            case "DELETE", "":
                self._uploads.abort(upload)
                return Response(status=204)
        raise not_found()

    def _commit(self, request: Request, upload: Upload) -> Response:
        if not upload.parts:
            raise ApiError(400, "InvalidUploadPart", "The upload has no parts.")
        made = self._uploads.complete(
            upload.bucket,
            upload.key,
            upload.id,
            None,
            create_only=is_create_only(request, self._objects.find(upload.bucket, upload.key)),
            min_part_bytes=MIN_PART_BYTES,
        )
        return Response(headers=_stored(made))


def _stored(made: StoredObject) -> dict[str, str]:
    """The headers of the answer to an upload."""
    return {
        "etag": made.etag,
        "opc-multipart-md5" if "-" in made.md5 else "opc-content-md5": made.md5,
        "last-modified": format_datetime(made.modified_at, usegmt=True),
        "version-id": made.etag,
    }


def _summary(stored: StoredObject, fields: set[str]) -> dict[str, object]:
    """An object in a list, with the fields that the request names (in lower case)."""
    values: dict[str, object] = {
        "name": stored.key,
        "size": stored.content.size,
        "etag": stored.etag,
        "md5": stored.md5,
        "timeCreated": timestamp(stored.modified_at),
        "timeModified": timestamp(stored.modified_at),
        "storageTier": "Standard",
    }
    return {name: value for name, value in values.items() if name == "name" or name.lower() in fields}
