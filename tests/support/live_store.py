"""The store of the live tests: the S3 server that the variables `LIVE_S3_*` name, or SeaweedFS."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from support.seaweedfs import seaweedfs

LIVE_VARIABLES = [f"LIVE_S3_{name}" for name in ("ENDPOINT", "REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "BUCKET")]


@contextmanager
def live_store() -> Iterator[Mapping[str, str]]:
    """The variables that are set, or those of a SeaweedFS that runs while the context lasts."""
    if any(os.environ.get(name) for name in LIVE_VARIABLES):
        missing = [name for name in LIVE_VARIABLES if not os.environ.get(name)]
        assert not missing, f"not set: {', '.join(missing)}"
        yield os.environ
        return
    with seaweedfs() as variables:
        yield variables
