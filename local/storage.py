"""Object storage that speaks S3: moto's, behind a check of every presigned URL."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import uuid
from datetime import UTC, datetime
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element, SubElement, tostring

from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, environ_key_for_header
from moto.server import create_backend_app
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Request, Response

from local.presigned import S3Error, verify
from local.server import headers, target

VIRTUAL_HOSTED_DOMAIN = "storage.localhost"
"""Requests for a host below this one are in virtual-hosted style."""

_MOTO_REGION = "us-east-1"  # whose buckets moto makes without a location constraint
_CHECKSUMS = {"content-md5": hashlib.md5, "x-amz-checksum-sha256": hashlib.sha256}


class Storage:
    """Answers requests.

    Args:
        access_key_id, secret_access_key: the first key that URLs may be signed with.
        region: the one that URLs must be signed for.
    """

    def __init__(self, *, access_key_id: str, secret_access_key: str, region: str) -> None:
        self._keys = {access_key_id: secret_access_key}
        self._region = region
        self._moto = create_backend_app("s3")
        self._account_id = f"{secrets.randbelow(10**12):012}"  # so that no two stores share what they hold

    def add_key(self, access_key_id: str, secret_access_key: str) -> None:
        """Take URLs signed with this key too."""
        self._keys[access_key_id] = secret_access_key

    def remove_key(self, access_key_id: str) -> None:
        """Take no more URLs signed with this key."""
        del self._keys[access_key_id]

    def create_bucket(self, bucket: str) -> None:
        """Make a bucket."""
        self._ask_moto("PUT", f"/{bucket}", "", [], b"")

    def put_object(self, bucket: str, key: str, content: bytes) -> None:
        """Make an object."""
        self._ask_moto("PUT", quote(f"/{bucket}/{key}", safe="/"), "", [], content)

    def __call__(self, request: Request) -> Response:
        try:
            return self._answer(request)
        except S3Error as error:
            return _error_response(error)

    def _answer(self, request: Request) -> Response:
        received = headers(request)
        path, _, query = target(request).partition("?")
        verify(
            method=request.method,
            target=target(request),
            headers=received,
            keys=self._keys,
            region=self._region,
            now=datetime.now(UTC),
        )
        body = _body(request)
        host = request.host.partition(":")[0]
        if host.endswith(f".{VIRTUAL_HOSTED_DOMAIN}"):
            path = f"/{host.removesuffix(f'.{VIRTUAL_HOSTED_DOMAIN}')}{path}"
        operation_query = "&".join(pair for pair in query.split("&") if not pair.startswith("X-Amz-"))
        return self._ask_moto(request.method, path, operation_query, received, body)

    def _ask_moto(self, method: str, path: str, query: str, received: list[tuple[str, str]], body: bytes) -> Response:
        passed_on = Headers([pair for pair in received if pair[0].lower() not in ("host", "transfer-encoding")])
        passed_on["Content-Length"] = str(len(body))
        # moto wants to see that somebody has signed, and for which region, but does not check it.
        passed_on["Authorization"] = f"AWS4-HMAC-SHA256 Credential=any/20260101/{_MOTO_REGION}/s3/aws4_request"
        passed_on["x-moto-account-id"] = self._account_id
        environ = EnvironBuilder(method=method, query_string=query, data=body, headers=passed_on).get_environ()
        environ["PATH_INFO"] = unquote(path).encode().decode("latin-1")
        environ["RAW_URI"] = f"{path}?{query}"
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {
            environ_key_for_header(name): name for name, _ in received if "_" in name
        }
        content, status, found = run_wsgi_app(self._moto, environ, buffered=True)
        return Response(list(content), status, found)  # a list leaves the length in the answer to HEAD as it is


def _body(request: Request) -> bytes:
    """The body, when it is as long as it says and has the digests that the headers name."""
    if request.method == "PUT" and request.content_length is None:
        raise S3Error(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    body = request.get_data()
    if request.content_length is not None and len(body) != request.content_length:
        raise S3Error(400, "IncompleteBody", "You did not provide the number of bytes specified by Content-Length.")
    for name, algorithm in _CHECKSUMS.items():
        given = request.headers.get(name)
        if given is None:
            continue
        try:
            digest = base64.b64decode(given, validate=True)
        except binascii.Error:
            raise S3Error(400, "InvalidDigest", f"The {name} you specified is not valid.") from None
        if digest != algorithm(body).digest():
            raise S3Error(400, "BadDigest", f"The {name} you specified did not match what we received.")
    return body


def _error_response(error: S3Error) -> Response:
    document = Element("Error")
    elements = {"Code": error.code, "Message": error.message, **error.details, "RequestId": uuid.uuid4().hex.upper()}
    for name, text in elements.items():
        SubElement(document, name).text = text
    content = tostring(document, encoding="utf-8", xml_declaration=True)
    return Response(content, error.status, content_type="application/xml")
