"""The local store copies objects as S3 does, if the header that names the source is signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import requests

from support.store import BUCKET, LOWER_BUCKET, Answer, Store, refused, send, told

SOURCE = "dir/ü +%?&=.txt"
ENCODED = f"{BUCKET}/dir/%C3%BC%20%2B%25%3F%26%3D.txt"


@pytest.fixture
def store(fresh_store: Store) -> Store:
    """A store with the source."""
    headers = {"Content-Type": "text/plain", "Cache-Control": "no-cache", "x-amz-meta-by": "alice"}
    params = {"ContentType": "text/plain", "CacheControl": "no-cache", "Metadata": {"by": "alice"}}
    assert fresh_store.do("PUT", "put_object", b"0123456789", headers, Key=SOURCE, **params)[0] == 200
    return fresh_store


def copy(store: Store, headers: Mapping[str, str] | None = None, **params: Any) -> Answer:
    """Presign a copy of the source with boto3, and use the URL."""
    params = {"Key": "copy", "CopySource": {"Bucket": BUCKET, "Key": SOURCE}, **params}
    return store.do("PUT", "copy_object", b"", {"x-amz-copy-source": ENCODED, **(headers or {})}, **params)


def head(store: Store, key: str, bucket: str = BUCKET) -> Mapping[str, str]:
    return requests.head(store.presign("head_object", Key=key, Bucket=bucket), timeout=10).headers


def test_a_copy_has_content_and_metadata_of_its_source(store: Store) -> None:
    answer = copy(store, Bucket=LOWER_BUCKET)
    assert answer[0] == 200
    assert answer[1].startswith(b"<?xml")
    assert b"<CopyObjectResult " in answer[1]
    assert told(answer, "ETag") == '"781e5e245d69b566979b86e28d23f2c7"'
    assert (told(answer, "LastModified") or "").endswith(".000Z")
    assert store.content("copy", LOWER_BUCKET) == b"0123456789"
    headers = head(store, "copy", LOWER_BUCKET)
    assert (headers["Content-Type"], headers["Cache-Control"], headers["x-amz-meta-by"]) == (
        "text/plain",
        "no-cache",
        "alice",
    )


def test_replaced_metadata(store: Store) -> None:
    directive = {"x-amz-metadata-directive": "REPLACE", "x-amz-meta-to": "bob", "Content-Type": "image/png"}
    answer = copy(store, directive, MetadataDirective="REPLACE", Metadata={"to": "bob"}, ContentType="image/png")
    assert answer[0] == 200
    headers = head(store, "copy")
    assert (headers["Content-Type"], headers["x-amz-meta-to"]) == ("image/png", "bob")
    assert "x-amz-meta-by" not in headers
    assert "Cache-Control" not in headers


def test_the_directive_to_copy(store: Store) -> None:
    assert copy(store, {"x-amz-metadata-directive": "COPY"}, MetadataDirective="COPY")[0] == 200
    assert head(store, "copy")["x-amz-meta-by"] == "alice"


def test_an_object_becomes_its_own_copy_only_with_other_metadata(store: Store) -> None:
    assert refused(copy(store, Key=SOURCE)) == (400, "InvalidRequest")
    directive = {"x-amz-metadata-directive": "REPLACE"}
    assert copy(store, directive, Key=SOURCE, MetadataDirective="REPLACE")[0] == 200
    assert "x-amz-meta-by" not in head(store, SOURCE)


def test_a_copy_that_may_replace_nothing(store: Store) -> None:
    header = {"If-None-Match": "*"}
    assert copy(store, header, IfNoneMatch="*")[0] == 200
    assert refused(copy(store, header, IfNoneMatch="*")) == (412, "PreconditionFailed")


def test_a_source_that_is_not_signed_is_refused(store: Store) -> None:
    url = store.presign("put_object", Key="copy")
    assert refused(send("PUT", url, {"x-amz-copy-source": ENCODED}, b"")) == (403, "AccessDenied")
    assert store.content("copy") is None


def test_another_source_is_refused(store: Store) -> None:
    store.storage.put_object(BUCKET, "other", b"secret")
    assert refused(copy(store, {"x-amz-copy-source": f"{BUCKET}/other"})) == (403, "SignatureDoesNotMatch")


def test_another_target_is_refused(store: Store) -> None:
    url = store.presign("copy_object", Key="copy", CopySource={"Bucket": BUCKET, "Key": SOURCE})
    changed = url.replace("/copy?", "/other?")
    assert changed != url
    assert refused(send("PUT", changed, {"x-amz-copy-source": ENCODED}, b"")) == (403, "SignatureDoesNotMatch")


def test_another_directive_is_refused(store: Store) -> None:
    header = {"x-amz-metadata-directive": "REPLACE"}
    assert refused(copy(store, header)) == (403, "AccessDenied")


@pytest.mark.parametrize(("version", "status"), [("null", 200), ("v1", 404)])
def test_a_version_of_the_source(store: Store, version: str, status: int) -> None:
    source = {"Bucket": BUCKET, "Key": SOURCE, "VersionId": version}
    answer = copy(store, {"x-amz-copy-source": f"{ENCODED}?versionId={version}"}, CopySource=source)
    assert answer[0] == status
    if status != 200:
        assert refused(answer) == (404, "NoSuchVersion")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"{BUCKET}/none", (404, "NoSuchKey")),
        ("none/none", (404, "NoSuchBucket")),
        ("none", (400, "InvalidArgument")),
        (f"{BUCKET}/%FF", (400, "InvalidArgument")),
    ],
)
def test_a_source_that_is_not_there(store: Store, source: str, expected: tuple[int, str]) -> None:
    header = {"x-amz-copy-source": source}
    assert refused(send("PUT", store.sign("PUT", f"/{BUCKET}/copy", header), header, b"")) == expected


def test_a_leading_slash_of_the_source_is_no_part_of_its_bucket(store: Store) -> None:
    header = {"x-amz-copy-source": f"/{ENCODED}"}
    assert send("PUT", store.sign("PUT", f"/{BUCKET}/copy", header), header, b"")[0] == 200


def test_other_copy_headers_are_not_implemented(store: Store) -> None:
    header = {"x-amz-copy-source": ENCODED, "x-amz-copy-source-if-match": "x"}
    url = store.sign("PUT", f"/{BUCKET}/copy", header)
    assert refused(send("PUT", url, header, b"")) == (501, "NotImplemented")


def test_an_unknown_directive(store: Store) -> None:
    header = {"x-amz-copy-source": ENCODED, "x-amz-metadata-directive": "MERGE"}
    url = store.sign("PUT", f"/{BUCKET}/copy", header)
    assert refused(send("PUT", url, header, b"")) == (400, "InvalidArgument")
