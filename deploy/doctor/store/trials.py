"""Trials: small objects that a step writes to see what the store does, and their removal."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from deploy import oci_pages
from deploy.doctor.store.signed_bucket import SignedBucket
from deploy.doctor.web import Answer
from presign.model.operation import ObjectOperation
from presign.model.operations.multipart import CreateMultipartUpload

_upload_id = re.compile(r"<UploadId>([^<]+)</UploadId>")


class Remover(Protocol):
    """Removes objects and unfinished uploads with the operator's own credentials; either method may raise any error."""

    def delete_object(self, key: str) -> None:
        """Delete an object with all its versions."""

    def abort_uploads(self, key: str) -> None:
        """Abort the uploads in parts of an object."""


class NativeRemover:
    """A `Remover` that uses the native API of Object Storage.

    Args:
        client: the SDK's client of Object Storage, which signs as the operator.
        namespace, bucket: of the objects.
    """

    def __init__(self, client: Any, *, namespace: str, bucket: str) -> None:
        self._client = client
        self._bucket = (namespace, bucket)

    def delete_object(self, key: str) -> None:
        """Delete an object with all its versions."""
        self._client.delete_object(*self._bucket, key)
        if self._client.get_bucket(*self._bucket).data.versioning != "Disabled":
            for version in self._client.list_object_versions(*self._bucket, prefix=key).data.items:
                self._client.delete_object(*self._bucket, version.name, version_id=version.version_id)

    def abort_uploads(self, key: str) -> None:
        """Abort the uploads in parts of an object."""
        for upload in [*oci_pages.each(self._client.list_multipart_uploads, *self._bucket)]:
            if upload.object == key:
                self._client.abort_multipart_upload(*self._bucket, key, upload.upload_id)


class Trials:
    """A context manager for a few small objects with random names below one prefix; it removes them in the end.

    Args:
        bucket: where they are.
        prefix: of their keys.
        remover: removes them.

    Attributes:
        left: after the end, the keys that could not be removed.
    """

    def __init__(self, bucket: SignedBucket, *, prefix: str, remover: Remover) -> None:
        self.bucket = bucket
        self.left: list[str] = []
        self._prefix = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
        self._remover = remover
        self._objects: set[str] = set()
        self._uploads: set[str] = set()

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *_: object) -> None:
        removals = [(self._remover.abort_uploads, key) for key in sorted(self._uploads)]
        removals += [(self._remover.delete_object, key) for key in sorted(self._objects)]
        for remove, key in removals:
            try:
                remove(key)
            except Exception:  # noqa: BLE001 - the others must go all the same
                self.left.append(key)

    def key(self) -> str:
        """A key that no object has."""
        return f"{self._prefix}presign-doctor-{uuid.uuid4().hex}"

    def write(self, operation: ObjectOperation, content: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Write an object, as `SignedBucket.send` does; it is removed in the end unless the store refuses it."""
        known = operation.key in self._objects
        self._objects.add(operation.key)
        answer = self.bucket.send(operation, content, headers)
        if 400 <= answer.status < 500 and not known:
            self._objects.discard(operation.key)
        return answer

    def begin_upload(self, key: str) -> str | None:
        """The upload id of a new upload in parts; None if the store refuses it."""
        self._uploads.add(key)
        found = _upload_id.search(self.bucket.send(CreateMultipartUpload(key=key), b"").body.decode(errors="replace"))
        if found is None:
            self._uploads.discard(key)
            return None
        return found[1]
