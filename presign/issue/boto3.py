"""Presigned URLs from boto3: slower, but someone else's work.

Chosen with `SIGNER=boto3`. It gives the same answers as `presign.issue.sigv4`, which is tested against it.
"""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.config import Config
from botocore.handlers import validate_bucket_name

from presign.issue.endpoint import StorageEndpoint
from presign.keys.credentials import CustomerSecretKey
from presign.request.model import FormRequest, ObjectRequest

_PARAMETERS = {
    "versionId": "VersionId",
    "partNumber": "PartNumber",
    "uploadId": "UploadId",
    "part-number-marker": "PartNumberMarker",
    "max-parts": "MaxParts",
    "response-cache-control": "ResponseCacheControl",
    "response-content-disposition": "ResponseContentDisposition",
    "response-content-encoding": "ResponseContentEncoding",
    "response-content-language": "ResponseContentLanguage",
    "response-content-type": "ResponseContentType",
    "response-expires": "ResponseExpires",
    "Content-Type": "ContentType",
    "Content-Length": "ContentLength",
    "Content-MD5": "ContentMD5",
    "x-amz-checksum-sha256": "ChecksumSHA256",
    "Cache-Control": "CacheControl",
    "Content-Disposition": "ContentDisposition",
    "Content-Encoding": "ContentEncoding",
    "If-None-Match": "IfNoneMatch",
}
"""The names that boto3's client methods have for query parameters and headers."""

_NUMBERS = ("Content-Length", "partNumber", "part-number-marker", "max-parts")

_METADATA_PREFIX = "x-amz-meta-"


class Boto3Signer:
    """Signs with a boto3 client, which is made when the customer secret key changes.

    Args:
        endpoint: where the URLs lead.
        region: the region identifier, which becomes part of the credential scope.
    """

    def __init__(self, *, endpoint: StorageEndpoint, region: str) -> None:
        self._endpoint = endpoint
        self._region = region
        self._client: tuple[CustomerSecretKey | None, Any] = (None, None)

    def presign(self, request: ObjectRequest, *, key: CustomerSecretKey, now: int) -> str:
        """The presigned URL of `request`; botocore takes the time from the clock, not from `now`.

        Raises:
            RuntimeError: boto3 did not sign just the headers of the request.
        """
        url: str = self._client_of(key).generate_presigned_url(
            request.operation, Params=_parameters(request), ExpiresIn=request.expires_in
        )
        signed = parse_qs(urlsplit(url).query)["X-Amz-SignedHeaders"][0].split(";")
        if signed != sorted(["host", *map(str.lower, request.headers)]):
            # botocore leaves out a content type of "application/x-www-form-urlencoded; charset=utf-8", for one.
            raise RuntimeError(f"boto3 signed the headers {signed}, not those of the request")
        return url

    def presign_form(self, request: FormRequest, *, key: CustomerSecretKey, now: int) -> tuple[str, dict[str, str]]:
        """The URL and the fields of the form; botocore takes the time from the clock, not from `now`."""
        conditions: list[Any] = [{name: value} for name, value in request.fields.items()]
        if request.content_length_range:
            conditions.append(["content-length-range", *request.content_length_range])
        form = self._client_of(key).generate_presigned_post(
            request.bucket,
            request.key,
            Fields=dict(request.fields),
            Conditions=conditions,
            ExpiresIn=request.expires_in,
        )
        return form["url"], form["fields"]

    def _client_of(self, key: CustomerSecretKey) -> Any:
        kept_key, client = self._client
        if key != kept_key:
            client = self._make_client(key)
            self._client = (key, client)
        return client

    def _make_client(self, key: CustomerSecretKey) -> Any:
        session = boto3.Session(
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            region_name=self._region,
        )
        style: Literal["virtual", "path"] = "virtual" if self._endpoint.virtual_hosted else "path"
        config = Config(signature_version="s3v4", s3={"addressing_style": style})
        client = session.client("s3", endpoint_url=self._endpoint.url, config=config)
        # OCI allows bucket names of 256 characters; boto3 would refuse those.
        client.meta.events.unregister("before-parameter-build.s3", validate_bucket_name)
        return client


def _parameters(request: ObjectRequest) -> dict[str, Any]:
    parameters: dict[str, Any] = {"Bucket": request.bucket, "Key": request.key}
    metadata = {}
    for name, value in [*request.query, *request.headers.items()]:
        if name.startswith(_METADATA_PREFIX):
            metadata[name.removeprefix(_METADATA_PREFIX)] = value
        elif name != "uploads":  # boto3 adds it by itself
            parameters[_PARAMETERS[name]] = int(value) if name in _NUMBERS else value
    return {**parameters, "Metadata": metadata} if metadata else parameters
