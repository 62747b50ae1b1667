"""One upload in parts, which are remembered so that a later call can go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from presign_client.digests import told_md5
from presign_client.errors import PresignError, StoreError
from presign_client.parts import Parts
from presign_client.retry import Retry, run_all
from presign_client.source import Source
from presign_client.state import State

_GONE = (401, 404)
"""The status if there is no such upload: of the S3 API and of the native API, which has none but 401 for a dead URL."""


class MultipartUpload:
    """Sends a file in parts, those that Object Storage has already left out.

    Args:
        parts: the upload.
        source: the file.
        state: what is known of an earlier attempt, and is kept up to date.
        on_sent: is told a part's number and how many bytes of it have gone.
        retry: tries again what may succeed later.
        at_once: how many parts are sent at the same time.
    """

    def __init__(
        self,
        parts: Parts,
        source: Source,
        state: State,
        *,
        on_sent: Callable[[int, int], None],
        retry: Retry,
        at_once: int,
    ) -> None:
        self._parts, self._source, self._state = parts, source, state
        self._on_sent, self._retry, self._at_once = on_sent, retry, at_once
        self._stopped = threading.Event()

    def run(self) -> str | None:
        """The object's ETag; None if an earlier attempt may have completed the upload, which the caller must find out.

        Raises:
            PresignError: it failed. Without a state that is kept, the parts were dropped.
        """
        sent = self._begun()
        if sent is None:
            return None
        for number in sent:
            self._on_sent(number, self._length(number))
        missing = [number for number in self._numbers() if number not in sent]
        self._parts.expect(self._upload_id, {number: self._length(number) for number in missing})
        jobs = [partial(self._send, number) for number in missing]
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
            self._retry.run(lambda: self._parts.abort(self._upload_id))
        self._state.forget()

    @property
    def _upload_id(self) -> str:
        return str(self._state.get("upload_id", ""))

    def _etags(self) -> dict[int, str]:
        return {number: str(etag) for number, etag in self._state.numbered("etags").items()}

    @property
    def _part_bytes(self) -> int:
        found = self._state.get("part_bytes")
        return found if isinstance(found, int) and found > 0 else 0

    def _begun(self) -> dict[int, str] | None:
        """The ETags of the parts that are there and right, None if the upload is over."""
        if self._upload_id and self._part_bytes:
            try:
                sent = self._retry.run(lambda: self._parts.sent(self._upload_id, self._etags()))
            except StoreError as error:
                if error.code != "NoSuchUpload":
                    raise
                if self._state.get("completing"):
                    return None
            else:
                right = {number: etag for number, etag in sent.items() if self._is_right(number, etag)}
                self._state.set(etags={str(number): etag for number, etag in right.items()})
                return right
        upload_id, part_bytes = self._retry.run(lambda: self._parts.begin(self._source.size))
        self._state.set(via=self._parts.via, upload_id=upload_id, part_bytes=part_bytes, etags={}, digests={})
        return {}

    def _is_right(self, number: int, etag: str) -> bool:
        """Whether a part that Object Storage has holds the bytes of the file: it may have changed while it was sent."""
        if number not in self._numbers():
            return False
        md5 = self._source.slice(self._offset(number), self._length(number)).md5()
        # Where ETags are no digests, ours tells what was sent; it belongs to the ETag that came back then.
        known = self._state.numbered("digests").get(number) if self._etags().get(number) == etag else None
        return md5 == (told_md5(etag) or known)

    def _numbers(self) -> range:
        return range(1, max(1, -(-self._source.size // self._part_bytes)) + 1)

    def _offset(self, number: int) -> int:
        return (number - 1) * self._part_bytes

    def _length(self, number: int) -> int:
        return min(self._part_bytes, self._source.size - self._offset(number))

    def _send(self, number: int) -> None:
        part = self._source.slice(self._offset(number), self._length(number))

        def attempt() -> tuple[str, str]:
            md5 = part.md5()
            body = part.watched(on_read=partial(self._on_sent, number), stopped=self._stopped)
            try:
                return self._parts.send(self._upload_id, number, body, md5), md5
            except StoreError:
                self._source.check_unchanged()  # a file that was written to has another digest
                raise

        etag, md5 = self._retry.run(attempt, self._stopped)
        self._state.add(number, etags=etag, digests=md5)

    def _complete(self) -> str | None:
        may_be_completed = bool(self._state.get("completing"))
        self._state.set(completing=True)

        def attempt() -> str | None:
            nonlocal may_be_completed
            try:
                return self._parts.complete(self._upload_id, self._etags())
            except StoreError as error:
                # The answer to an earlier attempt may have been lost; then that has completed the upload.
                if may_be_completed and error.status in (*_GONE, 412):
                    return None
                raise
            finally:
                may_be_completed = True

        return self._retry.run(attempt)
