"""Folders: all files below one, and only those that differ."""

from __future__ import annotations

import errno
import os
import stat
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from presign_client.api import Api
from presign_client.digests import told_digest, told_md5
from presign_client.errors import FolderError, PresignError, Problem, UnreadableFile, reason
from presign_client.listing import Entry, Listing
from presign_client.meter import Meter, Progress
from presign_client.retry import Retry, run_all
from presign_client.source import opened
from presign_client.state import state_path
from presign_client.store import Store
from presign_client.urls import PresignedUrl

_NO_FILE = (errno.ENOENT, errno.ELOOP)
"""Of links that lead nowhere, which are left out."""
FILES_AT_ONCE = 100
"""The URLs of so many small files are asked for by one call."""


@dataclass(frozen=True)
class FolderDone:
    """A folder that was transferred.

    Attributes:
        transferred: keys of the objects that were.
        unchanged: how many files were there already, with the same bytes.
        size: bytes that were transferred.
    """

    transferred: Sequence[str]
    unchanged: int
    size: int


@dataclass(frozen=True)
class File:
    """A file of a folder, and the object that belongs to it.

    Attributes:
        path: of the file.
        key: of the object.
        size: of the one that is transferred, in bytes.
        entry: the object in the list, None if there is none yet.
    """

    path: Path
    key: str
    size: int
    entry: Entry | None


@dataclass
class Batch:
    """The files that are being transferred.

    Attributes:
        meter: is told how far they have come.
        done: keys of those that have arrived.
        failures: by key.
        stopped: ends all of them.
    """

    meter: Meter
    done: list[str] = field(default_factory=list)
    failures: dict[str, PresignError] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    def attempt(self, file: File, action: Callable[[], object]) -> None:
        """Transfer a file. A failure of its own does not end the others; one that they would meet too does."""
        try:
            action()
        except PresignError as error:
            if error.passes or self.stopped.is_set():
                raise
            self.failures[file.key] = error
        else:
            self.done.append(file.key)


class FolderTransfer(ABC):
    """Transfers a folder in one direction.

    Args:
        api: gives URLs.
        store: where they are used.
        retry: tries again what may succeed later.
        at_once: how many files are transferred at the same time, or parts of a large one.
        states: path of a folder that remembers how far large files have come.
    """

    large_from_bytes: int
    """Files of this size or more are transferred one after the other, each in parts side by side."""

    def __init__(self, api: Api, store: Store, retry: Retry, *, at_once: int, states: Path | None) -> None:
        self._api, self._store, self._retry = api, store, retry
        self._at_once, self._states = at_once, states

    @abstractmethod
    def _small(self, files: Sequence[File], batch: Batch) -> None:
        """Transfer small files, side by side."""

    @abstractmethod
    def _large(self, file: File, batch: Batch) -> None:
        """Transfer a large file."""

    def _transfer(
        self, files: Sequence[File], failures: Mapping[str, PresignError], progress: Progress | None
    ) -> FolderDone:
        differing = self._differing(files)
        batch = Batch(Meter(progress, sum(file.size for file in differing)), failures=dict(failures))
        batch.meter.set("", 0)
        small = [file for file in differing if file.size < self.large_from_bytes]
        for start in range(0, len(small), FILES_AT_ONCE):
            self._small(small[start : start + FILES_AT_ONCE], batch)
        for file in differing:
            if file.size >= self.large_from_bytes:
                batch.attempt(file, partial(self._large, file, batch))
        if batch.failures:
            raise FolderError(batch.failures)
        return FolderDone(batch.done, len(files) - len(differing), sum(file.size for file in differing))

    def _objects(self, prefix: str) -> list[Entry]:
        """All objects below a prefix."""
        return list(Listing(self._api, self._store, self._retry).entries(prefix, None))

    def _side_by_side(self, jobs: Iterable[Callable[[], None]], stopped: threading.Event | None = None) -> None:
        run_all(jobs, at_once=self._at_once, stopped=stopped or threading.Event())

    def _differing(self, files: Sequence[File]) -> list[File]:
        """The files whose bytes are not those of their objects."""
        same: set[str] = set()
        alike = {file: file.entry for file in files if file.entry and size_of(file.path) == file.entry.size}
        unknown = [file for file, entry in alike.items() if not told_md5(entry.etag)]
        heads = self._api.sign_all([{"operation": "head_object", "key": file.key} for file in unknown])
        urls = dict(zip(unknown, heads, strict=True))

        def compare(file: File, entry: Entry) -> None:
            try:
                if self._is_same(file, entry, urls.get(file)):
                    same.add(file.key)
            except PresignError as error:
                if error.passes:
                    raise  # else the transfer will tell the failure, if it meets it

        self._side_by_side([partial(compare, file, entry) for file, entry in alike.items()])
        return [file for file in files if file.key not in same]

    def _is_same(self, file: File, entry: Entry, head: PresignedUrl | Problem | None) -> bool:
        """Whether a file has the bytes of an object: by its ETag, or by the digest that `head` tells."""
        md5 = told_md5(entry.etag)
        sha256 = ""
        if isinstance(head, PresignedUrl):
            sha256 = told_digest(self._retry.run(lambda: self._store.use(head)).headers)
        if not md5 and not sha256:
            return False
        with opened(file.path) as source:
            return source.slice(0, source.size).md5() == md5 if md5 else source.sha256() == sha256

    def _state(self, file: File) -> Path | None:
        return state_path(self._states, file.key, str(file.path.absolute())) if self._states else None


def folder_prefix(prefix: str) -> str:
    """The prefix of the keys of all that is in a folder."""
    return prefix if prefix.endswith("/") or not prefix else f"{prefix}/"


def files_below(folder: Path, failures: dict[Path, PresignError]) -> Iterator[Path]:
    """All regular files below a folder, in the order of their names.

    Args:
        folder: the folder.
        failures: gets the errors of folders in it and of files that can't be read.

    Raises:
        UnreadableFile: the folder itself can't be read.
    """

    def fail(error: OSError) -> None:
        unreadable = UnreadableFile(f"The folder can't be read: {reason(error)}.")
        if Path(error.filename) == folder:
            raise unreadable from None
        failures[Path(error.filename)] = unreadable

    for parent, folders, names in os.walk(folder, onerror=fail):
        folders.sort()
        for path in (Path(parent, name) for name in sorted(names)):
            try:
                if stat.S_ISREG(path.stat().st_mode):
                    yield path
            except OSError as error:
                if error.errno not in _NO_FILE:
                    failures[path] = UnreadableFile(f"The file can't be read: {reason(error)}.")


def size_of(path: Path) -> int | None:
    """The size of a regular file, None if there is none."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
