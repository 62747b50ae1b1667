"""Other signers, with the function's key and at the function's time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

import boto3
import minio
from botocore.config import Config

from local.stack import BUCKET, REGION, Stack
from support.interoperability.cases import KEYS, presign
from support.interoperability.url_clients import FOLDER, node
from support.npm import node_modules

EXPIRES_IN = 3600
_CONTENT_TYPE = "text/plain"
_DISPOSITION = 'attachment; filename="a b.txt"'


@dataclass(frozen=True)
class Call:
    """An operation on an object, in the words of this function and of S3's clients.

    Args:
        request: to this function.
        operation: S3's name of the operation.
        parameters: of the operation.
    """

    request: dict[str, Any]
    operation: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Signing:
    """The key, the place, and the time of a signature.

    Args:
        endpoint: of Object Storage.
        now: the time of the signature.
    """

    endpoint: str
    access_key_id: str
    secret_access_key: str
    now: datetime


def calls() -> list[Call]:
    """Each operation with each key."""
    made = []
    for key in KEYS:
        common = {"Bucket": BUCKET, "Key": key}
        for operation, request, parameters in (
            ("GetObject", {"operation": "get_object"}, {}),
            (
                "GetObject",
                {"operation": "get_object", "response_content_disposition": _DISPOSITION},
                {"ResponseContentDisposition": _DISPOSITION},
            ),
            ("HeadObject", {"operation": "head_object"}, {}),
            ("DeleteObject", {"operation": "delete_object"}, {}),
            (
                "PutObject",
                {"operation": "put_object", "content_type": _CONTENT_TYPE, "metadata": {"album": "May"}},
                {"ContentType": _CONTENT_TYPE, "Metadata": {"album": "May"}},
            ),
            (
                "UploadPart",
                {"operation": "upload_part", "upload_id": "u/1+=", "part_number": 2},
                {"PartNumber": 2, "UploadId": "u/1+="},
            ),
        ):
            made.append(Call({"key": key, **request}, operation, {**common, **parameters}))
    return made


def with_boto3(signing: Signing, wanted: Sequence[Call]) -> list[str | None]:
    """boto3."""
    session = boto3.Session(signing.access_key_id, signing.secret_access_key, region_name=REGION)
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    client = session.client("s3", endpoint_url=signing.endpoint, config=config)
    with patch("botocore.auth.get_current_datetime", lambda *_, **__: signing.now.replace(tzinfo=None)):
        return [
            client.generate_presigned_url(_snake_case(call.operation), Params=call.parameters, ExpiresIn=EXPIRES_IN)
            for call in wanted
        ]


def with_minio(signing: Signing, wanted: Sequence[Call]) -> list[str | None]:
    """minio of Python. It signs no headers but the host."""
    address = urlsplit(signing.endpoint)
    client = minio.Minio(
        address.netloc,
        access_key=signing.access_key_id,
        secret_key=signing.secret_access_key,
        secure=address.scheme == "https",
        region=REGION,
    )
    methods = {"GetObject": "GET", "HeadObject": "HEAD", "DeleteObject": "DELETE", "UploadPart": "PUT"}
    urls: list[str | None] = []
    for call in wanted:
        if call.operation not in methods:
            urls.append(None)
            continue
        parameters = call.parameters
        disposition = parameters.get("ResponseContentDisposition")
        upload = call.operation == "UploadPart"
        urls.append(
            client.get_presigned_url(
                methods[call.operation],
                BUCKET,
                parameters["Key"],
                expires=timedelta(seconds=EXPIRES_IN),
                response_headers={"response-content-disposition": disposition} if disposition else None,
                request_date=signing.now,
                extra_query_params={"partNumber": "2", "uploadId": parameters["UploadId"]} if upload else None,
            )
        )
    return urls


def _with_node(program: str) -> Callable[[Signing, Sequence[Call]], list[str | None]]:
    def sign(signing: Signing, wanted: Sequence[Call]) -> list[str | None]:
        document = {
            "accessKeyId": signing.access_key_id,
            "secretAccessKey": signing.secret_access_key,
            "endpoint": signing.endpoint,
            "region": REGION,
            "now": signing.now.isoformat(),
            "expiresIn": EXPIRES_IN,
            "calls": [{"operation": call.operation, "parameters": call.parameters} for call in wanted],
        }
        node_modules(FOLDER)
        urls: list[str | None] = node(program, document)
        return urls

    return sign


SIGNERS: dict[str, Callable[[Signing, Sequence[Call]], list[str | None]]] = {
    "boto3": with_boto3,
    "minio (Python)": with_minio,
    "aws-sdk v2 (JavaScript)": _with_node("aws-sdk-2"),
    "aws-sdk v3 (JavaScript)": _with_node("aws-sdk-3"),
}


def compared(stack: Stack, name: str, wanted: Sequence[Call]) -> list[tuple[Call, str]]:
    """For each call that a signer has: `equal`, or in which way its URL differs."""
    access_key_id, secret_access_key = stack.credentials
    found = []
    for call in wanted:
        ours = presign(stack, {**call.request, "expires_in": EXPIRES_IN})["url"]
        date = dict(parse_qsl(urlsplit(ours).query))["X-Amz-Date"]
        now = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        found.append((call, ours, Signing(stack.storage_url, access_key_id, secret_access_key, now)))
    results = []
    for second in sorted({signing.now for _, _, signing in found}):
        group = [(call, ours) for call, ours, signing in found if signing.now == second]
        signing = next(signing for _, _, signing in found if signing.now == second)
        theirs = SIGNERS[name](signing, [call for call, _ in group])
        results += [
            (call, difference(ours, url)) for (call, ours), url in zip(group, theirs, strict=True) if url is not None
        ]
    return results


def difference(ours: str, theirs: str) -> str:
    """`equal`, or in which way `theirs` differs from our URL."""
    if ours == theirs:
        return "equal"
    our_parameters, their_parameters = (dict(parse_qsl(urlsplit(url).query, True)) for url in (ours, theirs))
    if our_parameters == their_parameters and urlsplit(ours).path == urlsplit(theirs).path:
        return "equal but for the order or the encoding of parameters"
    signed = "X-Amz-SignedHeaders"
    parts = []
    if missing := set(our_parameters[signed].split(";")) - set(their_parameters[signed].split(";")):
        hoisted = {name for name in their_parameters if name.lower() in missing}
        if hoisted:
            parts.append(f"moves the headers {_names(hoisted)} into the query")
        if unsigned := missing - {name.lower() for name in hoisted}:
            parts.append(f"does not sign the headers {_names(unsigned)}")
    more = set(their_parameters) - set(our_parameters)
    if added := {name for name in more if name.lower() not in missing}:
        parts.append(f"adds the parameters {_names(added)}")
    if urlsplit(ours).path != urlsplit(theirs).path:
        parts.append("encodes the key in another way")
    return "; ".join(parts) or "has another signature"


def _names(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names, key=str.lower))


def _snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
