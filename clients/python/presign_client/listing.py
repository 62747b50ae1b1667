"""Lists of objects: pages of the S3 API and of the native API."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from presign_client.store import Store, text, xml
from presign_client.urls import PresignedUrl


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


def s3_entries(presign: Callable[..., PresignedUrl], store: Store, options: dict[str, Any]) -> Iterator[Entry]:
    """All entries, a URL for each page of them.

    Args:
        presign: gives the URL of `list_objects_v2` with such options.
        store: where URLs are used.
        options: of all pages.
    """
    token: dict[str, str] = {}
    while True:
        page = xml(store.use(presign(**options, **token)))
        for found in page.iterfind("{*}Contents"):
            size, etag, modified_at = (text(found, name) for name in ("Size", "ETag", "LastModified"))
            yield Entry(text(found, "Key"), int(size or 0), etag, modified_at)
        for found in page.iterfind("{*}CommonPrefixes"):
            yield Entry(text(found, "Prefix"), is_prefix=True)
        if text(page, "IsTruncated") != "true":
            return
        token = {"continuation_token": text(page, "NextContinuationToken")}


def par_entries(folder: PresignedUrl, store: Store, *, prefix: str, delimiter: str | None) -> Iterator[Entry]:
    """All entries below a folder that a pre-authenticated request lets its holder list.

    Args:
        folder: URL of the folder.
        store: where URLs are used.
        prefix: of the keys.
        delimiter: keys that are equal up to the first one behind the prefix become one entry.
    """
    [base] = re.findall(r"^https?://[^/]+/p/[^/]+/n/[^/]+/b/[^/]+/o/", folder.url)
    query = {"prefix": prefix, "fields": "name,size,etag,timeModified"}
    if delimiter:
        query["delimiter"] = delimiter
    while True:
        page = store.send("GET", f"{base}?{urlencode(query)}", headers={}).json()
        for found in page["objects"]:
            size, etag, modified_at = (found.get(name) for name in ("size", "etag", "timeModified"))
            yield Entry(found["name"], size or 0, etag or "", modified_at or "")
        for common in page.get("prefixes") or []:
            yield Entry(common, is_prefix=True)
        if not page.get("nextStartWith"):
            return
        query["start"] = page["nextStartWith"]
