"""Buckets and the objects in them, as moto keeps them; what somebody may do is checked before."""

from __future__ import annotations

import resource as process
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, environ_key_for_header
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeKey, s3_backends
from moto.s3.utils import metadata_from_headers
from moto.server import create_backend_app
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import wrap_file

from local.object_storage.content import CHUNK_BYTES, Content, reader
from local.object_storage.s3_answer import S3Error
from local.server import headers

_REGION = "us-east-1"  # whose buckets moto makes without a location constraint
_NOT_PASSED_ON = frozenset({"host", "transfer-encoding"})
_OPEN_FILES = 16_384
_RESPONSE_HEADERS = {
    f"response-{name.lower()}": name
    for name in (
        "Cache-Control",
        "Content-Disposition",
        "Content-Encoding",
        "Content-Language",
        "Content-Type",
        "Expires",
    )
}


@dataclass(frozen=True)
class Resource:
    """What a request is about.

    Args:
        path: in path style, percent-encoded.
        query: percent-encoded, without what authenticates the request.
    """

    path: str
    query: str = ""

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return unquote(self.path[1:].partition("/")[0])

    @property
    def key(self) -> str:
        """The object's key, empty when it is about the bucket."""
        return unquote(self.path[1:].partition("/")[2])

    @property
    def parameters(self) -> dict[str, str]:
        """Values by name."""
        pairs = [pair.partition("=")[::2] for pair in self.query.split("&") if pair]
        return {unquote(name): unquote(value) for name, value in pairs}


class Objects:
    """Some buckets, and what is in them; no two instances share anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moto = create_backend_app("s3")
        self._account_id = f"{secrets.randbelow(10**12):012}"
        _allow_open_files()

    def ask(
        self, method: str, path: str, query: str = "", headers: Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> Response:
        """What moto answers to a request in path style, path and query percent-encoded."""
        received = list(headers)
        passed_on = Headers([pair for pair in received if pair[0].lower() not in _NOT_PASSED_ON])
        passed_on["Content-Length"] = str(len(body))
        # moto wants to see that somebody has signed, and for which region, but does not check it.
        passed_on["Authorization"] = f"AWS4-HMAC-SHA256 Credential=any/20260101/{_REGION}/s3/aws4_request"
        passed_on["x-moto-account-id"] = self._account_id
        environ = EnvironBuilder(method=method, query_string=query, data=body, headers=passed_on).get_environ()
        environ["PATH_INFO"] = unquote(path).encode().decode("latin-1")
        environ["RAW_URI"] = f"{path}?{query}"
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {
            environ_key_for_header(name): name for name, _ in received if "_" in name
        }
        content, status, found = run_wsgi_app(self._moto, environ, buffered=True)
        answer = Response(list(content), status, found)  # a list leaves the length in the answer to HEAD as it is
        for name in [name for name, _ in found if name.lower().startswith("access-control-")]:
            del answer.headers[name]
        return answer

    def read(self, request: Request, resource: Resource) -> Response:
        """The answer to a request for an object, or for what is known of it."""
        answer = self._read_file(request, resource) if request.method == "GET" else None
        answer = answer or self.ask(request.method, resource.path, resource.query, headers(request))
        if answer.status_code in (200, 206):
            for parameter, name in _RESPONSE_HEADERS.items():
                if parameter in resource.parameters:
                    answer.headers[name] = resource.parameters[parameter]
        return answer

    def make(self, key: str | int, content: Content, *, metadata: Mapping[str, str], etag: str) -> Any:
        """moto's object that is to have a key, or its part of an upload that is to have a number.

        Args:
            metadata: what is told of the object in headers.
            etag: without quotes.
        """
        made = FakeKey(key, b"", account_id=self._account_id, region_name=_REGION, etag=etag)
        made._value_buffer.close()
        made._value_buffer = content.take_file()
        made.contentsize = content.size
        made.set_metadata(metadata_from_headers(dict(metadata)))
        return made

    def put(self, resource: Resource, made: Any, *, create_only: bool) -> None:
        """Store what was made.

        Args:
            create_only: not if there is such an object already.

        Raises:
            S3Error: it can't be stored.
        """
        with self._lock:
            if create_only and self.find(resource):
                message = "At least one of the pre-conditions you specified did not hold"
                raise S3Error(412, "PreconditionFailed", message, Condition="If-None-Match")
            made.bucket_name = resource.bucket
            self.bucket(resource).keys.setlist(resource.key, [made])

    def find(self, resource: Resource) -> Any:
        """moto's object, None if there is none."""
        return self.bucket(resource).keys.get(resource.key)

    def bucket(self, resource: Resource) -> Any:
        """moto's bucket.

        Raises:
            S3Error: there is none of this name.
        """
        try:
            return s3_backends[self._account_id]["aws"].get_bucket(resource.bucket)
        except S3ClientError:
            message = "The specified bucket does not exist"
            raise S3Error(404, "NoSuchBucket", message, BucketName=resource.bucket) from None

    def _read_file(self, request: Request, resource: Resource) -> Response | None:
        """An object that is in a file, read piece by piece; moto reads an object whole."""
        found = self.find(resource)
        if not (found and found.size > CHUNK_BYTES):
            return None
        chunks = wrap_file(request.environ, reader(found._value_buffer.fileno()), CHUNK_BYTES)
        about = self.ask("HEAD", resource.path)
        response = Response(chunks, 200, about.headers, direct_passthrough=True)
        try:
            return response.make_conditional(request.environ, accept_ranges=True, complete_length=found.size)
        except RequestedRangeNotSatisfiable:
            raise S3Error(416, "InvalidRange", "The requested range is not satisfiable") from None


def _allow_open_files() -> None:
    """Let this process have as many files open as it may: moto has one for every part."""
    soft, hard = process.getrlimit(process.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == process.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != process.RLIM_INFINITY and soft < wanted:
        process.setrlimit(process.RLIMIT_NOFILE, (wanted, hard))
