"""The local store lists objects and unfinished uploads as S3 does, for URLs that boto3 signed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from botocore.handlers import set_list_objects_encoding_type_url

from support.store import BUCKET, LOWER_BUCKET, Answer, Store, refused, send, told

KEYS = ("users/alice/a.txt", "users/alice/z/1", "users/alice/z/2", "users/alice/ü +%.txt", "users/bob/b.txt")


@pytest.fixture(scope="module", autouse=True)
def _objects(store: Store) -> None:
    for key in KEYS:
        store.storage.put_object(BUCKET, key, b"0123456789")
    store.storage.put_object(LOWER_BUCKET, "only", b"x")


def presign(store: Store, operation: str = "list_objects_v2", *, virtual: bool = False, **params: Any) -> str:
    """A URL from boto3, without the `encoding-type` that boto3 adds to lists by default."""
    client = store.client(virtual=virtual)
    client.meta.events.unregister("before-parameter-build.s3.ListObjectsV2", set_list_objects_encoding_type_url)
    params = {"Bucket": BUCKET, **params}
    return str(client.generate_presigned_url(operation, Params=params, ExpiresIn=60))


def listed(store: Store, **params: Any) -> Answer:
    return send("GET", presign(store, **params))


def texts(answer: Answer, path: str) -> list[str | None]:
    return [element.text for element in ElementTree.fromstring(answer[1]).iterfind(path.replace("/", "/{*}"))]


KEY, PREFIX = "./Contents/Key", "./CommonPrefixes/Prefix"


class TestObjects:
    """ListObjectsV2."""

    def test_the_whole_answer(self, store: Store) -> None:
        answer = listed(store, Prefix="users/b")
        assert answer[0] == 200
        assert answer.headers["Content-Type"] == "application/xml"
        document = ElementTree.fromstring(answer[1])
        namespace = "{http://s3.amazonaws.com/doc/2006-03-01/}"
        assert document.tag == f"{namespace}ListBucketResult"
        assert [(child.tag.removeprefix(namespace), child.text) for child in document if not len(child)] == [
            ("Name", BUCKET),
            ("Prefix", "users/b"),
            ("KeyCount", "1"),
            ("MaxKeys", "1000"),
            ("IsTruncated", "false"),
        ]
        (contents,) = document.iterfind("{*}Contents")
        told_of_object = {child.tag.removeprefix(namespace): child.text for child in contents}
        modified = told_of_object.pop("LastModified")
        assert modified is not None
        assert modified.endswith(".000Z")
        assert told_of_object == {
            "Key": "users/bob/b.txt",
            "ETag": '"781e5e245d69b566979b86e28d23f2c7"',
            "Size": "10",
            "StorageClass": "STANDARD",
        }

    def test_keys_below_a_prefix_are_not_encoded(self, store: Store) -> None:
        assert texts(listed(store, Prefix="users/alice/"), KEY) == list(KEYS[:4])

    def test_keys_are_encoded_if_the_url_says_so(self, store: Store) -> None:
        answer = listed(store, Prefix="users/alice/ü", EncodingType="url")
        assert texts(answer, KEY) == ["users/alice/%C3%BC%20%2B%25.txt"]
        assert told(answer, "EncodingType") == "url"

    def test_a_delimiter_joins_what_lies_deeper(self, store: Store) -> None:
        answer = listed(store, Prefix="users/alice/", Delimiter="/")
        assert texts(answer, KEY) == ["users/alice/a.txt", "users/alice/ü +%.txt"]
        assert texts(answer, PREFIX) == ["users/alice/z/"]
        assert (told(answer, "KeyCount"), told(answer, "Delimiter")) == ("3", "/")

    def test_pages_have_each_key_once(self, store: Store) -> None:
        seen: list[list[str | None]] = []
        token: str | None = None
        for _ in range(len(KEYS)):
            more: dict[str, Any] = {"ContinuationToken": token} if token else {}
            answer = listed(store, Prefix="users/", MaxKeys=2, **more)
            seen.append(texts(answer, KEY))
            token = told(answer, "NextContinuationToken")
            assert told(answer, "IsTruncated") == ("true" if token else "false")
            if not token:
                break
        assert seen == [list(KEYS[:2]), list(KEYS[2:4]), [KEYS[4]]]

    def test_pages_of_common_prefixes(self, store: Store) -> None:
        first = listed(store, Prefix="users/", Delimiter="/", MaxKeys=1)
        second = listed(
            store, Prefix="users/", Delimiter="/", MaxKeys=1, ContinuationToken=told(first, "NextContinuationToken")
        )
        assert [texts(page, PREFIX) for page in (first, second)] == [["users/alice/"], ["users/bob/"]]
        assert told(second, "IsTruncated") == "false"

    def test_keys_after_another(self, store: Store) -> None:
        answer = listed(store, StartAfter="users/alice/z/1")
        assert texts(answer, KEY) == ["users/alice/z/2", "users/alice/ü +%.txt", "users/bob/b.txt"]
        assert told(answer, "StartAfter") == "users/alice/z/1"

    def test_no_keys_wanted(self, store: Store) -> None:
        answer = listed(store, MaxKeys=0)
        assert (texts(answer, KEY), told(answer, "IsTruncated")) == ([], "false")

    def test_virtual_hosted_style(self, store: Store) -> None:
        url = presign(store, virtual=True, Bucket=LOWER_BUCKET)
        assert urlsplit(url).path == "/"
        assert texts(send("GET", url), KEY) == ["only"]

    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({"MaxKeys": -1}, "InvalidArgument"),
            ({"ContinuationToken": "?"}, "InvalidArgument"),
            ({"EncodingType": "none"}, "InvalidArgument"),
        ],
    )
    def test_parameters_that_are_not_valid(self, store: Store, params: dict[str, Any], code: str) -> None:
        assert refused(listed(store, **params)) == (400, code)

    def test_no_bucket(self, store: Store) -> None:
        assert refused(listed(store, Bucket="none")) == (404, "NoSuchBucket")

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            ("users%2Falice%2F", "users%2Fbob%2F"),
            ("prefix=users%2Falice%2F&", ""),
            (f"/{BUCKET}?", f"/{LOWER_BUCKET}?"),
        ],
    )
    def test_another_prefix_or_bucket_is_refused(self, store: Store, ours: str, theirs: str) -> None:
        url = presign(store, Prefix="users/alice/", Delimiter="/")
        assert ours in url
        assert refused(send("GET", url.replace(ours, theirs))) == (403, "SignatureDoesNotMatch")

    def test_an_added_parameter_is_refused(self, store: Store) -> None:
        url = presign(store, Prefix="users/alice/")
        assert refused(send("GET", f"{url}&encoding-type=url")) == (403, "SignatureDoesNotMatch")


@pytest.fixture(scope="module")
def begun(store: Store) -> list[tuple[str, str]]:
    """Key and id of each unfinished upload, in the order of a list."""
    keys = ["up/alice/1", "up/alice/1", "up/alice/2", "up/bob/1"]
    answers = [store.do("POST", "create_multipart_upload", b"", Key=key) for key in keys]
    return sorted((key, told(answer, "UploadId") or "") for key, answer in zip(keys, answers, strict=True))


class TestUploads:
    """ListMultipartUploads."""

    def listed(self, store: Store, **params: Any) -> Answer:
        return send("GET", presign(store, "list_multipart_uploads", **params))

    def found(self, answer: Answer) -> list[tuple[str | None, str | None]]:
        return list(zip(texts(answer, "./Upload/Key"), texts(answer, "./Upload/UploadId"), strict=True))

    def test_those_below_a_prefix(self, store: Store, begun: list[tuple[str, str]]) -> None:
        answer = self.listed(store, Prefix="up/alice/")
        assert self.found(answer) == begun[:3]
        assert (told(answer, "Bucket"), told(answer, "Prefix")) == (BUCKET, "up/alice/")
        assert told(answer, "IsTruncated") == "false"

    def test_an_aborted_one_is_gone(self, store: Store) -> None:
        upload_id = told(store.do("POST", "create_multipart_upload", b"", Key="gone"), "UploadId")
        assert self.found(self.listed(store, Prefix="gone")) == [("gone", upload_id)]
        assert store.do("DELETE", "abort_multipart_upload", Key="gone", UploadId=upload_id)[0] == 204
        assert self.found(self.listed(store, Prefix="gone")) == []

    def test_pages(self, store: Store, begun: list[tuple[str, str]]) -> None:
        first = self.listed(store, Prefix="up/", MaxUploads=1)
        assert (self.found(first), told(first, "IsTruncated")) == ([begun[0]], "true")
        second = self.listed(
            store,
            Prefix="up/",
            KeyMarker=told(first, "NextKeyMarker"),
            UploadIdMarker=told(first, "NextUploadIdMarker"),
        )
        assert (self.found(second), told(second, "IsTruncated")) == (begun[1:], "false")

    def test_a_key_marker_alone_skips_all_uploads_of_its_key(self, store: Store, begun: list[tuple[str, str]]) -> None:
        assert self.found(self.listed(store, Prefix="up/", KeyMarker="up/alice/1")) == begun[2:]

    def test_another_prefix_is_refused(self, store: Store) -> None:
        url = presign(store, "list_multipart_uploads", Prefix="up/alice/")
        changed = url.replace("up%2Falice", "up%2Fbob")
        assert changed != url
        assert refused(send("GET", changed)) == (403, "SignatureDoesNotMatch")
