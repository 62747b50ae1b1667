"""One upload: as a whole or in parts, by a presigned URL or by a pre-authenticated request."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from presign_client.answers import etag
from presign_client.api import Api
from presign_client.digests import base64_of, metadata_digest, told_digest
from presign_client.errors import PresignError, Problem, StoreError
from presign_client.meter import Meter
from presign_client.multipart import MultipartUpload
from presign_client.parts import ParParts, S3Parts
from presign_client.retry import Retry
from presign_client.source import Source
from presign_client.state import Kept, State
from presign_client.store import Store
from presign_client.urls import PresignedUrl

PARTS_FROM_BYTES = 16 << 20
"""Files of this size or more are sent in parts."""
DEFAULT_MEDIA_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class Uploaded:
    """An object that was stored.

    Attributes:
        key: of the object.
        size: in bytes.
        etag: that Object Storage gave it.
        sha256: digest of the bytes, hexadecimal.
    """

    key: str
    size: int
    etag: str
    sha256: str


class Upload:
    """Stores a file.

    Args:
        api: gives URLs.
        store: where they are used.
        retry: tries again what may succeed later.
        source: the file.
        key: of the object.
        description: options that say what the object is like.
        create_only: refuse to replace an object.
        meter: is told how far it has come.
        at_once: how many parts are sent at the same time.
    """

    def __init__(
        self,
        api: Api,
        store: Store,
        retry: Retry,
        *,
        source: Source,
        key: str,
        description: Mapping[str, Any],
        create_only: bool,
        meter: Meter,
        at_once: int,
    ) -> None:
        self._api, self._store, self._retry = api, store, retry
        self._source, self._key, self._meter, self._at_once = source, key, meter, at_once
        self._given, self._condition = description, {"if_none_match": "*"} if create_only else {}

    def run(self, kept: Kept = None, *, url: PresignedUrl | None = None) -> Uploaded:
        """Store it.

        Args:
            kept: state of an upload in parts, which a later call goes on with.
            url: for `request`, if it was asked for already.

        Raises:
            Changed: the file was written to meanwhile.
            PresignError: it failed.
        """
        state = State(kept, identity=self._identity) if self.has_parts else None
        asked_via = self._api.via or (state.get("via") if state else None)
        try:
            found = self._store_by(asked_via, state, url)
        except Problem as problem:
            if self._api.via or not problem.wants_par:
                raise
            found = self._store_by("par", state, None)
        return Uploaded(self._key, self._source.size, found, self._digests[0])

    @property
    def has_parts(self) -> bool:
        """Whether the file is too large to be sent as a whole."""
        return self._source.size >= PARTS_FROM_BYTES

    def request(self, via: str | None = None) -> dict[str, Any]:
        """The request for the URL that stores the file as a whole."""
        bound = {"content_length": self._source.size, "content_md5": base64_of(self._digests[1])}
        named = {"operation": "put_object", "key": self._key, "via": via}
        return {**named, **self._description, **self._condition, **({} if via == "par" else bound)}

    @cached_property
    def _digests(self) -> tuple[str, str]:
        """SHA-256 and MD5, from one pass over the file, so that they are of the same bytes."""
        return (self._source.sha256(), "") if self.has_parts else self._source.digests()

    @cached_property
    def _description(self) -> dict[str, Any]:
        metadata = {**self._given.get("metadata", {}), "sha256": metadata_digest(self._digests[0])}
        return {**self._given, "metadata": metadata}

    @cached_property
    def _identity(self) -> dict[str, Any]:
        return {"bucket": self._api.bucket, "key": self._key, "size": self._source.size, "sha256": self._digests[0]}

    def _store_by(self, via: str | None, state: State | None, url: PresignedUrl | None) -> str:
        return self._in_parts(via, state) if state else self._as_a_whole(via, url)

    def _as_a_whole(self, via: str | None, url: PresignedUrl | None) -> str:
        sent = {"Content-MD5": base64_of(self._digests[1])}
        asked = [url] if url else []
        has_failed = False

        def attempt() -> str:
            nonlocal has_failed
            use = asked.pop() if asked else self._api.ask(self.request(via))
            body = self._source.slice(0, self._source.size).watched(on_read=partial(self._on_sent, 1))
            try:
                return etag(self._store.use(use, body, headers=sent))
            except StoreError as error:
                self._source.check_unchanged()  # a file that was written to has another digest
                stored = self._stored() if error.status == 412 and has_failed else ""
                if stored:  # by the attempt before, whose answer was lost
                    return stored
                raise
            finally:
                has_failed = True

        found = self._retry.run(attempt)
        self._on_sent(1, self._source.size)  # an empty file is never read
        return found

    def _in_parts(self, via: str | None, state: State) -> str:
        make = ParParts if via == "par" else S3Parts
        parts = make(self._api, self._store, key=self._key, description=self._description, condition=self._condition)
        upload = MultipartUpload(
            parts, self._source, state, on_sent=self._on_sent, retry=self._retry, at_once=self._at_once
        )
        try:
            found = upload.run() or self._stored()
        except StoreError as error:
            found = self._stored_by_another(error)
        state.forget()
        if not found:
            raise StoreError("The upload is gone, and the object is not this file.", status=404, code="NoSuchUpload")
        return found

    def _stored(self) -> str:
        """The ETag of the object, if it is this file; else an empty text."""
        head = self._retry.run(lambda: self._store.use(self._api.sign("head_object", self._key)))
        return etag(head) if told_digest(head.headers) == self._digests[0] else ""

    def _stored_by_another(self, error: StoreError) -> str:
        """The ETag of the object after an upload is gone: the same may have run twice, and the other have completed it.

        Raises:
            StoreError: it has not.
        """
        with suppress(PresignError):
            if error.code == "NoSuchUpload" and (found := self._stored()):
                return found
        raise error

    def _on_sent(self, part: int, done: int) -> None:
        self._meter.set((self._key, part), done)


def media_type(content: object, key: str) -> str:
    """The type of a file, by its name or that of its key."""
    for name in (os.fspath(content) if isinstance(content, (str, os.PathLike)) else "", key):
        # Of the whole it would take a part for the host of a URL, which may be a wrong one.
        found = mimetypes.guess_type(str(name).rpartition("/")[2])[0]
        if found:
            return found
    return DEFAULT_MEDIA_TYPE
