"""The Python client moves folders, and only what differs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from presign_client import FolderDone, FolderError, InvalidArgument, Problem, StoreError, UnreadableFile
from presign_client.folder_download import path_in

from local.api import Fault
from local.stack import BUCKET
from support.python_clients import MIB, Recorder, client, content
from support.systems import Running

POLICY = {
    "rules": [
        {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/"},
        {
            "operations": ["put_object", "get_object"],
            "bucket": BUCKET,
            "prefix": "inbox/",
            "content_types": ["text/plain"],
        },
        {"operations": ["*"], "bucket": BUCKET, "prefix": "pars/", "via": "par"},
    ]
}
# Names of files are in the locale's encoding, which may lack the letter.
NAME = "b/ü c.txt" if sys.getfilesystemencoding() == "utf-8" else "b/u c.txt"
FILES = {"a.txt": b"hello", NAME: b"", "b/d/e.bin": content(17 * MIB), "b/d/f.txt": b"f"}


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    return start({"POLICY": json.dumps(POLICY)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "up"
    for name, data in FILES.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return made


def found_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("prefix", ["users/alice/one", "pars/one/"])
def test_a_folder_goes_up_and_comes_down(running: Running, folder: Path, tmp_path: Path, prefix: str) -> None:
    told: list[tuple[int, int]] = []
    asked = client(running)
    done = asked.upload_folder(folder, prefix, progress=lambda done, total: told.append((done, total)))
    size = 17 * MIB + 6
    root = prefix.rstrip("/")
    keys = sorted(f"{root}/{name}" for name in FILES)
    assert (sorted(done.transferred), done.unchanged, done.size) == (keys, 0, size)
    assert (told[0], told[-1]) == ((0, size), (size, size))
    down = asked.download_folder(prefix, tmp_path / "down" / "deep")
    assert (sorted(down.transferred), down.size) == (sorted(done.transferred), size)
    assert found_in(tmp_path / "down" / "deep") == FILES


@pytest.mark.parametrize("prefix", ["users/alice/same/", "pars/same/"])
def test_only_what_differs_is_moved(running: Running, folder: Path, tmp_path: Path, prefix: str) -> None:
    """Sizes, ETags, and where these are no digests of the content the digests in the metadata."""
    asked = client(running)
    asked.upload_folder(folder, prefix)
    assert asked.upload_folder(folder, prefix) == FolderDone([], 4, 0)
    (folder / "a.txt").write_bytes(b"jello")
    large = bytearray(FILES["b/d/e.bin"])
    large[5 * MIB] ^= 1
    (folder / "b/d/e.bin").write_bytes(large)
    done = asked.upload_folder(folder, prefix)
    assert (sorted(done.transferred), done.unchanged) == ([f"{prefix}a.txt", f"{prefix}b/d/e.bin"], 2)

    down = tmp_path / "down"
    asked.download_folder(prefix, down)
    (down / "a.txt").unlink()
    (down / "b/d/f.txt").write_bytes(b"g")
    again = asked.download_folder(prefix, down)
    assert (sorted(again.transferred), again.unchanged) == ([f"{prefix}a.txt", f"{prefix}b/d/f.txt"], 2)
    assert found_in(down) == found_in(folder)


def test_the_urls_of_many_files_are_asked_for_together(running: Running, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(150):
        (many / f"{number:03}").write_bytes(str(number).encode())
    asked = Recorder.of(running)
    client(running, presigner=asked).upload_folder(many, "users/alice/many")
    assert asked.batches == [100, 50]
    asked.batches.clear()
    client(running, presigner=asked).download_folder("users/alice/many", tmp_path / "down")
    assert asked.batches == [100, 50]
    assert found_in(tmp_path / "down") == found_in(many)


def test_a_file_that_is_refused_does_not_stop_the_others(running: Running, folder: Path) -> None:
    (folder / "g.png").write_bytes(b"not allowed there")
    (folder / "b/d/e.bin").unlink()
    with pytest.raises(FolderError, match=r"^1 file failed, such as inbox/g\.png: limit_exceeded") as caught:
        client(running).upload_folder(folder, "inbox")
    assert list(caught.value.failures) == ["inbox/g.png"]
    for name in ("a.txt", NAME, "b/d/f.txt"):
        assert client(running).read(f"inbox/{name}") == FILES[name]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text here")
def test_a_file_whose_name_is_no_text_does_not_stop_the_others(running: Running, folder: Path) -> None:
    name = os.fsdecode(b"b/\xff.txt")
    (folder / name).write_bytes(b"no text")
    with pytest.raises(FolderError, match=r"^1 file failed, such as users/alice/named/b/.*not UTF-8 text") as caught:
        client(running).upload_folder(folder, "users/alice/named")
    assert (list(caught.value.failures), str(caught.value).isprintable()) == ([f"users/alice/named/{name}"], True)
    found = [entry.key for entry in client(running).list("users/alice/named/")]
    assert sorted(found) == sorted(f"users/alice/named/{one}" for one in FILES)


def test_what_can_not_be_read_does_not_stop_the_others(running: Running, folder: Path) -> None:
    """A path that is too long can't be read by the superuser either, as whom some run the tests."""
    deepest = folder
    with ExitStack() as opened:
        while True:
            inside = os.open(deepest, os.O_RDONLY)
            opened.callback(os.close, inside)
            os.mkdir("d" * 200, dir_fd=inside)
            if not can_be_read(deepest / ("d" * 200)):
                break
            deepest /= "d" * 200
        os.close(os.open("f" * 200, os.O_CREAT | os.O_WRONLY, dir_fd=inside))
        with pytest.raises(FolderError) as caught:
            client(running).upload_folder(folder, "users/alice/deep")
    there = f"users/alice/deep/{deepest.relative_to(folder).as_posix()}"
    assert {key: str(error) for key, error in caught.value.failures.items()} == {
        f"{there}/{'d' * 200}": "The folder can't be read: File name too long.",
        f"{there}/{'f' * 200}": "The file can't be read: File name too long.",
    }
    found = [entry.key for entry in client(running).list("users/alice/deep/")]
    assert sorted(found) == sorted(f"users/alice/deep/{one}" for one in FILES)


def can_be_read(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def test_a_store_that_is_down_ends_it(running: Running, storage: Any, folder: Path) -> None:
    storage.fault = Fault(status=503, method="PUT")
    with pytest.raises(StoreError):
        client(running).upload_folder(folder, "users/alice/down")


def test_a_large_file_goes_on_where_it_was(running: Running, folder: Path, tmp_path: Path) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(done: int, _total: int) -> None:
        if done > 17 * MIB:
            raise Interrupted

    states = tmp_path / "states"
    with pytest.raises(Interrupted):
        client(running, at_once=1).upload_folder(folder, "users/alice/large", progress=interrupt, state=states)
    [state] = states.iterdir()
    assert len(json.loads(state.read_text(encoding="utf-8"))["etags"]) == 1
    asked = Recorder.of(running)
    client(running, presigner=asked).upload_folder(folder, "users/alice/large", state=states)
    assert asked.operations().count("upload_part") == 1
    assert list(states.iterdir()) == []


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/passwd", "a//b", "", "a\\b", "C:a", "a\nb", "./a"])
def test_no_object_is_written_outside_of_the_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        path_in(tmp_path, name)


def test_a_key_that_is_no_path_is_told_and_the_others_come(running: Running, tmp_path: Path) -> None:
    for name in ("users/alice/odd/../../x", "users/alice/odd/a", "users/alice/odd/folder/"):
        running.stack.storage.put_object(BUCKET, name, b"x")
    with pytest.raises(FolderError) as caught:
        client(running).download_folder("users/alice/odd", tmp_path / "down")
    assert list(caught.value.failures) == ["users/alice/odd/../../x"]
    assert found_in(tmp_path) == {"down/a": b"x"}


def test_links_to_folders_and_pipes_are_left_out(running: Running, tmp_path: Path) -> None:
    folder = tmp_path / "up"
    folder.mkdir()
    (folder / "a").write_bytes(b"a")
    (folder / "link").symlink_to("a")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    done = client(running).upload_folder(folder, "users/alice/links")
    assert sorted(done.transferred) == ["users/alice/links/a", "users/alice/links/link"]


def test_there_must_be_a_folder(running: Running, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="File name too long"):
        client(running).upload_folder(tmp_path / ("n" * 300), "users/alice/none")
    with pytest.raises(UnreadableFile):
        client(running).upload_folder(tmp_path / "none", "users/alice/none")
    with pytest.raises(Problem):
        client(running).download_folder("users/bob", tmp_path / "down")
    assert list(tmp_path.iterdir()) == []
