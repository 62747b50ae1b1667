"""A folder that comes down."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath

from presign_client.download import Download
from presign_client.errors import InvalidArgument, PresignError, Problem
from presign_client.folders import Batch, File, FolderDone, FolderTransfer, folder_prefix
from presign_client.links import Link
from presign_client.meter import Progress
from presign_client.part_file import writable
from presign_client.reader import RANGE_BYTES, Reader
from presign_client.state import State
from presign_client.urls import PresignedUrl


class FolderDownload(FolderTransfer):
    """Reads the objects below a prefix into a folder; see `FolderTransfer`."""

    large_from_bytes = RANGE_BYTES

    def run(self, prefix: str, folder: Path, progress: Progress | None) -> FolderDone:
        """Read the objects that differ from their files.

        Raises:
            UnwritableFile: the folder can't be made.
            FolderError: some files failed.
        """
        prefix = folder_prefix(prefix)
        files: list[File] = []
        failures: dict[str, PresignError] = {}
        objects = self._objects(prefix)
        with writable():
            folder.mkdir(parents=True, exist_ok=True)
        for entry in objects:
            if entry.key.endswith("/"):
                continue  # it marks a folder
            try:
                files.append(File(path_in(folder, entry.key.removeprefix(prefix)), entry.key, entry.size, entry))
            except InvalidArgument as error:
                failures[entry.key] = error
        return self._transfer(files, failures, progress)

    def _small(self, files: Sequence[File], batch: Batch) -> None:
        urls = self._api.sign_all([{"operation": "get_object", "key": file.key} for file in files])

        def fetch(file: File, url: PresignedUrl | Problem) -> None:
            if isinstance(url, Problem):
                batch.failures[file.key] = url
            else:
                batch.attempt(file, lambda: self._fetch(file, batch, batch.stopped, url=url))

        self._side_by_side([partial(fetch, file, url) for file, url in zip(files, urls, strict=True)], batch.stopped)

    def _large(self, file: File, batch: Batch) -> None:
        self._fetch(file, batch, threading.Event())

    def _fetch(self, file: File, batch: Batch, stopped: threading.Event, *, url: PresignedUrl | None = None) -> None:
        link = Link(lambda: self._api.sign("get_object", file.key), url=url)
        reader = Reader(link, self._store, retry=self._retry, stopped=stopped)
        with writable():
            file.path.parent.mkdir(parents=True, exist_ok=True)
        identity = {"bucket": self._api.bucket, "key": file.key, "path": str(file.path.absolute())}
        download = Download(
            reader,
            stopped=stopped,
            at_once=self._at_once,
            progress=lambda done, _: batch.meter.set(file.key, done),
            sha256=None,
        )
        download.run(file.path, State(self._state(file) if url is None else None, identity=identity))


def path_in(folder: Path, name: str) -> Path:
    """The path of a file in a folder.

    Args:
        folder: the folder.
        name: with slashes between the folders in it.

    Raises:
        InvalidArgument: the name leads out of the folder, or is none that all systems take.
    """
    parts = name.split("/")
    is_odd = any(part in ("", ".", "..") or not part.isprintable() for part in parts)
    if is_odd or PureWindowsPath(name).drive or "\\" in name or PurePosixPath(name).is_absolute():
        raise InvalidArgument("The key is not the path of a file in the folder.")
    return folder.joinpath(*parts)
