"""The Kotlin client moves files, and goes on with an upload whose process was killed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from conftest import Running
from local.api import Fault
from support.kotlin_compiler import Kotlin
from support.pages import ROOT, blocks
from support.systems import Connected, connected_system, large_file

SOURCES = [ROOT / "clients" / "kotlin" / "PresignClient.kt", ROOT / "tests" / "clients" / "kotlin" / "Main.kt"]

pytestmark = pytest.mark.slow  # the compiler takes a while


class Program:
    """The tests' program, which calls the client as alice."""

    def __init__(self, command: list[str], running: Running) -> None:
        self._command = command
        self._environment = {
            **os.environ,
            "PRESIGN_ENDPOINT": f"{running.stack.url}/v1/presign",
            "PRESIGN_TOKEN": running.stack.token(),
        }

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603
            [*self._command, *map(str, arguments)], env=self._environment, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def run(self, *arguments: str | Path) -> str:
        """Run it to its end; returns the text that it printed."""
        with self.start(*arguments) as process:
            printed, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        return printed.strip()


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    kotlin = Kotlin()
    classes = tmp_path_factory.mktemp("kotlin")
    page = classes / "Page.kt"
    lines = "".join(blocks("clients-mobile.md", "kotlin")).splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    rest = [line for line in lines if line not in imports]
    endpoint = '"https://<hostname>/presigner/v1/presign"'
    page.write_text(
        "\n".join([*imports, *rest]).replace(endpoint, 'System.getenv("PRESIGN_ENDPOINT")'), encoding="utf-8"
    )
    kotlin.compile([*SOURCES, page], classes)
    return kotlin.command(classes, "MainKt")


@pytest.fixture(scope="module")
def connected(start: Callable[..., Running], command: list[str]) -> Iterator[Connected]:
    with connected_system(start) as made:
        yield made


@pytest.fixture
def running(connected: Connected) -> Iterator[Running]:
    yield connected.running
    connected.running.stack.storage.fault = None
    connected.cable.release()


@pytest.fixture
def program(command: list[str], running: Running) -> Program:
    return Program(command, running)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return large_file(tmp_path / "large.bin")


def read(running: Running, key: str) -> requests.Response:
    return requests.get(running.ask(key=key).json()["url"], timeout=30)


@pytest.mark.parametrize("size", [0, 5, 100_000])
def test_a_file_goes_up_and_comes_down(program: Program, running: Running, tmp_path: Path, size: int) -> None:
    file, copy = tmp_path / "a", tmp_path / "b"
    file.write_bytes(b"\x00\xff" * size)
    assert program.run("upload", "ü/a b.png", file) == f"last: {2 * size}"
    answer = read(running, "ü/a b.png")
    assert (answer.content, answer.headers["Content-Type"]) == (file.read_bytes(), "image/png")
    assert program.run("download", "ü/a b.png", copy) == f"last: {2 * size}"
    assert (copy.read_bytes(), sorted(tmp_path.iterdir())) == (file.read_bytes(), [file, copy])
    assert program.run("size", "ü/a b.png") == f"last: {2 * size}"


def test_a_link_and_a_deletion(program: Program, running: Running) -> None:
    running.stack.storage.put_object("PresignedBlog", "here", b"hello")
    [link, _] = program.run("link", "here", "60").splitlines()
    assert requests.get(link, timeout=10).text == "hello"
    program.run("delete", "here")
    assert program.run("size", "here") == "last: -1"


def test_an_upload_in_parts_survives_the_end_of_its_process(
    program: Program, connected: Connected, large: Path, tmp_path: Path
) -> None:
    running, cable = connected
    state = tmp_path / "state.json"
    cable.hold_after(22_000_000)
    upload = program.start("parts", "killed", large, state)
    assert cable.holding.wait(60)
    upload.kill()
    upload.communicate()
    cable.release()
    assert len(json.loads(state.read_text(encoding="utf-8"))["etags"]) == 4

    before = running.log().count('"operation":"upload_part"')
    assert before == 5
    assert program.run("parts", "killed", large, state) == "last: 40960000"
    assert running.log().count('"operation":"upload_part"') - before == 4
    answer = read(running, "killed")
    assert (answer.content == large.read_bytes(), answer.headers["Content-Type"]) == (True, "video/mp4")
    assert not state.exists()


def test_what_failed_is_sent_again(program: Program, connected: Connected, large: Path) -> None:
    running, cable = connected
    cable.hold_after(10_000_000)
    upload = program.start("upload", "again", large)
    assert cable.holding.wait(60)
    cable.pull_out()
    cable.plug_in()
    printed, _ = upload.communicate(timeout=60)
    assert printed.strip() == "last: 40960000"
    assert read(running, "again").content == large.read_bytes()


def test_the_lines_of_the_page(program: Program, running: Running, large: Path, tmp_path: Path) -> None:
    link, outcome, _ = program.run("page", "-", large, tmp_path / "kept").splitlines()
    assert requests.get(link, timeout=30).content == large.read_bytes()
    assert (tmp_path / "copy.jpg").read_bytes() == large.read_bytes()
    assert outcome == "success"
    assert read(running, "users/alice/film.mp4").content == large.read_bytes()


def test_failures_are_told(program: Program, running: Running, tmp_path: Path) -> None:
    assert program.run("download", "none", tmp_path / "a").startswith("NoSuchKey 404 [] ")
    assert list(tmp_path.iterdir()) == []
    refused = program.run("link", "../a", "0")
    assert refused.startswith("invalid_request 400 [FieldError(pointer=/")
    running.stack.storage.fault = Fault(cut_after_bytes=0)
    printed = program.run("download", "none", tmp_path / "a")
    assert printed == "connection_failed 0 [] The connection to 127.0.0.1 failed."
