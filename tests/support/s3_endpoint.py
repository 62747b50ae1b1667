"""The S3 Compatibility API as `doctor` sees it, which is right until a test changes it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate

from werkzeug.wrappers import Request, Response

from local.api import ApiError
from local.object_storage.presigned import verify
from local.object_storage.s3_answer import error_response, xml_response
from local.object_storage.s3_target import s3_target
from local.server import headers, target
from support.oci_answers import ACCESS_KEY_ID, BUCKET, NAMESPACE, REGION, SECRET_ACCESS_KEY


class S3Endpoint:
    """The S3 Compatibility API for one bucket, as far as `doctor` asks it.

    Attributes:
        keys: secret access keys by access key id.
        region: the one that URLs must be signed for.
        refused: the methods of requests that the signing user may not send.
        listed_prefix: the signing user may list these keys only.
        failing_region: answers 503 to URLs that are signed for it.
        ahead_seconds: how far its clock is ahead.
    """

    def __init__(self) -> None:
        self.keys = {ACCESS_KEY_ID: SECRET_ACCESS_KEY}
        self.region = REGION
        self.buckets = {BUCKET}
        self.refused: set[str] = set()
        self.listed_prefix = ""
        self.failing_region = ""
        self.ahead_seconds = 0.0

    def __call__(self, request: Request) -> Response:
        try:
            response = self._answer(request)
        except ApiError as exc:
            response = error_response(exc)
        if request.method == "HEAD":
            response = Response(status=response.status_code, content_type="application/xml")
        response.headers["Date"] = formatdate(time.time() + self.ahead_seconds, usegmt=True)
        return response

    def _answer(self, request: Request) -> Response:
        now = datetime.now(UTC) + timedelta(seconds=self.ahead_seconds)
        method, received = request.method, headers(request)
        if self.failing_region and f"/{self.failing_region}/" in request.args.get("X-Amz-Credential", ""):
            raise ApiError(503, "ServiceUnavailable", "The service is currently unavailable.")
        try:
            verify(method=method, target=target(request), headers=received, keys=self.keys, region=self.region, now=now)
        except ApiError as exc:
            if exc.code == "AccessDenied":
                raise
            # Public reports have this one text for all causes.
            raise ApiError(
                403,
                "SignatureDoesNotMatch",
                "The secret key required to complete authentication could not be found. The region must be specified "
                "if this is not the home region for the tenancy.",
            ) from None
        bucket = s3_target(request).bucket
        is_hidden = not s3_target(request).key and not request.args.get("prefix", "").startswith(self.listed_prefix)
        if bucket not in self.buckets or method in self.refused or is_hidden:
            # The text of BucketNotFound, with the name that S3 has for it
            raise ApiError(404, "NoSuchBucket", bucket_not_found(bucket).message)
        if s3_target(request).key:
            raise ApiError(404, "NoSuchKey", "The specified key does not exist.")
        return xml_response("ListBucketResult", {"Name": bucket, "MaxKeys": "0", "KeyCount": "0"})


def bucket_not_found(bucket: str = BUCKET) -> ApiError:
    """Object Storage's answer for a bucket that is missing or that one may not see (oracle/oci-python-sdk#484)."""
    message = f"Either the bucket named '{bucket}' does not exist in the namespace '{NAMESPACE}' or you are not "
    return ApiError(404, "BucketNotFound", f"{message}authorized to access it")
