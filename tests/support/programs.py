"""The programs that tests run: which are there, and how they read and print texts."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

UTF_8 = {"PYTHONUTF8": "1"}
"""The variable by which a program in Python reads its arguments, and prints, in UTF-8 whatever the locale says."""


def cannot_run(reason: str) -> NoReturn:
    """Skip the test, or fail it with `CI=true`, where no test may be skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def needs(*programs: str) -> None:
    """Skip the test unless this machine has these programs, or fail it with `CI=true`; the mark `needs` does this."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        cannot_run(f"missing on this machine: {', '.join(missing)}")


def argument(text: str) -> bytes:
    """`text` as an argument of a program, in UTF-8 whatever the locale says; it may be one that `os.fsdecode` gave."""
    return text.encode("utf-8", "surrogateescape")
