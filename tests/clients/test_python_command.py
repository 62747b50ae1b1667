"""`presign-client` moves files from a terminal."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from conftest import Running
from support.systems import Connected, connected_system, large_file

PROJECT = Path(__file__).parents[2] / "clients" / "python"
COMMAND = [sys.executable, "-m", "presign_client"]


class Terminal:
    """A terminal of alice's, in a folder of its own."""

    def __init__(self, running: Running, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(PROJECT),
            "PRESIGN_ENDPOINT": f"{running.stack.url}/v1/presign",
            "PRESIGN_TOKEN": running.stack.token(),
        }

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            [*COMMAND, *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*COMMAND, *arguments], cwd=self.folder, env=self.environment)  # noqa: S603


@pytest.fixture(scope="module")
def connected(start: Callable[..., Running]) -> Iterator[Connected]:
    with connected_system(start) as made:
        yield made


@pytest.fixture
def terminal(running: Running, tmp_path: Path) -> Terminal:
    return Terminal(running, tmp_path)


def test_a_file_goes_up_and_comes_down(terminal: Terminal) -> None:
    (terminal.folder / "hello.txt").write_text("hello", encoding="utf-8")
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    put = terminal.run("put", "hello.txt", "users/alice/hello.txt")
    assert (put.returncode, put.stdout) == (0, f"users/alice/hello.txt: 5 bytes, SHA-256 {digest}\n")
    (terminal.folder / "down").mkdir()
    get = terminal.run("get", "users/alice/hello.txt", "down")
    assert (get.returncode, get.stdout) == (0, f"down/hello.txt: 5 bytes, SHA-256 {digest} (verified)\n")
    assert (terminal.folder / "down" / "hello.txt").read_text(encoding="utf-8") == "hello"


def test_a_shared_url_downloads_the_file(terminal: Terminal) -> None:
    (terminal.folder / "hello.txt").write_text("hello", encoding="utf-8")
    terminal.run("put", "hello.txt", "shared.txt")
    share = terminal.run("share", "shared.txt", "--expires-in", "60", "--download-as", "a b.txt")
    assert share.returncode == 0, share.stderr
    answer = requests.get(share.stdout.strip(), timeout=10)
    assert (answer.text, answer.headers["Content-Disposition"]) == ("hello", 'attachment; filename="a b.txt"')


def test_a_file_is_deleted(terminal: Terminal) -> None:
    (terminal.folder / "hello.txt").write_text("hello", encoding="utf-8")
    terminal.run("put", "hello.txt", "removed.txt")
    assert terminal.run("rm", "removed.txt").returncode == 0
    get = terminal.run("get", "removed.txt")
    assert (get.returncode, get.stdout) == (1, "")
    assert get.stderr.startswith("presign-client: NoSuchKey: ")


def test_the_token_may_stand_in_a_file(terminal: Terminal) -> None:
    (terminal.folder / "token").write_text(f"{terminal.environment['PRESIGN_TOKEN']}\n", encoding="utf-8")
    share = terminal.run("--token-file", "token", "share", "a", PRESIGN_TOKEN="")
    assert share.stdout.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PRESIGN_TOKEN": ""}, "presign-client: set PRESIGN_TOKEN, or give --token-file\n"),
        ({"PRESIGN_ENDPOINT": ""}, "presign-client: set PRESIGN_ENDPOINT, or give --endpoint\n"),
        (
            {"PRESIGN_ENDPOINT": "http://example.com/v1/presign"},
            "presign-client: The endpoint must be a URL that begins with https://.\n",
        ),
    ],
)
def test_what_is_missing_is_said(terminal: Terminal, environment: dict[str, str], told: str) -> None:
    share = terminal.run("share", "a", **environment)
    assert (share.returncode, share.stdout, share.stderr) == (1, "", told)


def test_a_refusal_is_said(terminal: Terminal) -> None:
    share = terminal.run("share", "../a")
    assert (share.returncode, share.stdout) == (1, "")
    assert share.stderr.startswith("presign-client: invalid_request: ")
    assert "/key" in share.stderr


class TestInterruption:
    """An upload goes on after its process has ended."""

    @pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGINT])
    def test_the_same_command_goes_on(self, connected: Connected, tmp_path: Path, ended_by: signal.Signals) -> None:
        running, cable = connected
        terminal = Terminal(running, tmp_path)
        large = large_file(tmp_path / "large.bin")
        key = f"interrupted-{ended_by.name}"
        cable.hold_after(25_000_000)
        put = terminal.start("put", "large.bin", key)
        assert cable.holding.wait(30)
        put.send_signal(ended_by)
        cable.release()
        assert put.wait(60) == {signal.SIGKILL: -9, signal.SIGINT: 130}[ended_by]
        [state] = (tmp_path / ".local" / "state" / "presign-client").iterdir()
        assert state.stat().st_mode & 0o777 == 0o600

        before = cable.sent_bytes
        assert terminal.run("put", "large.bin", key).returncode == 0
        assert cable.sent_bytes - before < 38_000_000
        url = running.ask(key=key).json()["url"]
        assert requests.get(url, timeout=30).content == large.read_bytes()
        assert not state.exists()


def test_pip_installs_the_command(tmp_path: Path) -> None:
    """The packages that it needs are here already, so that nothing is fetched."""
    source, target = tmp_path / "source", tmp_path / "installed"
    shutil.copytree(PROJECT, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(  # noqa: S603
        [*pip, "--no-deps", "--no-build-isolation", "--target", target, source], check=True, timeout=120
    )
    told = subprocess.run(  # noqa: S603
        [target / "bin" / "presign-client", "--help"],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(target)},
        check=True,
    )
    assert "PRESIGN_ENDPOINT" in told.stdout
    assert (target / "presign_client" / "py.typed").exists()
