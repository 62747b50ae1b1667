"""The Python client uses pre-authenticated requests where the policy gives them, and takes them back."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from presign_client import (
    ChecksumMismatch,
    Entry,
    InvalidArgument,
    NotRevocable,
    PresignedUrl,
    Problem,
    StoreError,
)
from presign_client.__main__ import main
from werkzeug.wrappers import Request, Response

from local.api import Fault
from local.server import Server
from local.stack import BUCKET
from support.python_clients import MIB, Recorder, client, content, sha256
from support.systems import Running

POLICY = {
    "rules": [
        {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/", "via": "par"},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "both/"},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "both/", "via": "par"},
    ]
}
BIG = content(40 * MIB + 1)
PARTS = 3
"""The parts of `BIG`, each of 16 MiB but the last."""


@pytest.fixture(scope="module")
def pars(start: Callable[..., Running]) -> Running:
    return start({"POLICY": json.dumps(POLICY)})


@pytest.fixture
def storage(pars: Running) -> Iterator[Any]:
    """Object storage, which works again after the test."""
    yield pars.stack.storage
    pars.stack.storage.fault = None


def read(running: Running, key: str) -> requests.Response:
    return requests.get(running.ask(key=key).json()["url"], timeout=10)


@pytest.mark.parametrize("size", [0, 5, 40 * MIB + 1])
@pytest.mark.parametrize("via", [None, "par"])
def test_a_file_goes_up_and_comes_down(pars: Running, tmp_path: Path, size: int, via: Any) -> None:
    """A client that is not told finds out that the policy gives pre-authenticated requests."""
    asked = client(pars, via=via)
    key = f"users/alice/{via} ü+{size}.png"
    asked.upload(io.BytesIO(content(size)), key, metadata={"album": "May"})
    answer = read(pars, key)
    assert sha256(answer.content) == sha256(content(size))
    assert (answer.headers["Content-Type"], answer.headers["opc-meta-album"]) == ("image/png", "May")
    found = asked.download(key, tmp_path / "down")
    assert (found.sha256, found.verified) == (sha256(content(size)), True)


def test_a_signed_url_is_preferred(pars: Running) -> None:
    asked = client(pars)
    asked.upload(io.BytesIO(b"hello"), "both/a")
    assert asked.url("both/a").via == "s3"
    assert client(pars, via="par").url("both/a").via == "par"


def test_one_pre_authenticated_request_serves_all_parts(pars: Running) -> None:
    asked = Recorder.of(pars)
    client(pars, presigner=asked, via="par").upload(io.BytesIO(BIG), "users/alice/one")
    assert asked.operations() == ["put_object"]


def test_an_upload_goes_on(pars: Running, tmp_path: Path) -> None:
    state = tmp_path / "state.json"

    def interrupt(done: int, _total: int) -> None:
        if done > 20 * MIB:
            raise KeyboardInterrupt

    file = tmp_path / "big"
    file.write_bytes(BIG)
    with pytest.raises(KeyboardInterrupt):
        client(pars, at_once=1).upload(file, "users/alice/resumed", state=state, progress=interrupt)
    assert sorted(json.loads(state.read_text(encoding="utf-8"))["etags"]) == ["1"]
    assert state.stat().st_mode & 0o777 == 0o600

    asked, before = Recorder.of(pars), pars.stack.storage.requests
    client(pars, presigner=asked).upload(file, "users/alice/resumed", state=state)
    assert asked.operations() == []
    assert pars.stack.storage.requests - before == PARTS - 1 + 1
    assert sha256(read(pars, "users/alice/resumed").content) == sha256(BIG)
    assert not state.exists()


def test_an_upload_that_is_gone_begins_anew_with_the_next_call(pars: Running) -> None:
    state: dict[str, Any] = {}

    def fail(_done: int, _total: int) -> None:
        raise RuntimeError

    asked = client(pars)
    with pytest.raises(RuntimeError):
        asked.upload(io.BytesIO(BIG), "users/alice/gone", state=state, progress=fail)
    requests.delete(state["upload_id"], timeout=10).raise_for_status()
    with pytest.raises(StoreError):
        asked.upload(io.BytesIO(BIG), "users/alice/gone", state=state)
    asked.upload(io.BytesIO(BIG), "users/alice/gone", state=state)
    assert sha256(read(pars, "users/alice/gone").content) == sha256(BIG)


def test_a_lost_answer_to_the_completion_is_no_failure(pars: Running) -> None:
    """The process ended after Object Storage had joined the parts, and before it knew."""
    state: dict[str, Any] = {}
    kept: dict[str, Any] = {}

    class Kept(dict[str, Any]):
        def update(self, *values: Any, **named: Any) -> None:
            super().update(*values, **named)
            if named.get("completing") or any("completing" in value for value in values):
                kept.update(self)

    state = Kept()
    client(pars).upload(io.BytesIO(BIG), "users/alice/lost", state=state)
    assert kept["completing"] is True
    asked = Recorder.of(pars)
    client(pars, presigner=asked).upload(io.BytesIO(BIG), "users/alice/lost", state=kept)
    assert asked.operations() == ["head_object"]
    assert kept == {}


def test_a_part_is_sent_again(pars: Running, storage: Any) -> None:
    storage.fault = Fault(status=503, method="PUT", api="par")

    def mend() -> None:
        storage.fault = None

    client(pars, pause=mend).upload(io.BytesIO(BIG), "users/alice/again")
    assert sha256(read(pars, "users/alice/again").content) == sha256(BIG)


@pytest.mark.parametrize("size", [5, 40 * MIB + 1])
def test_an_object_is_not_replaced_if_it_must_not(pars: Running, size: int) -> None:
    asked = client(pars)
    key = f"users/alice/create-only-{size}"
    asked.upload(io.BytesIO(content(size)), key, create_only=True)
    with pytest.raises(StoreError) as caught:
        asked.upload(io.BytesIO(content(size, seed=2)), key, create_only=True)
    assert caught.value.status == 412
    assert sha256(read(pars, key).content) == sha256(content(size))


def test_a_damaged_object_is_noticed(pars: Running, tmp_path: Path) -> None:
    """The uploader said by the metadata which digest the bytes have."""
    url = client(pars).url("users/alice/bad", "put_object", metadata={"sha256": "A" * 43 + "="})
    requests.put(url.url, b"other", headers=dict(url.headers), timeout=10).raise_for_status()
    with pytest.raises(ChecksumMismatch):
        client(pars).download("users/alice/bad", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_listed(pars: Running) -> None:
    asked = client(pars, via="par")
    for name in ("a", "ü b", "deep/c"):
        asked.upload(io.BytesIO(b"hello"), f"users/alice/list/{name}")
    found = list(asked.list("users/alice/list/"))
    assert [(entry.key, entry.size) for entry in found] == [
        ("users/alice/list/a", 5),
        ("users/alice/list/deep/c", 5),
        ("users/alice/list/ü b", 5),
    ]
    folders = [entry for entry in asked.list("users/alice/list/", delimiter="/") if entry.is_prefix]
    assert folders == [Entry("users/alice/list/deep/", is_prefix=True)]
    with pytest.raises(Problem) as caught:
        list(asked.list("users/bob/"))
    assert caught.value.code == "access_denied"


def test_a_long_folder_is_listed_to_its_end(pars: Running) -> None:
    for number in range(1001):
        pars.stack.storage.put_object(BUCKET, f"users/alice/long/{number:04}", b"")
    found = [entry.key for entry in client(pars, via="par").list("users/alice/long/")]
    assert found == [f"users/alice/long/{number:04}" for number in range(1001)]


def test_a_url_that_was_taken_back_works_no_more(pars: Running) -> None:
    asked = client(pars)
    asked.upload(io.BytesIO(b"hello"), "users/alice/revoked")
    url = asked.url("users/alice/revoked")
    assert url.id is not None
    assert requests.get(url.url, timeout=10).status_code == 200
    asked.revoke(url.id, bucket=url.bucket)
    assert requests.get(url.url, timeout=10).status_code == 401
    with pytest.raises(Problem) as caught:
        asked.revoke(url.id, bucket=BUCKET)
    assert (caught.value.status, caught.value.code) == (404, "not_found")


@pytest.mark.parametrize("named", [lambda url: url, lambda url: url.id], ids=["the URL", "its id"])
@pytest.mark.parametrize("bucket", [None, BUCKET, "other"])
def test_a_url_is_taken_back_as_the_client_gave_it(pars: Running, named: Any, bucket: Any) -> None:
    """Of an id alone, the bucket is the client's, or else the function's own."""
    key = "users/alice/a://b"  # its id ends so, too
    client(pars).upload(b"hello", key)
    [url] = client(pars).links([key])
    assert isinstance(url, PresignedUrl)
    if bucket == "other" and named(url) is not url:
        with pytest.raises(Problem, match="not_found"):
            client(pars, bucket=bucket).revoke(named(url))
        return
    client(pars, bucket=bucket).revoke(named(url))
    assert requests.get(url.url, timeout=10).status_code == 401


def test_what_can_not_be_taken_back(pars: Running) -> None:
    asked = client(pars, bucket=BUCKET)
    signed = asked.url("both/a")
    for url in (signed, signed.id):
        with pytest.raises(NotRevocable, match='one that was asked for with via="par" can') as caught:
            asked.revoke(url)  # type: ignore[arg-type]
        assert caught.value.code == "not_revocable"
    with pytest.raises(InvalidArgument) as shown:
        asked.revoke(signed.url)
    assert "X-Amz-" not in str(shown.value)


@pytest.mark.parametrize(
    "access_uri",
    [
        "https://example.com/p/t/",
        "/elsewhere/",
        "//example.com/p/t/",
        "/p/t",
        "",
        "http://[",
        "//[/p/",
    ],
)
def test_the_parts_of_an_upload_go_to_its_own_origin(pars: Running, access_uri: str) -> None:
    body = json.dumps({"accessUri": access_uri})
    requests_seen: list[str] = []

    def answer(request: Request) -> Response:
        requests_seen.append(request.method)
        return Response(body, content_type="application/json")

    with Server(answer) as server:
        asked = Recorder.of(pars, lambda _, answer: {**answer, "url": f"{server.url}/p/a"})
        with pytest.raises(StoreError) as caught:
            client(pars, presigner=asked, via="par").upload(BIG, "users/alice/origin")
    assert (caught.value.code, requests_seen) == ("foreign_answer", ["PUT"])


@pytest.mark.parametrize(
    "page",
    [
        {"objects": None},
        {"objects": [5]},
        {"objects": [{}]},
        {"objects": [{"name": 5}]},
        {"objects": [{"name": "a", "size": "5"}]},
        {"objects": [{"name": "a", "etag": 5}]},
        {"objects": [{"name": "a", "timeModified": [5]}]},
        {"objects": [], "prefixes": 5},
        {"objects": [], "prefixes": [5]},
        {"objects": [], "nextStartWith": 5},
    ],
)
def test_a_list_with_members_of_other_types(pars: Running, page: Any) -> None:
    with Server(lambda _: Response(json.dumps(page), content_type="application/json")) as server:
        asked = Recorder.of(pars, lambda _, answer: {**answer, "url": f"{server.url}/p/a"})
        with pytest.raises(StoreError) as caught:
            list(client(pars, presigner=asked).list("users/alice/"))
    assert caught.value.code == "foreign_answer"


def test_the_command(
    pars: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PRESIGN_ENDPOINT", f"{pars.stack.url}/v1/presign")
    monkeypatch.setenv("PRESIGN_TOKEN", pars.stack.token())
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    file = tmp_path / "hello.txt"
    file.write_text("hello", encoding="utf-8")
    assert main(["put", str(file), "users/alice/command/hello.txt"]) == 0
    capsys.readouterr()
    assert main(["--via", "par", "ls", "users/alice/command/"]) == 0
    size, modified_at, key = capsys.readouterr().out.split()
    assert (size, key, modified_at[:2]) == ("5", "users/alice/command/hello.txt", "20")
    assert main(["share", "users/alice/command/hello.txt"]) == 0
    printed = capsys.readouterr()
    assert requests.get(printed.out.strip(), timeout=10).text == "hello"
    hint = printed.err.splitlines()[-1]
    assert hint.startswith("to take it back: presign-client revoke --bucket ")
    assert main(shlex.split(hint.partition("presign-client ")[2])) == 0
    assert requests.get(printed.out.strip(), timeout=10).status_code == 401
    assert main(["share", "both/a", "--via", "par"]) == 0
    printed = capsys.readouterr()
    assert main(["revoke", shlex.split(printed.err)[-1]]) == 0  # of the default bucket
    assert requests.get(printed.out.strip(), timeout=10).status_code == 401
