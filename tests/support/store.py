"""A local store that runs, boto3 as the signer of what is sent to it, and requests sent just as they are written."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import boto3
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from requests import PreparedRequest, Request

from local.object_storage.s3_target import VIRTUAL_HOSTED_DOMAIN
from local.object_storage.storage import Storage
from local.server import Server

REGION = "eu-frankfurt-1"
BUCKET = "PresignedBlog"
LOWER_BUCKET = "lower"
ACCESS, SECRET = "access", "secret"


class Answer(tuple[int, bytes]):
    """Status and body of an answer, and its headers."""

    headers: http.client.HTTPMessage


class Store:
    """A store with two buckets, the key `access` and the secret `secret`.

    Args:
        options: of the storage.
    """

    def __init__(self, **options: Any) -> None:
        self.storage = Storage(access_key_id=ACCESS, secret_access_key=SECRET, region=REGION, **options)
        self.storage.create_bucket(BUCKET)
        self.storage.create_bucket(LOWER_BUCKET)
        self.server = Server(self.storage)
        self.port = urlsplit(self.server.url).port
        self._clients: dict[Any, Any] = {}

    def client(self, *, secret: str = SECRET, region: str = REGION, virtual: bool = False) -> Any:
        """boto3's client, which signs."""
        settings = (secret, region, virtual)
        if settings not in self._clients:
            self._clients[settings] = boto3.client(
                "s3",
                aws_access_key_id=ACCESS,
                aws_secret_access_key=secret,
                region_name=region,
                endpoint_url=f"http://{VIRTUAL_HOSTED_DOMAIN}:{self.port}" if virtual else self.server.url,
                config=Config(signature_version="s3v4", s3={"addressing_style": "virtual" if virtual else "path"}),
            )
        return self._clients[settings]

    def presign(self, operation: str, *, expires_in: int = 60, **params: Any) -> str:
        """A URL that boto3 has signed."""
        params = {"Bucket": BUCKET, "Key": "a.txt", **params}
        return str(self.client().generate_presigned_url(operation, Params=params, ExpiresIn=expires_in))

    def sign(self, method: str, target: str, headers: Mapping[str, str] | None = None) -> str:
        """A URL that botocore has signed together with `headers`, for requests that boto3 would not make."""
        request = AWSRequest(method, f"{self.server.url}{target}", headers=dict(headers or {}))
        S3SigV4QueryAuth(Credentials(ACCESS, SECRET), "s3", REGION, expires=60).add_auth(request)
        return str(request.url)

    def do(
        self,
        method: str,
        operation: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **params: Any,
    ) -> Answer:
        """Presign with boto3, and use the URL."""
        return send(method, self.presign(operation, **params), headers, body)

    def content(self, key: str, bucket: str = BUCKET) -> bytes | None:
        """The content of an object, None if there is no such object."""
        status, body = self.do("GET", "get_object", Bucket=bucket, Key=key)
        return body if status == 200 else None


def send(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Answer:
    """Send a request just as it is written, where `requests` would tidy it up."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=10)
    all_headers = {"Host": parts.netloc, **(headers or {})}
    if body is not None and "Transfer-Encoding" not in all_headers:
        all_headers.setdefault("Content-Length", str(len(body)))
    try:
        connection.putrequest(
            method, parts.path + (f"?{parts.query}" if parts.query else ""), skip_host=True, skip_accept_encoding=True
        )
        for name, value in all_headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        answer = Answer((response.status, response.read()))
        answer.headers = response.headers
        return answer
    finally:
        connection.close()


def form(url: str, fields: Mapping[str, str], content: bytes, filename: str = "photo.png") -> PreparedRequest:
    """The request by which a browser sends a form, the file last."""
    return Request("POST", url, data=fields, files={"file": (filename, content, "image/png")}).prepare()


def bytes_of(request: PreparedRequest) -> bytes:
    """The body of a request."""
    assert isinstance(request.body, bytes)
    return request.body


def send_form(
    url: str,
    fields: Mapping[str, str],
    content: bytes,
    filename: str = "photo.png",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send a form as a browser does."""
    request = form(url, fields, content, filename)
    return send("POST", url, {"Content-Type": request.headers["Content-Type"], **(headers or {})}, bytes_of(request))


def refused(answer: tuple[int, bytes]) -> tuple[int, str]:
    """Status and code of an answer that is an error."""
    status, body = answer
    code = ElementTree.fromstring(body).findtext("Code")
    assert code
    return status, code


def told(answer: tuple[int, bytes], element: str) -> str | None:
    """The text of an element of an answer in XML, in whatever namespace."""
    return ElementTree.fromstring(answer[1]).findtext(f".//{{*}}{element}")
