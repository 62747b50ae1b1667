"""Systems and files that several clients' tests need."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from conftest import Running
from local.stack import BUCKET
from support.cable import Cable

LIMITED_POLICY = json.dumps(
    {"rules": [{"operations": ["*"], "bucket": BUCKET, "prefix": "", "max_content_length": 50_000_000}]}
)
"""A limit makes parts small: of 5 MiB each."""


class Connected(NamedTuple):
    """A system, and the network cable that its URLs lead through."""

    running: Running
    cable: Cable


@contextmanager
def connected_system(start: Callable[..., Running]) -> Iterator[Connected]:
    """A system with a cable between the clients and object storage."""
    cable = Cable()
    running = start({"STORAGE_ENDPOINT": cable.url, "POLICY": LIMITED_POLICY})
    cable.target_port = int(running.stack.storage_url.rpartition(":")[2])
    try:
        yield Connected(running, cable)
    finally:
        cable.close()


def large_file(path: Path) -> Path:
    """Make a file of 40,960,000 bytes."""
    path.write_bytes(bytes(range(256)) * 1000 * 160)
    return path
