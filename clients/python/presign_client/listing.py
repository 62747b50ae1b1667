"""Lists of objects: pages of the S3 API and of the native API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from presign_client.answers import foreign, integer, store_document, text, xml
from presign_client.api import Api
from presign_client.connections import Answer
from presign_client.errors import Problem
from presign_client.retry import Retry
from presign_client.store import Store


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
            answer = self._retry.run(partial(self._store.send, "GET", f"{base}?{urlencode(query)}", headers={}))
            page = store_document(answer)
            if not isinstance(page.get("objects"), list):
                raise foreign(answer)
            for found in page["objects"]:
                size, etag, modified_at = (found.get(name) for name in ("size", "etag", "timeModified"))
                yield Entry(found["name"], size or 0, etag or "", modified_at or "")
            for common in page.get("prefixes") or []:
                yield Entry(common, is_prefix=True)
            if page.get("nextStartWith") in (None, "", query.get("start")):
                return
            query["start"] = page["nextStartWith"]

    def _s3_page(self, request: dict[str, Any]) -> Answer:
        return self._store.use(self._api.ask(request))
