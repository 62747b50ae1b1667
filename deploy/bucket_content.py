"""The content of a bucket: Object Storage deletes no bucket that has any of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from deploy import oci_pages


class BucketContent:
    """The objects with their versions, the unfinished uploads and the pre-authenticated requests of a bucket.

    Args:
        client: of the SDK, for Object Storage.
        namespace: of Object Storage.
        bucket: its name.
    """

    def __init__(self, client: Any, *, namespace: str, bucket: str) -> None:
        self.bucket = bucket
        self._client = client
        self._place = (namespace, bucket)

    def kinds(self) -> list[str]:
        """The kinds of which there is any, in words; none if somebody has deleted the bucket.

        Raises:
            oci.exceptions.ServiceError: OCI refuses.
        """
        from oci.exceptions import ServiceError

        try:
            return [name for name, (items, _) in self._all().items() if next(items(), None) is not None]
        except ServiceError as exc:
            # OCI answers so where a right is missing, too. Terraform tells what it can't delete then.
            if exc.status == 404:
                return []
            raise

    def delete(self) -> None:
        """Delete all of it.

        Raises:
            oci.exceptions.ServiceError: OCI refuses.
        """
        for items, delete in self._all().values():
            for item in list(items()):
                delete(item)

    def _all(self) -> dict[str, tuple[Callable[[], Iterator[Any]], Callable[[Any], Any]]]:
        client, place = self._client, self._place
        return {
            "objects": (
                lambda: self._list(client.list_object_versions),
                lambda one: client.delete_object(*place, one.name, version_id=one.version_id),
            ),
            "unfinished uploads": (
                lambda: self._list(client.list_multipart_uploads),
                lambda one: client.abort_multipart_upload(*place, one.object, one.upload_id),
            ),
            "pre-authenticated requests": (
                lambda: self._list(client.list_preauthenticated_requests),
                lambda one: client.delete_preauthenticated_request(*place, one.id),
            ),
        }

    def _list(self, operation: Any) -> Iterator[Any]:
        return oci_pages.each(operation, *self._place)
