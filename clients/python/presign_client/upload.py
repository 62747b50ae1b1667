"""One upload: as a whole, or in parts that are remembered so that a later call can go on."""

from __future__ import annotations

import json
import mimetypes
import os
import threading
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from presign_client.errors import PresignError, StoreError
from presign_client.parts import Parts
from presign_client.retry import Retry, run_all
from presign_client.source import Meter, Source

_GONE = (401, 404)
"""The status if there is no such upload: of the S3 API and of the native API, which has none but 401 for a dead URL."""
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


class UploadState:
    """The state of an upload, which is needed to go on with it.

    Args:
        kept: the caller's own mapping, which is kept up to date, or the path of a JSON file.
        identity: what makes an upload the same one.
    """

    def __init__(
        self, kept: MutableMapping[str, Any] | str | os.PathLike[str] | None, *, identity: Mapping[str, Any]
    ) -> None:
        self._path = Path(kept) if isinstance(kept, (str, os.PathLike)) else None
        self._values: MutableMapping[str, Any] = {}
        self.is_kept = kept is not None
        if isinstance(kept, MutableMapping):
            self._values = kept
        elif self._path and self._path.exists():
            self._values = json.loads(self._path.read_text("utf-8"))
        self._identity = identity
        self._lock = threading.Lock()
        if self._values.get("of") != identity:
            self._values.clear()

    @property
    def upload_id(self) -> str:
        """Of the upload that was begun, empty if none was."""
        return str(self._values.get("upload_id", ""))

    @property
    def via(self) -> str | None:
        """How the upload that was begun is given access, None if none was."""
        return self._values.get("via")

    @property
    def part_bytes(self) -> int:
        """The size of its parts."""
        return int(self._values["part_bytes"])

    @property
    def etags(self) -> dict[int, str]:
        """ETags of the parts that were sent, by their numbers."""
        return {int(number): etag for number, etag in self._values.get("etags", {}).items()}

    @property
    def is_completing(self) -> bool:
        """Whether the parts may have been joined already."""
        return bool(self._values.get("completing"))

    def begin(self, upload_id: str, part_bytes: int, *, via: str) -> None:
        """Remember that an upload has begun."""
        self._set(of=dict(self._identity), via=via, upload_id=upload_id, part_bytes=part_bytes, etags={})

    def add(self, number: int, etag: str) -> None:
        """Remember that a part was sent."""
        with self._lock:
            self._values["etags"] = {**self._values["etags"], str(number): etag}
            self._save()

    def replace(self, etags: Mapping[int, str]) -> None:
        """Remember these parts, and no others."""
        self._set(etags={str(number): etag for number, etag in etags.items()})

    def complete(self) -> None:
        """Remember that the parts are about to be joined."""
        self._set(completing=True)

    def forget(self) -> None:
        """Remember nothing more."""
        self._values.clear()
        if self._path:
            self._path.unlink(missing_ok=True)

    def _set(self, **values: Any) -> None:
        with self._lock:
            self._values.update(values)
            self._save()

    def _save(self) -> None:
        if not self._path:
            return
        # For this user alone: with a pre-authenticated request the upload's id is a URL.
        new = self._path.with_name(f"{self._path.name}.new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(dict(self._values), file)
        new.replace(self._path)


class PartsUpload:
    """Sends a file in parts, those that Object Storage has already left out.

    Args:
        parts: the upload.
        source: the file.
        state: what is known of an earlier attempt, and is kept up to date.
        meter: is told how far it has come.
        retry: tries again what may succeed later.
        at_once: how many parts are sent at the same time.
    """

    def __init__(
        self, parts: Parts, source: Source, state: UploadState, *, meter: Meter, retry: Retry, at_once: int
    ) -> None:
        self._parts, self._source, self._state = parts, source, state
        self._meter, self._retry, self._at_once = meter, retry, at_once
        self._stopped = threading.Event()

    def run(self) -> str | None:
        """The object's ETag; None if an earlier attempt may have completed the upload, which the caller must find out.

        Raises:
            PresignError: it failed. Without a state that is kept, the parts were dropped.
        """
        etags = self._begun()
        if etags is None:
            return None
        size = self._state.part_bytes
        numbers = range(1, max(1, -(-self._source.size // size)) + 1)
        for number in etags:
            self._meter.set(number, self._length(number))
        jobs = [partial(self._send, number) for number in numbers if number not in etags]
        try:
            run_all(jobs, at_once=self._at_once, stopped=self._stopped)
            self._source.check_unchanged()
            return self._complete()
        except BaseException as error:
            if not self._state.is_kept:
                self.abort()
            elif isinstance(error, StoreError) and error.status in _GONE:
                self._state.forget()
            raise

    def abort(self) -> None:
        """Drop the parts; if that fails, a lifecycle rule of the bucket must."""
        with suppress(PresignError):
            self._parts.abort(self._state.upload_id)
        self._state.forget()

    def _begun(self) -> dict[int, str] | None:
        """The ETags of the parts that are there, None if the upload is over."""
        if self._state.upload_id:
            try:
                sent = self._retry.run(lambda: self._parts.sent(self._state.upload_id, self._state.etags))
                self._state.replace(sent)
                return sent
            except StoreError as error:
                if error.code != "NoSuchUpload":
                    raise
                if self._state.is_completing:
                    return None
        upload_id, part_bytes = self._retry.run(lambda: self._parts.begin(self._source.size))
        self._state.begin(upload_id, part_bytes, via=self._parts.via)
        return {}

    def _length(self, number: int) -> int:
        size = self._state.part_bytes
        return min(size, self._source.size - (number - 1) * size)

    def _send(self, number: int) -> None:
        part = self._source.slice((number - 1) * self._state.part_bytes, self._length(number))
        md5 = part.md5()

        def attempt() -> str:
            body = part.watched(on_read=partial(self._meter.set, number), stopped=self._stopped)
            return self._parts.send(self._state.upload_id, number, body, md5)

        self._state.add(number, self._retry.run(attempt, self._stopped))

    def _complete(self) -> str | None:
        may_be_completed = self._state.is_completing
        self._state.complete()

        def attempt() -> str | None:
            nonlocal may_be_completed
            try:
                return self._parts.complete(self._state.upload_id, self._state.etags)
            except StoreError as error:
                # The answer to an earlier attempt may have been lost; then that has completed the upload.
                if may_be_completed and error.status in (*_GONE, 412):
                    return None
                raise
            finally:
                may_be_completed = True

        return self._retry.run(attempt)


def media_type(path_or_file: object, key: str) -> str:
    """The type of a file, by its name or that of its key."""
    for name in (os.fspath(path_or_file) if isinstance(path_or_file, (str, os.PathLike)) else "", key):
        found = mimetypes.guess_type(str(name))[0]
        if found:
            return found
    return DEFAULT_MEDIA_TYPE
