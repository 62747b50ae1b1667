"""The bytes of an object: in a file once they are many, so that no upload or download has to fit into memory."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import weakref
from collections.abc import Iterator, Mapping
from io import BufferedReader, RawIOBase
from tempfile import SpooledTemporaryFile

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request

from local.object_storage.s3_answer import S3Error

CHUNK_BYTES = 1 << 20

_CHECKSUMS = {"content-md5": "md5", "x-amz-checksum-sha256": "sha256"}


class Content:
    """What has been written; it is gone when nobody holds it any more, unless its file was taken.

    Attributes:
        size: in bytes.
    """

    def __init__(self) -> None:
        self.size = 0
        self._file = SpooledTemporaryFile(CHUNK_BYTES)  # noqa: SIM115 - closed by the next line, or by who takes it
        self._close = weakref.finalize(self, self._file.close)

    def write(self, data: bytes) -> None:
        """Append to it."""
        self._file.write(data)
        self.size += len(data)

    def read(self) -> bytes:
        """All of it."""
        self._file.seek(0)
        return self._file.read()

    def take_file(self) -> SpooledTemporaryFile[bytes]:
        """The file that holds it, for the caller to close."""
        self._close.detach()
        self._file.flush()
        return self._file

    def md5(self) -> str:
        """Its MD5 digest, hexadecimal."""
        return self._digest("md5").hex()

    def check(self, headers: Mapping[str, str]) -> None:
        """Return if it has the digests that headers name, their names in lower case.

        Raises:
            S3Error: it has not.
        """
        for name, algorithm in _CHECKSUMS.items():
            if name not in headers:
                continue
            try:
                digest = base64.b64decode(headers[name], validate=True)
            except binascii.Error:
                raise S3Error(400, "InvalidDigest", f"The {name} you specified is not valid.") from None
            if digest != self._digest(algorithm):
                raise S3Error(400, "BadDigest", f"The {name} you specified did not match what we received.")

    def _digest(self, algorithm: str) -> bytes:
        self._file.seek(0)
        return hashlib.file_digest(self._file, algorithm).digest()


def receive(request: Request) -> Content:
    """The body of a request, when it is as long as it says and has the digests that its headers name.

    Raises:
        S3Error: it is not, or has not.
    """
    if request.method == "PUT" and request.content_length is None:
        raise S3Error(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    content = Content()
    for chunk in chunks(request):
        content.write(chunk)
    content.check({name.lower(): value for name, value in request.headers.items()})
    return content


def chunks(request: Request) -> Iterator[bytes]:
    """The body of a request, one chunk after the other.

    Raises:
        S3Error: it is not as long as it says.
    """
    try:
        while chunk := request.stream.read(CHUNK_BYTES):
            yield chunk
    except ClientDisconnected:
        message = "You did not provide the number of bytes specified by Content-Length."
        raise S3Error(400, "IncompleteBody", message) from None


def reader(descriptor: int) -> BufferedReader:
    """Reads a file that others read too, or that is deleted meanwhile."""
    return BufferedReader(_FileReader(descriptor), CHUNK_BYTES)


class _FileReader(RawIOBase):
    """A file with a descriptor and a position of its own."""

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
