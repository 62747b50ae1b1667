"""The programs that tests run: which are there, and how they read and print texts."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


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


def in_utf_8(**more: str) -> dict[str, str]:
    """The environment, and `more`, in which a program in Python prints in UTF-8 whatever the locale says."""
    return {**os.environ, "PYTHONUTF8": "1", **more}


def argument(text: str) -> bytes:
    """`text` as an argument of a program, in UTF-8 whatever the locale says; it may be one that `os.fsdecode` gave."""
    return text.encode("utf-8", "surrogateescape")
