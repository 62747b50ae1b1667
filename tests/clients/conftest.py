"""The store of a system whose faults end with a test, and the large file that goes up in parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.object_storage.storage import Storage
from support.python_clients import BIG
from support.systems import Running


@pytest.fixture
def storage(running: Running) -> Iterator[Storage]:
    """Object storage, which works again after the test."""
    yield running.stack.storage
    running.stack.storage.fault = None


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A file with the content `BIG`."""
    path = tmp_path / "film.mp4"
    path.write_bytes(BIG)
    return path
