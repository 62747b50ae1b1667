"""Lists of OCI's API."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from oci.exceptions import ConnectTimeout

from deploy import oci_pages
from deploy.bucket_content import BucketContent


def answer(data: Any, following: str | None) -> SimpleNamespace:
    """One page, and the token of the next."""
    return SimpleNamespace(data=data, has_next_page=following is not None, next_page=following)


def test_all_pages() -> None:
    pages = {None: answer([1, 2], "a"), "a": answer(SimpleNamespace(items=[3]), "b"), "b": answer([], None)}
    asked = []

    def listed(namespace: str, *, limit: int, page: str | None = None) -> SimpleNamespace:
        asked.append((namespace, limit, page))
        return pages[page]

    assert [*oci_pages.each(listed, "namespace", limit=2)] == [1, 2, 3]
    assert asked == [("namespace", 2, None), ("namespace", 2, "a"), ("namespace", 2, "b")]


def test_a_call_that_has_given_up_is_not_repeated() -> None:
    """The SDK's own calls try several times, which take a minute and a half without a connection."""
    asked = []

    def listed(*arguments: str) -> SimpleNamespace:
        asked.append(arguments)
        raise ConnectTimeout("Object Storage can't be reached")

    client = SimpleNamespace(
        list_object_versions=listed, list_multipart_uploads=listed, list_preauthenticated_requests=listed
    )
    with pytest.raises(ConnectTimeout):
        BucketContent(client, namespace="namespace", bucket="bucket").kinds()
    assert asked == [("namespace", "bucket")]
