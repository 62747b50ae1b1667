"""The stores that tests of Object Storage's APIs share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.native_storage import NativeStorage
from support.store import Store


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """A store with two buckets, both empty before the first test."""
    it = Store()
    with it.server:
        yield it


@pytest.fixture
def fresh() -> Iterator[Store]:
    """A store of the test's own."""
    it = Store()
    with it.server:
        yield it


@pytest.fixture
def native(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NativeStorage]:
    """A store of the test's own, and the OCI SDK for its native API."""
    it = NativeStorage(tmp_path, monkeypatch)
    with it.server:
        yield it
