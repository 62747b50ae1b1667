"""Lists of objects: pages of the S3 API and of the native API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

from presign_client.answers import foreign, integer, store_document, text, xml
from presign_client.api import Api
from presign_client.connections import Answer
from presign_client.errors import Problem
from presign_client.retry import Retry
from presign_client.store import Store

T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """An object in a list, or what several keys have in common (`is_prefix`).

    Attributes:
        key: of the object, or the common prefix.
        size: in bytes.
        etag: of the object.
        modified_at: RFC 3339.
    """

    key: str
    size: int = 0
    etag: str = ""
    modified_at: str = ""
    is_prefix: bool = False


class Listing:
    """Lists objects.

    Args:
        api: gives URLs.
        store: where they are used.
        retry: tries again what may succeed later.
    """

    def __init__(self, api: Api, store: Store, retry: Retry) -> None:
        self._api, self._store, self._retry = api, store, retry

    def entries(self, prefix: str, delimiter: str | None) -> Iterator[Entry]:
        """The objects whose keys begin with `prefix`; those with `delimiter` behind it become one entry.

        Raises:
            PresignError: the list is refused.
        """
        if self._api.via != "par":
            try:
                yield from self._s3_entries(prefix, delimiter)
                return
            except Problem as problem:
                may_have_par = problem.wants_par or problem.code == "access_denied"
                if self._api.via or not may_have_par or not prefix.endswith("/"):
                    raise
        yield from self._par_entries(prefix, delimiter)

    def _s3_entries(self, prefix: str, delimiter: str | None) -> Iterator[Entry]:
        """All entries, a URL for each page of them."""
        request: dict[str, Any] = {"operation": "list_objects_v2", "prefix": prefix or None, "delimiter": delimiter}
        while True:
            answer = self._retry.run(partial(self._s3_page, request))
            page = xml(answer, "ListBucketResult")
            for found in page.iterfind("{*}Contents"):
                etag, modified_at = text(found, "ETag"), text(found, "LastModified")
                yield Entry(text(found, "Key"), integer(found, "Size"), etag, modified_at)
            for found in page.iterfind("{*}CommonPrefixes"):
                yield Entry(text(found, "Prefix"), is_prefix=True)
            if text(page, "IsTruncated") != "true":
                return
            token = text(page, "NextContinuationToken")
            if not token or token == request.get("continuation_token"):
                raise foreign(answer)
            request = {**request, "continuation_token": token}

    def _par_entries(self, prefix: str, delimiter: str | None) -> Iterator[Entry]:
        """All entries below a folder that a pre-authenticated request lets its holder list."""
        request = {"operation": "get_prefix", "prefix": prefix, "listing": True}
        folder = self._retry.run(lambda: self._api.ask(request))
        [base] = re.findall(r"^https?://[^/]+/p/[^/]+/n/[^/]+/b/[^/]+/o/", folder.url) or [folder.url]
        query = {"prefix": prefix, "fields": "name,size,etag,timeModified"}
        if delimiter:
            query["delimiter"] = delimiter
        while True:
            url = f"{base}?{urlencode(query, errors='surrogatepass')}"
            answer = self._retry.run(partial(self._store.send, "GET", url, headers={}))
            page = store_document(answer)
            for found in _of_type(list, page.get("objects"), answer):
                one = _of_type(dict, found, answer)
                etag, modified_at = (_of_type(str, one.get(name) or "", answer) for name in ("etag", "timeModified"))
                size = _of_type(int, one.get("size") or 0, answer)
                yield Entry(_of_type(str, one.get("name"), answer), size, etag, modified_at)
            for common in _of_type(list, page.get("prefixes") or [], answer):
                yield Entry(_of_type(str, common, answer), is_prefix=True)
            following = _of_type(str, page.get("nextStartWith") or "", answer)
            if following in ("", query.get("start")):
                return
            query["start"] = following

    def _s3_page(self, request: dict[str, Any]) -> Answer:
        return self._store.use(self._api.ask(request))


def _of_type(kind: type[T], found: Any, answer: Answer) -> T:
    """A value of an answer, which Object Storage can't have given if the value is of another type."""
    if not isinstance(found, kind):
        raise foreign(answer)
    return found
