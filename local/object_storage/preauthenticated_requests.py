"""Pre-authenticated requests (PARs): URLs with a token that gives access until it expires or is deleted."""

from __future__ import annotations

import base64
import itertools
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec

from local.api import ApiError
from local.object_storage.native_answer import timestamp
from local.object_storage.native_target import check_object_name
from local.parameters import decoded

MAX_PAGE_ITEMS = 1000

AccessType = Literal[
    "ObjectRead", "ObjectWrite", "ObjectReadWrite", "AnyObjectRead", "AnyObjectWrite", "AnyObjectReadWrite"
]


class CreateDetails(msgspec.Struct, frozen=True, rename="camel"):
    """The body of CreatePreauthenticatedRequest.

    Args:
        name: for people.
        access_type: the requests that the PAR allows.
        time_expires: from then on the PAR allows nothing.
        object_name: the object; with an `AnyObject…` type a prefix, all objects if None.
        bucket_listing_action: with a type that reads any object, whether its holder may list the objects.
    """

    name: Annotated[str, msgspec.Meta(min_length=1)]
    access_type: AccessType
    time_expires: Annotated[datetime, msgspec.Meta(tz=True)]
    object_name: str | None = None
    bucket_listing_action: Literal["Deny", "ListObjects"] | None = None


@dataclass(frozen=True)
class PreauthenticatedRequest:
    """A PAR.

    Args:
        bucket: the one that it gives access to.
        details: of its creation.
        created_at: the time of its creation.
        number: the order in which PARs are listed.
        token: the secret part of its URL.
        nonce: the random part of its id.
    """

    bucket: str
    details: CreateDetails
    created_at: datetime
    number: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    nonce: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(31)).decode())

    @property
    def id(self) -> str:
        """Names the PAR in the API. It may contain any character."""
        return f"{self.nonce}/+:{self.details.object_name or ''}"

    @property
    def is_for_any_object(self) -> bool:
        """Whether it is for all objects below a prefix."""
        return self.details.access_type.startswith("Any")

    def allows(self, method: str, key: str) -> bool:
        """Whether its holder may send a request for an object."""
        name = self.details.object_name or ""
        in_scope = key.startswith(name) if self.is_for_any_object else key == name
        if method in ("GET", "HEAD"):
            return in_scope and "Read" in self.details.access_type
        return in_scope and method == "PUT" and "Write" in self.details.access_type

    def allows_listing(self, prefix: str) -> bool:
        """Whether its holder may list the objects whose keys begin with `prefix`."""
        action = self.details.bucket_listing_action
        return action == "ListObjects" and prefix.startswith(self.details.object_name or "")

    def access_uri(self, namespace: str) -> str:
        """The path of its URL; with an `AnyObject…` type the holder appends the object's whole name."""
        name = "" if self.is_for_any_object else quote(self.details.object_name or "", safe="/")
        return f"/p/{self.token}/n/{namespace}/b/{self.bucket}/o/{name}"

    def summary(self) -> dict[str, Any]:
        """The PAR as the API lists it, without its URL."""
        return {
            "id": self.id,
            "name": self.details.name,
            "objectName": self.details.object_name,
            "bucketListingAction": self.details.bucket_listing_action,
            "accessType": self.details.access_type,
            "timeExpires": timestamp(self.details.time_expires),
            "timeCreated": timestamp(self.created_at),
        }


class PreauthenticatedRequests:
    """All PARs. An expired one stays listed until it is deleted.

    Args:
        clock: gives the time in UTC.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._by_id: dict[tuple[str, str], PreauthenticatedRequest] = {}
        self._by_token: dict[str, PreauthenticatedRequest] = {}
        self._lock = threading.Lock()

    def create(self, bucket: str, body: bytes) -> PreauthenticatedRequest:
        """Make a PAR.

        Args:
            body: the JSON of the request.

        Raises:
            ApiError: the request is not valid.
        """
        details = decoded(body, CreateDetails)
        now = self._clock()
        any_object = details.access_type.startswith("Any")
        if details.time_expires <= now:
            raise ApiError(400, "InvalidParameter", "timeExpires must be in the future.")
        if not any_object and not details.object_name:
            raise ApiError(400, "InvalidParameter", f"accessType {details.access_type} needs an objectName.")
        if details.bucket_listing_action and not (any_object and "Read" in details.access_type):
            message = f"bucketListingAction is not supported with accessType {details.access_type}."
            raise ApiError(400, "InvalidParameter", message)
        if details.object_name:
            check_object_name(details.object_name)
        with self._lock:
            par = PreauthenticatedRequest(bucket, details, now, next(self._numbers))
            self._by_id[bucket, par.id] = self._by_token[par.token] = par
        return par

    def get(self, bucket: str, par_id: str) -> PreauthenticatedRequest:
        """The PAR of this id.

        Raises:
            ApiError: the bucket has none of this id.
        """
        try:
            return self._by_id[bucket, par_id]
        except KeyError:
            raise _not_found() from None

    def delete(self, bucket: str, par_id: str) -> None:
        """Delete a PAR: its URL stops working at once.

        Raises:
            ApiError: the bucket has none of this id.
        """
        with self._lock:
            par = self._by_id.pop((bucket, par_id), None)
            if par is None:
                raise _not_found()
            del self._by_token[par.token]

    def list(
        self, bucket: str, *, object_name_prefix: str, after: int, limit: int
    ) -> tuple[list[PreauthenticatedRequest], int]:
        """One page of a bucket's PARs, the oldest first.

        Args:
            object_name_prefix: of their object names.
            after: the number of the last PAR of the page before, 0 for the first page.
            limit: how many PARs the page may have.

        Returns:
            The PARs, and the number to continue after, 0 if the page is the last.
        """
        with self._lock:
            found = [
                par
                for par in self._by_id.values()
                if par.bucket == bucket
                and par.number > after
                and (par.details.object_name or "").startswith(object_name_prefix)
            ]
        page = found[:limit]
        return page, page[-1].number if len(found) > limit else 0

    def in_use(self, token: str) -> PreauthenticatedRequest:
        """The PAR of a URL.

        Raises:
            ApiError: it was deleted or never existed (401), or has expired (404).
        """
        par = self._by_token.get(token)
        if par is None:
            raise ApiError(401, "NotAuthenticated", "The pre-authenticated request does not exist.")
        if self._clock() >= par.details.time_expires:
            raise ApiError(404, "NotAuthorizedOrNotFound", "The pre-authenticated request has expired.")
        return par


def _not_found() -> ApiError:
    message = "The pre-authenticated request does not exist."
    return ApiError(404, "PreauthenticatedRequestNotFound", message)
