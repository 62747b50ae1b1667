"""The Python client lists and copies objects without moving them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from presign_client import Entry, Problem, StoreError
from presign_client.__main__ import main

from conftest import Running
from local.stack import BUCKET
from support.python_clients import MIB, Recorder, client, content, sha256

POLICY = {
    "rules": [
        {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/"},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "shared/", "via": "par"},
    ]
}


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    return start({"POLICY": json.dumps(POLICY)})


def read(running: Running, key: str) -> requests.Response:
    return requests.get(running.ask(key=key).json()["url"], timeout=10)


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
