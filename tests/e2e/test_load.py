"""A short load while the function is killed and Vault fails; `python -m tools.load --seconds 600` is the long one."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from local.stack import ROOT


@pytest.mark.parametrize("options", [["--seconds=10"], ["--seconds=5", "--no-kill"]])
def test_every_answer_is_a_right_url_or_an_honest_problem(options: list[str]) -> None:
    ended = subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-m", "tools.load", "--callers=8", *options],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "no wrong answers" in ended.stdout
    urls = re.search(r"GET at the store +(\d+)", ended.stdout)
    assert urls and int(urls[1]) > 20
    kills = re.search(r"(\d+) kills", ended.stdout)
    assert kills and (int(kills[1]) > 0) == ("--no-kill" not in options)
