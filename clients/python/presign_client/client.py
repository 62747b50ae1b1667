"""The client."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from presign_client import checks
from presign_client.answers import content_length, etag, rfc3339, text, xml
from presign_client.api import Api, Via
from presign_client.connections import Connections
from presign_client.download import NOT_BINARY, Download, Downloaded
from presign_client.errors import InvalidArgument, NotRevocable, Problem, StoreError
from presign_client.folder_download import FolderDownload
from presign_client.folder_upload import FolderUpload
from presign_client.folders import FolderDone
from presign_client.links import Link
from presign_client.listing import Entry, Listing
from presign_client.meter import Meter, Progress
from presign_client.part_file import writable
from presign_client.reader import Reader
from presign_client.retry import Retry
from presign_client.source import Content, opened
from presign_client.state import Kept, State
from presign_client.store import Store
from presign_client.upload import Upload, Uploaded, media_type
from presign_client.urls import PresignedUrl, Presigner


class Client:
    """Works with the objects of one bucket.

    Args:
        presigner: gives the URLs: a `Gateway` or a `Function`.
        bucket: by default the function's own default.
        via: `par` asks for pre-authenticated requests, `s3` for presigned URLs; by default the policy decides.
        retry: tries again what may succeed later.
        at_once: how many parts or ranges of one file, or files of a folder, are transferred at the same time.

    Every failure is a `PresignError`: a `Problem` if the function refused, a `StoreError` if Object Storage did,
    `ConnectionFailed` if there was no answer, or one of the others that `presign_client.errors` has.
    """

    def __init__(
        self,
        presigner: Presigner,
        *,
        bucket: str | None = None,
        via: Via | None = None,
        retry: Retry | None = None,
        at_once: int = 4,
    ) -> None:
        if not hasattr(presigner, "presign"):
            raise InvalidArgument("presigner must be a Gateway or a Function.")
        if not isinstance(retry, Retry | None):
            raise InvalidArgument("retry must be a Retry.")
        self._retry = retry or Retry()
        self._api = Api(presigner, bucket=bucket, via=via, retry=self._retry)
        self._at_once = checks.number(at_once, "at_once", least=1)
        self._store = Store(Connections())

    def url(self, key: str, operation: str = "get_object", **options: Any) -> PresignedUrl:
        """A URL for one operation on an object. While it lasts, its holder needs no other permission.

        Args:
            key: of the object.
            operation: see the function's reference.
            options: of the operation, and `expires_in` in seconds.
        """
        return self._retry.run(lambda: self._api.sign(operation, key, **options))

    def links(
        self, keys: Iterable[str], operation: str = "get_object", **options: Any
    ) -> Sequence[PresignedUrl | Problem]:
        """A URL for each of any number of objects, 1,000 by one call; the `Problem` of those that are refused.

        Args:
            keys: of the objects.
            operation: see the function's reference.
            options: of the operation, and `expires_in` in seconds.
        """
        named = checks.several(keys, "keys")
        return self._api.sign_all([{"operation": operation, "key": key, **options} for key in named])

    def upload(
        self,
        content: Content,
        key: str,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        create_only: bool = False,
        progress: Progress | None = None,
        state: Kept = None,
        **options: Any,
    ) -> Uploaded:
        """Store a file. Object Storage compares the MD5 digest of what it gets, part by part.

        Args:
            content: path of the file, its bytes, or an open file; what is behind its position is stored. A pipe is
                copied into a temporary file first.
            key: of the object.
            content_type: media type; by default the one that the file's name suggests.
            metadata: names and values. `sha256`, the digest in Base64, is always among them.
            create_only: refuse to replace an object.
            progress: is told the bytes sent and the bytes in all, by several threads, one at a time. An exception that
                it raises ends the upload.
            state: path of a file, or the caller's own mapping, that remembers what was sent in parts. The same call
                goes on from there, in another process too. Without it the parts are dropped when the upload fails.
            options: `cache_control`, `content_disposition`, `content_encoding`.

        Raises:
            UnreadableFile: there is no such file, or it can't be read.
            Changed: the file was written to meanwhile.
        """
        checks.function(progress, "progress")
        if isinstance(content, os.PathLike):
            content = checks.path(content, "content")
        description = {
            "content_type": content_type or media_type(content, key),
            "metadata": checks.mapping(metadata, "metadata"),
            **options,
        }
        with opened(content) as source:
            upload = Upload(
                self._api,
                self._store,
                self._retry,
                source=source,
                key=key,
                description=description,
                create_only=create_only,
                meter=Meter(progress, source.size),
                at_once=self._at_once,
            )
            return upload.run(state)

    def download(
        self,
        key: str,
        path_or_file: str | os.PathLike[str] | BinaryIO,
        *,
        version_id: str | None = None,
        sha256: str | None = None,
        progress: Progress | None = None,
        state: Kept = None,
    ) -> Downloaded:
        """Read an object into a file, which appears when it is whole.

        All ranges are of one version: if the object is replaced meanwhile, the download fails.

        Args:
            key: of the object.
            path_or_file: path of the file, which is replaced if there is one, or a file that is open for writing; that
                gets the bytes in order.
            version_id: of an older version.
            sha256: digest that the bytes must have; by default that in the object's metadata, where `upload` puts it.
            progress: is told the bytes received and the bytes in all. An exception that it raises ends the download.
            state: path of a file, or the caller's own mapping, that remembers what has arrived. The same call goes on
                from there. Without it nothing is left when the download fails.

        Raises:
            Changed: the object was replaced.
            ChecksumMismatch: the digest is another.
            UnwritableFile: the file can't be written.
        """
        checks.function(progress, "progress")
        checks.digest(sha256, "sha256")
        is_path = isinstance(path_or_file, (str, os.PathLike))
        if isinstance(path_or_file, io.TextIOBase) or not (is_path or hasattr(path_or_file, "write")):
            raise InvalidArgument(NOT_BINARY)
        stopped = threading.Event()
        reader = self.reader(key, version_id=version_id, stopped=stopped)
        download = Download(reader, stopped=stopped, at_once=self._at_once, progress=progress, sha256=sha256)
        if not isinstance(path_or_file, (str, os.PathLike)):
            return download.stream(path_or_file)
        path = checks.path(path_or_file, "The target")
        with writable():  # unless the working folder was deleted
            absolute = str(path.absolute())
        identity = {"bucket": self._api.bucket, "key": key, "version": version_id, "path": absolute}
        return download.run(path, State(state, identity=identity))

    def upload_folder(
        self,
        folder: str | os.PathLike[str],
        prefix: str,
        *,
        progress: Progress | None = None,
        state: str | os.PathLike[str] | None = None,
    ) -> FolderDone:
        """Store the files of a folder and of those in it. Files that are there already, with the same bytes, stay.

        Args:
            folder: path of the folder.
            prefix: of the keys, such as `photos/`; a slash is added where it has none.
            progress: is told the bytes sent and the bytes in all.
            state: path of a folder that remembers what was sent of large files.

        Raises:
            FolderError: some files failed; all others are stored.
        """
        checks.function(progress, "progress")
        states = checks.path(state, "state") if state is not None else None
        upload = FolderUpload(self._api, self._store, self._retry, at_once=self._at_once, states=states)
        return upload.run(checks.path(folder, "folder"), checks.text(prefix, "prefix"), progress)

    def download_folder(
        self,
        prefix: str,
        folder: str | os.PathLike[str],
        *,
        progress: Progress | None = None,
        state: str | os.PathLike[str] | None = None,
    ) -> FolderDone:
        """Read all objects below a prefix into a folder. Files that have the same bytes already stay as they are.

        Args:
            prefix: of the keys, such as `photos/`; a slash is added where it has none.
            folder: path of the folder, which is made if there is none.
            progress: is told the bytes received and the bytes in all.
            state: path of a folder that remembers what has arrived of large files.

        Raises:
            FolderError: some files failed; all others are there.
        """
        checks.function(progress, "progress")
        states = checks.path(state, "state") if state is not None else None
        download = FolderDownload(self._api, self._store, self._retry, at_once=self._at_once, states=states)
        return download.run(checks.text(prefix, "prefix"), checks.path(folder, "folder"), progress)

    def read(self, key: str, start: int = 0, end: int | None = None, *, version_id: str | None = None) -> bytes:
        """The bytes of an object from the offset `start` to before `end`, by default all of them.

        No digest is compared; `download` does that.
        """
        start = checks.number(start, "start")
        end = checks.number(end, "end") if end is not None else None
        reader = self.reader(key, version_id=version_id)
        try:
            return reader.content(start, end)
        finally:
            reader.close()

    def reader(self, key: str, *, version_id: str | None = None, stopped: threading.Event | None = None) -> Reader:
        """Reads ranges of an object, all of one version, with one URL for many of them.

        Args:
            key: of the object.
            version_id: of an older version.
            stopped: when it is set, reading ends.
        """
        link = Link(lambda: self._api.sign("get_object", key, version_id=version_id))
        return Reader(link, self._store, retry=self._retry, stopped=stopped)

    def list(self, prefix: str = "", *, delimiter: str | None = None) -> Iterator[Entry]:
        """The objects whose keys begin with `prefix`, in the order of their keys.

        Args:
            prefix: of the keys; the policy must allow it. Where rules give pre-authenticated requests it must end in a
                slash.
            delimiter: keys that are equal up to the first one behind the prefix become one entry.
        """
        return Listing(self._api, self._store, self._retry).entries(checks.text(prefix, "prefix"), delimiter)

    def head(self, key: str) -> Entry:
        """An object's size, its ETag, and when it was last written."""

        def attempt() -> Entry:
            answer = self._store.use(self._api.sign("head_object", key))
            return Entry(key, content_length(answer), etag(answer), rfc3339(answer.headers.get("Last-Modified", "")))

        return self._retry.run(attempt)

    def exists(self, key: str) -> bool:
        """Whether there is an object of this key."""
        try:
            self.head(key)
        except StoreError as error:
            if error.status == 404:
                return False
            raise
        return True

    def size(self, key: str) -> int:
        """The size of an object, in bytes."""
        return self.head(key).size

    def copy(self, source_key: str, key: str, *, source_bucket: str | None = None, **options: Any) -> str:
        """Make a copy of an object without moving its bytes here: the ETag of the copy.

        Args:
            source_key: of the object.
            key: of the copy.
            source_bucket: by default the client's.
            options: `source_version_id`, and others of `copy_object`.
        """
        request = {"source_key": source_key, "source_bucket": source_bucket, **options}

        def attempt() -> str:
            answer = self._store.use(self._api.sign("copy_object", key, **request), slow=True)
            return text(xml(answer, "CopyObjectResult"), "ETag")

        return self._retry.run(attempt)

    def delete(self, key: str, **options: Any) -> None:
        """Delete an object. There need not be one.

        Args:
            key: of the object.
            options: `version_id`.
        """
        self._retry.run(lambda: self._store.use(self._api.sign("delete_object", key, **options)))

    def revoke(self, url: PresignedUrl | str, *, bucket: str | None = None) -> None:
        """Take a pre-authenticated request back: its URL stops working at once.

        Args:
            url: as `url` or `links` gave it, or its `id`.
            bucket: the `bucket` of an `id`; by default the client's, or else the function's own.

        Raises:
            NotRevocable: it is a presigned URL.
        """
        if isinstance(url, PresignedUrl):
            par_id, bucket = url.id, bucket or url.bucket
        else:
            par_id = url
        if par_id is None:
            raise NotRevocable('A presigned URL can\'t be taken back; one that was asked for with via="par" can.')
        # The function's log tells the id, so it must not be the URL.
        if not isinstance(par_id, str) or par_id.lower().startswith(("https://", "http://")):
            raise InvalidArgument("The id of a URL is needed, not the URL.")
        self._api.revoke(par_id, bucket)
