"""Buckets and the objects in them, kept by moto, which is told to do what somebody may do."""

from __future__ import annotations

import os
import resource as process
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import Any
from urllib.parse import unquote

from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, environ_key_for_header
from moto.s3.exceptions import S3ClientError
from moto.s3.models import s3_backends
from moto.server import create_backend_app
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import wrap_file

from local.s3_answer import S3Error
from local.server import headers

_REGION = "us-east-1"  # whose buckets moto makes without a location constraint
_NOT_PASSED_ON = frozenset({"host", "transfer-encoding"})
_OPEN_FILES = 16_384
_CHUNK_BYTES = 1 << 20
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
    """Some buckets, and what is in them; no two instances share anything.

    Attributes:
        lock: to hold while it is found out whether there is an object, and made if there is none.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
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
        """An object that was made of parts, read piece by piece; moto reads an object whole."""
        found = self.find(resource)
        if not (found and found.multipart and found.size):
            return None
        content = BufferedReader(_FileReader(found._value_buffer.fileno()), _CHUNK_BYTES)
        chunks = wrap_file(request.environ, content, _CHUNK_BYTES)
        about = self.ask("HEAD", resource.path)
        response = Response(chunks, 200, about.headers, direct_passthrough=True)
        try:
            return response.make_conditional(request.environ, accept_ranges=True, complete_length=found.size)
        except RequestedRangeNotSatisfiable:
            raise S3Error(416, "InvalidRange", "The requested range is not satisfiable") from None


class _FileReader(RawIOBase):
    """Reads a file that others read too, or that may be replaced: with a descriptor and a position of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = os.dup(descriptor)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: os.fstat(self._descriptor).st_size}
        self._position = start[whence] + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        read = os.pread(self._descriptor, len(buffer), self._position)
        buffer[: len(read)] = read
        self._position += len(read)
        return len(read)

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def _allow_open_files() -> None:
    """Let this process have as many files open as it may: moto has one for every part."""
    soft, hard = process.getrlimit(process.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == process.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != process.RLIM_INFINITY and soft < wanted:
        process.setrlimit(process.RLIMIT_NOFILE, (wanted, hard))
