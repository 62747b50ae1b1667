"""Terraform as a program that is waited for: how it ends, and what it tells."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.environment import Environment
from deploy.terraform import connect
from support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
APPLY = """
import os, sys
from pathlib import Path
from deploy.environment import Environment
from deploy.terraform import Terraform
Terraform(Environment("production", Path(sys.argv[1])), os.environ).apply(Path("plan"))
"""
BEGIN = """
import signal, sys, time
from pathlib import Path

def say(text):
    print(text, flush=True)

def write_state(*_):
    say("made a vault")
    Path(__file__).with_suffix(".state").touch()
    sys.exit(1)

def stop(*_):
    say("stopping")
    time.sleep(1)
    write_state()

signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
say("making a vault")
"""
"""Terraform, which ends what it has begun when it gets a signal."""

Program = Callable[[str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Takes the place of Terraform: gives it the lines of a script in Python."""
    file = tmp_path / "bin" / "terraform"
    file.parent.mkdir()
    monkeypatch.setenv("PATH", f"{file.parent}:{os.environ['PATH']}")

    def write(script: str) -> None:
        file.write_text(f"#!{sys.executable}\n{BEGIN}{script}", encoding="utf-8")
        file.chmod(0o755)

    return write


def started(root: Path) -> subprocess.Popen[str]:
    """An apply that has begun, in a process group of its own as a terminal has it."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", APPLY, str(root)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "making a vault\n"
    return process


def test_the_state_is_read_with_the_credentials_of_the_environment(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("")
    home = tmp_path / "home"
    (home / ".oci").mkdir(parents=True)
    (home / ".oci" / "config").write_text(
        "[staging]\ntenancy = ocid1.tenancy.oc1..a\nregion = eu-frankfurt-1\n", encoding="utf-8"
    )
    for name, value in {"HOME": str(home), "OCI_CLI_PROFILE": "staging"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("OCI_CLI_CONFIG_FILE", raising=False)
    staging = Environment("staging", tmp_path)
    assert "OCI_config_file_profile" not in connect(staging)  # the state is a file
    staging.folder.mkdir(parents=True)
    staging.backend.write_text("terraform {}\n", encoding="utf-8")
    assert connect(staging)["OCI_config_file_profile"] == "staging"


class TestEnd:
    """Terraform writes into the state what it is making, however it is stopped."""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_lets_it_end_what_it_has_begun(
        self, program: Program, tmp_path: Path, number: signal.Signals
    ) -> None:
        program("signal.pause()")
        with started(tmp_path) as process:
            os.killpg(process.pid, number)
            told, errors = process.communicate(timeout=30)
        assert told == "stopping\nmade a vault\n"
        assert (tmp_path / "bin" / "terraform.state").exists()
        assert errors.splitlines()[-1] == "KeyboardInterrupt"

    def test_nobody_reads_what_it_says(self, program: Program, tmp_path: Path) -> None:
        program("for number in range(3):\n    time.sleep(0.2)\n    say(number)\nwrite_state()")
        with started(tmp_path) as process:
            assert process.stdout
            process.stdout.close()
            wait_until((tmp_path / "bin" / "terraform.state").exists)
            assert process.wait(30) != 0

    def test_it_says_something_that_is_no_utf_8(self, program: Program, tmp_path: Path) -> None:
        program("sys.stdout.buffer.write(b'a \\377 b')")
        with started(tmp_path) as process:
            told, errors = process.communicate(timeout=30)
        assert (told, errors, process.returncode) == ("a � b", "", 0)
