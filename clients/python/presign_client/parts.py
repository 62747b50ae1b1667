"""Uploads in parts: over the S3 API with a URL for each step, and over one pre-authenticated request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit
from xml.sax.saxutils import escape

from presign_client.answers import MAX_OBJECT_BYTES, etag, foreign, integer, store_document, text, xml
from presign_client.api import Api
from presign_client.digests import base64_of
from presign_client.errors import FieldError, Problem, StoreError
from presign_client.links import Links
from presign_client.source import Slice
from presign_client.store import Store
from presign_client.urls import PresignedUrl
from presign_client.urls import foreign as foreign_problem

S3_PART_BYTES = 5 << 20
"""The least that a part has in the S3 API, but for the last one."""
PAR_PART_BYTES = 16 << 20
"""Of the native API, whose documentation has named 10 MiB as the least."""
MAX_PARTS = 10_000


class Parts(Protocol):
    """One upload in parts."""

    via: str

    def begin(self, size: int) -> tuple[str, int]:
        """Begin it: its id, and the bytes that each part but the last has."""
        ...

    def sent(self, upload_id: str, known: Mapping[int, str]) -> dict[int, str]:
        """The ETags of the parts that Object Storage has, as far as it tells; else those that are known."""
        ...

    def expect(self, upload_id: str, lengths: Mapping[int, int]) -> None:
        """Parts of these lengths will be sent."""
        ...

    def send(self, upload_id: str, number: int, body: Slice, md5: str) -> str:
        """Send a part: its ETag."""
        ...

    def complete(self, upload_id: str, etags: Mapping[int, str]) -> str:
        """Join the parts: the ETag of the object."""
        ...

    def abort(self, upload_id: str) -> None:
        """Drop it and its parts."""
        ...


def part_bytes(size: int, answer: Mapping[str, Any], *, default: int) -> int:
    """The size of each part of an upload, in bytes.

    Args:
        size: of the object.
        answer: to the request that begins the upload. It may tell `part_size`, `max_parts` and `max_content_length`.
        default: if it tells no size.

    Raises:
        Problem: `limit_exceeded`, the object is larger than the policy allows; or the function can't have given the
            answer.
    """
    limit, most = _count(answer, "max_content_length", MAX_OBJECT_BYTES), _count(answer, "max_parts", MAX_PARTS)
    if size > limit:
        raise Problem(
            "The policy does not allow an object of this size.",
            status=403,
            code="limit_exceeded",
            errors=[FieldError("/content_length", f"must be at most {limit}")],
        )
    return max(_count(answer, "part_size", default), -(-size // most))


def _count(answer: Mapping[str, Any], name: str, default: int) -> int:
    found = answer.get(name)
    if found is None:
        return default
    if type(found) is int and found > 0:
        return found
    raise foreign_problem()


class S3Parts:
    """An upload of the S3 API.

    Args:
        api: gives URLs.
        store: where URLs are used.
        key: of the object.
        description: options that say what the object is like, such as its type.
        condition: options that say when the object may be stored.
    """

    via = "s3"

    def __init__(
        self, api: Api, store: Store, *, key: str, description: Mapping[str, Any], condition: Mapping[str, Any]
    ) -> None:
        self._api, self._store, self._key = api, store, key
        self._description, self._condition = description, condition

    def begin(self, size: int) -> tuple[str, int]:
        """See `Parts`."""
        url = self._sign("create_multipart_upload", **self._description)
        part = part_bytes(size, url.answer, default=S3_PART_BYTES)
        answer = self._store.use(url)
        upload_id = text(xml(answer, "InitiateMultipartUploadResult"), "UploadId")
        if not upload_id:
            raise foreign(answer)
        return upload_id, part

    def sent(self, upload_id: str, known: Mapping[int, str]) -> dict[int, str]:
        """See `Parts`."""
        found: dict[int, str] = {}
        marker: int | None = None
        while True:
            options = {} if marker is None else {"part_number_marker": marker}
            answer = self._store.use(self._sign("list_parts", upload_id=upload_id, **options))
            page = xml(answer, "ListPartsResult")
            found |= {integer(part, "PartNumber"): text(part, "ETag") for part in page.iterfind("{*}Part")}
            following = integer(page, "NextPartNumberMarker")
            if text(page, "IsTruncated") != "true" or following <= (marker or 0):
                return found
            marker = following

    def expect(self, upload_id: str, lengths: Mapping[int, int]) -> None:
        """See `Parts`."""
        named = {"operation": "upload_part", "key": self._key, "upload_id": upload_id}
        requests = {
            number: {**named, "part_number": number, "content_length": length} for number, length in lengths.items()
        }
        self._urls = Links(self._api, requests)

    def send(self, upload_id: str, number: int, body: Slice, md5: str) -> str:
        """See `Parts`."""
        url = self._urls.get(number)
        try:
            return etag(self._store.use(url, body, headers={"Content-MD5": base64_of(md5)}))
        except StoreError as error:
            if error.may_be_expired:
                self._urls.drop(number)
            raise

    def complete(self, upload_id: str, etags: Mapping[int, str]) -> str:
        """See `Parts`."""
        listed = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>"
            for number, etag in sorted(etags.items())
        )
        document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        url = self._sign("complete_multipart_upload", upload_id=upload_id, **self._condition)
        return text(xml(self._store.use(url, document, slow=True), "CompleteMultipartUploadResult"), "ETag")

    def abort(self, upload_id: str) -> None:
        """See `Parts`."""
        self._store.use(self._sign("abort_multipart_upload", upload_id=upload_id))

    def _sign(self, operation: str, **options: Any) -> PresignedUrl:
        return self._api.sign(operation, self._key, **options)


class ParParts:
    """An upload of the native API over one pre-authenticated request.

    The upload's id is a URL of its own: with it anybody can add parts to the upload, commit it and abort it. It is
    documented without a way to list the parts, so the caller must remember which ones were sent.

    It takes the same arguments as `S3Parts`.
    """

    via = "par"

    def __init__(
        self, api: Api, store: Store, *, key: str, description: Mapping[str, Any], condition: Mapping[str, Any]
    ) -> None:
        self._api, self._store, self._key = api, store, key
        self._description, self._condition = description, condition

    def begin(self, size: int) -> tuple[str, int]:
        """See `Parts`."""
        url = self._api.sign("put_object", self._key, via=self.via, **self._description, **self._condition)
        part = part_bytes(size, url.answer, default=PAR_PART_BYTES)
        answer = self._store.use(url, headers={"opc-multipart": "true"})
        access_uri = _joined(url.url, str(store_document(answer).get("accessUri", "")))
        if not access_uri:
            raise foreign(answer)
        return access_uri, part

    def sent(self, upload_id: str, known: Mapping[int, str]) -> dict[int, str]:
        """See `Parts`."""
        return dict(known)

    def expect(self, upload_id: str, lengths: Mapping[int, int]) -> None:
        """See `Parts`."""

    def send(self, upload_id: str, number: int, body: Slice, md5: str) -> str:
        """See `Parts`."""
        return etag(self._store.send("PUT", f"{upload_id}{number}", body, headers={"Content-MD5": base64_of(md5)}))

    def complete(self, upload_id: str, etags: Mapping[int, str]) -> str:
        """See `Parts`."""
        headers = {"If-None-Match": "*"} if self._condition else {}
        return etag(self._store.send("POST", upload_id, headers=headers, slow=True))

    def abort(self, upload_id: str) -> None:
        """See `Parts`."""
        self._store.send("DELETE", upload_id, headers={})


def _joined(url: str, access_uri: str) -> str:
    """The URL of an upload in parts, empty if it is not at the host of `url`."""
    try:
        joined = urljoin(url, access_uri)
        asked, given = urlsplit(url), urlsplit(joined)
    except ValueError:
        return ""
    is_same_origin = (asked.scheme, asked.netloc) == (given.scheme, given.netloc)
    return joined if is_same_origin and given.path.startswith("/p/") and given.path.endswith("/") else ""
