from __future__ import annotations

from datetime import UTC, datetime

from presign.model.operations.objects import GetObject
from presign.model.operations.prefixes import ListObjectsV2


def test_query_parameters_are_in_the_order_of_their_names_there() -> None:
    expires = datetime(2026, 11, 27, 9, 0, 0, 999_999, tzinfo=UTC)
    operation = GetObject(key="a", version_id="v", response_expires=expires, download_as="ü.txt")
    assert operation.query() == [
        ("response-content-disposition", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%BC.txt"),
        ("response-expires", "Fri, 27 Nov 2026 09:00:00 GMT"),
        ("versionId", "v"),
    ]


def test_null_and_an_empty_text_are_none() -> None:
    assert ListObjectsV2(prefix="", delimiter="", start_after=None).query() == [("list-type", "2")]
