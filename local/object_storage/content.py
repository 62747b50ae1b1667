"""The bytes of an object. Large ones lie in a file, so that no upload or download has to fit into memory."""

from __future__ import annotations

import base64
import binascii
import hashlib
import mmap
import weakref
from collections.abc import Iterator, Mapping
from io import BufferedRandom, BytesIO
from tempfile import TemporaryFile

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request

from local.api import ApiError

CHUNK_BYTES = 1 << 20

_CHECKSUMS = {"content-md5": "md5", "x-amz-checksum-sha256": "sha256"}


class Content:
    """Bytes that are written once and read often. Their file is deleted when nobody refers to the content any more.

    Attributes:
        size: in bytes.
    """

    def __init__(self) -> None:
        self.size = 0
        self._memory = bytearray()
        self._file: BufferedRandom | None = None

    @classmethod
    def of(cls, data: bytes) -> Content:
        """The content that consists of `data`."""
        content = cls()
        content.write(data)
        return content

    def write(self, data: bytes) -> None:
        """Append `data`."""
        if self._file is None and self.size + len(data) > CHUNK_BYTES:
            self._file = TemporaryFile()  # noqa: SIM115 - closed by the next line
            weakref.finalize(self, self._file.close)
            self._file.write(self._memory)
            self._memory.clear()
        if self._file:
            self._file.write(data)
        else:
            self._memory += data
        self.size += len(data)

    def open(self) -> BytesIO | mmap.mmap:
        """A reader with a position of its own, which stays valid when the object is replaced meanwhile."""
        if self._file is None:
            return BytesIO(self._memory)
        self._file.flush()
        return mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def chunks(self) -> Iterator[bytes]:
        """All bytes, in pieces of at most `CHUNK_BYTES`."""
        with self.open() as reader:
            while chunk := reader.read(CHUNK_BYTES):
                yield chunk

    def read(self) -> bytes:
        """All bytes."""
        return b"".join(self.chunks())

    def digest(self, algorithm: str) -> bytes:
        """The digest by an algorithm of `hashlib`."""
        state = hashlib.new(algorithm, usedforsecurity=False)
        for chunk in self.chunks():
            state.update(chunk)
        return state.digest()

    def check(self, headers: Mapping[str, str]) -> None:
        """Return if the content has the digests that headers name (names in lower case).

        Raises:
            ApiError: a digest is malformed or differs.
        """
        for name, algorithm in _CHECKSUMS.items():
            if name not in headers:
                continue
            try:
                digest = base64.b64decode(headers[name], validate=True)
            except binascii.Error:
                raise ApiError(400, "InvalidDigest", f"The {name} you specified is not valid.") from None
            if digest != self.digest(algorithm):
                raise ApiError(400, "BadDigest", f"The {name} you specified did not match what we received.")


def receive(request: Request) -> Content:
    """The body of a request.

    Raises:
        ApiError: the body is shorter than the request says, or has other digests than its headers name.
    """
    if request.method == "PUT" and request.content_length is None:
        raise ApiError(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    content = Content()
    for chunk in chunks(request):
        content.write(chunk)
    content.check({name.lower(): value for name, value in request.headers.items()})
    return content


def chunks(request: Request) -> Iterator[bytes]:
    """The body of a request, in pieces of at most `CHUNK_BYTES`.

    Raises:
        ApiError: the body is shorter than the request says.
    """
    try:
        while chunk := request.stream.read(CHUNK_BYTES):
            yield chunk
    except ClientDisconnected:
        message = "You did not provide the number of bytes specified by Content-Length."
        raise ApiError(400, "IncompleteBody", message) from None
