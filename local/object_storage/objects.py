"""Buckets and the objects in them. The APIs check access; nothing here does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from local.api import ApiError
from local.object_storage.stored_object import StoredObject


@dataclass(frozen=True)
class Listing:
    """One page of a list of objects.

    Args:
        objects: in the order of their keys.
        prefixes: what the keys of all other objects on this page have in common.
        next_key: the first key of the next page, empty if this page is the last.
    """

    objects: list[StoredObject]
    prefixes: list[str]
    next_key: str


class Objects:
    """Some buckets.

    Attributes:
        on_written: is called for each object that was stored: with the bucket, the object, and whether it replaced
            another.
    """

    def __init__(self) -> None:
        self.on_written: Callable[[str, StoredObject, bool], object] | None = None
        self._lock = threading.Lock()
        self._buckets: dict[str, dict[str, StoredObject]] = {}

    @property
    def buckets(self) -> list[str]:
        """The names of all."""
        return list(self._buckets)

    def create_bucket(self, bucket: str) -> None:
        """Make an empty bucket, unless it exists."""
        self._buckets.setdefault(bucket, {})

    def require_bucket(self, bucket: str) -> None:
        """Return if the bucket exists.

        Raises:
            ApiError: it does not.
        """
        self._bucket(bucket)

    def find(self, bucket: str, key: str) -> StoredObject | None:
        """An object, None if the bucket has none of this key.

        Raises:
            ApiError: there is no such bucket.
        """
        return self._bucket(bucket).get(key)

    def put(self, bucket: str, stored: StoredObject, *, create_only: bool) -> None:
        """Store an object in place of an earlier one.

        Args:
            create_only: refuse to replace an earlier one.

        Raises:
            ApiError: there is no such bucket, or there is an earlier object that must stay.
        """
        objects = self._bucket(bucket)
        with self._lock:
            is_update = stored.key in objects
            if create_only and is_update:
                message = "At least one of the pre-conditions you specified did not hold"
                raise ApiError(412, "PreconditionFailed", message, Condition="If-None-Match")
            objects[stored.key] = stored
        if self.on_written:
            self.on_written(bucket, stored, is_update)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object if it exists.

        Raises:
            ApiError: there is no such bucket.
        """
        self._bucket(bucket).pop(key, None)

    def list(
        self, bucket: str, *, prefix: str = "", delimiter: str = "", start: str = "", end: str = "", limit: int
    ) -> Listing:
        """One page of the objects whose keys begin with `prefix`, ordered by the UTF-8 bytes of their keys.

        Args:
            prefix: of the keys.
            delimiter: keys that are equal up to the first delimiter behind the prefix count as one common prefix.
            start: the least key.
            end: keys from this one on are left out, none if empty.
            limit: how many objects and common prefixes the page may have.

        Raises:
            ApiError: there is no such bucket.
        """
        objects: list[StoredObject] = []
        prefixes: list[str] = []
        found = [
            (key.encode(), stored) for key, stored in tuple(self._bucket(bucket).items()) if key.startswith(prefix)
        ]
        for _, stored in sorted(found, key=lambda pair: pair[0]):
            if end and stored.key.encode() >= end.encode():
                break
            at = stored.key.find(delimiter, len(prefix)) if delimiter else -1
            common = stored.key[: at + len(delimiter)] if at >= 0 else ""
            if stored.key.encode() < start.encode() or (common and common in prefixes[-1:]):
                continue
            if len(objects) + len(prefixes) == limit:
                return Listing(objects, prefixes, common or stored.key)
            if common:
                prefixes.append(common)
            else:
                objects.append(stored)
        return Listing(objects, prefixes, "")

    def _bucket(self, bucket: str) -> dict[str, StoredObject]:
        try:
            return self._buckets[bucket]
        except KeyError:
            message = "The specified bucket does not exist"
            raise ApiError(404, "NoSuchBucket", message, BucketName=bucket) from None
