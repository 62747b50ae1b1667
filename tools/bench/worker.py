"""A peer that presigns in its own process, and the check of its URLs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from local.object_storage.presigned import verify
from local.stack import OBJECT, REGION, ROOT, Stack

NODE_MODULES = ROOT / ".bench" / "node"
BUCKET = "presigned-blog"
"""Some peers refuse capital letters."""

SAMPLE_SECONDS = 0.02
"""The least duration of one measurement, as the clock is coarse."""


class Worker:
    """Runs one peer.

    Args:
        command: starts the peer.
        environment: has the endpoint and the credentials.
    """

    def __init__(self, command: list[str | Path], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the commands below
            command, cwd=ROOT, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        self.sample = str(json.loads(self._read()))
        self._count = 1
        # Until a measurement is long enough; by then a compiling runtime has compiled.
        while self._seconds(self._count) < SAMPLE_SECONDS:
            self._count *= 2

    def microseconds(self) -> float:
        """CPU time of one URL or one batch."""
        return self._seconds(self._count) / self._count * 1e6

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _seconds(self, count: int) -> float:
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        return float(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - for mypy
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended")
        return line


def python_worker(name: str, stack: Stack, **more: str) -> Worker:
    """One of the peers in `tools.bench.peers.python`, with `more` in its environment."""
    return Worker([sys.executable, "-m", "tools.bench.peers.python", name], {**_environment(stack), **more})


def node_worker(name: str, stack: Stack) -> Worker:
    """One of the peers in `tools/bench/peers/node.mjs`, which must be installed."""
    return Worker(["node", NODE_MODULES / "node.mjs", name], _environment(stack))


def url_in(sample: str) -> str:
    """The first URL in `sample`.

    Raises:
        ValueError: there is none.
    """
    found = re.search(r"https?://[^\"'\s]+", sample)
    if found is None:
        raise ValueError("There is no URL")
    return found[0]


def check(sample: str, stack: Stack) -> None:
    """Check that `sample` has a URL that object storage accepts.

    Raises:
        ApiError: the signature is wrong.
    """
    text = url_in(sample)
    url = urlsplit(text.replace(stack.store_route, stack.storage_url) if stack.store_route else text)
    access_key_id, secret_access_key = stack.credentials
    verify(
        method="GET",
        target=f"{url.path}?{url.query}",
        headers=[("host", url.netloc)],
        keys={access_key_id: secret_access_key},
        region=REGION,
        now=datetime.now(UTC),
    )


def _environment(stack: Stack) -> dict[str, str]:
    access_key_id, secret_access_key = stack.credentials
    return {
        **stack.principal.environment(),
        **stack.settings(),
        "PATH": os.environ["PATH"],
        "REGION": REGION,
        "DEFAULT_BUCKET": BUCKET,
        "POLICY": json.dumps({"rules": [{"operations": ["read"], "bucket": BUCKET, "prefix": ""}]}),
        "BENCH_KEY": OBJECT,
        "BENCH_ACCESS_KEY_ID": access_key_id,
        "BENCH_SECRET_ACCESS_KEY": secret_access_key,
    }
