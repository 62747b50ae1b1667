"""Listing and copying with presigned URLs, against the whole system."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
import requests

from local.stack import BUCKET
from support.systems import Running

POLICY = {
    "rules": [
        {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/"},
        {"operations": ["read"], "bucket": "public", "prefix": "", "max_expires_in": 60},
        {"operations": ["multipart"], "bucket": BUCKET, "prefix": "small/{sub}/", "max_content_length": 12_000_000},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "", "callers": ["invoke"]},
    ]
}


@pytest.fixture(scope="module")
def files(start: Callable[..., Running]) -> Running:
    """A system with objects of alice, of bob, and of everybody."""
    running = start({"POLICY": json.dumps(POLICY)})
    running.stack.storage.create_bucket("public")
    for key in ("users/alice/a b.txt", "users/alice/deep/ü.txt", "users/bob/secret"):
        running.stack.storage.put_object(BUCKET, key, key.encode())
    running.stack.storage.put_object("public", "logo", b"logo")
    return running


def send(answer: dict[str, Any], url: str | None = None, **headers: str) -> requests.Response:
    return requests.request(
        answer["method"], url or answer["url"], headers={**answer["headers"], **headers}, timeout=10
    )


def texts(response: requests.Response, name: str) -> list[str | None]:
    """The texts of all elements of one name."""
    assert response.status_code == 200, response.text
    return [found.text for found in ElementTree.fromstring(response.content).iter() if found.tag.endswith(name)]


class TestList:
    """The URL lists the prefix that was signed, and nothing else."""

    def test_the_own_objects(self, files: Running) -> None:
        answer = files.ask(operation="list_objects_v2", prefix="users/alice/").json()
        assert (answer["prefix"], answer["method"], answer["headers"]) == ("users/alice/", "GET", {})
        assert "key" not in answer
        assert {"users/alice/a b.txt", "users/alice/deep/ü.txt"} <= set(texts(send(answer), "Key"))

    def test_folders(self, files: Running) -> None:
        answer = files.ask(operation="list_objects_v2", prefix="users/alice/", delimiter="/").json()
        assert "users/alice/deep/" in texts(send(answer), "Prefix")

    def test_page_by_page(self, files: Running) -> None:
        first = send(files.ask(operation="list_objects_v2", prefix="users/alice/", max_keys=1).json())
        [token] = texts(first, "NextContinuationToken")
        second = send(
            files.ask(operation="list_objects_v2", prefix="users/alice/", max_keys=1, continuation_token=token).json()
        )
        assert texts(first, "Key") != texts(second, "Key")

    def test_a_changed_prefix_is_refused(self, files: Running) -> None:
        answer = files.ask(operation="list_objects_v2", prefix="users/alice/").json()
        for other in ("users/bob/", "users/", ""):
            changed = answer["url"].replace(quote("users/alice/", safe=""), quote(other, safe=""))
            assert changed != answer["url"]
            assert send(answer, changed).status_code == 403
        assert send(answer, answer["url"] + "&prefix=users%2Fbob%2F").status_code in (400, 403)

    @pytest.mark.parametrize("prefix", ["users/bob/", "users/", "users/alice", None])
    def test_another_users_prefix(self, files: Running, prefix: str | None) -> None:
        response = files.ask(operation="list_objects_v2", prefix=prefix)
        assert (response.status_code, response.json()["code"]) == (403, "access_denied")

    def test_uploads_in_parts_that_were_left_behind(self, files: Running) -> None:
        send(files.ask(operation="create_multipart_upload", key="users/alice/left").json())
        answer = files.ask(operation="list_multipart_uploads", prefix="users/alice/").json()
        assert texts(send(answer), "Key") == ["users/alice/left"]
        assert files.ask(operation="list_multipart_uploads", prefix="users/bob/").status_code == 403


class TestCopy:
    """The URL copies the source that was signed to the target that was signed."""

    def test_an_own_object(self, files: Running) -> None:
        answer = files.ask(operation="copy_object", key="users/alice/copy", source_key="users/alice/a b.txt").json()
        assert answer["headers"] == {
            "x-amz-copy-source": f"{BUCKET}/users/alice/a%20b.txt",
            "x-amz-metadata-directive": "COPY",
        }
        assert send(answer).status_code == 200
        stored = requests.get(files.ask(key="users/alice/copy").json()["url"], timeout=10)
        assert stored.content == b"users/alice/a b.txt"

    def test_out_of_another_bucket_with_another_type(self, files: Running) -> None:
        answer = files.ask(
            operation="copy_object",
            key="users/alice/logo",
            source_bucket="public",
            source_key="logo",
            metadata_directive="REPLACE",
            content_type="image/png",
        ).json()
        assert answer["expires_in"] == 60
        assert send(answer).status_code == 200
        stored = requests.get(files.ask(key="users/alice/logo").json()["url"], timeout=10)
        assert (stored.content, stored.headers["Content-Type"]) == (b"logo", "image/png")

    def test_a_changed_source_or_target_is_refused(self, files: Running) -> None:
        answer = files.ask(operation="copy_object", key="users/alice/copy", source_key="users/alice/a b.txt").json()
        assert send(answer, **{"x-amz-copy-source": f"{BUCKET}/users/bob/secret"}).status_code == 403
        assert send(answer, answer["url"].replace("/copy?", "/copy2?")).status_code == 403

    def test_a_source_that_the_caller_may_not_read_is_refused_before_signing(self, files: Running) -> None:
        response = files.ask(operation="copy_object", key="users/alice/copy", source_key="users/bob/secret")
        assert (response.status_code, response.json()["code"]) == (403, "access_denied")

    def test_the_type_of_the_source_can_not_be_replaced_by_accident(self, files: Running) -> None:
        response = files.ask(
            operation="copy_object", key="users/alice/c", source_key="users/alice/a b.txt", content_type="text/css"
        )
        assert response.json()["errors"] == [
            {"pointer": "/content_type", "detail": "needs metadata_directive to be REPLACE"}
        ]


class TestParts:
    """The answer to the first request of an upload in parts tells how large its parts may be."""

    def test_without_a_limit(self, files: Running) -> None:
        answer = files.ask(operation="create_multipart_upload", key="users/alice/big").json()
        assert (answer["part_size"], answer["max_parts"]) == (16 * 1024**2, 10_000)
        assert "max_content_length" not in answer

    def test_with_one(self, files: Running) -> None:
        answer = files.ask(operation="create_multipart_upload", key="small/alice/a").json()
        assert (answer["part_size"], answer["max_parts"], answer["max_content_length"]) == (5 * 1024**2, 3, 12_000_000)
        part: dict[str, Any] = {"operation": "upload_part", "key": "small/alice/a", "upload_id": "u"}
        lengths = [5 * 1024**2, 5 * 1024**2, 12_000_000 - 2 * 5 * 1024**2]
        for number, length in enumerate(lengths, 1):
            assert "url" in files.ask(**part, part_number=number, content_length=length).json()
        assert files.ask(**part, part_number=4, content_length=1).status_code == 403
