"""One download: into a file, range by range side by side, or in order into anything that can be written to."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from presign_client.errors import Changed, ChecksumMismatch, InvalidArgument, PresignError, UnwritableFile
from presign_client.meter import Meter, Progress
from presign_client.part_file import Hashing, PartFile, writable
from presign_client.reader import RANGE_BYTES, About, Reader
from presign_client.retry import run_all
from presign_client.state import State

NOT_BINARY = "The target must be a path, or a file that is open in binary mode."


@dataclass(frozen=True)
class Downloaded:
    """An object that was read.

    Attributes:
        path: of the file, None if it was written to an open file.
        size: in bytes.
        etag: of the object.
        sha256: digest of the bytes, hexadecimal.
        verified: whether the digest was compared with one that the caller or the upload told.
    """

    path: Path | None
    size: int
    etag: str
    sha256: str
    verified: bool


class Download:
    """Reads an object into a file.

    Args:
        reader: of the object.
        stopped: ends the reader.
        at_once: how many ranges are read at the same time.
        progress: is told how far it has come.
        sha256: the digest that the bytes must have, hexadecimal; by default that in the object's metadata.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        stopped: threading.Event,
        at_once: int,
        progress: Progress | None,
        sha256: str | None,
    ) -> None:
        self._reader, self._stopped = reader, stopped
        self._at_once, self._progress, self._sha256 = at_once, progress, sha256

    def run(self, path: Path, state: State) -> Downloaded:
        """Read it into a file, which appears once it is whole and its digest is right.

        Args:
            path: of the file, which is replaced if there is one. Of a link, the file that it leads to is replaced; a
                device or a pipe gets the bytes in order.
            state: what is known of an earlier attempt, and is kept up to date.

        Raises:
            Changed: the object was replaced meanwhile.
            ChecksumMismatch: the digest is another.
            UnwritableFile: the file can't be written.
            PresignError: it failed.
        """
        with writable():
            if path.is_dir():
                raise UnwritableFile("The file can't be written: there is a folder of this name.")
            # Before links are followed: some of those below /dev lead to no file that has a name.
            if path.exists() and not path.is_file():
                device = cast("BinaryIO", path.open("wb", buffering=0))
            else:
                device, path = None, _resolved(path)
        if device:
            with device:
                return self.stream(device, path=path)
        with closing(self._reader):
            return self._into(PartFile(path, state, self._reader), path, state)

    def stream(self, file: BinaryIO, *, path: Path | None = None) -> Downloaded:
        """Write it to an open file in order. The digest is compared when all is written. It raises as `run` does."""
        with closing(self._reader):
            return self._in_order(file, path)

    def _in_order(self, file: BinaryIO, path: Path | None) -> Downloaded:
        about = self._reader.look()
        meter, digest = Meter(self._progress, about.size), hashlib.sha256()
        put = _writer(file)
        written = 0

        def write(offset: int, piece: memoryview) -> None:
            nonlocal written
            if offset < written:
                raise Changed("The object could not be read in one go, and was written in part already.")
            put(piece)
            digest.update(piece)
            written += len(piece)
            meter.set(0, written)

        meter.set(0, 0)
        for start in range(0, about.size, RANGE_BYTES) if about.etag else [0]:
            self._reader.read(start, start + RANGE_BYTES if about.etag else about.size, write)
        return self._checked(path, about, digest.hexdigest())

    def _into(self, part: PartFile, path: Path, state: State) -> Downloaded:
        meter, hashing = Meter(self._progress, part.about.size), Hashing(part)
        jobs = [partial(self._range, part, hashing, meter, start) for start in part.missing()]
        try:
            meter.set("earlier", part.size_of_done())
            run_all(jobs, at_once=self._at_once, stopped=self._stopped)
            done = self._checked(path, part.about, hashing.hexdigest())
            part.become(path)
        except BaseException as error:
            if not state.is_kept or (isinstance(error, PresignError) and not error.passes):
                part.drop()
            raise
        state.forget()
        return done

    def _range(self, part: PartFile, hashing: Hashing, meter: Meter, start: int) -> None:
        with part.open() as file:
            put = _writer(file)

            def write(offset: int, piece: memoryview) -> None:
                file.seek(offset)
                put(piece)
                hashing.take(offset, piece)
                meter.set(start, offset + len(piece) - start)

            self._reader.read(start, part.end(start), write)
            part.add(start, file)
        hashing.advance()

    def _checked(self, path: Path | None, about: About, digest: str) -> Downloaded:
        expected = (self._sha256 or about.sha256).lower()
        if expected and digest != expected:
            raise ChecksumMismatch(f"The object's SHA-256 is {digest}, but {expected} was expected.")
        return Downloaded(path, about.size, about.etag, digest, verified=bool(expected))


def _resolved(path: Path) -> Path:
    """The path of a file that may be a link.

    Raises:
        UnwritableFile: the link leads to itself.
    """
    if not path.is_symlink():
        return path
    with suppress(RuntimeError):  # for which Python 3.13 gives a link
        path = path.resolve()
    if path.is_symlink():
        raise UnwritableFile("The file can't be written: the link leads to itself.")
    return path


def _writer(file: BinaryIO) -> Callable[[memoryview], None]:
    """Writes all bytes of a piece, which a file without a buffer may take in several goes."""

    def write(piece: memoryview) -> None:
        with writable():
            while piece:
                piece = piece[_written(file, piece) :]

    return write


def _written(file: BinaryIO, piece: memoryview) -> int:
    """The number of bytes that a file has taken of a piece."""
    try:
        count: Any = file.write(piece)
    except TypeError:
        raise InvalidArgument(NOT_BINARY) from None
    if count is None and isinstance(file, io.RawIOBase):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return count if type(count) is int else len(piece)  # an object that is but like a file need not count
