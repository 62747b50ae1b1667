"""Programs that some tests need besides Python."""

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
    """Return if this machine has these programs; the mark of this name calls it before the test."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        cannot_run(f"missing on this machine: {', '.join(missing)}")
