"""The bytes to upload, and how far a transfer has come."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from presign_client.errors import Changed, Stopped

Progress = Callable[[int, int], None]
"""Is told how many bytes have gone, and how many there are. The first number falls when a part is sent again."""

_CHUNK_BYTES = 1 << 20


class Source:
    """A file from its current position to its end; several threads may read it.

    Attributes:
        size: in bytes.
        modified_ns: when the file was last changed, None for a file that is in memory only.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._start = file.tell()
        self.size = file.seek(0, os.SEEK_END) - self._start
        self.modified_ns = self._modified_ns()

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset`.

        Raises:
            Changed: the file has become shorter.
        """
        with self._lock:
            self._file.seek(self._start + offset)
            found = self._file.read(size)
        if len(found) != size:
            raise Changed("The file became shorter while it was uploaded.")
        return found

    def check_unchanged(self) -> None:
        """Do nothing if the file is as it was.

        Raises:
            Changed: it was written to.
        """
        with self._lock:
            size = self._file.seek(0, os.SEEK_END) - self._start
        if (size, self._modified_ns()) != (self.size, self.modified_ns):
            raise Changed("The file was changed while it was uploaded.")

    def slice(self, offset: int, size: int) -> Slice:
        """A part of it."""
        return Slice(self, offset, size)

    def _modified_ns(self) -> int | None:
        try:
            return os.fstat(self._file.fileno()).st_mtime_ns
        except OSError:  # io.UnsupportedOperation too
            return None


class Slice:
    """A part of a source, as a file that `requests` can send.

    Args:
        source, offset, size: which part.
        on_read: is told how many bytes of it have been read.
        stopped: when it is set, reading raises `Stopped`.
    """

    def __init__(
        self,
        source: Source,
        offset: int,
        size: int,
        *,
        on_read: Callable[[int], None] | None = None,
        stopped: threading.Event | None = None,
    ) -> None:
        self._source, self._offset, self._size = source, offset, size
        self._on_read, self._stopped = on_read, stopped
        self._done = 0

    def __len__(self) -> int:
        return self._size

    def watched(self, *, on_read: Callable[[int], None], stopped: threading.Event | None = None) -> Slice:
        """The same part from its beginning, for one attempt to send it."""
        return Slice(self._source, self._offset, self._size, on_read=on_read, stopped=stopped)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, empty at the end."""
        if self._stopped and self._stopped.is_set():
            raise Stopped("The transfer was stopped.")
        left = self._size - self._done
        found = self._source.read(self._offset + self._done, left if size < 0 else min(size, left))
        self._done += len(found)
        if self._on_read:
            self._on_read(self._done)
        return found

    def md5(self) -> str:
        """Its MD5 digest in Base64, as the header `Content-MD5` has it."""
        return base64.b64encode(self._digest("md5")).decode()

    def sha256(self) -> str:
        """Its SHA-256 digest, hexadecimal."""
        return self._digest("sha256").hex()

    def _digest(self, algorithm: str) -> bytes:
        digest = hashlib.new(algorithm, usedforsecurity=False)
        for offset in range(0, self._size, _CHUNK_BYTES):
            digest.update(self._source.read(self._offset + offset, min(_CHUNK_BYTES, self._size - offset)))
        return digest.digest()


def metadata_digest(sha256: str) -> str:
    """A hexadecimal digest as the object's metadata holds it: Base64, as in the header `x-amz-checksum-sha256`."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def told_digest(headers: Mapping[str, str]) -> str:
    """The digest, hexadecimal, that the metadata in an answer's headers hold; empty if they hold none."""
    for name in ("x-amz-meta-sha256", "opc-meta-sha256"):
        with suppress(binascii.Error):
            found = base64.b64decode(headers.get(name, ""), validate=True)
            if len(found) == hashlib.sha256().digest_size:
                return found.hex()
    return ""


class Meter:
    """Adds up the bytes of all parts of a transfer.

    Args:
        progress: is told the sum.
        total: bytes of the whole.
    """

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._parts: dict[int, int] = {}
        self._lock = threading.Lock()

    def set(self, part: int, done: int) -> None:
        """So many bytes of a part have gone."""
        with self._lock:
            self._parts[part] = done
            if self._progress:
                self._progress(sum(self._parts.values()), self._total)


@contextmanager
def opened(path_or_file: str | os.PathLike[str] | BinaryIO) -> Iterator[Source]:
    """The bytes to upload. A file that the caller has opened stays open.

    Raises:
        ValueError: the file is a pipe or the like, which can't be read twice.
    """
    if isinstance(path_or_file, (str, os.PathLike)):
        with Path(path_or_file).open("rb") as file:
            yield Source(file)
        return
    if not path_or_file.seekable():
        raise ValueError("The file must be seekable: a part that fails is read again.")
    yield Source(path_or_file)
