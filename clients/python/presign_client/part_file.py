"""The file beside the target that holds a download until it is whole."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from presign_client.connections import BLOCK_BYTES
from presign_client.errors import PresignError, UnwritableFile, reason
from presign_client.reader import RANGE_BYTES, Reader
from presign_client.state import State

_MAX_NAME_BYTES = 200
"""Of the target's name, in that of the file beside it: file systems take 255 in all."""


class PartFile:
    """The ranges of an object that were read, in a file beside the one that they will become.

    Args:
        target: the file that it will become.
        state: knows the ranges of an earlier attempt. They count if the object is still the same.
        reader: of the object.

    Attributes:
        path: of the file.
        about: the object.

    Raises:
        UnwritableFile: the file can't be made.
        PresignError: the object can't be read.
    """

    def __init__(self, target: Path, state: State, reader: Reader) -> None:
        self._state = state
        self._done = set(state.numbered("done"))
        earlier, size = Path(str(state.get("part", ""))), state.get("size")
        self.about = reader.look(self._next(size if isinstance(size, int) else 0))
        is_same = [self.about.etag, self.about.size] == [state.get("etag"), state.get("size")]
        if self.about.etag and is_same and earlier.is_file():
            self.path = earlier
            return
        self.drop()
        self._done = set()
        # A name that nobody can guess, made with the user's own mask.
        name = target.name.encode(errors="ignore")[:_MAX_NAME_BYTES].decode(errors="ignore")
        self.path = target.with_name(f".{name}.{secrets.token_hex(4)}.part")
        self._state.set(part=str(self.path.absolute()), etag=self.about.etag, size=self.about.size, done={})
        with writable():
            self.path.open("xb").close()

    def open(self) -> BinaryIO:
        """The file, to write ranges at their places, and to read them.

        Raises:
            UnwritableFile: it is gone.
        """
        with self._there():
            return cast("BinaryIO", self.path.open("r+b", buffering=0))

    def become(self, target: Path) -> None:
        """Give it the name of the file that it is now. It raises as `open` does."""
        with self._there():
            self.path.replace(target)

    def missing(self) -> list[int]:
        """The offsets at which the ranges begin that are still to be read."""
        starts = range(0, self.about.size, RANGE_BYTES) if self.about.etag else [0][: self.about.size]
        return [start for start in starts if start not in self._done]

    def start(self, offset: int) -> int:
        """The offset at which the range begins that has this one."""
        return offset - offset % RANGE_BYTES if self.about.etag else 0

    def end(self, start: int) -> int:
        """The offset behind the range that begins at `start`."""
        return min(start + RANGE_BYTES, self.about.size) if self.about.etag else self.about.size

    def size_of_done(self) -> int:
        """The bytes of all ranges that were read."""
        return sum(self.end(start) - start for start in self._done)

    def is_done(self, start: int) -> bool:
        """Whether a range was read."""
        return start in self._done

    def add(self, start: int, file: BinaryIO) -> None:
        """A range was read, and written to the file."""
        if self._state.is_kept:
            with writable():
                os.fsync(file.fileno())  # else a power failure may leave the state without the bytes
            self._state.add(start, done=1)
        self._done.add(start)

    def drop(self) -> None:
        """Delete the file, and forget it."""
        kept = self._state.get("part")
        if kept:
            with suppress(OSError):
                Path(str(kept)).unlink()
        self._state.forget()

    @contextmanager
    def _there(self) -> Iterator[None]:
        with writable():
            try:
                yield
            except FileNotFoundError:
                detail = "The file that the download has begun is gone: the same download may have run twice."
                raise UnwritableFile(detail) from None

    def _next(self, size: int) -> int:
        """The first range that is missing, so that the reader's first answer serves it."""
        return next((start for start in range(0, size, RANGE_BYTES) if start not in self._done), 0)


class Hashing:
    """The SHA-256 digest of a file whose ranges arrive in any order.

    Args:
        part: the file.
    """

    def __init__(self, part: PartFile) -> None:
        self._part, self._digest = part, hashlib.sha256()
        self._next = 0
        self._lock = threading.Lock()

    def take(self, offset: int, piece: memoryview) -> None:
        """Take in a piece that has just been written, if it is the next one; this saves reading it again."""
        # Without ranges a second attempt may meet another version of the object.
        if offset == self._next and self._part.about.etag and self._lock.acquire(blocking=False):
            try:
                if offset == self._next:
                    self._digest.update(piece)
                    self._next += len(piece)
            finally:
                self._lock.release()

    def advance(self) -> None:
        """Take in the ranges that follow on those before; the others wait for their turn."""
        while self._has_next() and self._lock.acquire(blocking=False):
            try:
                while self._has_next():
                    self._read_next()
            finally:
                self._lock.release()

    def hexdigest(self) -> str:
        """The digest, once all ranges are there."""
        self.advance()
        return self._digest.hexdigest()

    def _has_next(self) -> bool:
        return self._next < self._part.about.size and self._part.is_done(self._part.start(self._next))

    def _read_next(self) -> None:
        end = self._part.end(self._part.start(self._next))
        with self._part.open() as file, writable():
            file.seek(self._next)
            while self._next < end:
                chunk = file.read(min(BLOCK_BYTES, end - self._next))
                if not chunk:
                    raise UnwritableFile("The file became shorter while it was downloaded.")
                self._digest.update(chunk)
                self._next += len(chunk)


@contextmanager
def writable() -> Iterator[None]:
    """Failures of the file system, and of a file that is closed, are errors of this package.

    Raises:
        UnwritableFile: there was one.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        if isinstance(error, PresignError):
            raise
        raise UnwritableFile(f"The file can't be written: {reason(error)}.") from None
