"""Presigned URLs from boto3, chosen with `SIGNER=boto3`.

It is slower than `presign.issue.sigv4`, but gives the same answers; `sigv4` is tested against it.
"""

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

import boto3
import botocore.auth
import botocore.signers
from botocore.config import Config
from botocore.handlers import set_list_objects_encoding_type_url, validate_bucket_name

from presign.issue.answer import answer
from presign.issue.endpoint import StorageEndpoint
from presign.issue.sigv4 import timestamp
from presign.issue.uri import uri_encode
from presign.issue.validity import validity
from presign.model.operations.form import PostObject
from presign.model.operations.objects import CopyObject
from presign.model.outcomes import Grant, PresignedUrl
from presign.model.request import Request
from presign.problems import FieldError, NotConfigured
from presign.services.key import CustomerSecretKey


class Boto3Issuer:
    """Signs with a boto3 client, which is made when the customer secret key changes.

    Raises:
        NotConfigured: boto3 takes no such endpoint.
    """

    def __init__(self, *, endpoint: StorageEndpoint, region: str) -> None:
        if "_" in endpoint.authority:
            detail = f"must be sigv4, as boto3 takes no host with an underscore, such as {endpoint.authority}"
            raise NotConfigured([FieldError("/SIGNER", detail)])
        self._endpoint = endpoint
        self._region = region
        self._client: tuple[CustomerSecretKey | None, Any] = (None, None)

    def issue(self, grant: Grant, *, key: CustomerSecretKey, now: int) -> PresignedUrl:
        """The presigned URL of `grant`, or its form.

        Raises:
            RuntimeError: boto3 did not sign just the headers of the request, or signed at another time.
        """
        signed_at, expires_at = validity(grant, key=key, now=now)
        operation = grant.request.operation
        moment = _moment.set(signed_at)
        try:
            if isinstance(operation, PostObject):
                return self._form(grant, operation, key, now, signed_at, expires_at)
            return self._url(grant, key, now, signed_at, expires_at)
        finally:
            _moment.reset(moment)

    def _url(self, grant: Grant, key: CustomerSecretKey, now: int, signed_at: int, expires_at: int) -> PresignedUrl:
        operation = grant.request.operation
        client, headers, seconds = self._client_of(key), operation.headers(), expires_at - signed_at
        method = client.meta.method_to_api_mapping[operation.name]
        input_shape = client.meta.service_model.operation_model(method).input_shape
        parameters = _parameters(grant.request, headers, _members(input_shape))
        url: str = client.generate_presigned_url(operation.name, Params=parameters, ExpiresIn=seconds)
        names = ";".join(sorted(["host", *map(str.lower, headers)]))
        signed = f"X-Amz-Date={timestamp(signed_at)}&X-Amz-Expires={seconds}&X-Amz-SignedHeaders={uri_encode(names)}"
        if f"&{signed}&" not in url:
            raise RuntimeError(f"boto3 did not sign {names}, or not at the time of the call")
        if operation.cors:
            bucket = grant.request.bucket
            url = self._endpoint.origin(bucket, by_route=True) + url.removeprefix(self._endpoint.origin(bucket))
        return answer(grant, url=url, now=now, expires_at=expires_at, headers=headers)

    def _form(
        self, grant: Grant, form: PostObject, key: CustomerSecretKey, now: int, signed_at: int, expires_at: int
    ) -> PresignedUrl:
        signed = self._client_of(key).generate_presigned_post(
            grant.request.bucket,
            form.key,
            Fields=form.fields(),
            Conditions=form.conditions(),
            ExpiresIn=expires_at - signed_at,
        )
        if signed["fields"]["x-amz-date"] != timestamp(signed_at):
            raise RuntimeError("boto3 did not sign at the time of the call")
        return answer(grant, url=signed["url"], now=now, expires_at=expires_at, fields=signed["fields"])

    def _client_of(self, key: CustomerSecretKey) -> Any:
        if key == self._client[0]:
            return self._client[1]
        session = boto3.Session(
            aws_access_key_id=key.access_key_id, aws_secret_access_key=key.secret_access_key, region_name=self._region
        )
        style: Literal["virtual", "path"] = "virtual" if self._endpoint.virtual_hosted else "path"
        # The parameters have been checked.
        config = Config(signature_version="s3v4", s3={"addressing_style": style}, parameter_validation=False)
        url = f"{self._endpoint.scheme}://{self._endpoint.authority}"
        client = session.client("s3", endpoint_url=url, config=config)
        # OCI allows bucket names of 256 characters; boto3 would refuse those.
        client.meta.events.unregister("before-parameter-build.s3", validate_bucket_name)
        # Keys have no control characters, so a list needs no encoding; boto3 would ask for one.
        for operation in ("ListObjectsV2", "ListMultipartUploads"):
            client.meta.events.unregister(f"before-parameter-build.s3.{operation}", set_list_objects_encoding_type_url)
        self._client = (key, client)
        return client


@cache
def _members(input_shape: Any) -> dict[str, tuple[str, Callable[[str], Any]]]:
    """boto3's name and type of each parameter of a method, by its name in the HTTP request."""
    return {
        shape.serialization["name"]: (name, int if shape.type_name in ("integer", "long") else str)
        for name, shape in input_shape.members.items()
        if "name" in shape.serialization
    }


def _parameters(
    request: Request, headers: Mapping[str, str], members: Mapping[str, tuple[str, Callable[[str], Any]]]
) -> dict[str, Any]:
    operation = request.operation
    parameters: dict[str, Any] = {"Bucket": request.bucket}
    if operation.is_on_object:
        parameters["Key"] = operation.target
    metadata = {}
    for name, value in [*operation.query(), *headers.items()]:
        if name.startswith("x-amz-meta-"):
            metadata[name.removeprefix("x-amz-meta-")] = value
        elif name in members:
            member, type_ = members[name]
            parameters[member] = type_(value)
    if metadata:
        parameters["Metadata"] = metadata
    if "ContentType" in parameters:
        # botocore drops one content type, by comparing the text. Spaces that follow each other are signed as one.
        parameters["ContentType"] = parameters["ContentType"].replace(" ", "  ")
    if isinstance(operation, CopyObject):
        source = {"Bucket": operation.source_bucket, "Key": operation.source_key}
        if operation.source_version_id is not None:
            source["VersionId"] = operation.source_version_id
        parameters["CopySource"] = source
    return parameters


_moment: ContextVar[int] = ContextVar("moment")
"""Seconds since the epoch, the time of the call that is answered."""


def _time_of_call(remove_tzinfo: bool = True) -> datetime:
    """The time of the call; the time of day if none is answered."""
    moment = datetime.fromtimestamp(_moment.get(time.time()), UTC)
    return moment.replace(tzinfo=None) if remove_tzinfo else moment


# botocore has no argument for the time, and a URL must not outlive its `expires_at`. The issuer checks that it works.
for _module in (botocore.auth, botocore.signers):
    vars(_module)["get_current_datetime"] = _time_of_call
