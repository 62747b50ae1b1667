"""Multipart uploads with URLs that boto3 signed work as in S3."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar
from xml.etree import ElementTree

import pytest
import requests

from support.store import BUCKET, LOWER_BUCKET, Answer, Store, refused, send, told

PART = bytes(range(256)) * (20 << 10)  # 5 MiB, the least that a part may have unless it is the last one
LAST = b"and the rest"
NO_SUCH_UPLOAD = (404, "NoSuchUpload")
MISMATCH = (403, "SignatureDoesNotMatch")


class Upload:
    """An upload that has begun."""

    def __init__(self, store: Store, key: str = "big.bin", **options: Any) -> None:
        self.store = store
        self.key = key
        answer = store.do("POST", "create_multipart_upload", Key=key, **options)
        assert answer[0] == 200
        self.id = told(answer, "UploadId") or ""

    def do(self, method: str, operation: str, body: bytes | None = None, **params: Any) -> Answer:
        headers = params.pop("headers", None)
        return self.store.do(method, operation, body, headers, **{"Key": self.key, "UploadId": self.id, **params})

    def part(self, number: int, content: bytes) -> str:
        answer = self.do("PUT", "upload_part", content, PartNumber=number)
        assert answer[0] == 200
        return answer.headers["ETag"]

    def complete(self, parts: Sequence[tuple[int, str]], **params: Any) -> Answer:
        return self.do("POST", "complete_multipart_upload", document(parts), **params)


def document(parts: Sequence[tuple[int, str]]) -> bytes:
    listed = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>" for n, etag in parts)
    namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
    return f'<CompleteMultipartUpload xmlns="{namespace}">{listed}</CompleteMultipartUpload>'.encode()


def etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


class TestRoundTrip:
    """Parts that were uploaded, in any order, are the object."""

    def test_an_object_of_three_parts(self, store: Store) -> None:
        headers = {"Content-Type": "image/png", "x-amz-meta-a_b": "c"}
        upload = Upload(store, "d/ü b.bin", ContentType="image/png", Metadata={"a_b": "c"}, headers=headers)
        etags = {number: upload.part(number, content) for number, content in [(7, LAST), (2, PART), (1, PART[::-1])]}
        assert etags == {1: etag(PART[::-1]), 2: etag(PART), 7: etag(LAST)}
        answer = upload.complete(sorted(etags.items()))
        assert answer[0] == 200
        assert told(answer, "Location") == f"{store.server.url}/{BUCKET}/d/%C3%BC%20b.bin"
        assert (told(answer, "Bucket"), told(answer, "Key")) == (BUCKET, "d/ü b.bin")
        assert told(answer, "ETag") == '"7bb30b1a519cb0d4b5b1c0f2ee8c2959-3"'
        found = store.do("GET", "get_object", Key="d/ü b.bin")
        assert found == (200, PART[::-1] + PART + LAST)
        assert (found.headers["Content-Type"], found.headers["x-amz-meta-a_b"]) == ("image/png", "c")
        assert found.headers["ETag"] == told(answer, "ETag")

    def test_nothing_is_there_before_it_is_complete(self, store: Store) -> None:
        upload = Upload(store, "early.bin")
        upload.part(1, LAST)
        assert store.content("early.bin") is None

    def test_a_part_again(self, store: Store) -> None:
        upload = Upload(store)
        first = upload.part(1, b"first")
        second = upload.part(1, b"second")
        assert refused(upload.complete([(1, first)])) == (400, "InvalidPart")
        assert upload.complete([(1, second)])[0] == 200
        assert store.content("big.bin") == b"second"

    def test_parts_that_are_left_out(self, store: Store) -> None:
        upload = Upload(store)
        parts = [(number, upload.part(number, LAST)) for number in (1, 2)]
        assert upload.complete(parts[1:])[0] == 200
        assert store.content("big.bin") == LAST

    def test_completing_again_has_no_effect(self, store: Store) -> None:
        upload = Upload(store)
        parts = [(1, upload.part(1, LAST))]
        first = upload.complete(parts)
        again = upload.complete(parts)
        assert (again[0], told(again, "ETag")) == (200, told(first, "ETag"))

    def test_completing_again_before_it_is_complete(self, store: Store) -> None:
        upload = Upload(store, "again.bin")
        parts = [(number, upload.part(number, PART)) for number in range(1, 5)]
        url = store.presign("complete_multipart_upload", Key="again.bin", UploadId=upload.id)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: send("POST", url, None, document(parts)), range(4)))
        assert [answer[0] for answer in answers] == [200] * 4
        assert len({told(answer, "ETag") for answer in answers}) == 1
        assert store.content("again.bin") == PART * 4

    @pytest.mark.parametrize(
        ("wanted", "status", "content", "range_"),
        [
            ("bytes=5242878-5242881", 206, PART[-2:] + LAST[:2], "bytes 5242878-5242881/5242892"),
            ("bytes=-3", 206, b"est", "bytes 5242889-5242891/5242892"),
            ("bytes=5242890-", 206, b"st", "bytes 5242890-5242891/5242892"),
            ("bytes=9999999-", 416, None, None),
        ],
    )
    def test_a_range(self, store: Store, wanted: str, status: int, content: bytes | None, range_: str | None) -> None:
        if store.content("range.bin") is None:
            upload = Upload(store, "range.bin")
            upload.complete([(1, upload.part(1, PART)), (2, upload.part(2, LAST))])
        answer = store.do("GET", "get_object", headers={"Range": wanted}, Key="range.bin")
        assert answer[0] == status
        assert content is None or answer[1] == content
        assert answer.headers["Content-Range"] == range_

    def test_what_the_answer_is_to_say(self, store: Store) -> None:
        upload = Upload(store, "said.bin")
        upload.complete([(1, upload.part(1, LAST))])
        params: dict[str, Any] = {
            "ResponseContentType": "text/csv",
            "ResponseContentDisposition": "attachment",
        }
        for method, operation in (("GET", "get_object"), ("HEAD", "head_object")):
            found = store.do(method, operation, Key="said.bin", **params).headers
            assert (found["Content-Type"], found["Content-Disposition"]) == ("text/csv", "attachment")
            assert found["Content-Length"] == str(len(LAST))

    def test_what_is_read_stays_when_the_object_is_replaced(self, store: Store) -> None:
        upload = Upload(store, "replaced.bin")
        upload.complete([(1, upload.part(1, PART)), (2, upload.part(2, PART))])
        with requests.get(store.presign("get_object", Key="replaced.bin"), stream=True, timeout=10) as response:
            beginning = response.raw.read(1000)
            store.storage.put_object(BUCKET, "replaced.bin", b"new")
            assert beginning + response.raw.read() == PART + PART
        assert store.content("replaced.bin") == b"new"


class TestList:
    """The parts that have come are listed, so that an upload can go on."""

    def test_the_parts(self, store: Store) -> None:
        upload = Upload(store)
        upload.part(3, LAST)
        upload.part(1, PART)
        answer = upload.do("GET", "list_parts")
        assert answer[0] == 200
        parts = ElementTree.fromstring(answer[1]).findall("{*}Part")
        assert [[part.findtext(f"{{*}}{name}") for name in ("PartNumber", "ETag", "Size")] for part in parts] == [
            ["1", etag(PART), "5242880"],
            ["3", etag(LAST), "12"],
        ]

    def test_page_by_page(self, store: Store) -> None:
        upload = Upload(store)
        for number in (10_000, 1, 30, 7):
            upload.part(number, LAST)
        pages = []
        marker = 0
        more: str | None = "true"
        while more == "true":
            answer = upload.do("GET", "list_parts", MaxParts=3, PartNumberMarker=marker)
            pages.append(re.findall(rb"<PartNumber>(\d+)</PartNumber>", answer[1]))
            marker, more = int(told(answer, "NextPartNumberMarker") or ""), told(answer, "IsTruncated")
        assert pages == [[b"1", b"7", b"30"], [b"10000"]]

    @pytest.mark.parametrize("query", ["max-parts=x", "part-number-marker=-1", "max-parts=2147483648"])
    def test_a_page_that_is_none(self, store: Store, query: str) -> None:
        url = store.sign("GET", f"/{BUCKET}/big.bin?{query}&uploadId={Upload(store).id}")
        assert refused(send("GET", url)) == (400, "InvalidArgument")

    def test_no_parts(self, store: Store) -> None:
        answer = Upload(store).do("GET", "list_parts")
        assert (told(answer, "IsTruncated"), told(answer, "PartNumber")) == ("false", None)


class TestRefused:
    """Requests that S3 refuses are refused."""

    def test_a_part_that_is_too_small(self, store: Store) -> None:
        upload = Upload(store, "small.bin")
        parts = [(1, upload.part(1, PART[:-1])), (2, upload.part(2, LAST))]
        answer = upload.complete(parts)
        assert refused(answer) == (400, "EntityTooSmall")
        assert (told(answer, "PartNumber"), told(answer, "ProposedSize")) == ("1", "5242879")
        assert store.content("small.bin") is None

    def test_parts_out_of_order(self, store: Store) -> None:
        upload = Upload(store)
        parts = [(number, upload.part(number, LAST)) for number in (2, 1)]
        assert refused(upload.complete(parts)) == (400, "InvalidPartOrder")
        assert refused(upload.complete([parts[0], parts[0]])) == (400, "InvalidPartOrder")

    def test_a_part_that_has_not_come(self, store: Store) -> None:
        upload = Upload(store)
        parts = [(1, upload.part(1, PART)), (2, etag(LAST))]
        answer = upload.complete(parts)
        assert refused(answer) == (400, "InvalidPart")
        assert told(answer, "PartNumber") == "2"

    @pytest.mark.parametrize(
        "body",
        [b"", b"<", b"<CompleteMultipartUpload/>", document([("x", "y")]), b"<a><Part/></a>"],  # type: ignore[list-item]
    )
    def test_a_list_that_is_none(self, store: Store, body: bytes) -> None:
        answer = Upload(store).do("POST", "complete_multipart_upload", body)
        assert refused(answer) == (400, "MalformedXML")

    def test_an_object_that_is_there(self, store: Store) -> None:
        store.storage.put_object(BUCKET, "there.bin", b"first")
        upload = Upload(store, "there.bin")
        parts = [(1, upload.part(1, LAST))]
        answer = upload.complete(parts, IfNoneMatch="*", headers={"If-None-Match": "*"})
        assert refused(answer) == (412, "PreconditionFailed")
        assert store.content("there.bin") == b"first"
        assert upload.complete(parts)[0] == 200
        assert store.content("there.bin") == LAST

    def test_an_object_that_is_not_there(self, store: Store) -> None:
        upload = Upload(store, "new.bin")
        answer = upload.complete([(1, upload.part(1, LAST))], IfNoneMatch="*", headers={"If-None-Match": "*"})
        assert answer[0] == 200
        assert store.content("new.bin") == LAST

    def test_an_object_that_others_make_at_the_same_time(self, store: Store) -> None:
        contents = [bytes([number]) * 6_000_000 for number in range(8)]  # so many that it takes a while
        uploads = [Upload(store, "race.bin") for _ in contents]
        etags = [upload.part(1, content) for upload, content in zip(uploads, contents, strict=True)]
        urls = [
            store.presign("complete_multipart_upload", Key="race.bin", UploadId=upload.id, IfNoneMatch="*")
            for upload in uploads
        ]

        def complete(url: str, etag: str) -> int:
            return send("POST", url, {"If-None-Match": "*"}, document([(1, etag)]))[0]

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(complete, urls, etags))
        assert sorted(statuses) == [200] + [412] * 7
        assert store.content("race.bin") == contents[statuses.index(200)]

    @pytest.mark.parametrize("number", ["0", "10001", "-1", "x", ""])
    def test_a_number_that_no_part_has(self, store: Store, number: str) -> None:
        url = store.sign("PUT", f"/{BUCKET}/big.bin?partNumber={number}&uploadId={Upload(store).id}")
        assert refused(send("PUT", url, None, LAST)) == (400, "InvalidArgument")

    def test_a_number_without_an_upload(self, store: Store) -> None:
        url = store.sign("PUT", f"/{BUCKET}/number.bin?partNumber=1")
        assert refused(send("PUT", url, None, LAST)) == (400, "InvalidArgument")
        assert store.content("number.bin") is None

    def test_other_posts(self, store: Store) -> None:
        answer = send("POST", store.sign("POST", f"/{BUCKET}/a.txt?restore"))
        assert refused(answer) == (405, "MethodNotAllowed")


class TestWhich:
    """An upload is known by its id, belongs to one key, and ends."""

    OPERATIONS: ClassVar[tuple[tuple[str, str, dict[str, Any]], ...]] = (
        ("PUT", "upload_part", {"PartNumber": 1}),
        ("POST", "complete_multipart_upload", {}),
        ("GET", "list_parts", {}),
        ("DELETE", "abort_multipart_upload", {}),
    )

    @pytest.mark.parametrize(("method", "operation", "params"), OPERATIONS)
    @pytest.mark.parametrize("change", [{"UploadId": "none"}, {"Key": "other.bin"}, {"Bucket": LOWER_BUCKET}])
    def test_no_such_upload(
        self, store: Store, method: str, operation: str, params: dict[str, Any], change: dict[str, str]
    ) -> None:
        upload = Upload(store)
        parts = [(1, upload.part(1, LAST))]
        assert refused(upload.do(method, operation, document(parts), **{**params, **change})) == NO_SUCH_UPLOAD
        assert upload.complete(parts)[0] == 200

    @pytest.mark.parametrize(("method", "operation", "params"), OPERATIONS)
    def test_after_it_was_aborted(self, store: Store, method: str, operation: str, params: dict[str, Any]) -> None:
        upload = Upload(store)
        parts = [(1, upload.part(1, LAST))]
        assert upload.do("DELETE", "abort_multipart_upload")[0] == 204
        assert refused(upload.do(method, operation, document(parts), **params)) == NO_SUCH_UPLOAD

    @pytest.mark.parametrize(("method", "operation", "params"), [OPERATIONS[0], OPERATIONS[2], OPERATIONS[3]])
    def test_after_it_was_completed(self, store: Store, method: str, operation: str, params: dict[str, Any]) -> None:
        upload = Upload(store)
        upload.complete([(1, upload.part(1, LAST))])
        assert refused(upload.do(method, operation, b"", **params)) == NO_SUCH_UPLOAD

    @pytest.mark.parametrize(("method", "operation", "params"), OPERATIONS)
    def test_the_url_of_one_upload_is_none_of_another(
        self, store: Store, method: str, operation: str, params: dict[str, Any]
    ) -> None:
        one, other = Upload(store), Upload(store)
        url = store.presign(operation, Key="big.bin", UploadId=one.id, **params)
        assert refused(send(method, url.replace(one.id, other.id), None, b"x")) == MISMATCH

    def test_the_url_of_one_part_is_none_of_another(self, store: Store) -> None:
        url = store.presign("upload_part", Key="big.bin", UploadId=Upload(store).id, PartNumber=1)
        assert refused(send("PUT", url.replace("partNumber=1", "partNumber=2"), None, LAST)) == MISMATCH


class TestLies:
    """A part is as long as was signed, and has the digest that was signed."""

    @pytest.mark.parametrize("size", [11, 13])
    def test_another_length(self, store: Store, size: int) -> None:
        upload = Upload(store)
        url = store.presign("upload_part", Key="big.bin", UploadId=upload.id, PartNumber=1, ContentLength=12)
        assert refused(send("PUT", url, None, b"x" * size)) == MISMATCH
        assert told(upload.do("GET", "list_parts"), "PartNumber") is None
        assert send("PUT", url, None, b"x" * 12)[0] == 200

    def test_another_content(self, store: Store) -> None:
        upload = Upload(store)
        digest = base64.b64encode(hashlib.md5(LAST, usedforsecurity=False).digest()).decode()
        url = store.presign("upload_part", Key="big.bin", UploadId=upload.id, PartNumber=1, ContentMD5=digest)
        assert refused(send("PUT", url, {"Content-MD5": digest}, LAST[::-1])) == (400, "BadDigest")
        assert refused(send("PUT", url, None, LAST)) == MISMATCH
        assert told(upload.do("GET", "list_parts"), "PartNumber") is None
        assert send("PUT", url, {"Content-MD5": digest}, LAST)[0] == 200
