"""URLs with `cors`, from the function to the store, by the store route."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from local.api_gateway.http_backend import Encoding
from local.stack import BUCKET
from presign.settings import SIGNERS
from support.store import Answer, send
from support.systems import Running

ORIGIN = "https://app.example.com"
POLICY = {
    "rules": [
        {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/"},
    ]
}
KEYS = ["a b", "a+b", "a%b", "a%2Fb", "a?b=c&d", "a#b", "a//b", "ü", "😀", "a/", "a;b=c", "@host", "'~!()*$,:"]
ENCODINGS: list[Encoding] = ["kept", "least", "most"]


@pytest.fixture(scope="module", params=SIGNERS)
def signer(request: pytest.FixtureRequest) -> str:
    """Each of the two signers."""
    return str(request.param)


@pytest.fixture(scope="module", params=ENCODINGS)
def routed(request: pytest.FixtureRequest, signer: str, start: Callable[..., Running]) -> Running:
    """A system with each signer, whose gateway encodes URLs in each of the ways."""
    return start({"SIGNER": signer, "POLICY": json.dumps(POLICY)}, route_encoding=request.param)


def use(running: Running, body: bytes | None = None, **request: Any) -> Answer:
    """Ask for a URL with `cors`, and use it as a page of another origin does; the page can read the answer."""
    response = running.ask(cors=True, **request)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["url"].startswith(f"{running.stack.url}/store/{BUCKET}")
    given = send(answer["method"], answer["url"], {**answer["headers"], "Origin": ORIGIN}, body)
    assert given.headers["Access-Control-Allow-Origin"] == "*"
    assert given.headers["Access-Control-Expose-Headers"] == "*"
    return given


class TestRoundTrips:
    """Everything that is bound to a URL holds by the route."""

    @pytest.mark.parametrize("key", KEYS)
    def test_a_key(self, routed: Running, key: str) -> None:
        key = f"users/alice/{key}"
        content = key.encode()
        upload: dict[str, Any] = {
            "operation": "put_object",
            "content_length": len(content),
            "content_type": "text/plain; charset=utf-8",
            "metadata": {"note": "a b+c"},
        }
        assert use(routed, content, key=key, **upload)[0] == 200
        read = use(routed, key=key, download_as="ü +&.txt")
        assert read == (200, content)
        assert read.headers["x-amz-meta-note"] == "a b+c"
        assert "filename*=UTF-8''%C3%BC%20+&.txt" in read.headers["Content-Disposition"]
        assert use(routed, operation="head_object", key=key)[0] == 200
        copied = use(routed, operation="copy_object", source_key=key, key="users/alice/copy")
        assert copied[0] == 200
        listed = use(routed, operation="list_objects_v2", prefix=key)
        assert (listed[0], listed[1].count(b"<Key>")) == (200, 1)
        assert use(routed, operation="delete_object", key=key)[0] == 204
        assert use(routed, operation="head_object", key=key)[0] == 404

    def test_parts(self, routed: Running) -> None:
        key = "users/alice/parts ü"
        begun = use(routed, operation="create_multipart_upload", key=key)
        upload: dict[str, Any] = {
            "key": key,
            "upload_id": begun[1].partition(b"<UploadId>")[2].partition(b"</UploadId>")[0].decode(),
        }
        part = use(routed, b"part", operation="upload_part", part_number=1, content_length=4, **upload)
        assert (part[0], part.headers["ETag"]) == (200, '"f4c9385f1902f7334b00b9b4ecd164de"')
        listed = use(routed, operation="list_parts", **upload)
        assert listed[1].count(b"<PartNumber>1</PartNumber>") == 1
        complete = (
            b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
            b'<ETag>"f4c9385f1902f7334b00b9b4ecd164de"</ETag></Part></CompleteMultipartUpload>'
        )
        assert use(routed, complete, operation="complete_multipart_upload", **upload)[0] == 200
        assert use(routed, key=key) == (200, b"part")

    def test_a_body_of_another_length_or_type(self, routed: Running) -> None:
        request: dict[str, Any] = {
            "operation": "put_object",
            "key": "users/alice/bound",
            "content_length": 3,
            "content_type": "text/plain",
        }
        answer = routed.ask(cors=True, **request).json()
        longer = {**answer["headers"], "Content-Length": "6"}
        assert send("PUT", answer["url"], longer, b"longer")[0] == 403
        html = {**answer["headers"], "Content-Type": "text/html"}
        assert send("PUT", answer["url"], html, b"abc")[0] == 403
        assert use(routed, operation="head_object", key="users/alice/bound")[0] == 404


def test_a_url_holds_at_the_store_too(start: Callable[..., Running]) -> None:
    """The route changes where the URL leads to, and nothing that is signed."""
    running = start()
    running.stack.storage.put_object(BUCKET, "a", b"a")
    url = running.ask(cors=True, key="a").json()["url"]
    direct = running.stack.storage_url + url.removeprefix(f"{running.stack.url}/store")
    assert requests.get(direct, timeout=10).content == b"a"
    assert "Access-Control-Allow-Origin" not in requests.get(direct, headers={"Origin": ORIGIN}, timeout=10).headers


def test_a_page_from_the_store_runs_no_script(start: Callable[..., Running]) -> None:
    running = start()
    running.stack.storage.put_object(BUCKET, "page.html", b"<script>1</script>")
    url = running.ask(cors=True, key="page.html").json()["url"]
    headers = requests.get(url, timeout=10).headers
    assert (headers["Content-Security-Policy"], headers["X-Content-Type-Options"]) == ("sandbox", "nosniff")
