"""Objects go up and come down again by the URLs that the function gives, and a changed URL is worth nothing.

Against the local store always; with `-m live` against the S3 server that the variables `LIVE_S3_*` name.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import requests

from conftest import Running
from local.stack import BUCKET, SECRET_NAME, SECRET_OCID, VAULT_OCID

LIVE_VARIABLES = [f"LIVE_S3_{name}" for name in ("ENDPOINT", "REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "BUCKET")]
CONTENT = "Grüße, 世界\n".encode() * 100


class Target(NamedTuple):
    """A running function and the bucket that its URLs are for."""

    running: Running
    bucket: str

    def presign(self, operation: str, key: str, **options: Any) -> dict[str, Any]:
        response = self.running.ask(operation=operation, bucket=self.bucket, key=key, **options)
        assert response.status_code == 200, response.json()
        return response.json()

    def use(self, answer: dict[str, Any], data: bytes | None = None) -> requests.Response:
        """Do exactly what the answer says."""
        return requests.request(answer["method"], answer["url"], headers=answer["headers"], data=data, timeout=30)

    def do(self, operation: str, key: str, data: bytes | None = None, **options: Any) -> requests.Response:
        return self.use(self.presign(operation, key, **options), data)


@pytest.fixture(scope="module", params=["sigv4", "boto3", pytest.param("live", marks=pytest.mark.live)])
def target(request: pytest.FixtureRequest, start: Callable[..., Running]) -> Target:
    if request.param != "live":
        return Target(start({"SIGNER": request.param}), BUCKET)
    missing = [name for name in LIVE_VARIABLES if not os.environ.get(name)]
    if missing:
        pytest.skip(f"not set: {', '.join(missing)}")
    endpoint, region, access_key_id, secret_access_key, bucket = (os.environ[name] for name in LIVE_VARIABLES)
    policy = {"rules": [{"operations": ["*"], "bucket": bucket, "prefix": ""}]}
    running = start(
        {"STORAGE_ENDPOINT": endpoint, "REGION": region, "POLICY": json.dumps(policy), "DEFAULT_BUCKET": ""}
    )
    running.stack.vault.put_secret(
        json.dumps({"access_key_id": access_key_id, "secret_access_key": secret_access_key}),
        secret_id=SECRET_OCID,
        name=SECRET_NAME,
        vault_id=VAULT_OCID,
    )
    return Target(running, bucket)


@pytest.fixture
def key(target: Target) -> Iterator[str]:
    """A key that no other test uses; the object is deleted in the end."""
    name = f"presign-tests/{uuid.uuid4()}"
    yield name
    target.do("delete_object", name)


class TestRoundTrips:
    """What was uploaded is what is downloaded."""

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
        time.sleep(3.1)
        assert target.use(answer).status_code == 403


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
        assert target.use({**answer, "method": method}, b"").status_code == 403
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
