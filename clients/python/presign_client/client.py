"""The client."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal

from presign_client.download import Download, Downloaded, Link
from presign_client.errors import Problem, StoreError
from presign_client.listing import Entry, par_entries, s3_entries
from presign_client.parts import ParParts, Parts, S3Parts
from presign_client.retry import Retry
from presign_client.source import Meter, Progress, Source, metadata_digest, opened, told_digest
from presign_client.store import Store, text, xml
from presign_client.upload import PartsUpload, Uploaded, UploadState, media_type
from presign_client.urls import PresignedUrl, Presigner

PARTS_FROM_BYTES = 16 << 20
"""Files of this size or more are sent in parts."""

Via = Literal["s3", "par"]


class Client:
    """Works with the objects of one bucket.

    Args:
        presigner: gives the URLs: a `Gateway` or a `Function`.
        bucket: by default the function's own default.
        via: `par` asks for pre-authenticated requests, `s3` for signed URLs; by default the policy decides.
        retry: tries again what may succeed later.
        at_once: how many parts or ranges of one file are transferred at the same time.

    Every method raises `PresignError`: a `Problem` if the function refused, a `StoreError` if Object Storage did, or
    `ConnectionFailed`.
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
        self._presigner = presigner
        self._common = {"bucket": bucket, "via": via}
        self._via = via
        self._retry = retry or Retry()
        self._at_once = at_once
        self._store = Store(connections=at_once)

    def url(self, key: str, operation: str = "get_object", **options: Any) -> PresignedUrl:
        """A URL for one operation on an object. While it lasts, its holder needs no other permission.

        Args:
            key: of the object.
            operation: see the function's reference.
            options: of the operation, and `expires_in`.
        """
        return self._retry.run(lambda: self._presign({"operation": operation, "key": key, **options}))

    def upload(
        self,
        path_or_file: str | os.PathLike[str] | BinaryIO,
        key: str,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        create_only: bool = False,
        progress: Progress | None = None,
        state: MutableMapping[str, Any] | str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> Uploaded:
        """Store a file. Object Storage compares the MD5 digest of what it gets, part by part.

        Args:
            path_or_file: path of the file, or a seekable file; what is behind its position is stored.
            key: of the object.
            content_type: media type; by default the one that the file's name suggests.
            metadata: names and values. `sha256`, the digest in Base64, is always among them.
            create_only: refuse to replace an object.
            progress: is told the bytes sent and the bytes in all, by several threads, one at a time.
            state: path of a file, or the caller's own mapping, that remembers what was sent in parts. The same call
                goes on from there, in another process too. Without it the parts are dropped when the upload fails.
            options: `cache_control`, `content_disposition`, `content_encoding`.

        Raises:
            Changed: the file was written to meanwhile.
            ValueError: the file is not seekable.
        """
        with opened(path_or_file) as source:
            digest = source.slice(0, source.size).sha256()
            description = {
                "content_type": content_type or media_type(path_or_file, key),
                "metadata": {**(metadata or {}), "sha256": metadata_digest(digest)},
                **options,
            }
            condition = {"if_none_match": "*"} if create_only else {}
            meter = Meter(progress, source.size)
            identity = {"bucket": self._common["bucket"], "key": key, "size": source.size, "sha256": digest}
            kept = UploadState(state, identity=identity)
            store = partial(self._upload, source, key, description, condition=condition, meter=meter, state=kept)
            try:
                etag = store(via=self._via or kept.via)
            except Problem as problem:
                if self._via or not problem.wants_par:
                    raise
                etag = store(via="par")
        return Uploaded(key, source.size, etag, digest)

    def download(
        self,
        key: str,
        path: str | os.PathLike[str],
        *,
        version_id: str | None = None,
        sha256: str | None = None,
        progress: Progress | None = None,
    ) -> Downloaded:
        """Read an object into a file, which appears when it is whole.

        All ranges are of one version: if the object is replaced meanwhile, the download fails.

        Args:
            key: of the object.
            path: of the file, which is replaced if there is one.
            version_id: of an older version.
            sha256: digest that the bytes must have; by default that in the object's metadata, where `upload` puts it.
            progress: is told the bytes received and the bytes in all.

        Raises:
            Changed: the object was replaced.
            ChecksumMismatch: the digest is another.
        """
        link = Link(lambda: self._presign({"operation": "get_object", "key": key, "version_id": version_id}))
        download = Download(link, self._store, retry=self._retry, at_once=self._at_once, progress=progress)
        return download.run(Path(path), sha256=sha256)

    def list(self, prefix: str = "", *, delimiter: str | None = None) -> Iterator[Entry]:
        """The objects whose keys begin with `prefix`, in the order of their keys.

        Args:
            prefix: of the keys; the policy must allow it. Where rules give pre-authenticated requests it must end in a
                slash.
            delimiter: keys that are equal up to the first one behind the prefix become one entry.
        """
        if self._via != "par":
            options = {"operation": "list_objects_v2", "prefix": prefix, "delimiter": delimiter}
            try:
                yield from s3_entries(lambda **more: self._retry.run(lambda: self._presign(more)), self._store, options)
                return
            except Problem as problem:
                if self._via or not (problem.wants_par or problem.code == "access_denied"):
                    raise
        request = {"operation": "get_prefix", "prefix": prefix, "listing": True}
        folder = self._retry.run(lambda: self._presign(request))
        yield from par_entries(folder, self._store, prefix=prefix, delimiter=delimiter)

    def copy(self, source_key: str, key: str, *, source_bucket: str | None = None, **options: Any) -> str:
        """Make a copy of an object without moving its bytes here: the ETag of the copy.

        Args:
            source_key: of the object.
            key: of the copy.
            source_bucket: by default the client's.
            options: `source_version_id`, and others of `copy_object`.
        """
        request = {"source_key": source_key, "source_bucket": source_bucket, **options}
        return self._retry.run(
            lambda: text(xml(self._store.use(self._sign(key, "copy_object", **request), slow=True)), "ETag")
        )

    def delete(self, key: str, **options: Any) -> None:
        """Delete an object. There need not be one.

        Args:
            key: of the object.
            options: `version_id`.
        """
        self._retry.run(lambda: self._store.use(self._sign(key, "delete_object", **options)))

    def revoke(self, par_id: str, *, bucket: str | None = None) -> None:
        """Take a pre-authenticated request back: its URL stops working at once.

        Args:
            par_id: the `id` of the `PresignedUrl`.
            bucket: its `bucket`; by default the client's.
        """
        named = bucket or self._common["bucket"]
        request = {"id": par_id, **({"bucket": named} if named else {})}
        self._retry.run(lambda: self._presigner.revoke(request))

    def _upload(
        self,
        source: Source,
        key: str,
        description: Mapping[str, Any],
        *,
        condition: Mapping[str, str],
        meter: Meter,
        state: UploadState,
        via: str | None,
    ) -> str:
        """Store a file: the object's ETag."""
        presign = partial(self._sign, key, via=via)
        if source.size < PARTS_FROM_BYTES:
            return self._upload_whole(source, partial(presign, "put_object", **description, **condition), meter, via)
        make = ParParts if via == "par" else S3Parts
        parts = make(presign, self._store, description=description, condition=condition)
        return self._upload_parts(source, parts, state, meter, key)

    def _upload_whole(self, source: Source, presign: Callable[..., PresignedUrl], meter: Meter, via: str | None) -> str:
        whole = source.slice(0, source.size)
        sent = {"Content-Length": str(source.size), "Content-MD5": whole.md5()}
        signed = {} if via == "par" else {"content_length": source.size, "content_md5": sent["Content-MD5"]}

        def attempt() -> str:
            url = presign(**signed)
            # An empty file would go out in chunks, which the signed length does not allow.
            body = whole.watched(on_read=partial(meter.set, 0)) if source.size else b""
            return self._store.use(url, body, headers=sent).headers.get("ETag", "")

        return self._retry.run(attempt)

    def _upload_parts(self, source: Source, parts: Parts, state: UploadState, meter: Meter, key: str) -> str:
        upload = PartsUpload(parts, source, state, meter=meter, retry=self._retry, at_once=self._at_once)
        etag = upload.run()
        if etag is None:
            head = self._retry.run(lambda: self._store.use(self._sign(key, "head_object")))
            if told_digest(head.headers) != source.slice(0, source.size).sha256():
                state.forget()
                raise StoreError(
                    "The upload is gone, and the object is not this file.", status=404, code="NoSuchUpload"
                )
            etag = head.headers.get("ETag", "")
        state.forget()
        return etag

    def _sign(self, key: str, operation: str, **options: Any) -> PresignedUrl:
        return self._presign({"operation": operation, "key": key, **options})

    def _presign(self, request: Mapping[str, Any]) -> PresignedUrl:
        asked = {name: value for name, value in {**self._common, **request}.items() if value is not None}
        return PresignedUrl.from_answer(self._presigner.presign(asked))
