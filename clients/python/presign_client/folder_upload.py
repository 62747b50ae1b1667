"""A folder that goes up."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from presign_client.errors import InvalidArgument, PresignError, Problem, UnreadableFile, reason
from presign_client.folders import Batch, File, FolderDone, FolderTransfer, files_below, folder_prefix, size_of
from presign_client.listing import Entry
from presign_client.meter import Progress
from presign_client.source import Source, opened
from presign_client.upload import PARTS_FROM_BYTES, Upload, media_type
from presign_client.urls import PresignedUrl

_NO_TEXT = "The name of the file is not UTF-8 text, as keys are."


class FolderUpload(FolderTransfer):
    """Stores the files of a folder; see `FolderTransfer`."""

    large_from_bytes = PARTS_FROM_BYTES

    def run(self, folder: Path, prefix: str, progress: Progress | None) -> FolderDone:
        """Store the files that differ from their objects.

        Raises:
            UnreadableFile: there is no such folder, or it can't be read.
            FolderError: some files failed.
        """
        try:
            is_folder = folder.is_dir()
        except OSError as error:
            raise UnreadableFile(f"The folder can't be read: {reason(error)}.") from None
        if not is_folder:
            raise UnreadableFile("The folder can't be read: there is none of this name.")
        prefix = folder_prefix(prefix)
        there = self._known(prefix)
        unreadable: dict[Path, PresignError] = {}
        paths = list(files_below(folder, unreadable))
        keys = {path: prefix + path.relative_to(folder).as_posix() for path in (*paths, *unreadable)}
        failures = {keys[path]: error for path, error in unreadable.items()}
        failures |= {keys[path]: InvalidArgument(_NO_TEXT) for path in paths if not _is_text(keys[path])}
        named = [(path, keys[path]) for path in paths if keys[path] not in failures]
        files = [File(path, key, size_of(path) or 0, there.get(key)) for path, key in named]
        return self._transfer(files, failures, progress)

    def _known(self, prefix: str) -> dict[str, Entry]:
        """The objects that are there; none if the policy lets nobody list them, so that all files go up."""
        try:
            return {entry.key: entry for entry in self._objects(prefix)}
        except Problem as problem:
            if problem.status not in (400, 403):
                raise
            return {}

    def _small(self, files: Sequence[File], batch: Batch) -> None:
        with ExitStack() as stack:
            uploads: dict[File, Upload] = {}

            def prepare(file: File) -> None:
                try:
                    upload = self._upload(file, stack.enter_context(opened(file.path)), batch)
                    upload.request()  # which reads the file for its digests
                    uploads[file] = upload
                except PresignError as error:
                    batch.failures[file.key] = error

            self._side_by_side([partial(prepare, file) for file in files])
            urls = self._api.sign_all([upload.request(self._api.via) for upload in uploads.values()])

            def send(file: File, upload: Upload, url: PresignedUrl | Problem) -> None:
                # A problem is asked for once more, since a pre-authenticated request may serve.
                given = url if isinstance(url, PresignedUrl) else None
                batch.attempt(file, lambda: upload.run(url=given))

            jobs = [partial(send, file, upload, url) for (file, upload), url in zip(uploads.items(), urls, strict=True)]
            self._side_by_side(jobs, batch.stopped)

    def _large(self, file: File, batch: Batch) -> None:
        with opened(file.path) as source:
            self._upload(file, source, batch).run(self._state(file))

    def _upload(self, file: File, source: Source, batch: Batch) -> Upload:
        return Upload(
            self._api,
            self._store,
            self._retry,
            source=source,
            key=file.key,
            description={"content_type": media_type(file.path, file.key)},
            create_only=False,
            meter=batch.meter,
            at_once=self._at_once,
        )


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True
