"""Multipart uploads: parts that come one by one, in any order, and become one object."""

from __future__ import annotations

import hashlib
import resource
import threading
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from local.api import ApiError
from local.object_storage.content import Content
from local.object_storage.objects import Objects
from local.object_storage.stored_object import StoredObject, stored_object

MAX_PART_NUMBER = 10_000

_OPEN_FILES = 16_384


@dataclass
class Upload:
    """An upload that was begun and is neither completed nor aborted.

    Args:
        bucket, key: of the object.
        headers: of the request that began the upload.
        metadata_prefix: of those headers that hold metadata.
        id: of the upload.
        created_at: when the upload was begun.
        parts: by number.
    """

    bucket: str
    key: str
    headers: list[tuple[str, str]]
    metadata_prefix: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    parts: dict[int, StoredObject] = field(default_factory=dict)


class Uploads:
    """The unfinished uploads.

    Args:
        objects: where the finished ones go.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.Lock()
        _allow_open_files()

    def begin(self, bucket: str, key: str, headers: Iterable[tuple[str, str]], *, metadata_prefix: str) -> Upload:
        """Begin an upload.

        Raises:
            ApiError: there is no such bucket.
        """
        self._objects.require_bucket(bucket)
        upload = Upload(bucket, key, list(headers), metadata_prefix)
        self._uploads[upload.id] = upload
        return upload

    def of_bucket(self, bucket: str) -> list[Upload]:
        """The unfinished uploads of a bucket.

        Raises:
            ApiError: there is no such bucket.
        """
        self._objects.require_bucket(bucket)
        return [upload for upload in tuple(self._uploads.values()) if upload.bucket == bucket]

    def find(self, bucket: str, key: str, upload_id: str) -> Upload:
        """The upload of this id.

        Raises:
            ApiError: there is none, or it is for another object.
        """
        upload = self._uploads.get(upload_id)
        if upload is None or (upload.bucket, upload.key) != (bucket, key):
            message = (
                "The specified upload does not exist. The upload ID may be invalid, "
                "or the upload may have been aborted or completed."
            )
            raise ApiError(404, "NoSuchUpload", message, UploadId=upload_id)
        return upload

    def put_part(self, upload: Upload, number: int, content: Content) -> StoredObject:
        """Store a part in place of an earlier one of this number."""
        upload.parts[number] = part = stored_object(str(number), content, (), metadata_prefix=upload.metadata_prefix)
        return part

    def abort(self, upload: Upload) -> None:
        """Forget an upload and its parts."""
        self._uploads.pop(upload.id, None)

    def complete(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        parts: Sequence[tuple[int, str]] | None,
        *,
        create_only: bool,
        min_part_bytes: int,
    ) -> StoredObject:
        """Make the object. The same request again gives the same object.

        Args:
            parts: numbers and S3 ETags of the parts that make the object; every part if None.
            create_only: refuse to replace an object.
            min_part_bytes: of each part but the last.

        Raises:
            ApiError: there is no such upload, a part is missing, differs, is too small or in the wrong place, or there
                is an object that must stay.
        """
        with self._lock:  # so that a request that is sent again finds the object, not the parts on their way into it
            made = self._objects.find(bucket, key)
            if made and made.upload_id == upload_id:
                return made
            upload = self.find(bucket, key, upload_id)
            wanted = [(number, part.s3_etag) for number, part in sorted(upload.parts.items())]
            made = _joined(upload, _chosen(upload, wanted if parts is None else parts, min_part_bytes))
            self._objects.put(bucket, made, create_only=create_only)
            self.abort(upload)
            return made


def _chosen(upload: Upload, wanted: Sequence[tuple[int, str]], min_part_bytes: int) -> list[StoredObject]:
    """The parts that make the object."""
    numbers = [number for number, _ in wanted]
    if numbers != sorted(set(numbers)):
        message = (
            "The list of parts was not in ascending order. The parts list must be specified in order by part number."
        )
        raise ApiError(400, "InvalidPartOrder", message)
    chosen = []
    for number, etag in wanted:
        part = upload.parts.get(number)
        if part is None or part.s3_etag != etag:
            message = (
                "One or more of the specified parts could not be found.  The part may not have been uploaded, "
                "or the specified entity tag may not match the part's entity tag."
            )
            raise ApiError(400, "InvalidPart", message, PartNumber=str(number), ETag=etag)
        chosen.append(part)
    for part in chosen[:-1]:
        if part.content.size < min_part_bytes:
            raise ApiError(
                400,
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=str(part.content.size),
                MinSizeAllowed=str(min_part_bytes),
                PartNumber=part.key,
            )
    return chosen


def _joined(upload: Upload, parts: Sequence[StoredObject]) -> StoredObject:
    content = Content()
    digests = hashlib.md5(usedforsecurity=False)
    for part in parts:
        for chunk in part.content.chunks():
            content.write(chunk)
        digests.update(bytes.fromhex(part.s3_etag))
    return stored_object(
        upload.key,
        content,
        upload.headers,
        metadata_prefix=upload.metadata_prefix,
        s3_etag=f"{digests.hexdigest()}-{len(parts)}",
        upload_id=upload.id,
    )


def _allow_open_files() -> None:
    """Raise this process's limit of open files, since every large part has one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
