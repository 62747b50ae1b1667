"""The bytes to upload."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from presign_client.errors import Changed, InvalidArgument, Stopped, UnreadableFile, reason

Content = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""The sources of an upload: a path, bytes, or an open file."""

_CHUNK_BYTES = 1 << 20
_NOT_BINARY = "The content must be a path, bytes, or a file that is open in binary mode."


class Source:
    """A file from its current position to its end; several threads may read it.

    Attributes:
        size: in bytes.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._start = file.tell()
        self.size = max(0, file.seek(0, os.SEEK_END) - self._start)
        self._version = self._stat()

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset`.

        Raises:
            Changed: the file has become shorter.
            UnreadableFile: the file can't be read.
        """
        try:
            with self._lock:
                self._file.seek(self._start + offset)
                found = self._file.read(size)
        except (OSError, ValueError) as error:
            raise UnreadableFile(f"The file can't be read: {reason(error)}.") from None
        if not isinstance(found, bytes):
            raise InvalidArgument(_NOT_BINARY)
        if len(found) != size:
            raise Changed("The file became shorter while it was uploaded.")
        return found

    def check_unchanged(self) -> None:
        """Do nothing if the file is as it was.

        Raises:
            Changed: it was written to.
            UnreadableFile: it was closed.
        """
        try:
            with self._lock:
                size = self._file.seek(0, os.SEEK_END) - self._start
        except (OSError, ValueError) as error:
            raise UnreadableFile(f"The file can't be read: {reason(error)}.") from None
        if (size, self._stat()) != (self.size, self._version):
            raise Changed("The file was changed while it was uploaded.")

    def slice(self, offset: int, size: int) -> Slice:
        """A part of it."""
        return Slice(self, offset, size)

    def digests(self) -> tuple[str, str]:
        """The SHA-256 and the MD5 digest of all of it, hexadecimal, from one pass over it."""
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        for chunk in self.slice(0, self.size).chunks():
            sha256.update(chunk)
            md5.update(chunk)
        return sha256.hexdigest(), md5.hexdigest()

    def sha256(self) -> str:
        """The SHA-256 digest of all of it, hexadecimal."""
        digest = hashlib.sha256()
        for chunk in self.slice(0, self.size).chunks():
            digest.update(chunk)
        return digest.hexdigest()

    def _stat(self) -> tuple[int, int] | None:
        """When the file was last changed, None for a file that is in memory only."""
        try:
            found = os.fstat(self._file.fileno())
        except (OSError, AttributeError):  # io.UnsupportedOperation too
            return None
        return found.st_mtime_ns, found.st_ctime_ns


class Slice:
    """A part of a source, as a body that can be sent.

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

    def chunks(self) -> Iterator[bytes]:
        """All of it, piece by piece."""
        for offset in range(0, self._size, _CHUNK_BYTES):
            yield self._source.read(self._offset + offset, min(_CHUNK_BYTES, self._size - offset))

    def md5(self) -> str:
        """The MD5 digest, hexadecimal."""
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in self.chunks():
            digest.update(chunk)
        return digest.hexdigest()


@contextmanager
def opened(content: Content) -> Iterator[Source]:
    """The bytes to upload. A file that the caller has opened stays open.

    A pipe, or a file that tells no size before it is read, is copied into a temporary file first: the digest must be
    known before the first byte is sent, and a part that fails is sent again.

    Raises:
        UnreadableFile: there is no such file, or it can't be read.
        InvalidArgument: it is no kind of file.
    """
    if isinstance(content, (bytes, bytearray, memoryview)):
        yield Source(io.BytesIO(bytes(content) if isinstance(content, memoryview) else content))
    elif isinstance(content, (str, os.PathLike)):
        try:
            file = cast("BinaryIO", Path(content).open("rb", buffering=0))  # noqa: SIM115 - below
        except (OSError, ValueError) as error:
            raise UnreadableFile(f"The file can't be read: {reason(error)}.") from None
        with file:
            yield from _seekable(file)
    elif isinstance(content, io.TextIOBase) or not hasattr(content, "read"):
        raise InvalidArgument(_NOT_BINARY)
    else:
        yield from _seekable(content)


def _seekable(file: BinaryIO) -> Iterator[Source]:
    source = _source(file)
    if source:
        yield source
        return
    with ExitStack() as stack:
        try:
            # Without a buffer, since its end would be written when the file is closed, and could fail there.
            copy = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            for chunk in _chunks(file):
                left = memoryview(chunk)
                while left:
                    left = left[copy.write(left) :]
            copy.seek(0)
        except TypeError:
            raise InvalidArgument(_NOT_BINARY) from None
        except OSError as error:
            detail = (
                f"The content can't be copied into a temporary file: {reason(error)}. TMPDIR may name another folder."
            )
            raise UnreadableFile(detail) from None
        yield Source(copy)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """All that a pipe gives.

    Raises:
        UnreadableFile: it can't be read to its end.
    """
    while True:
        try:
            chunk = file.read(_CHUNK_BYTES)
        except Exception as error:
            detail = reason(error) if isinstance(error, (OSError, ValueError)) else type(error).__name__
            raise UnreadableFile(f"The file can't be read: {detail}.") from error
        if chunk is None:
            raise UnreadableFile("The file can't be read: it does not wait for its bytes (O_NONBLOCK).")
        if not chunk:
            return
        yield chunk


def _source(file: BinaryIO) -> Source | None:
    """The file as a source, None if it is a pipe or the like.

    Files of `/proc` claim to be empty, and those of `/sys` to be longer than they are.
    """
    try:
        start = file.tell()
    except (OSError, ValueError, AttributeError):
        return None
    try:
        source = Source(file)
        file.seek(start + max(0, source.size - 1))
        has_bytes = bool(file.read(1))
        file.seek(start)
    except TypeError:
        raise InvalidArgument(_NOT_BINARY) from None
    except Exception:  # noqa: BLE001 - of any kind of file; one that is damaged is told when it is read from there
        with suppress(OSError, ValueError, AttributeError):
            file.seek(start)
        return None
    return source if has_bytes == bool(source.size) else None
