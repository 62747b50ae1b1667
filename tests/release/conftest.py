"""A release, made once for all tests of this folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.clones import shared_release


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which `make release` has run."""
    own = tmp_path_factory.getbasetemp()
    return shared_release(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


@pytest.fixture(scope="session")
def dist(released: Path) -> Path:
    """The files of the release, and nothing else."""
    return released / "dist"
