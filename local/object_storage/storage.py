"""Object storage that speaks S3: checks every presigned URL and every form that is posted; moto keeps the objects."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from werkzeug.wrappers import Request, Response

from local.object_storage import post_policy
from local.object_storage.bucket_cors import BucketCors
from local.object_storage.content import Content, receive
from local.object_storage.objects import Objects, Resource
from local.object_storage.post_form import read_form
from local.object_storage.presigned import verify
from local.object_storage.s3_answer import S3Error, xml_response
from local.object_storage.uploads import Uploads
from local.server import headers, target

VIRTUAL_HOSTED_DOMAIN = "storage.localhost"
"""Requests for a host below this one are in virtual-hosted style."""

_FIELDS_NOT_IMPLEMENTED = ("acl", "redirect", "success_action_redirect", "tagging")


@dataclass(frozen=True)
class Fault:
    """What goes wrong with each request while it is set.

    Args:
        status: of the answer, instead of the one that would be right.
        delay_seconds: before anything of the body is read.
        cut_after_bytes: of the request's body are read; then the connection breaks, without an answer.
        method: the only one whose requests it befalls, such as `PUT`; None for all, preflights too.
    """

    status: int | None = None
    delay_seconds: float = 0
    cut_after_bytes: int | None = None
    method: str | None = None


class Storage:
    """Answers requests.

    Args:
        access_key_id, secret_access_key: the first key that URLs may be signed with.
        region: the one that URLs must be signed for.
        allowed_origins: of pages whose browsers may use the URLs, `*` for any; by default no answer has CORS headers.

    Attributes:
        requests: how many have come.
        faulted: how many of them a fault has befallen.
        fault: what goes wrong from now on, if anything.
    """

    def __init__(
        self, *, access_key_id: str, secret_access_key: str, region: str, allowed_origins: Sequence[str] = ()
    ) -> None:
        self.requests = 0
        self.faulted = 0
        self.fault: Fault | None = None
        self._keys = {access_key_id: secret_access_key}
        self._region = region
        self._cors = BucketCors(allowed_origins)
        self._objects = Objects()
        self._uploads = Uploads(self._objects)
        self._lock = threading.Lock()

    def add_key(self, access_key_id: str, secret_access_key: str) -> None:
        """Take URLs signed with this key too."""
        self._keys[access_key_id] = secret_access_key

    def remove_key(self, access_key_id: str) -> None:
        """Take no more URLs signed with this key."""
        del self._keys[access_key_id]

    def create_bucket(self, bucket: str) -> None:
        """Make a bucket."""
        self._objects.ask("PUT", f"/{bucket}")

    def put_object(self, bucket: str, key: str, content: bytes) -> None:
        """Make an object."""
        self._objects.ask("PUT", quote(f"/{bucket}/{key}", safe="/"), body=content)

    def __call__(self, request: Request) -> Response:
        try:
            self._befall(request)
            response = self._answer(request)
        except S3Error as error:
            response = error.response()
        self._cors.add_headers(request, response)
        return response

    def _befall(self, request: Request) -> None:
        fault = self.fault
        hit = fault is not None and fault.method in (None, request.method)
        with self._lock:
            self.requests += 1
            self.faulted += hit
        if not (fault and hit):
            return
        time.sleep(fault.delay_seconds)
        if fault.cut_after_bytes is not None:
            if fault.cut_after_bytes:
                request.stream.read(fault.cut_after_bytes)
            raise ConnectionAbortedError("This was asked for.")  # the server then closes the connection
        if fault.status is not None:
            raise S3Error(fault.status, "Fault", "This was asked for.")

    def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return self._cors.preflight(request)
        resource = _resource(request)
        if request.method == "POST" and not resource.key and "?" not in target(request):
            return self._post_object(request, resource)
        verify(
            method=request.method,
            target=target(request),
            headers=headers(request),
            keys=self._keys,
            region=self._region,
            now=datetime.now(UTC),
        )
        content = receive(request)
        if "uploadId" in resource.parameters:
            return self._uploads.answer(request, resource, content)
        match request.method:
            case "GET" | "HEAD":
                return self._objects.read(request, resource)
            case "PUT":
                return self._put_object(request, resource, content)
            case "POST" if "uploads" in resource.parameters:
                return self._objects.ask("POST", resource.path, resource.query, headers(request))
            case "DELETE":
                return self._objects.ask("DELETE", resource.path, resource.query, headers(request))
        raise S3Error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")

    def _put_object(self, request: Request, resource: Resource, content: Content) -> Response:
        if "partNumber" in resource.parameters:
            raise S3Error(400, "InvalidArgument", "This operation does not accept partNumber without uploadId")
        if resource.parameters or "x-amz-copy-source" in request.headers:
            raise S3Error(501, "NotImplemented", "This store puts objects, and nothing about them.")
        made = self._objects.make(resource.key, content, metadata=dict(headers(request)), etag=content.md5())
        self._objects.put(resource, made, create_only="If-None-Match" in request.headers)
        return Response(headers={"ETag": made.etag})

    def _post_object(self, request: Request, resource: Resource) -> Response:
        """The answer to a form (POST Object)."""
        form = read_form(request)
        fields = form.fields
        post_policy.verify(
            fields,
            bucket=resource.bucket,
            size=form.content.size,
            keys=self._keys,
            region=self._region,
            now=datetime.now(UTC),
        )
        for name in _FIELDS_NOT_IMPLEMENTED:
            if name in fields:
                raise S3Error(501, "NotImplemented", f"The field {name} implies functionality that is not implemented.")
        form.content.check(fields)
        made = self._objects.make(fields["key"], form.content, metadata=fields, etag=form.content.md5())
        path = f"/{resource.bucket}/{quote(fields['key'], safe='/')}"
        self._objects.put(Resource(path), made, create_only=False)
        location = f"{request.host_url.rstrip('/')}{path}"
        status = fields.get("success_action_status")
        response = Response(status=int(status) if status in ("200", "201") else 204)
        if status == "201":
            told = {"Location": location, "Bucket": resource.bucket, "Key": fields["key"], "ETag": made.etag}
            response = xml_response("PostResponse", told, status=201)
        response.headers["ETag"] = made.etag
        response.headers["Location"] = location
        return response


def _resource(request: Request) -> Resource:
    path, _, query = target(request).partition("?")
    host = request.host.partition(":")[0]
    if host.endswith(f".{VIRTUAL_HOSTED_DOMAIN}"):
        path = f"/{host.removesuffix(f'.{VIRTUAL_HOSTED_DOMAIN}')}{path}"
    return Resource(path, "&".join(pair for pair in query.split("&") if not pair.startswith("X-Amz-")))
