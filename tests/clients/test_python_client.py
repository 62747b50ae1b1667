"""The Python client moves files of any size, notices damage, and goes on after failures."""

from __future__ import annotations

import io
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from presign_client import (
    Changed,
    ChecksumMismatch,
    Client,
    ConnectionFailed,
    FieldError,
    Function,
    Gateway,
    InvalidArgument,
    Problem,
    Retry,
    StoreError,
)
from werkzeug.wrappers import Request, Response

from local.api import Fault
from local.server import Server
from local.stack import BUCKET, FUNCTION_OCID, OBJECT
from support.python_clients import BIG, MIB, Recorder, client, content, read, sha256
from support.systems import LIMITED_POLICY, Running

PARTS = 5
"""The parts of `BIG`, each of 5 MiB but the last."""


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    return start({"POLICY": LIMITED_POLICY})


class TestUploads:
    """A file arrives as it is."""

    @pytest.mark.parametrize("size", [0, 1, 70_000])
    def test_a_small_file(self, running: Running, tmp_path: Path, size: int) -> None:
        path = tmp_path / "a b.txt"
        path.write_bytes(content(size))
        stored = client(running).upload(path, "small/ü b.txt", metadata={"album": "May"})
        answer = read(running, "small/ü b.txt")
        assert answer.content == content(size)
        assert (answer.headers["Content-Type"], answer.headers["x-amz-meta-album"]) == ("text/plain", "May")
        assert (stored.size, stored.sha256, stored.etag) == (size, sha256(content(size)), answer.headers["ETag"])

    def test_a_large_file_goes_in_parts_and_tells_how_far_it_is(self, running: Running, big: Path) -> None:
        told: list[tuple[int, int]] = []
        asked = Recorder.of(running)
        client(running, presigner=asked).upload(big, "big.mp4", progress=lambda done, total: told.append((done, total)))
        answer = read(running, "big.mp4")
        assert sha256(answer.content) == sha256(BIG)
        assert answer.headers["Content-Type"] == "video/mp4"
        assert told[-1] == (len(BIG), len(BIG))
        assert sorted(asked.operations()) == [
            "complete_multipart_upload",
            "create_multipart_upload",
            *["upload_part"] * PARTS,
        ]

    def test_of_an_open_file_all_that_follows_its_position(self, running: Running) -> None:
        file = io.BytesIO(b"head" + BIG)
        file.seek(4)
        client(running).upload(file, "open", content_type="image/png")
        answer = read(running, "open")
        assert (sha256(answer.content), answer.headers["Content-Type"]) == (sha256(BIG), "image/png")

    def test_a_pipe_is_read_to_its_end(self, running: Running) -> None:
        reader, writer = os.pipe()
        os.write(writer, b"hello")
        os.close(writer)
        with open(reader, "rb") as file:  # noqa: PTH123
            client(running).upload(file, "pipe")
        assert read(running, "pipe").content == b"hello"

    def test_what_is_damaged_on_its_way_is_not_stored(self, running: Running) -> None:
        """The signed digest is that of the file, so other bytes of the same length are refused."""
        url = client(running).url("damaged", "put_object", content_length=2, content_md5="n7MB0cIJ8SJ0BUcJxa9Tdg==")
        answer = requests.put(url.url, b"no", headers=dict(url.headers), timeout=10)
        assert (answer.status_code, "BadDigest" in answer.text) == (400, True)
        assert read(running, "damaged").status_code == 404

    def test_a_file_that_changes_meanwhile_is_not_stored(self, running: Running, big: Path) -> None:
        asked = Recorder.of(running)

        def change(_done: int, _total: int) -> None:
            with big.open("ab") as file:
                file.write(b"more")

        with pytest.raises(Changed, match="changed while it was uploaded"):
            client(running, presigner=asked).upload(big, "changing", progress=change)
        assert read(running, "changing").status_code == 404
        assert asked.operations()[-1] == "abort_multipart_upload"

    @pytest.mark.parametrize("size", [5, 20 * MIB + 1])
    def test_an_object_is_not_replaced_if_it_must_not(self, running: Running, size: int) -> None:
        asked = client(running)
        key = f"create-only-{size}"
        asked.upload(io.BytesIO(content(size)), key, create_only=True)
        with pytest.raises(StoreError) as caught:
            asked.upload(io.BytesIO(content(size, seed=2)), key, create_only=True)
        assert (caught.value.code, caught.value.status) == ("PreconditionFailed", 412)
        assert read(running, key).content == content(size)


class TestFailures:
    """A failure that passes is no failure."""

    @pytest.mark.parametrize("fault", [Fault(status=503, method="PUT"), Fault(cut_after_bytes=1000, method="PUT")])
    def test_a_part_is_sent_again(self, running: Running, storage: Any, big: Path, fault: Fault) -> None:
        storage.fault = fault

        def mend() -> None:
            storage.fault = None

        told: list[int] = []
        client(running, pause=mend).upload(big, "again", progress=lambda done, _: told.append(done))
        assert sha256(read(running, "again").content) == sha256(BIG)
        assert told[-1] == len(BIG)

    def test_a_failure_that_lasts_is_told(self, running: Running, storage: Any) -> None:
        storage.fault = Fault(status=503)
        before = storage.faulted
        with pytest.raises(StoreError, match="A test asked for this"):
            client(running, retry=Retry(attempts=3, first_pause_seconds=0)).upload(io.BytesIO(b"a"), "never")
        assert storage.faulted - before == 3

    def test_a_url_that_is_refused_is_asked_for_again(self, running: Running) -> None:
        def expired(number: int, answer: dict[str, Any]) -> dict[str, Any]:
            return {**answer, "url": answer["url"][:-4] + "0000"} if number == 1 else answer

        asked = Recorder.of(running, expired)
        client(running, presigner=asked).upload(io.BytesIO(b"hello"), "expired")
        assert (read(running, "expired").content, asked.operations()) == (b"hello", ["put_object", "put_object"])

    def test_a_lost_answer_to_the_completion_is_no_failure(self, running: Running, storage: Any, big: Path) -> None:
        """The store has joined the parts; the second attempt finds no such upload, but the object."""
        recorder = Recorder.of(running)

        def complete_first(_number: int, answer: dict[str, Any]) -> dict[str, Any]:
            if answer["operation"] != "complete_multipart_upload" or lost:
                return answer
            lost.append(True)
            parts = sorted((int(number), etag) for number, etag in state["etags"].items())
            listed = "".join(f"<Part><PartNumber>{part}</PartNumber><ETag>{etag}</ETag></Part>" for part, etag in parts)
            document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>"
            requests.post(answer["url"], document, timeout=10).raise_for_status()
            abort = recorder.presign(
                {"operation": "abort_multipart_upload", "key": "lost", "upload_id": state["upload_id"]}
            )
            requests.delete(abort["url"], timeout=10)
            return {**answer, "url": "http://127.0.0.1:9/"}

        lost: list[bool] = []
        state: dict[str, Any] = {}
        asked = Recorder.of(running, complete_first)
        uploaded = client(running, presigner=asked).upload(big, "lost", state=state)
        assert uploaded.etag == read(running, "lost").headers["ETag"]

    def test_passwords_of_netrc_are_not_sent(
        self, running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login someone password something\n", encoding="utf-8")
        monkeypatch.setenv("NETRC", str(netrc))
        client(running).upload(io.BytesIO(b"hello"), "netrc")
        assert running.ask(key="netrc").status_code == 401  # `requests` alone does send them
        monkeypatch.delenv("NETRC")
        assert read(running, "netrc").content == b"hello"


class TestResumption:
    """An upload goes on where it was."""

    @pytest.mark.parametrize("kind", ["file", "mapping"])
    def test_what_was_sent_is_not_sent_again(self, running: Running, tmp_path: Path, big: Path, kind: str) -> None:
        state: Any = tmp_path / "state.json" if kind == "file" else {}
        asked = Recorder.of(running)

        class Interrupted(Exception):
            pass

        def interrupt(done: int, _total: int) -> None:
            if done > 11 * MIB:
                raise Interrupted

        with pytest.raises(Interrupted):
            client(running, presigner=asked, at_once=1).upload(big, "resumed", progress=interrupt, state=state)
        assert asked.batches == [PARTS]  # the URLs of all parts by one call
        kept = json.loads(state.read_text(encoding="utf-8")) if kind == "file" else state
        assert sorted(kept["etags"]) == ["1", "2"]
        if kind == "file":
            assert state.stat().st_mode & 0o777 == 0o600

        asked.requests.clear()
        client(running, presigner=asked).upload(big, "resumed", state=state)
        assert sorted(asked.operations()) == ["complete_multipart_upload", "list_parts", *["upload_part"] * 3]
        assert sha256(read(running, "resumed").content) == sha256(BIG)
        assert not state.exists() if kind == "file" else state == {}

    def test_another_file_is_another_upload(self, running: Running, big: Path) -> None:
        state: dict[str, Any] = {"of": {"key": "other"}, "upload_id": "x", "part_bytes": 1, "etags": {}}
        client(running).upload(big, "another", state=state)
        assert sha256(read(running, "another").content) == sha256(BIG)

    def test_an_upload_that_is_gone_begins_anew(self, running: Running, big: Path) -> None:
        state: dict[str, Any] = {}
        with pytest.raises(RuntimeError):
            client(running).upload(big, "gone", state=state, progress=_fail)
        asked = client(running)
        url = asked.url("gone", "abort_multipart_upload", upload_id=state["upload_id"])
        requests.delete(url.url, timeout=10).raise_for_status()
        asked.upload(big, "gone", state=state)
        assert sha256(read(running, "gone").content) == sha256(BIG)

    def test_an_upload_that_was_completed_before_is_found(self, running: Running, big: Path) -> None:
        """The process ended after the store had joined the parts, and before it knew."""
        state: dict[str, Any] = {}
        kept: dict[str, Any] = {}

        def keep(number: int, answer: dict[str, Any]) -> dict[str, Any]:
            if answer["operation"] == "complete_multipart_upload":
                kept.update(state)
            return answer

        client(running, presigner=Recorder.of(running, keep)).upload(big, "complete", state=state)
        assert kept["completing"] is True
        asked = Recorder.of(running)
        client(running, presigner=asked).upload(big, "complete", state=kept)
        assert asked.operations() == ["list_parts", "head_object"]


def _fail(_done: int, _total: int) -> None:
    raise RuntimeError


class TestDownloads:
    """A file arrives as it was uploaded, or not at all."""

    @pytest.mark.parametrize("size", [0, 1, 20 * MIB + 1])
    def test_what_was_uploaded(self, running: Running, tmp_path: Path, size: int) -> None:
        client(running).upload(io.BytesIO(content(size)), "down")
        told: list[tuple[int, int]] = []
        path = tmp_path / "down"
        found = client(running).download("down", path, progress=lambda done, total: told.append((done, total)))
        assert path.read_bytes() == content(size)
        assert (found.size, found.sha256, found.verified) == (size, sha256(content(size)), True)
        assert told[-1] == (size, size)

    def test_without_a_digest_it_is_not_verified(self, running: Running, tmp_path: Path) -> None:
        assert client(running).download(OBJECT, tmp_path / "a").verified is False

    def test_another_digest_leaves_no_file(self, running: Running, tmp_path: Path) -> None:
        client(running).upload(io.BytesIO(b"hello"), "digest")
        with pytest.raises(ChecksumMismatch):
            client(running).download("digest", tmp_path / "a", sha256="00" * 32)
        assert list(tmp_path.iterdir()) == []

    def test_an_object_that_is_replaced_meanwhile_leaves_no_file(self, running: Running, tmp_path: Path) -> None:
        client(running).upload(io.BytesIO(BIG), "replaced")

        def replace(_done: int, _total: int) -> None:
            running.stack.storage.put_object(BUCKET, "replaced", BIG[::-1])

        with pytest.raises(Changed, match="replaced while it was downloaded"):
            client(running, at_once=1).download("replaced", tmp_path / "a", progress=replace)
        assert list(tmp_path.iterdir()) == []

    def test_one_url_serves_all_ranges_until_it_is_refused(self, running: Running, tmp_path: Path) -> None:
        client(running).upload(io.BytesIO(BIG), "ranges")
        asked = Recorder.of(running)
        client(running, presigner=asked).download("ranges", tmp_path / "a")
        assert asked.operations() == ["get_object"]

        def expired(number: int, answer: dict[str, Any]) -> dict[str, Any]:
            return {**answer, "url": answer["url"][:-4] + "0000"} if number == 1 else answer

        asked = Recorder.of(running, expired)
        client(running, presigner=asked).download("ranges", tmp_path / "a")
        assert asked.operations() == ["get_object", "get_object"]

    def test_a_range_that_breaks_off_goes_on(self, running: Running, tmp_path: Path) -> None:
        """The first answer to each range has 1,000 bytes too few."""
        client(running).upload(io.BytesIO(BIG), "broken")
        ranges: list[str] = []

        def answer(request: Request) -> Response:
            wanted = request.headers.get("Range", "")
            found = requests.get(url, headers={"Range": wanted}, timeout=10)
            cut = -1000 if wanted != "bytes=0-0" and wanted.endswith(("388607", "777215", "971520")) else None
            cut = None if int(wanted[6:].partition("-")[0]) % (8 * MIB) else cut
            ranges.append(wanted)
            kept = {name: found.headers[name] for name in ("Content-Range", "ETag", "Content-Length")}
            return Response([found.content[:cut]], found.status_code, kept)

        url = running.ask(key="broken").json()["url"]
        with Server(answer) as server:
            asked = Recorder.of(running, lambda _, answer: {**answer, "url": server.url + "/", "headers": {}})
            client(running, presigner=asked).download("broken", tmp_path / "a")
        assert sha256((tmp_path / "a").read_bytes()) == sha256(BIG)
        assert "bytes=8387608-8388607" in ranges

    def test_there_is_no_such_object(self, running: Running, tmp_path: Path) -> None:
        with pytest.raises(StoreError) as caught:
            client(running).download("none", tmp_path / "a")
        assert (caught.value.code, caught.value.status) == ("NoSuchKey", 404)


class TestRefusals:
    """A refusal says what is wrong, and where."""

    def test_a_problem_names_its_fields(self, running: Running) -> None:
        with pytest.raises(Problem) as caught:
            client(running).url("../a", expires_in=0)
        problem = caught.value
        assert (problem.code, problem.status) == ("invalid_request", 400)
        assert {error.pointer for error in problem.errors} == {"/key", "/expires_in"}
        assert "/expires_in" in str(problem)
        assert problem.request_id

    def test_a_file_over_the_limit_is_refused_before_a_byte_is_sent(self, running: Running, tmp_path: Path) -> None:
        file = tmp_path / "huge"
        with file.open("wb") as made:
            made.truncate(50_000_001)
        asked, before = Recorder.of(running), running.stack.storage.requests
        with pytest.raises(Problem) as caught:
            client(running, presigner=asked).upload(file, "huge")
        assert caught.value.code == "limit_exceeded"
        assert caught.value.errors == [FieldError("/content_length", "must be at most 50000000")]
        assert running.stack.storage.requests == before

    def test_a_token_that_was_refused_is_asked_for_once_more(self, running: Running) -> None:
        tokens = iter(["old", running.stack.token()])
        asked = Client(Gateway(f"{running.stack.url}/v1/presign", lambda: next(tokens)))
        assert asked.url(OBJECT).key == OBJECT
        with pytest.raises(Problem) as caught:
            Client(Gateway(f"{running.stack.url}/v1/presign", lambda: "old")).url(OBJECT)
        assert caught.value.status == 401

    def test_no_url_stands_in_an_error(self, running: Running) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        asked = Recorder.of(running, lambda _, answer: {**answer, "url": f"http://127.0.0.1:{port}/secret?sig=secret"})
        with pytest.raises(ConnectionFailed) as caught:
            client(running, presigner=asked).upload(io.BytesIO(b"a"), "a")
        assert "secret" not in str(caught.value)
        assert caught.value.__suppress_context__
        assert "secret" not in repr(client(running).url(OBJECT)).replace(OBJECT, "") and "X-Amz" not in repr(
            client(running).url(OBJECT)
        )

    @pytest.mark.parametrize("endpoint", ["http://example.com/v1/presign", "ftp://a", "http://127.0.0.1.example.com"])
    def test_no_token_goes_out_in_the_clear(self, endpoint: str) -> None:
        with pytest.raises(ValueError, match="https://"):
            Gateway(endpoint, "token")


def test_a_function_invokes_it_directly(running: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in running.stack.principal.environment().items():
        monkeypatch.setenv(name, value)
    function = Function.as_resource_principal(FUNCTION_OCID, endpoint=running.stack.invoke_endpoint)
    asked = client(running, presigner=function)
    asked.upload(io.BytesIO(b"hello"), "invoked")
    asked.download("invoked", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"hello"
    with pytest.raises(Problem) as caught:
        asked.url(OBJECT, expires_in=0)
    assert (caught.value.code, caught.value.errors[0].pointer) == ("invalid_request", "/expires_in")


@pytest.mark.parametrize("name", ["as_resource_principal", "from_config"])
def test_a_function_without_a_principal_is_told(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OCI_RESOURCE_PRINCIPAL_VERSION", raising=False)
    with pytest.raises(InvalidArgument, match="OCI's SDK refuses its configuration"):
        getattr(Function, name)(FUNCTION_OCID, endpoint="https://127.0.0.1:9")


def test_an_object_is_deleted(running: Running) -> None:
    asked = client(running)
    asked.upload(io.BytesIO(b"hello"), "deleted")
    asked.delete("deleted")
    assert read(running, "deleted").status_code == 404
    asked.delete("deleted")
