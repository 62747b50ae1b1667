"""The Python client lists and copies objects without moving them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
from presign_client import Entry, PresignedUrl, Problem, StoreError
from presign_client.__main__ import main
from werkzeug.wrappers import Response

from local.api import Fault
from local.server import Server
from local.stack import BUCKET
from support.python_clients import MIB, Recorder, client, content, read, sha256
from support.systems import Running

POLICY = {
    "rules": [
        {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/"},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "shared/", "via": "par"},
    ]
}


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    return start({"POLICY": json.dumps(POLICY)})


def test_the_objects_below_a_prefix(running: Running) -> None:
    asked = client(running)
    for name in ("a", "ü &b", "deep/c"):
        asked.upload(io.BytesIO(b"hello"), f"users/alice/list/{name}")
    found = list(asked.list("users/alice/list/"))
    keys = ["users/alice/list/a", "users/alice/list/deep/c", "users/alice/list/ü &b"]
    assert [(entry.key, entry.size, entry.is_prefix) for entry in found] == [(key, 5, False) for key in keys]
    assert found[0].etag == '"5d41402abc4b2a76b9719d911017c592"'
    folders = [entry for entry in asked.list("users/alice/list/", delimiter="/") if entry.is_prefix]
    assert folders == [Entry("users/alice/list/deep/", is_prefix=True)]
    assert list(asked.list("users/alice/none/")) == []


def test_a_long_list_to_its_end(running: Running) -> None:
    for number in range(2001):
        running.stack.storage.put_object(BUCKET, f"users/alice/long/{number:04}", b"")
    asked = Recorder.of(running)
    found = [entry.key for entry in client(running, presigner=asked).list("users/alice/long/")]
    assert found == [f"users/alice/long/{number:04}" for number in range(2001)]
    assert asked.operations() == ["list_objects_v2"] * 3


def test_a_folder_of_pre_authenticated_requests_is_found_out(running: Running) -> None:
    client(running).upload(io.BytesIO(b"hello"), "shared/folder/a")
    asked = Recorder.of(running)
    found = list(client(running, presigner=asked).list("shared/folder/"))
    assert [entry.key for entry in found] == ["shared/folder/a"]
    assert asked.operations() == ["list_objects_v2", "get_prefix"]


def test_the_list_of_somebody_else_is_refused(running: Running) -> None:
    with pytest.raises(Problem) as caught:
        list(client(running).list("users/bob/"))
    assert (caught.value.status, caught.value.code) == (403, "access_denied")


def test_a_copy_has_the_bytes_and_the_metadata(running: Running, tmp_path: Path) -> None:
    asked = client(running)
    asked.upload(io.BytesIO(b"hello"), "users/alice/ü source+1.png")
    etag = asked.copy("users/alice/ü source+1.png", "users/alice/copy")
    answer = read(running, "users/alice/copy")
    assert (answer.content, answer.headers["Content-Type"], answer.headers["ETag"]) == (b"hello", "image/png", etag)
    assert asked.download("users/alice/copy", tmp_path / "copy").verified


def test_a_copy_of_nothing_is_refused(running: Running) -> None:
    with pytest.raises(StoreError) as caught:
        client(running).copy("users/alice/none", "users/alice/copy-of-none")
    assert (caught.value.status, caught.value.code) == (404, "NoSuchKey")


def test_a_copy_from_somebody_else_is_refused(running: Running) -> None:
    with pytest.raises(Problem) as caught:
        client(running).copy("users/bob/secret", "users/alice/copy")
    assert (caught.value.status, caught.value.code) == (403, "access_denied")


def test_without_a_limit_parts_are_large(running: Running) -> None:
    asked = Recorder.of(running)
    data = content(40 * MIB)
    client(running, presigner=asked).upload(io.BytesIO(data), "users/alice/large")
    assert asked.operations().count("upload_part") == 3
    assert sha256(read(running, "users/alice/large").content) == sha256(data)


class TestLinks:
    """URLs of many objects come by one call."""

    def test_each_key_has_its_url_or_its_problem(self, running: Running) -> None:
        client(running).upload(b"hello", "users/alice/linked")
        asked = Recorder.of(running)
        links = client(running, presigner=asked).links(
            ["users/alice/linked", "users/bob/secret", "users/alice/../up"], expires_in=60
        )
        assert asked.batches == [3]
        [linked, secret, up] = links
        assert isinstance(linked, PresignedUrl) and linked.expires_in == 60
        assert requests.get(linked.url, timeout=10).content == b"hello"
        assert isinstance(secret, Problem) and secret.code == "access_denied"
        assert isinstance(up, Problem) and [error.pointer for error in up.errors] == ["/key"]
        assert "/requests" not in str(up)

    def test_any_number_of_keys(self, running: Running) -> None:
        asked = Recorder.of(running)
        keys = [f"users/alice/{number}" for number in range(2001)]
        links = client(running, presigner=asked).links(keys)
        assert [link.key for link in links if isinstance(link, PresignedUrl)] == keys
        assert asked.batches == [1000, 1000, 1]
        assert client(running).links([]) == []

    def test_long_keys_are_split_by_their_bytes(self, running: Running) -> None:
        """A batch may have 1 MiB, and its answer 6,000,000 bytes."""
        asked = Recorder.of(running)
        keys = [f"users/alice/{number:04}{'ü' * 500}" for number in range(1000)]
        links = client(running, presigner=asked).links(keys)
        assert [link.key for link in links if isinstance(link, PresignedUrl)] == keys
        assert len(asked.batches) > 3

    def test_pre_authenticated_requests_come_in_twenties(self, running: Running) -> None:
        asked = Recorder.of(running)
        links = client(running, presigner=asked).links([f"shared/{number}" for number in range(45)])
        assert [link.via for link in links if isinstance(link, PresignedUrl)] == ["par"] * 45
        assert asked.batches == [45, 20, 20, 5]

    def test_an_answer_of_another_length_is_no_answer(self, running: Running) -> None:
        class Short(Recorder):
            def batch(self, requests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
                return {"results": super().batch(requests)["results"][1:]}

        with pytest.raises(Problem) as caught:
            client(running, presigner=Short.of(running)).links(["users/alice/a", "users/alice/b"])
        assert caught.value.code == "foreign_answer"


def test_a_list_that_never_ends_is_given_up(running: Running) -> None:
    """The store repeats the token that it got."""
    page = (
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        "<Contents><Key>a</Key></Contents></ListBucketResult>"
    )
    with Server(lambda _: Response(page, content_type="application/xml")) as server:
        asked = Recorder.of(running, lambda _, answer: {**answer, "url": server.url})
        with pytest.raises(StoreError) as caught:
            list(client(running, presigner=asked).list("users/alice/"))
    assert caught.value.code == "foreign_answer"


def test_a_list_that_no_parser_reads_is_told(running: Running) -> None:
    """XML can't hold all characters that a key may have."""
    running.stack.storage.put_object(BUCKET, "users/alice/unreadable/\uffff", b"")
    with pytest.raises(StoreError, match="a key may have characters that XML can't hold"):
        list(client(running).list("users/alice/unreadable/"))


def test_a_page_is_asked_for_again(running: Running) -> None:
    def mend() -> None:
        running.stack.storage.fault = None

    running.stack.storage.put_object(BUCKET, "users/alice/again/a", b"")
    running.stack.storage.put_object(BUCKET, "shared/again/a", b"")
    list(client(running).list("shared/again/"))  # the function knows the namespace from now on
    for prefix in ("users/alice/again/", "shared/again/"):
        running.stack.storage.fault = Fault(status=503, method="GET")
        assert [entry.key for entry in client(running, pause=mend).list(prefix)] == [f"{prefix}a"]


def test_the_commands(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PRESIGN_ENDPOINT", f"{running.stack.url}/v1/presign")
    monkeypatch.setenv("PRESIGN_TOKEN", running.stack.token())
    client(running).upload(io.BytesIO(b"hello"), "users/alice/command/deep/a")
    assert main(["cp", "users/alice/command/deep/a", "users/alice/command/b"]) == 0
    assert main(["ls", "users/alice/command/"]) == 0
    file, folder = (line.split() for line in capsys.readouterr().out.splitlines())
    assert (file[0], file[-1], folder) == ("5", "users/alice/command/b", ["users/alice/command/deep/"])
    assert main(["ls", "--recursive", "users/alice/command/"]) == 0
    keys = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert keys == ["users/alice/command/b", "users/alice/command/deep/a"]
