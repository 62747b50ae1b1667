"""Reading an object: ranges of it, all of one version."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from presign_client.answers import foreign, number
from presign_client.connections import BLOCK_BYTES, Answer
from presign_client.digests import told_digest
from presign_client.errors import Changed, ConnectionFailed, Stopped, StoreError
from presign_client.links import Link
from presign_client.retry import Retry
from presign_client.store import Store

RANGE_BYTES = 8 << 20


@dataclass(frozen=True)
class About:
    """An object as an answer tells of it.

    Attributes:
        size: in bytes.
        etag: empty if ranges can't be asked for.
        sha256: digest of the bytes, hexadecimal; empty if the uploader told none.
    """

    size: int
    etag: str
    sha256: str


class Reader:
    """Reads an object, all ranges of one version.

    Args:
        link: of the object.
        store: where URLs are used.
        retry: tries again what may succeed later.
        stopped: when it is set, reading ends.
    """

    def __init__(self, link: Link, store: Store, *, retry: Retry, stopped: threading.Event | None = None) -> None:
        self._link, self._store, self._retry = link, store, retry
        self._stopped = stopped or threading.Event()
        self._about: About | None = None
        self._opened: tuple[range, Answer] | None = None
        self._lock = threading.Lock()

    def look(self, start: int = 0, end: int | None = None) -> About:
        """The object, as its first answer tells of it. All later answers must be of the same version.

        The answer serves the next `read` from the same offset too, so a small object takes one request.

        Args:
            start: offset of the first byte that will be read.
            end: offset behind the last one; by default that of a whole range.
        """
        if self._about is None:
            self._retry.run(lambda: self._look(start, end or start + RANGE_BYTES), self._stopped)
        assert self._about  # noqa: S101 - the line before sets it
        return self._about

    def read(self, start: int, end: int, write: Callable[[int, memoryview], object]) -> None:
        """Read the bytes from the offset `start` to before `end`.

        Args:
            start: of the first byte. If ranges can't be asked for it must be 0.
            end: of the byte behind the last one; it may lie behind the object.
            write: gets the bytes, each piece with its offset. It may get them again after a failure.

        Raises:
            Changed: the object was replaced meanwhile.
            PresignError: it failed.
        """
        about = self.look(start, end)
        if start and not about.etag:
            raise StoreError("Object Storage gives no ranges of this object.", status=501, code="NotImplemented")
        until = min(end, about.size)
        buffer = memoryview(bytearray(min(BLOCK_BYTES, max(until - start, 1))))
        done = start

        def attempt() -> None:
            nonlocal done
            done = done if about.etag else 0
            if done >= until:
                return
            with self._answer(done, until, about) as answer:
                while done < until:
                    if self._stopped.is_set():
                        raise Stopped("The transfer was stopped.")
                    count = answer.read_into(buffer[: until - done])
                    if not count:
                        raise ConnectionFailed(answer.host, cause="the answer ended too early")
                    write(done, buffer[:count])
                    done += count

        self._retry.run(attempt, self._stopped)

    def content(self, start: int, end: int | None) -> bytes:
        """The bytes from the offset `start` to before `end`, or to the end of the object. It raises as `read` does."""
        size = self.look(start, end).size
        found = bytearray(max(0, min(size if end is None else end, size) - start))

        def write(offset: int, piece: memoryview) -> None:
            found[offset - start : offset - start + len(piece)] = piece

        step = len(found) if end or not self.look().etag else RANGE_BYTES
        for offset in range(start, start + len(found), max(step, 1)):
            self.read(offset, min(offset + step, start + len(found)), write)
        return bytes(found)

    def close(self) -> None:
        """End an answer that nobody has read."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened:
            opened[1].close()

    def _look(self, start: int, end: int) -> None:
        try:
            answer = self._get({"Range": f"bytes={start}-{end - 1}"})
        except StoreError as error:
            if error.status != 416:
                raise
            start, answer = 0, self._get({})  # an empty object has no range, nor has one that ends before
        told = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        is_partial = answer.status == 206 and told is not None and number(told[1]) == start
        size = number(told[2] if told else answer.headers.get("Content-Length", ""))
        if size is None or not answer.headers.get("ETag"):
            answer.close()
            raise foreign(answer)
        etag = answer.headers["ETag"] if is_partial else ""
        self._about = About(size, etag, told_digest(answer.headers))
        self._opened = range(start, end) if is_partial else range(size), answer

    def _answer(self, start: int, end: int, about: About) -> Answer:
        with self._lock:
            if self._opened and self._opened[0].start == start and self._opened[0].stop >= end:
                answer, self._opened = self._opened[1], None
                return answer
        if not about.etag:
            return self._get({})
        answer = self._get({"Range": f"bytes={start}-{end - 1}", "If-Match": about.etag})
        is_right = answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        if answer.status == 206 and is_right and answer.headers.get("ETag") == about.etag:
            return answer
        answer.close()
        raise Changed("The object was replaced while it was downloaded.")

    def _get(self, headers: dict[str, str]) -> Answer:
        url = self._link.get()
        try:
            return self._store.open(url, headers=headers)
        except StoreError as error:
            # Some stores look at the range first, which an object of another size may lack.
            if error.status == 412 or (error.status == 416 and "If-Match" in headers):
                raise Changed("The object was replaced while it was downloaded.") from None
            if error.may_be_expired:
                self._link.drop(url)
            raise
