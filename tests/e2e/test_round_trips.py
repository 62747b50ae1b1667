"""Objects are uploaded and downloaded with the function's URLs, and the store refuses changed URLs.

The tests marked `live` use the S3 server that the variables `LIVE_S3_*` name; without these they start SeaweedFS. The
others use the local store.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import pytest
import requests

from local.stack import BUCKET
from support.live_store import LIVE_VARIABLES
from support.systems import Running

LIMITS = {
    "seaweedfs": {
        "test_odd_keys[live-folder/]": "an object whose key ends with a slash is a folder and keeps no content",
        "test_odd_keys[live-odd12]": "a segment of a key is shorter than 900 bytes",
        "test_another_field[live-Content-Disposition-inline]": "a form may have fields that its policy does not name",
    }
}
"""By `LIVE_S3_STORE`: the tests that a store fails by limits of its own, each with the reason."""
CONTENT = "Grüße, 世界\n".encode() * 100
PART = bytes(range(256)) * (20 << 10)  # 5 MiB, the least that a part may have unless it is the last one


class Target(NamedTuple):
    """A running function and the bucket that its URLs are for."""

    running: Running
    bucket: str

    def presign(self, operation: str, key: str, **options: Any) -> dict[str, Any]:
        response = self.running.ask(operation=operation, bucket=self.bucket, key=key, **options)
        answer: dict[str, Any] = response.json()
        assert response.status_code == 200, answer
        return answer

    def use(self, answer: dict[str, Any], data: bytes | None = None) -> requests.Response:
        """Do exactly what the answer says."""
        return requests.request(answer["method"], answer["url"], headers=answer["headers"], data=data, timeout=30)

    def do(self, operation: str, key: str, data: bytes | None = None, **options: Any) -> requests.Response:
        return self.use(self.presign(operation, key, **options), data)

    def replay(self, answer: dict[str, Any], data: bytes | None = None) -> int:
        """The status, when nothing at all is sent that the answer does not name."""
        url = urlsplit(answer["url"])
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.netloc, timeout=30)
        try:
            connection.putrequest(answer["method"], f"{url.path}?{url.query}", skip_accept_encoding=True)
            for name, value in answer["headers"].items():
                connection.putheader(name, value)
            connection.endheaders(data)
            return connection.getresponse().status
        finally:
            connection.close()

    def post(self, answer: dict[str, Any], content: bytes, **change: str | None) -> requests.Response:
        """Send the form that the answer describes, with some of its fields changed, or left out where None."""
        fields = {name: value for name, value in {**answer["fields"], **change}.items() if value is not None}
        return requests.request(
            answer["method"],
            answer["url"],
            headers=answer["headers"],
            data=fields,
            files={"file": ("photo.png", content)},
            timeout=30,
        )


class Parts:
    """An upload in parts that has begun."""

    def __init__(self, target: Target, key: str, **options: Any) -> None:
        self.target = target
        self.key = key
        response = target.do("create_multipart_upload", key, **options)
        assert response.status_code == 200, response.text
        self.id = told(response, "UploadId")

    def presign(self, operation: str, **options: Any) -> dict[str, Any]:
        return self.target.presign(operation, self.key, upload_id=self.id, **options)

    def do(self, operation: str, data: bytes | None = None, **options: Any) -> requests.Response:
        return self.target.use(self.presign(operation, **options), data)

    def upload(self, *contents: bytes) -> bytes:
        """Upload parts; the document that lists them."""
        answers = [
            self.do("upload_part", content, part_number=number, content_length=len(content))
            for number, content in enumerate(contents, 1)
        ]
        listed = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{answer.headers['ETag']}</ETag></Part>"
            for number, answer in enumerate(answers, 1)
        )
        return f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()


def told(response: requests.Response, element: str) -> str:
    """The text of an element of an answer in XML."""
    return ElementTree.fromstring(response.content).findtext(f".//{{*}}{element}") or ""


def refused_at(use: Callable[[], int]) -> datetime:
    """The time of the first 403."""
    give_up_at = time.monotonic() + 30
    while use() != 403:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    return datetime.now(UTC)


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


@pytest.fixture(scope="module", params=["sigv4", "boto3", pytest.param("live", marks=pytest.mark.live)])
def target(request: pytest.FixtureRequest, start: Callable[..., Running]) -> Target:
    if request.param != "live":
        return Target(start({"SIGNER": request.param}), BUCKET)
    variables: Mapping[str, str] = request.getfixturevalue("live")
    endpoint, region, access_key_id, secret_access_key, bucket = (variables[name] for name in LIVE_VARIABLES)
    policy = {"rules": [{"operations": ["*"], "bucket": bucket, "prefix": "", "response_overrides": "any"}]}
    running = start(
        {"STORAGE_ENDPOINT": endpoint, "REGION": region, "POLICY": json.dumps(policy), "DEFAULT_BUCKET": ""}
    )
    running.put_key(access_key_id, secret_access_key)
    return Target(running, bucket)


@pytest.fixture(autouse=True)
def limits(request: pytest.FixtureRequest, target: Target) -> None:
    """Expect the tests to fail that are beyond the limits of the live store."""
    if request.node.get_closest_marker("live"):
        store = request.getfixturevalue("live").get("LIVE_S3_STORE", "")
        if reason := LIMITS.get(store, {}).get(request.node.name):
            request.applymarker(pytest.mark.xfail(reason=f"{store}: {reason}", strict=True))


@pytest.fixture
def key(target: Target) -> Iterator[str]:
    """A key that no other test uses; the object is deleted in the end."""
    name = f"presign-tests/{uuid.uuid4()}"
    yield name
    target.do("delete_object", name)


class TestRoundTrips:
    """A download gives the bytes that were uploaded."""

    def test_every_operation(self, target: Target, key: str) -> None:
        upload = target.do("put_object", key, CONTENT)
        assert upload.status_code == 200, upload.text
        head = target.do("head_object", key)
        assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(len(CONTENT)), b"")
        assert target.do("get_object", key).content == CONTENT
        assert target.do("delete_object", key).status_code == 204
        assert target.do("get_object", key).status_code == 404
        assert target.do("head_object", key).status_code == 404

    def test_every_upload_option(self, target: Target, key: str) -> None:
        upload = target.do(
            "put_object",
            key,
            CONTENT,
            content_type="text/plain; charset=utf-8",
            content_length=len(CONTENT),
            content_md5=base64.b64encode(hashlib.md5(CONTENT, usedforsecurity=False).digest()).decode(),
            checksum_sha256=base64.b64encode(hashlib.sha256(CONTENT).digest()).decode(),
            cache_control="max-age=60",
            content_disposition='inline; filename="a.txt"',
            content_encoding="identity",
            metadata={"Author": "Ada  Lovelace", "x-1": "!#$%&'*+-.^_`|~"},
        )
        assert upload.status_code == 200, upload.text
        found = target.do("get_object", key)
        assert found.content == CONTENT
        assert found.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert found.headers["Cache-Control"] == "max-age=60"
        assert found.headers["Content-Disposition"] == 'inline; filename="a.txt"'
        assert found.headers["x-amz-meta-x-1"] == "!#$%&'*+-.^_`|~"
        assert found.headers["x-amz-meta-author"].split() == ["Ada", "Lovelace"]

    def test_every_response_override(self, target: Target, key: str) -> None:
        target.do("put_object", key, CONTENT)
        found = target.do(
            "get_object",
            key,
            response_cache_control="no-cache",
            response_content_encoding="identity",
            response_content_language="de",
            response_content_type="text/csv",
            response_expires="2026-11-23T22:00:00Z",
            download_as='naïve "plan".csv',
        )
        assert found.content == CONTENT
        assert found.headers["Cache-Control"] == "no-cache"
        assert found.headers["Content-Language"] == "de"
        assert found.headers["Content-Type"] == "text/csv"
        assert found.headers["Expires"] == "Mon, 23 Nov 2026 22:00:00 GMT"
        assert found.headers["Content-Disposition"] == (
            "attachment; filename=\"na_ve _plan_.csv\"; filename*=UTF-8''na%C3%AFve%20%22plan%22.csv"
        )

    @pytest.mark.parametrize(
        "odd",
        [
            " leading and trailing ",
            "a//b///c",
            "folder/",
            "...",
            ".hidden/..also",
            "%2e%2e/a%2Fb%",
            "a+b&c=d?e#f;g:h@i,j!k$l'm(n)o*p",
            'quotes"and\\backslashes',
            "<xml>&amp;",
            "ünïcödé/日本語/😀",
            "e\u0301 is not \u00e9",
            "right\u202eto left",
            "x" * 900,
        ],
    )
    def test_odd_keys(self, target: Target, key: str, odd: str) -> None:
        odd_key = f"{key}/{odd}"
        assert target.do("put_object", odd_key, CONTENT).status_code == 200
        assert target.do("get_object", odd_key).content == CONTENT
        assert target.do("delete_object", odd_key).status_code == 204
        assert target.do("head_object", odd_key).status_code == 404

    def test_create_only(self, target: Target, key: str) -> None:
        assert target.do("put_object", key, b"first", if_none_match="*").status_code == 200
        assert target.do("put_object", key, b"second", if_none_match="*").status_code == 412
        assert target.do("get_object", key).content == b"first"

    def test_a_url_works_until_it_expires(self, target: Target, key: str) -> None:
        target.do("put_object", key, CONTENT)
        answer = target.presign("get_object", key, expires_in=2)
        assert target.use(answer).status_code == 200
        ends_at = datetime.fromisoformat(answer["expires_at"])
        assert ends_at <= refused_at(lambda: target.use(answer).status_code) <= ends_at + timedelta(seconds=3)


class TestChangedUrls:
    """A URL is good for what was signed, and for nothing else."""

    def test_another_path(self, target: Target, key: str) -> None:
        target.do("put_object", key, CONTENT)
        answer = target.presign("get_object", f"{key}-other")
        answer["url"] = answer["url"].replace("-other", "")
        assert target.use(answer).status_code == 403

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "POST"])
    def test_another_method(self, target: Target, key: str, method: str) -> None:
        target.do("put_object", key, CONTENT)
        answer = target.presign("get_object", key)
        # A store may not know a method at all: SeaweedFS refuses POST with 405, Swift with 501.
        refusals = (403, 405, 501) if method == "POST" else (403,)
        assert target.use({**answer, "method": method}, b"").status_code in refusals
        assert target.use(answer).content == CONTENT

    @pytest.mark.parametrize(
        ("options", "header", "value"),
        [
            ({"content_type": "text/plain"}, "Content-Type", "text/html"),
            ({"content_type": "text/plain"}, "Content-Type", None),
            ({"content_md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, "Content-MD5", None),
            ({"cache_control": "no-store"}, "Cache-Control", "public"),
            ({"metadata": {"owner": "ada"}}, "x-amz-meta-owner", "eve"),
            ({"metadata": {"owner": "ada"}}, "x-amz-meta-owner", None),
            ({"if_none_match": "*"}, "If-None-Match", None),
        ],
    )
    def test_another_header(
        self, target: Target, key: str, options: dict[str, Any], header: str, value: str | None
    ) -> None:
        answer = target.presign("put_object", key, **options)
        assert header in answer["headers"]
        del answer["headers"][header]
        if value is not None:
            answer["headers"][header] = value
        assert target.use(answer, CONTENT).status_code == 403
        assert target.do("head_object", key).status_code == 404

    def test_no_upload_becomes_a_copy(self, target: Target, key: str) -> None:
        """Else whoever may upload could read, by a copy, whatever the user may read whose key has signed."""
        target.do("put_object", key, CONTENT)
        parts = Parts(target, f"{key}-copy")
        for answer in (
            target.presign("put_object", parts.key, content_length=0),
            parts.presign("upload_part", part_number=1, content_length=0),
        ):
            answer["headers"]["x-amz-copy-source"] = f"/{target.bucket}/{key}"
            assert target.use(answer, b"").status_code == 403
        assert target.do("head_object", parts.key).status_code == 404
        assert parts.do("abort_multipart_upload").status_code == 204

    @pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
    def test_another_length(self, target: Target, key: str, size: int) -> None:
        answer = target.presign("put_object", key, content_length=len(CONTENT))
        answer["headers"]["Content-Length"] = str(size)
        assert target.use(answer, CONTENT.ljust(size)[:size]).status_code == 403
        assert target.do("head_object", key).status_code == 404

    def test_another_expiry(self, target: Target, key: str) -> None:
        target.do("put_object", key, CONTENT)
        answer = target.presign("get_object", key, expires_in=60)
        answer["url"] = answer["url"].replace("X-Amz-Expires=60&", "X-Amz-Expires=600&")
        assert target.use(answer).status_code == 403

    @pytest.mark.parametrize(
        ("ours", "theirs"), [("text%2Fcsv", "text%2Fhtml"), ("&X-Amz-Date=2", "&X-Amz-Date=3"), ("response-", "x-")]
    )
    def test_another_query(self, target: Target, key: str, ours: str, theirs: str) -> None:
        target.do("put_object", key, CONTENT)
        answer = target.presign("get_object", key, response_content_type="text/csv")
        assert ours in answer["url"]
        answer["url"] = answer["url"].replace(ours, theirs, 1)
        assert target.use(answer).status_code in (400, 403)


class TestForms:
    """A form uploads what its policy allows, and nothing else."""

    def test_every_option(self, target: Target, key: str) -> None:
        answer = target.presign(
            "post_object",
            key,
            content_type="text/plain; charset=utf-8",
            min_content_length=1,
            max_content_length=len(CONTENT),
            metadata={"Author": "Ada  Lovelace"},
            success_action_status=201,
        )
        upload = target.post(answer, CONTENT)
        assert upload.status_code == 201, upload.text
        assert told(upload, "Key") == key
        found = target.do("get_object", key)
        assert found.content == CONTENT
        assert found.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert found.headers["x-amz-meta-author"].split() == ["Ada", "Lovelace"]

    @pytest.mark.parametrize("odd", ["a b+c&d=e%2F", "ünïcödé/日本語/😀", 'quotes"and\\backslashes', "#key"])
    def test_odd_keys(self, target: Target, key: str, odd: str) -> None:
        odd_key = f"{key}/{odd}"
        assert target.post(target.presign("post_object", odd_key), CONTENT).status_code == 204
        assert target.do("get_object", odd_key).content == CONTENT
        assert target.do("delete_object", odd_key).status_code == 204

    @pytest.mark.parametrize(("size", "code"), [(9, "EntityTooSmall"), (21, "EntityTooLarge")])
    def test_another_size(self, target: Target, key: str, size: int, code: str) -> None:
        answer = target.presign("post_object", key, min_content_length=10, max_content_length=20)
        refusal = target.post(answer, b"x" * size)
        assert (refusal.status_code, told(refusal, "Code")) == (400, code)
        assert target.do("head_object", key).status_code == 404
        for allowed in (10, 20):
            assert target.post(answer, b"x" * allowed).status_code == 204

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("key", "other"),
            ("Content-Type", "text/html"),
            ("x-amz-meta-owner", "eve"),
            ("success_action_status", "201"),
            ("x-amz-meta-more", "than was signed"),
            ("Content-Disposition", "inline"),
            ("x-amz-signature", "0" * 64),
        ],
    )
    def test_another_field(self, target: Target, key: str, name: str, value: str) -> None:
        answer = target.presign(
            "post_object", key, content_type="image/png", metadata={"owner": "ada"}, success_action_status=200
        )
        assert target.post(answer, CONTENT, **{name: value}).status_code == 403
        assert target.do("head_object", key).status_code == 404
        assert target.post(answer, CONTENT).status_code == 200

    def test_a_form_works_until_it_expires(self, target: Target, key: str) -> None:
        answer = target.presign("post_object", key, expires_in=2)
        assert target.post(answer, CONTENT).status_code == 204
        ends_at = datetime.fromisoformat(answer["expires_at"])
        assert ends_at <= refused_at(lambda: target.post(answer, CONTENT).status_code) <= ends_at + timedelta(seconds=3)


class TestParts:
    """Parts that were uploaded are downloaded as one object."""

    def test_every_operation(self, target: Target, key: str) -> None:
        parts = Parts(target, key, content_type="image/png", metadata={"owner": "ada"}, cache_control="no-store")
        document = parts.upload(PART, CONTENT)
        listed = parts.do("list_parts")
        assert listed.status_code == 200
        numbers = [
            int(one.text or "") for one in ElementTree.fromstring(listed.content).iterfind("{*}Part/{*}PartNumber")
        ]
        assert numbers == [1, 2]
        assert told(parts.do("list_parts", part_number_marker=1, max_parts=1), "Size") == str(len(CONTENT))
        completed = parts.do("complete_multipart_upload", document)
        assert completed.status_code == 200, completed.text
        assert told(completed, "Key") == key
        found = target.do("get_object", key)
        assert hashlib.sha256(found.content).digest() == hashlib.sha256(PART + CONTENT).digest()
        assert found.headers["Content-Type"] == "image/png"
        assert found.headers["Cache-Control"] == "no-store"
        assert found.headers["x-amz-meta-owner"] == "ada"

    def test_giving_up(self, target: Target, key: str) -> None:
        parts = Parts(target, key)
        document = parts.upload(CONTENT)
        assert parts.do("abort_multipart_upload").status_code == 204
        assert parts.do("list_parts").status_code == 404
        assert parts.do("complete_multipart_upload", document).status_code == 404
        assert target.do("head_object", key).status_code == 404

    def test_create_only(self, target: Target, key: str) -> None:
        target.do("put_object", key, b"first")
        parts = Parts(target, key)
        document = parts.upload(CONTENT)
        assert parts.do("complete_multipart_upload", document, if_none_match="*").status_code == 412
        assert target.do("get_object", key).content == b"first"
        parts.do("abort_multipart_upload")

    @pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
    def test_another_length(self, target: Target, key: str, size: int) -> None:
        parts = Parts(target, key)
        answer = parts.presign("upload_part", part_number=1, content_length=len(CONTENT))
        answer["headers"]["Content-Length"] = str(size)
        assert target.use(answer, CONTENT.ljust(size)[:size]).status_code == 403
        assert told(parts.do("list_parts"), "PartNumber") == ""
        parts.do("abort_multipart_upload")

    def test_another_content(self, target: Target, key: str) -> None:
        parts = Parts(target, key)
        answer = parts.presign("upload_part", part_number=1, content_md5=md5(CONTENT))
        assert target.use(answer, CONTENT[::-1]).status_code == 400
        assert told(parts.do("list_parts"), "PartNumber") == ""
        parts.do("abort_multipart_upload")

    @pytest.mark.parametrize(
        ("operation", "options"),
        [
            ("upload_part", {"part_number": 1}),
            ("list_parts", {}),
            ("complete_multipart_upload", {}),
            ("abort_multipart_upload", {}),
        ],
    )
    def test_another_upload(self, target: Target, key: str, operation: str, options: dict[str, Any]) -> None:
        one, other = Parts(target, key), Parts(target, key)
        document = other.upload(CONTENT)
        answer = one.presign(operation, **options)
        answer["url"] = answer["url"].replace(quote(one.id, safe=""), quote(other.id, safe=""))
        assert target.use(answer, document).status_code == 403
        assert other.do("complete_multipart_upload", document).status_code == 200
        one.do("abort_multipart_upload")

    def test_another_part_number(self, target: Target, key: str) -> None:
        parts = Parts(target, key)
        answer = parts.presign("upload_part", part_number=1)
        answer["url"] = answer["url"].replace("partNumber=1&", "partNumber=2&")
        assert target.use(answer, CONTENT).status_code == 403
        parts.do("abort_multipart_upload")

    def test_the_upload_of_another_key(self, target: Target, key: str) -> None:
        parts = Parts(target, key)
        document = parts.upload(CONTENT)
        for operation in ("complete_multipart_upload", "list_parts", "abort_multipart_upload"):
            assert target.do(operation, f"{key}-other", document, upload_id=parts.id).status_code == 404
        parts.do("abort_multipart_upload")


class TestListsAndCopies:
    """A list shows the signed prefix only, and a copy has the signed source and target only."""

    def ask(self, target: Target, **request: Any) -> dict[str, Any]:
        response = target.running.ask(bucket=target.bucket, **request)
        answer: dict[str, Any] = response.json()
        assert response.status_code == 200, answer
        return answer

    def test_a_list(self, target: Target, key: str) -> None:
        target.do("put_object", f"{key}/a ü", CONTENT)
        answer = self.ask(target, operation="list_objects_v2", prefix=f"{key}/")
        listed = target.use(answer)
        assert (listed.status_code, told(listed, "Key")) == (200, f"{key}/a ü")
        changed = {**answer, "url": answer["url"].replace("prefix=", "prefix=x")}
        assert changed != answer
        assert target.use(changed).status_code == 403
        target.do("delete_object", f"{key}/a ü")

    def test_the_uploads_in_parts(self, target: Target, key: str) -> None:
        parts = Parts(target, key)
        answer = self.ask(target, operation="list_multipart_uploads", prefix=key)
        listed = target.use(answer)
        assert (listed.status_code, told(listed, "UploadId")) == (200, parts.id)
        assert target.use({**answer, "url": answer["url"].replace("prefix=", "prefix=x")}).status_code == 403
        parts.do("abort_multipart_upload")

    def test_a_copy(self, target: Target, key: str) -> None:
        target.do("put_object", key, CONTENT)
        answer = self.ask(target, operation="copy_object", key=f"{key} copy ü", source_key=key)
        other = {**answer["headers"], "x-amz-copy-source": f"{target.bucket}/other"}
        assert target.use({**answer, "headers": other}).status_code == 403
        assert target.use({**answer, "url": answer["url"].replace("%20copy", "%20other")}).status_code == 403
        assert target.use(answer).status_code == 200
        assert target.do("get_object", f"{key} copy ü").content == CONTENT
        target.do("delete_object", f"{key} copy ü")


class TestNothingMoreNothingLess:
    """A client must send all that an answer tells it to send, and nothing more."""

    UPLOAD = {  # noqa: RUF012 - nothing changes it
        "content_type": "text/plain",
        "cache_control": "no-store",
        "content_disposition": "inline",
        "content_encoding": "identity",
        "metadata": {"owner": "ada", "a_b": "c"},
    }

    def check(self, target: Target, answer: dict[str, Any], data: bytes | None, expected: int = 200) -> None:
        for name in answer["headers"]:
            headers = {one: value for one, value in answer["headers"].items() if one != name}
            assert target.replay({**answer, "headers": headers}, data) in (400, 403, 411), name
        assert target.replay(answer, data) == expected

    def test_uploads(self, target: Target, key: str) -> None:
        answer = target.presign(
            "put_object",
            key,
            **self.UPLOAD,
            content_length=len(CONTENT),
            content_md5=md5(CONTENT),
            checksum_sha256=base64.b64encode(hashlib.sha256(CONTENT).digest()).decode(),
            if_none_match="*",
        )
        assert len(answer["headers"]) == 10
        self.check(target, answer, CONTENT)
        assert target.do("get_object", key).content == CONTENT

    @pytest.mark.parametrize(
        ("operation", "options", "status"),
        [
            ("get_object", {"response_content_type": "text/csv", "download_as": "a.csv"}, 200),
            ("head_object", {}, 200),
            ("delete_object", {}, 204),
        ],
    )
    def test_what_needs_no_headers(
        self, target: Target, key: str, operation: str, options: dict[str, Any], status: int
    ) -> None:
        target.do("put_object", key, CONTENT)
        answer = target.presign(operation, key, **options)
        assert answer["headers"] == {}
        assert target.replay(answer) == status

    def test_parts(self, target: Target, key: str) -> None:
        creation = target.presign("create_multipart_upload", key, **self.UPLOAD)
        assert len(creation["headers"]) == 6
        self.check(target, creation, None)
        parts = Parts(target, key)
        part = parts.presign("upload_part", part_number=1, content_length=len(CONTENT), content_md5=md5(CONTENT))
        assert len(part["headers"]) == 2
        self.check(target, part, CONTENT)
        for operation in ("list_parts", "abort_multipart_upload", "complete_multipart_upload"):
            assert parts.presign(operation)["headers"] == {}
        assert target.replay(parts.presign("list_parts")) == 200
        completion = parts.presign("complete_multipart_upload", if_none_match="*")
        completion["headers"]["Content-Length"] = str(len(document := parts.upload(CONTENT)))
        assert target.replay({**completion, "headers": {"Content-Length": str(len(document))}}, document) == 403
        assert target.replay(completion, document) == 200
        assert target.replay(Parts(target, key).presign("abort_multipart_upload")) == 204

    def test_forms(self, target: Target, key: str) -> None:
        answer = target.presign(
            "post_object",
            key,
            content_type="image/png",
            metadata={"owner": "ada"},
            max_content_length=len(CONTENT),
            success_action_status=200,
        )
        assert answer["headers"] == {}
        assert len(answer["fields"]) == 9
        for name in answer["fields"]:
            assert target.post(answer, CONTENT, **{name: None}).status_code in (400, 403), name
        assert target.do("head_object", key).status_code == 404
        assert target.post(answer, CONTENT).status_code == 200
