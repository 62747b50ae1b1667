"""The Python client's files: those that change while they are sent, odd ones, and downloads that go on."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import os
import resource
import stat
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
import requests
from presign_client import (
    Changed,
    ChecksumMismatch,
    InvalidArgument,
    PresignError,
    UnreadableFile,
    UnwritableFile,
    Uploaded,
)
from presign_client.source import Source

from local.api import Fault
from local.stack import BUCKET, OBJECT
from support.python_clients import BIG, MIB, Recorder, client, content, read, sha256
from support.systems import LIMITED_POLICY, Running

COMPRESSED = gzip.compress(b"hello", mtime=0)


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    return start({"POLICY": LIMITED_POLICY})


class Interrupted(Exception):
    """A test has ended a transfer."""


def interrupt_after(size: int) -> Callable[[int, int], None]:
    def interrupt(done: int, _total: int) -> None:
        if done > size:
            raise Interrupted

    return interrupt


def write_all(file: int, data: bytes) -> None:
    """Write into a pipe that the other side may close."""
    with suppress(BrokenPipeError), open(file, "wb") as pipe:
        pipe.write(data)


class TestChanges:
    """An object has the bytes of one moment, or there is none."""

    def test_a_small_file_that_is_rewritten_before_it_is_sent(self, running: Running, tmp_path: Path) -> None:
        """The digests in the metadata and in the URL are of the same bytes; others are refused."""
        path = tmp_path / "a.txt"
        path.write_bytes(b"before")

        def rewrite(_: int, answer: dict[str, Any]) -> dict[str, Any]:
            path.write_bytes(b"behind")
            return answer

        with pytest.raises(Changed, match="changed while it was uploaded"):
            client(running, presigner=Recorder.of(running, rewrite)).upload(path, "rewritten")
        assert read(running, "rewritten").status_code == 404

    def test_a_small_file_that_grows_is_stored_as_it_was(self, running: Running, tmp_path: Path) -> None:
        path = tmp_path / "log.txt"
        path.write_bytes(b"line 1\n")

        def grow(_: int, answer: dict[str, Any]) -> dict[str, Any]:
            with path.open("ab") as file:
                file.write(b"line 2\n")
            return answer

        stored = client(running, presigner=Recorder.of(running, grow)).upload(path, "log")
        assert (stored.size, read(running, "log").content) == (7, b"line 1\n")
        assert client(running).download("log", tmp_path / "down").verified

    def test_a_large_file_whose_time_is_set_back(self, running: Running, big: Path) -> None:
        before = big.stat()

        def rewrite(_done: int, _total: int) -> None:
            with big.open("r+b") as file:
                file.seek(11 * MIB)
                file.write(b"other")
            os.utime(big, ns=(before.st_atime_ns, before.st_mtime_ns))

        with pytest.raises(Changed):
            client(running).upload(big, "set-back", progress=rewrite)
        assert read(running, "set-back").status_code == 404

    def test_a_part_that_was_sent_of_other_bytes_is_sent_again(self, running: Running, big: Path) -> None:
        """The file was changed and changed back: the whole digest is right, that of the part is not."""
        state: dict[str, Any] = {}
        with pytest.raises(Interrupted):
            client(running, at_once=1).upload(big, "mixed", state=state, progress=interrupt_after(11 * MIB))
        asked = client(running)
        wrong = asked.url("mixed", "upload_part", upload_id=state["upload_id"], part_number=1, content_length=5 * MIB)
        etag = requests.put(wrong.url, bytes(5 * MIB), timeout=10).headers["ETag"]
        state["etags"]["1"] = etag

        recorder = Recorder.of(running)
        client(running, presigner=recorder).upload(big, "mixed", state=state)
        sent = [request["part_number"] for request in recorder.requests if request["operation"] == "upload_part"]
        assert sorted(sent) == [1, 3, 4, 5]
        assert sha256(read(running, "mixed").content) == sha256(BIG)

    def test_a_file_that_vanishes_or_fails_is_told_at_once(self, running: Running) -> None:
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise OSError(5, "Input/output error")

        waits: list[int] = []
        asked = client(running, pause=lambda: waits.append(1))
        for size in (10, 17 * MIB):
            with pytest.raises(UnreadableFile, match="Input/output error"):
                asked.upload(Broken(bytes(size)), "broken")
        assert waits == []

    def test_a_file_of_another_user(self, running: Running, tmp_path: Path) -> None:
        path = tmp_path / "private"
        path.write_bytes(b"x")
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read every file")
        with pytest.raises(UnreadableFile, match="Permission denied"):
            client(running).upload(path, "private")


class TestSources:
    """All that can be read can be stored."""

    @pytest.mark.parametrize("data", [b"hello", bytearray(b"hello"), memoryview(b"hello"), io.BytesIO(b"hello")])
    def test_bytes(self, running: Running, data: Any) -> None:
        stored = client(running).upload(data, "bytes.txt")
        answer = read(running, "bytes.txt")
        assert (stored.size, answer.content, answer.headers["Content-Type"]) == (5, b"hello", "text/plain")

    def test_a_named_pipe(self, running: Running, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=(BIG,))
        writer.start()
        client(running).upload(pipe, "fifo")
        writer.join()
        assert sha256(read(running, "fifo").content) == sha256(BIG)

    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc here")
    def test_a_file_that_claims_to_be_empty(self, running: Running) -> None:
        client(running).upload("/proc/self/status", "proc")
        assert read(running, "proc").content.startswith(b"Name:")

    @pytest.mark.skipif(not Path("/sys/kernel/uevent_seqnum").exists(), reason="there is no /sys here")
    def test_a_file_that_claims_to_be_longer_than_it_is(self, running: Running) -> None:
        path = Path("/sys/kernel/uevent_seqnum")
        assert path.stat().st_size == 4096
        stored = client(running).upload(path, "sys")
        assert read(running, "sys").content == path.read_bytes()
        assert stored.size == len(path.read_bytes())

    def test_an_object_that_can_but_be_read(self, running: Running) -> None:
        class Pieces:
            def __init__(self) -> None:
                self.left = [b"he", b"llo"]

            def read(self, _size: int) -> bytes:
                return self.left.pop(0) if self.left else b""

        pieces: Any = Pieces()
        assert client(running).upload(pieces, "pieces").size == 5

    @pytest.mark.parametrize("buffering", [0, -1])
    def test_a_pipe_that_does_not_wait_is_not_taken_for_a_short_one(self, running: Running, buffering: int) -> None:
        """Other programs may have set a terminal, or a pipe that they share, to this mode."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.write(writer, b"the first bytes")
        with (
            open(writer, "wb"),  # noqa: PTH123
            open(reader, "rb", buffering=buffering) as file,  # noqa: PTH123
            pytest.raises(UnreadableFile, match="does not wait for its bytes"),
        ):
            client(running).upload(file, "short")
        assert read(running, "short").status_code == 404

    @pytest.mark.parametrize("data", [COMPRESSED[:-9], COMPRESSED[:-8] + bytes(8), b"no gzip"])
    def test_a_compressed_file_that_is_damaged(self, running: Running, tmp_path: Path, data: bytes) -> None:
        (tmp_path / "a.gz").write_bytes(data)
        with gzip.open(tmp_path / "a.gz") as file, pytest.raises(UnreadableFile, match="The file can't be read"):
            client(running).upload(cast("BinaryIO", file), "damaged")

    @pytest.mark.parametrize("size", [100, 5000, 300_000, 3 * MIB])
    def test_a_pipe_when_the_disk_is_full(self, running: Running, size: int) -> None:
        """The copy of a pipe meets its end at any byte, which a limit of a process does as well as a disk."""
        reader, writer = os.pipe()
        writing = threading.Thread(target=lambda: write_all(writer, bytes(size)))
        writing.start()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, before[1]))
        try:
            with (
                open(reader, "rb") as file,  # noqa: PTH123
                pytest.raises(UnreadableFile, match="can't be copied into a temporary file: File too large"),
            ):
                client(running).upload(file, "full")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            writing.join()

    def test_a_machine_without_a_folder_for_temporary_files(
        self, running: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", "/none")
        reader, writer = os.pipe()
        os.close(writer)
        with open(reader, "rb") as file, pytest.raises(UnreadableFile, match="TMPDIR"):  # noqa: PTH123
            client(running).upload(file, "nowhere")

    @pytest.mark.parametrize("size", [5, 20 * MIB])
    def test_a_file_that_is_closed_meanwhile(self, running: Running, tmp_path: Path, size: int) -> None:
        path = tmp_path / "a"
        path.write_bytes(content(size))
        with path.open("rb") as file:

            def close(_: int, answer: dict[str, Any]) -> dict[str, Any]:
                file.close()
                return answer

            with pytest.raises(UnreadableFile, match="closed file"):
                client(running, presigner=Recorder.of(running, close)).upload(file, "closed")

    def test_an_empty_file_is_done_at_once(self, running: Running, tmp_path: Path) -> None:
        (tmp_path / "empty").write_bytes(b"")
        told: list[tuple[int, int]] = []
        client(running).upload(tmp_path / "empty", "empty", progress=lambda done, total: told.append((done, total)))
        client(running).download("empty", tmp_path / "b", progress=lambda done, total: told.append((done, total)))
        assert told == [(0, 0), (0, 0)]

    def test_a_source_knows_when_it_was_written_to(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_bytes(b"hello")
        with path.open("rb") as file:
            source = Source(file)
            source.check_unchanged()
            path.write_bytes(b"jello")
            with pytest.raises(Changed):
                source.check_unchanged()

    def test_a_lost_answer_is_no_conflict(self, running: Running) -> None:
        """The first attempt has created the object; the second finds it, and that it is this file."""

        def lose(number: int, answer: dict[str, Any]) -> dict[str, Any]:
            if number > 1 or answer["operation"] != "put_object":
                return answer
            requests.put(answer["url"], b"hello", headers=answer["headers"], timeout=10).raise_for_status()
            return {**answer, "url": "http://127.0.0.1:9/"}

        asked = client(running, presigner=Recorder.of(running, lose))
        assert asked.upload(b"hello", "once", create_only=True).etag == read(running, "once").headers["ETag"]

    @pytest.mark.parametrize(
        "error", [ValueError("mine"), OSError(5, "mine"), BrokenPipeError(), ConnectionResetError()]
    )
    @pytest.mark.parametrize("size", [5, 20 * MIB])
    def test_an_exception_of_progress_ends_it_as_it_is(self, running: Running, size: int, error: Exception) -> None:
        """It is no failure of the connection, which would be tried again."""

        def fail(_done: int, _total: int) -> None:
            raise error

        told: list[int] = []
        with pytest.raises(type(error)) as caught:
            client(running, pause=lambda: told.append(1)).upload(content(size), "ended", progress=fail)
        assert (caught.value is error, told) == (True, [])
        assert read(running, "ended").status_code == 404

    def test_cancel_leaves_no_part(self, running: Running, big: Path) -> None:
        recorder = Recorder.of(running)
        with pytest.raises(Interrupted):
            client(running, presigner=recorder).upload(big, "canceled", progress=interrupt_after(6 * MIB))
        assert recorder.operations()[-1] == "abort_multipart_upload"
        url = running.ask(operation="list_multipart_uploads", prefix="canceled").json()["url"]
        assert b"<Upload>" not in requests.get(url, timeout=10).content
        assert read(running, "canceled").status_code == 404


class TestTargets:
    """A download replaces a file, and nothing else."""

    def test_a_link_leads_to_the_file_that_is_replaced(self, running: Running, tmp_path: Path) -> None:
        client(running).upload(b"hello", "linked")
        (tmp_path / "target").write_bytes(b"old")
        (tmp_path / "link").symlink_to("target")
        client(running).download("linked", tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "target").read_bytes() == b"hello"

    def test_a_pipe_gets_the_bytes_in_order(self, running: Running, tmp_path: Path) -> None:
        client(running).upload(BIG, "piped")
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        read_bytes: list[bytes] = []
        reader = threading.Thread(target=lambda: read_bytes.append(pipe.read_bytes()))
        reader.start()
        found = client(running).download("piped", pipe)
        reader.join()
        assert (sha256(read_bytes[0]), found.verified) == (sha256(BIG), True)
        assert stat.S_ISFIFO(pipe.stat().st_mode)

    def test_an_open_file(self, running: Running) -> None:
        client(running).upload(BIG, "open-target")
        file = io.BytesIO()
        assert client(running).download("open-target", file).path is None
        assert sha256(file.getvalue()) == sha256(BIG)

    def test_a_damaged_object_is_told_after_it_was_written_to_an_open_file(self, running: Running) -> None:
        client(running).upload(b"hello", "open-damaged")
        with pytest.raises(ChecksumMismatch):
            client(running).download("open-damaged", io.BytesIO(), sha256="00" * 32)

    def test_the_mode_is_the_users_own(self, running: Running, tmp_path: Path) -> None:
        client(running).upload(b"hello", "mode")
        mask = os.umask(0o027)
        try:
            client(running).download("mode", tmp_path / "a")
        finally:
            os.umask(mask)
        assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640

    def test_ranges_of_an_object(self, running: Running) -> None:
        asked = client(running)
        asked.upload(BIG, "ranges-of")
        assert asked.read("ranges-of", 8 * MIB - 3, 8 * MIB + 3) == BIG[8 * MIB - 3 : 8 * MIB + 3]
        assert asked.read("ranges-of", 20 * MIB) == BIG[20 * MIB :]
        assert asked.read("ranges-of", 20 * MIB, 99 * MIB) == BIG[20 * MIB :]
        assert (asked.read("ranges-of", 99 * MIB), asked.read("ranges-of", 5, 5)) == (b"", b"")
        assert sha256(asked.read("ranges-of")) == sha256(BIG)

    @pytest.mark.parametrize("target", ["itself", "first"])
    def test_a_link_that_leads_to_itself_is_told(self, running: Running, tmp_path: Path, target: str) -> None:
        (tmp_path / "itself").symlink_to("itself")
        (tmp_path / "first").symlink_to("second")
        (tmp_path / "second").symlink_to("first")
        with pytest.raises(UnwritableFile, match="the link leads to itself"):
            client(running).download(OBJECT, tmp_path / target)

    @pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc here")
    def test_a_link_to_a_pipe_without_a_name(self, running: Running, tmp_path: Path) -> None:
        """A shell gives one for `>(command)`, and `/dev/stdout` is one."""
        reader, writer = os.pipe()
        (tmp_path / "link").symlink_to(f"/proc/self/fd/{writer}")
        client(running).upload(b"hello", "nameless")
        for path in (f"/proc/self/fd/{writer}", tmp_path / "link"):
            client(running).download("nameless", path)
            assert os.read(reader, 100) == b"hello"
        os.close(reader)
        os.close(writer)

    @pytest.mark.parametrize("count", [None, True, "five"])
    def test_a_writer_that_does_not_count(self, running: Running, count: Any) -> None:
        """An object that is but like a file need not tell how much it has written."""

        class Writer:
            def __init__(self) -> None:
                self.written: list[bytes] = []

            def write(self, piece: memoryview) -> Any:
                self.written.append(bytes(piece))
                return count

        writer: Any = Writer()
        client(running).upload(b"hello", "uncounted")
        client(running).download("uncounted", writer)
        assert b"".join(writer.written) == b"hello"

    def test_a_pipe_that_takes_no_more_without_blocking(self, running: Running) -> None:
        client(running).upload(BIG, "unblocking")
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        with (
            open(reader, "rb"),  # noqa: PTH123
            open(writer, "wb", buffering=0) as file,  # noqa: PTH123
            pytest.raises(UnwritableFile, match="temporarily unavailable"),
        ):
            client(running).download("unblocking", file)

    @pytest.mark.parametrize(
        "opened",
        [
            lambda _: tempfile.NamedTemporaryFile("w", encoding="utf-8"),  # noqa: SIM115
            lambda _: tempfile.SpooledTemporaryFile(mode="w", encoding="utf-8"),  # noqa: SIM115
            lambda path: codecs.open(str(path), "w", "utf-8"),  # noqa: SIM115
        ],
    )
    def test_a_wrapper_of_a_file_for_text(self, running: Running, tmp_path: Path, opened: Any) -> None:
        with opened(tmp_path / "a") as file, pytest.raises(InvalidArgument, match="open in binary mode"):
            client(running).download(OBJECT, file)

    def test_an_exception_of_progress_leaves_nothing(self, running: Running, tmp_path: Path) -> None:
        with pytest.raises(Interrupted):
            client(running).download(OBJECT, tmp_path / "a", progress=interrupt_after(-1))
        assert list(tmp_path.iterdir()) == []

    def test_an_exception_of_progress_is_no_failure_of_a_device(self, running: Running) -> None:
        error = OSError(5, "mine")

        def fail(_done: int, _total: int) -> None:
            raise error

        with pytest.raises(OSError, match="mine") as caught:
            client(running).download(OBJECT, "/dev/null", progress=fail)
        assert caught.value is error


class TestDownloadsThatGoOn:
    """With a state, the same call goes on."""

    def test_what_has_arrived_is_not_read_again(self, running: Running, tmp_path: Path) -> None:
        client(running).upload(BIG, "on")
        state, target = tmp_path / "state.json", tmp_path / "a"
        with pytest.raises(Interrupted):
            client(running, at_once=1).download("on", target, state=state, progress=interrupt_after(17 * MIB))
        [part] = tmp_path.glob(".a.*.part")
        assert sorted(json.loads(state.read_text(encoding="utf-8"))["done"]) == ["0", str(8 * MIB)]
        told: list[int] = []
        client(running).download("on", target, state=state, progress=lambda done, _: told.append(done))
        assert told[0] == 16 * MIB
        assert (sha256(target.read_bytes()), part.exists(), state.exists()) == (sha256(BIG), False, False)

    @pytest.mark.parametrize("other", [BIG[::-1], BIG[: 9 * MIB], b""])
    def test_an_object_that_was_replaced_begins_anew(self, running: Running, tmp_path: Path, other: bytes) -> None:
        client(running).upload(BIG, "replaced-since")
        state, target = tmp_path / "state.json", tmp_path / "a"
        with pytest.raises(Interrupted):
            client(running, at_once=1).download(
                "replaced-since", target, state=state, progress=interrupt_after(9 * MIB)
            )
        client(running).upload(other, "replaced-since")
        client(running).download("replaced-since", target, state=state)
        assert sha256(target.read_bytes()) == sha256(other)
        assert list(tmp_path.iterdir()) == [target]

    def test_a_final_failure_leaves_nothing(self, running: Running, tmp_path: Path) -> None:
        client(running).upload(BIG, "final")
        with pytest.raises(ChecksumMismatch):
            client(running).download("final", tmp_path / "a", state=tmp_path / "state", sha256="00" * 32)
        with pytest.raises(PresignError):
            client(running).download("none", tmp_path / "a", state=tmp_path / "state")
        assert list(tmp_path.iterdir()) == []

    def test_a_failure_that_passes_keeps_what_has_arrived(self, running: Running, storage: Any, tmp_path: Path) -> None:
        client(running).upload(BIG, "passing")
        state = tmp_path / "state.json"

        def fail(done: int, _total: int) -> None:
            if done > 9 * MIB:
                storage.fault = Fault(status=503, method="GET")

        with pytest.raises(PresignError):
            client(running, at_once=1).download("passing", tmp_path / "a", state=state, progress=fail)
        storage.fault = None
        assert state.exists()
        client(running).download("passing", tmp_path / "a", state=state)
        assert sha256((tmp_path / "a").read_bytes()) == sha256(BIG)


def test_bytes_are_on_the_disk_before_the_state_says_so(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a power failure may leave a state that speaks of bytes which the file lacks."""
    state = tmp_path / "state.json"
    synced: list[int] = []

    def record(_: int) -> None:
        synced.append(len(json.loads(state.read_text(encoding="utf-8"))["done"]))

    client(running).upload(BIG, "synced")
    monkeypatch.setattr(os, "fsync", record)
    client(running, at_once=1).download("synced", tmp_path / "a", state=state)
    assert synced == [0, 1, 2]


def test_a_second_run_of_an_upload_finds_what_the_first_has_stored(running: Running, big: Path, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    again: list[Uploaded] = []

    def run_again(done: int, _total: int) -> None:
        if done > 11 * MIB and not again:
            again.append(client(running).upload(big, "twice-up", state=state))

    done = client(running, at_once=1).upload(big, "twice-up", state=state, progress=run_again)
    assert [done] == again
    assert sha256(read(running, "twice-up").content) == sha256(BIG)
    assert list(tmp_path.iterdir()) == [big]


def test_a_second_run_of_a_download_is_told(running: Running, tmp_path: Path) -> None:
    """The file that both write to has got its name from the first."""
    client(running).upload(BIG, "twice")
    target, state = tmp_path / "a", tmp_path / "state.json"

    def run_again(done: int, _total: int) -> None:
        if done > 9 * MIB and not target.exists():
            client(running).download("twice", target, state=state)

    with pytest.raises(UnwritableFile, match="the same download may have run twice"):
        client(running, at_once=1).download("twice", target, state=state, progress=run_again)
    assert sha256(target.read_bytes()) == sha256(BIG)
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["n" * 255, "ü" * 127, "世" * 85])
def test_a_part_file_is_named_after_its_target_but_not_longer_than_names_may_be(
    running: Running, tmp_path: Path, name: str
) -> None:
    client(running).upload(b"hello", "named")
    target = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name.encode()))
    client(running).download("named", target)
    assert target.read_bytes() == b"hello"


def test_objects_that_the_store_has_from_others(running: Running, tmp_path: Path) -> None:
    """Without a digest in the metadata nothing is compared."""
    running.stack.storage.put_object(BUCKET, "others", b"hello")
    found = client(running).download("others", tmp_path / "a")
    assert (found.verified, found.sha256) == (False, sha256(b"hello"))
