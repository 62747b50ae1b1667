"""The lines that docs/clients-python.md shows are right."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from support.pages import ROOT, blocks, docs_page
from support.systems import Running

PAGE = docs_page("clients-python.md")
CLIENT = ROOT / "clients" / "python"


@pytest.fixture
def environment(running: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """The environment of the page's reader, in a folder with the page's files."""
    variables = {
        **running.stack.caller_environment(),
        "PRESIGN_ENDPOINT": f"{running.stack.url}/v1/presign",
        "PRESIGN_TOKEN": running.stack.token(),
        "HOME": str(tmp_path),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    Path("hello.txt").write_text("hello", encoding="utf-8")
    Path("film.mp4").write_bytes(bytes(20 << 20))
    Path("report.pdf").write_bytes(b"report")
    Path("photos").mkdir()
    Path("photos/a.png").write_bytes(b"photo")
    return variables


def test_the_commands(environment: dict[str, str]) -> None:
    [commands] = blocks(PAGE, "bash")
    function = f'presign-client() {{ "{sys.executable}" -m presign_client "$@"; }}\n'
    done = subprocess.run(  # noqa: S603
        ["/bin/bash", "-eu", "-c", function + commands],
        env={**os.environ, "PYTHONPATH": str(CLIENT)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    put, get, share = done.stdout.splitlines()
    assert put == f"users/alice/hello.txt: 5 bytes, SHA-256 {digest}"
    assert get == f"copy.txt: 5 bytes, SHA-256 {digest} (verified)"
    assert Path("copy.txt").read_text(encoding="utf-8") == "hello"
    assert requests.get(share, timeout=10).status_code == 404  # the last command has deleted it


def test_the_refusal(environment: dict[str, str]) -> None:
    example = next(block for block in blocks(PAGE, "console") if "../hello.txt" in block)
    command, told = example.splitlines()
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "presign_client", *command.split()[2:]],
        env={**os.environ, "PYTHONPATH": str(CLIENT)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert (done.returncode, done.stderr.startswith(told.rstrip(" …"))) == (1, True)


@pytest.mark.slow
def test_the_file_system(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is installed by `make check` only")
    lines = "".join(blocks(PAGE, "py")).replace(
        "https://<hostname>/presigner/v1/presign", environment["PRESIGN_ENDPOINT"]
    )
    # The page's reader has installed the package, which tells fsspec so.
    fsspec.register_implementation("presign", "presign_client.filesystem.PresignFileSystem", clobber=True)
    exec(lines, {})  # noqa: S102 - the page's own lines
    assert capsys.readouterr().out.splitlines() == ["['Bern', 'Basel']", "[(2,)]"]


def test_every_command_is_listed() -> None:
    listed = set(re.findall(r"^\| `(\w+) ", PAGE, re.MULTILINE))
    done = subprocess.run(
        [sys.executable, "-m", "presign_client", "--help"],
        env={**os.environ, "PYTHONPATH": str(CLIENT)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert listed == set(re.findall(r"^    (\w+) ", done.stdout, re.MULTILINE))


def test_the_script(running: Running, environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    exec("".join(blocks(PAGE, "python")), {})  # noqa: S102 - the page's own lines
    told = capsys.readouterr().out.splitlines()
    assert told[-5:] == [
        "True 11 b'few'",
        "users/alice/note.txt",
        "users/bob/note.txt",
        "invalid_request ['/expires_in']",
        "6",
    ]
    assert "20,971,520 of 20,971,520 bytes" in told
    assert Path("copies/a.png").read_bytes() == b"photo"
    assert Path("copy.mp4").read_bytes() == bytes(20 << 20)
    assert not Path("film.state.json").exists()
    assert requests.get(running.ask(key="reports/report.pdf").json()["url"], timeout=10).content == b"report"
