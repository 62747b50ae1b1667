"""One download: ranges in parallel, all of one version of the object."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import requests
import urllib3

from presign_client.errors import Changed, ChecksumMismatch, ConnectionFailed, StoreError
from presign_client.retry import Retry, run_all
from presign_client.source import Meter, Progress, told_digest
from presign_client.store import Store
from presign_client.urls import PresignedUrl

RANGE_BYTES = 8 << 20
_CHUNK_BYTES = 1 << 18


@dataclass(frozen=True)
class Downloaded:
    """An object that was read.

    Attributes:
        path: of the file.
        size: in bytes.
        etag: of the object.
        sha256: digest of the bytes, hexadecimal.
        verified: whether the digest was compared with one that the caller or the upload told.
    """

    path: Path
    size: int
    etag: str
    sha256: str
    verified: bool


@dataclass(frozen=True)
class _About:
    """The object as the first answer tells of it; `etag` is empty if ranges can't be asked for."""

    size: int
    etag: str
    sha256: str


class Link:
    """A URL that is asked for again before it expires, and after it was refused.

    Args:
        ask: asks for it.
        clock: seconds that only ever grow.
    """

    def __init__(self, ask: Callable[[], PresignedUrl], *, clock: Callable[[], float] = monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._lock = threading.Lock()
        self._url: PresignedUrl | None = None
        self._stale_at = 0.0

    def get(self) -> PresignedUrl:
        """The URL."""
        with self._lock:
            if self._url is None or self._clock() >= self._stale_at:
                asked_at = self._clock()
                self._url = self._ask()
                self._stale_at = asked_at + 0.9 * self._url.expires_in
            return self._url

    def drop(self) -> None:
        """Don't give this URL again."""
        with self._lock:
            self._url = None


class Download:
    """Reads an object into a file.

    Args:
        link: of the object.
        store: where URLs are used.
        retry: tries again what may succeed later.
        at_once: how many ranges are read at the same time.
        progress: is told how far it has come.
    """

    def __init__(self, link: Link, store: Store, *, retry: Retry, at_once: int, progress: Progress | None) -> None:
        self._link, self._store, self._retry = link, store, retry
        self._at_once, self._progress = at_once, progress
        self._stopped = threading.Event()

    def run(self, path: Path, *, sha256: str | None) -> Downloaded:
        """Read it. The file appears once it is whole and its digest is right.

        Args:
            path: of the file, which is replaced if there is one.
            sha256: the digest that the bytes must have, hexadecimal; by default that in the object's metadata.

        Raises:
            Changed: the object was replaced meanwhile.
            ChecksumMismatch: the digest is another.
            PresignError: it failed.
        """
        about = self._retry.run(self._look)
        expected = (sha256 or about.sha256).lower()
        with _replacement(path) as (descriptor, temporary):
            meter = Meter(self._progress, about.size)
            starts = range(0, about.size, RANGE_BYTES) if about.etag else [0]
            jobs = [partial(self._read, descriptor, about, meter, start) for start in starts]
            run_all(jobs, at_once=self._at_once, stopped=self._stopped)
            with temporary.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if expected and digest != expected:
                raise ChecksumMismatch(f"The object's SHA-256 is {digest}, but {expected} was expected.")
            temporary.replace(path)
        return Downloaded(path, about.size, about.etag, digest, verified=bool(expected))

    def _look(self) -> _About:
        """Read the first byte."""
        try:
            response = self._get({"Range": "bytes=0-0"})
        except StoreError as error:
            if error.status != 416:
                raise
            response = self._get({})  # an empty object has no first byte
        response.close()
        told = re.fullmatch(r"bytes 0-0/(\d+)", response.headers.get("Content-Range", ""))
        is_partial = response.status_code == 206 and told is not None
        size = int(told[1]) if told else int(response.headers.get("Content-Length", 0))
        etag = response.headers.get("ETag", "") if is_partial else ""
        return _About(size, etag, told_digest(response.headers))

    def _read(self, descriptor: int, about: _About, meter: Meter, start: int) -> None:
        """Read the range that begins at `start`, or the whole object if ranges can't be asked for."""
        end = min(start + RANGE_BYTES, about.size) if about.etag else about.size
        done = start

        def attempt() -> None:
            nonlocal done
            done = done if about.etag else 0
            if done == end:
                return
            headers = {"Range": f"bytes={done}-{end - 1}", "If-Match": about.etag} if about.etag else {}
            with self._get(headers) as response:
                if about.etag and (response.status_code != 206 or response.headers.get("ETag") != about.etag):
                    raise Changed("The object was replaced while it was downloaded.")
                for chunk in self._chunks(response):
                    if done + len(chunk) > end:
                        raise Changed("Object Storage sent more bytes than the object has.")
                    os.pwrite(descriptor, chunk, done)
                    done += len(chunk)
                    meter.set(start, done - start)
                if done != end:
                    raise ConnectionFailed(_host(response), cause="the answer ended too early")

        self._retry.run(attempt, self._stopped)

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        try:
            for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
                if self._stopped.is_set():
                    return
                yield chunk
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ConnectionFailed(_host(response), cause=type(error).__name__) from None

    def _get(self, headers: dict[str, str]) -> requests.Response:
        url = self._link.get()
        try:
            return self._store.send(url.method, url.url, headers={**url.headers, **headers}, stream=True)
        except StoreError as error:
            if error.status == 412:
                raise Changed("The object was replaced while it was downloaded.") from None
            if error.status in (401, 403, 404):
                self._link.drop()
            raise


@contextmanager
def _replacement(path: Path) -> Iterator[tuple[int, Path]]:
    """A new file beside `path`, open for writing; it is gone in the end unless it was renamed."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    temporary = Path(name)
    try:
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(descriptor, 0o666 & ~mask)
        yield descriptor, temporary
    finally:
        os.close(descriptor)
        with suppress(FileNotFoundError):
            temporary.unlink()


def _host(response: requests.Response) -> str:
    return urlsplit(response.url).netloc
