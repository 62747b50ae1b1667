"""`presign-client` moves files from a terminal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
import requests
from presign_client import __version__
from presign_client.arguments import parser
from presign_client.terminal import printable, quoted

from local.stack import BUCKET
from support.cable import Cable
from support.programs import argument
from support.python_clients import UNKNOWN_HOST
from support.systems import LIMITED_POLICY, Running

PROJECT = Path(__file__).parents[2] / "clients" / "python"
COMMAND = [sys.executable, "-m", "presign_client"]
LARGE = bytes(range(256)) * 1000 * 160


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

    def run(self, *arguments: str, data: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            [*COMMAND, *map(argument, arguments)],
            cwd=self.folder,
            env={**self.environment, **environment},
            input=data,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=60,
        )

    def shell(self, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command with these words, as a shell reads them."""
        return subprocess.run(  # noqa: S603
            ["/bin/bash", "-c", f'"{sys.executable}" -m presign_client {line}'],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*COMMAND, *arguments], cwd=self.folder, env=self.environment)  # noqa: S603


@pytest.fixture(scope="module")
def connected(start: Callable[..., Running]) -> Iterator[tuple[Running, Cable]]:
    """A system with a cable between the clients and object storage."""
    cable = Cable()
    running = start({"STORAGE_ENDPOINT": cable.url, "POLICY": LIMITED_POLICY})
    cable.target_port = urlsplit(running.stack.storage_url).port or 0
    yield running, cable
    cable.close()


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
            "presign-client: The endpoint must be a URL that begins with https://; http:// is for this machine only.\n",
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


def test_a_file_goes_into_a_folder_under_its_name(terminal: Terminal) -> None:
    (terminal.folder / "hello.txt").write_text("hello", encoding="utf-8")
    put = terminal.run("put", "hello.txt", "users/alice/folder/")
    assert put.stdout.startswith("users/alice/folder/hello.txt: 5 bytes")


class TestOptions:
    """They stand before the command, behind it, or between what follows it."""

    @pytest.mark.parametrize(
        "command",
        [
            "get KEY FILE",
            "put FILE KEY",
            "ls PREFIX",
            "cp KEY OTHER",
            "rm KEY",
            "share KEY",
            "revoke ID",
        ],
    )
    def test_at_any_place(self, command: str) -> None:
        words = command.split()
        common = ["--endpoint", "https://a.example", "--token-file", "t", "--bucket", "b", "--via", "par"]
        found = [parser().parse_args([*words[:at], *common, *words[at:]]) for at in range(len(words) + 1)]
        assert vars(found[0]) == {**vars(parser().parse_args(words)), **TestOptions.COMMON}
        assert found == [found[0]] * len(found)

    COMMON: ClassVar = {"endpoint": "https://a.example", "token_file": Path("t"), "bucket": "b", "via": "par"}

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ("get KEY -r FOLDER", {"key": "KEY", "file": "FOLDER", "recursive": True}),
            ("get KEY FOLDER -r", {"key": "KEY", "file": "FOLDER", "recursive": True}),
            ("put FILE --content-type a/b KEY", {"file": "FILE", "key": "KEY", "content_type": "a/b"}),
            ("ls --json PREFIX --recursive", {"prefix": "PREFIX", "json": True, "recursive": True}),
            ("cp KEY --source-bucket s OTHER", {"source_key": "KEY", "key": "OTHER", "source_bucket": "s"}),
            ("share --expires-in 60 KEY --download-as n", {"key": "KEY", "expires_in": 60, "download_as": "n"}),
            ("--bucket one rm KEY --bucket two", {"bucket": "two"}),
            ("--bucket one rm KEY", {"bucket": "one"}),
            ("get --via par -- -key -file", {"via": "par", "key": "-key", "file": "-file"}),
        ],
    )
    def test_those_of_a_command(self, words: str, expected: dict[str, Any]) -> None:
        found = vars(parser().parse_args(words.split()))
        assert {name: found[name] for name in expected} == expected

    def test_the_environment_gives_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PRESIGN_BUCKET", "environment")
        assert parser().parse_args(["ls"]).bucket == "environment"
        assert parser().parse_args(["ls", "--bucket", "argument"]).bucket == "argument"


class TestStandardStreams:
    """A hyphen is the standard input or output."""

    def test_through_pipes(self, terminal: Terminal) -> None:
        put = terminal.run("put", "-", "piped.txt", data="Grüße")
        assert put.stdout.startswith("piped.txt: 7 bytes")
        get = terminal.run("get", "piped.txt", "-")
        assert (get.stdout, get.stderr) == ("Grüße", "")
        assert not (terminal.folder / "-").exists()

    def test_the_input_has_no_name(self, terminal: Terminal) -> None:
        put = terminal.run("put", "-", "folder/", data="hello")
        assert (put.returncode, put.stderr) == (
            1,
            "presign-client: The standard input has no name: end the key with one.\n",
        )

    def test_a_device_stays_what_it_is(self, terminal: Terminal) -> None:
        terminal.run("put", "-", "piped.txt", data="hello")
        get = terminal.run("get", "piped.txt", "/dev/null")
        assert (get.returncode, Path("/dev/null").is_char_device()) == (0, True)

    def test_a_reader_that_has_seen_enough(self, terminal: Terminal) -> None:
        terminal.run("put", "-", "enough/a", data="hello")
        for line in ("get enough/a - | true", "ls enough/ | true"):
            assert "Traceback" not in terminal.shell(line).stderr

    @pytest.mark.parametrize(
        ("line", "status", "told"),
        [
            ("ls streams/ >&-", 1, "presign-client: The standard output is closed.\n"),
            ("share streams/a >&-", 1, "presign-client: The standard output is closed.\n"),
            ("get streams/a - >&-", 1, "presign-client: The standard output is closed.\n"),
            ("put - streams/b <&-", 1, "presign-client: The standard input is closed.\n"),
            ("put a.txt streams/b <&- >&- 2>&-", 0, ""),
            ("get streams/a b.txt >&- 2>&-", 0, ""),
            ("ls streams/none 2>&-", 0, ""),
            ("get streams/none 2>&-", 1, ""),
        ],
    )
    def test_one_that_is_closed(self, terminal: Terminal, line: str, status: int, told: str) -> None:
        (terminal.folder / "a.txt").write_text("hello", encoding="utf-8")
        terminal.run("put", "a.txt", "streams/a")
        done = terminal.shell(line)
        assert (done.returncode, done.stdout, done.stderr) == (status, "", told)

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
    @pytest.mark.parametrize("line", ["ls full/", "ls --json full/", "share full/a", "get full/a -", "--help"])
    def test_one_that_is_full(self, terminal: Terminal, line: str) -> None:
        terminal.run("put", "-", "full/a", data="hello")
        done = terminal.shell(f"{line} >/dev/full")
        assert done.stderr.endswith("can't be written: No space left on device.\n")
        assert (done.returncode, "Traceback" in done.stderr, "ignored" in done.stderr) == (1, False, False)

    @pytest.mark.parametrize("line", ["get named/a /dev/stdout | cat", "get named/a >(cat; echo) | cat"])
    def test_a_pipe_that_a_shell_names(self, terminal: Terminal, line: str) -> None:
        terminal.run("put", "-", "named/a", data="hello")
        done = terminal.shell(line)
        assert (done.stderr, "hello" in done.stdout, "5 bytes" in done.stdout) == ("", True, True)


class TestFolders:
    """With -r all files of a folder go up or come down."""

    def test_only_what_differs(self, terminal: Terminal) -> None:
        for name in ("a.txt", "b/c.txt"):
            (terminal.folder / "up" / name).parent.mkdir(parents=True, exist_ok=True)
            (terminal.folder / "up" / name).write_text("hello", encoding="utf-8")
        put = terminal.run("put", "-r", "up", "users/alice/r")
        assert (put.returncode, put.stdout) == (0, "2 files, 10 bytes; 0 were there already\n")
        (terminal.folder / "up" / "a.txt").write_text("jello", encoding="utf-8")
        assert terminal.run("put", "-r", "up", "users/alice/r").stdout == "1 files, 5 bytes; 1 were there already\n"
        assert terminal.run("get", "-r", "users/alice/r").stdout == "2 files, 10 bytes; 0 were there already\n"
        assert (terminal.folder / "r" / "a.txt").read_text(encoding="utf-8") == "jello"
        assert (terminal.folder / "r" / "b" / "c.txt").read_text(encoding="utf-8") == "hello"

    def test_each_failure_is_said(self, terminal: Terminal, running: Running) -> None:
        running.stack.storage.put_object(BUCKET, "bad/a/../b", b"x")
        get = terminal.run("get", "-r", "bad", "down")
        assert (get.returncode, get.stdout) == (1, "")
        assert get.stderr == "presign-client: bad/a/../b: The key is not the path of a file in the folder.\n"


class TestLists:
    """`ls` shows keys, and never what they could do to a terminal."""

    def test_without_a_prefix(self, terminal: Terminal) -> None:
        terminal.run("put", "-", "listed/a", data="hello")
        ls = terminal.run("ls")
        assert (ls.returncode, "  listed/\n" in ls.stdout) == (0, True)

    def test_a_folder_must_be_named_where_the_policy_allows_one_only(
        self, start: Callable[..., Running], tmp_path: Path
    ) -> None:
        rule = {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/"}
        ls = Terminal(start({"POLICY": json.dumps({"rules": [rule]})}), tmp_path).run("ls")
        assert ls.returncode == 1
        assert ls.stderr.splitlines() == [
            "presign-client: The policy may allow a folder only: name it, such as ls users/alice/",
            "presign-client: access_denied: The policy does not allow this request.",
        ]

    def test_json(self, terminal: Terminal) -> None:
        terminal.run("put", "-", "json/ü\u2028", data="hello")
        terminal.run("put", "-", "json/deep/a", data="hello")
        ls = terminal.run("ls", "--json", "json/", PYTHONIOENCODING="ascii")
        file, folder = sorted((json.loads(line) for line in ls.stdout.splitlines()), key=lambda one: one["is_prefix"])
        assert file.pop("modified_at").startswith("20")
        assert file == {
            "key": "json/ü\u2028",
            "size": 5,
            "etag": '"5d41402abc4b2a76b9719d911017c592"',
            "is_prefix": False,
        }
        assert (folder["key"], folder["is_prefix"]) == ("json/deep/", True)

    def test_escapes_are_shown_not_obeyed(self, terminal: Terminal, running: Running) -> None:
        running.stack.storage.put_object(BUCKET, "escape/\x9b31m\u202e\n.txt", b"")
        ls = terminal.run("ls", "escape/")
        assert ls.stdout.endswith("escape/\\x9b31m\\u202e\\n.txt\n")
        assert printable("\x1b]0;owned\x07 ü") == "\\x1b]0;owned\\x07 ü"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_terminal_of_any_encoding(terminal: Terminal, encoding: str) -> None:
    """A character that it lacks is shown as an escape."""
    key = "encoding/Grüße-世界"
    put = terminal.run("put", "-", key, data="hello", PYTHONIOENCODING=encoding)
    assert (put.returncode, put.stderr) == (0, "")
    help_text = terminal.run("--help", PYTHONIOENCODING=encoding)
    assert (help_text.returncode, "PRESIGN_ENDPOINT" in help_text.stdout) == (0, True)
    ls = subprocess.run(  # noqa: S603
        [*COMMAND, "ls", "encoding/"],
        env={**terminal.environment, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
        check=True,
    )
    shown = {
        "ascii": rb"encoding/Gr\xfc\xdfe-\u4e16\u754c",
        "cp1252": b"encoding/Gr\xfc\xdfe-\\u4e16\\u754c",
        "utf-8": key.encode(),
    }
    assert ls.stdout.rstrip().endswith(shown[encoding])


def test_the_version(terminal: Terminal) -> None:
    assert terminal.run("--version", PRESIGN_ENDPOINT="").stdout == f"presign-client {__version__}\n"


def test_words_that_a_shell_takes_apart_are_quoted() -> None:
    for text in ("plain", "it's", "$(id)", "a b", "''", 'a"b'):
        done = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", f"printf %s {quoted(text)}"], capture_output=True, encoding="utf-8", check=True
        )
        assert done.stdout == text


def test_waiting_is_said(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with subprocess.Popen(  # noqa: S603
        [*COMMAND, "share", "a"],
        env={**terminal.environment, "PRESIGN_ENDPOINT": f"http://127.0.0.1:{port}/v1/presign"},
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as share:
        assert share.stderr is not None
        first = share.stderr.readline()
        share.send_signal(signal.SIGINT)
        rest = share.stderr.read()
    assert first == ("presign-client: The connection to 127.0.0.1 failed (ConnectionRefusedError). Trying again.\n")
    assert "interrupted" in rest


def test_a_host_that_nobody_knows_is_told_soon(terminal: Terminal) -> None:
    """Five attempts are enough for a device that is offline for some seconds."""
    share = terminal.run("share", "a", "--endpoint", f"https://{UNKNOWN_HOST}/v1/presign")
    failed = f"presign-client: The connection to {UNKNOWN_HOST} failed (gaierror: no address was found)."
    assert (share.returncode, [line.startswith(failed) for line in share.stderr.splitlines()]) == (1, [True] * 5)


def test_a_home_that_can_not_be_written_to_is_no_obstacle(terminal: Terminal) -> None:
    (terminal.folder / "file").write_text("", encoding="utf-8")
    put = terminal.run("put", "file", "no-home", XDG_STATE_HOME=str(terminal.folder / "file" / "state"))
    assert (put.returncode, put.stderr) == (0, "")


def test_a_folder_for_states_that_can_not_be_written_to_is_no_obstacle(terminal: Terminal) -> None:
    terminal.run("put", "-", "no-state", data="hello")
    states = terminal.folder / "state" / "presign-client"
    states.mkdir(parents=True, mode=0o500)
    if os.access(states, os.W_OK):
        pytest.skip("this user may write everywhere")
    get = terminal.run("get", "no-state", "a", XDG_STATE_HOME=str(states.parent))
    assert (get.returncode, get.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["get", "long", "n" * 300], "The file can't be written: File name too long."),
        (["get", "-r", "long/", "n" * 300], "The file can't be written: File name too long."),
        (["put", "n" * 300, "long"], "The file can't be read: File name too long."),
        (["put", "-r", "n" * 300, "long"], "The folder can't be read: File name too long."),
        (["get", "long", "loop"], "The file can't be written: the link leads to itself."),
        (["put", "-r", "loop", "long"], "The folder can't be read: there is none of this name."),
    ],
)
def test_a_name_that_no_file_can_have(terminal: Terminal, arguments: list[str], told: str) -> None:
    (terminal.folder / "loop").symlink_to("loop")
    done = terminal.run(*arguments)
    assert (done.returncode, done.stderr) == (1, f"presign-client: {told}\n")


def test_a_folder_that_was_deleted_meanwhile(terminal: Terminal) -> None:
    terminal.run("put", "-", "deleted", data="hello")
    client = f'"{sys.executable}" -m presign_client'
    done = terminal.shell(f"--version; mkdir gone; cd gone; rmdir ../gone; {client} get deleted a")
    assert done.stderr == "presign-client: The file can't be written: No such file or directory.\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "presign-client: The file of --token-file can't be read: No such file or directory.\n"),
        (b"\xff", "presign-client: The file of --token-file is not text.\n"),
        (b"", "presign-client: There is no token.\n"),
        (b"two\nlines", "presign-client: The token has characters that no token has, such as spaces or line breaks.\n"),
    ],
)
def test_a_token_file_that_holds_no_token(terminal: Terminal, content: bytes | None, told: str) -> None:
    if content is not None:
        (terminal.folder / "token").write_bytes(content)
    share = terminal.run("--token-file", "token", "share", "a")
    assert (share.returncode, share.stderr) == (1, told)


class TestInterruption:
    """A transfer goes on after its process has ended."""

    @pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGINT])
    def test_a_download_goes_on(
        self, connected: tuple[Running, Cable], tmp_path: Path, ended_by: signal.Signals
    ) -> None:
        running, cable = connected
        terminal = Terminal(running, tmp_path)
        key = f"download-{ended_by.name}"
        running.stack.storage.put_object(BUCKET, key, LARGE)
        before = running.stack.storage.requests
        cable.answers_bytes_per_second = 40_000_000
        get = terminal.start("get", key, "large.bin")
        states = tmp_path / ".local" / "state" / "presign-client"
        give_up_at = time.monotonic() + 30
        while not any(json.loads(state.read_text(encoding="utf-8"))["done"] for state in states.glob("*.json")):
            assert time.monotonic() < give_up_at
        get.send_signal(ended_by)
        assert get.wait(60) == {signal.SIGKILL: -9, signal.SIGINT: 130}[ended_by]
        cable.answers_bytes_per_second = None
        [state] = states.iterdir()
        done = len(json.loads(state.read_text(encoding="utf-8"))["done"])
        before = running.stack.storage.requests
        assert terminal.run("get", key, "large.bin").returncode == 0
        assert running.stack.storage.requests - before == 5 - done
        assert (tmp_path / "large.bin").read_bytes() == LARGE
        assert sorted(path.name for path in tmp_path.iterdir()) == [".local", "large.bin"]

    @pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGINT])
    def test_the_same_command_goes_on(
        self, connected: tuple[Running, Cable], tmp_path: Path, ended_by: signal.Signals
    ) -> None:
        running, cable = connected
        terminal = Terminal(running, tmp_path)
        large = tmp_path / "large.bin"
        large.write_bytes(LARGE)
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
        assert requests.get(url, timeout=30).content == LARGE
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
