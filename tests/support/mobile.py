"""The servers that the tests of the Kotlin and the Swift client need. These tests are written in the two languages."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import requests

from local.server import HOST, Server
from local.stack import BUCKET
from support.hostile_server import HostileServer
from support.systems import Running

POLICY = {
    "rules": [
        # A limit makes parts small: of 5 MiB each.
        {"operations": ["*"], "bucket": BUCKET, "prefix": "s3/", "max_content_length": 50_000_000},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "par/", "via": "par"},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/"},
        {"operations": ["list_multipart_uploads"], "bucket": BUCKET, "prefix": ""},
    ]
}
_MANY = 1002
"""Objects, so that they don't fit into one page of a list."""
_TOOL_SECONDS = 1500


@contextmanager
def environment(start: Callable[..., Running]) -> Iterator[dict[str, str]]:
    """The variables that name a system, a token for it, and a hostile server.

    In the end no upload may be left that is neither complete nor dropped.
    """
    running = start({"POLICY": json.dumps(POLICY)})
    for prefix in ("s3/", "par/"):
        for key in [*(f"many/{number:04}" for number in range(_MANY)), "folders/a & b/1", "folders/c"]:
            running.stack.storage.put_object(BUCKET, prefix + key, b"hello")
    hostile = HostileServer()
    # The second server takes connections, and no byte.
    with Server(hostile) as server, socket.create_server((HOST, 0)) as deaf:
        try:
            yield {
                "PRESIGN_ENDPOINT": f"{running.stack.url}/v1/presign",
                "PRESIGN_TOKEN": running.stack.token(),
                "HOSTILE_URL": server.url,
                "DEAF_URL": f"http://{HOST}:{deaf.getsockname()[1]}",
            }
        finally:
            hostile.closing.set()
    left = requests.get(running.ask(operation="list_multipart_uploads").json()["url"], timeout=30).text
    assert "<ListMultipartUploadsResult" in left
    assert "<Upload>" not in left


def run(command: list[str], *, folder: str, variables: Mapping[str, str]) -> str:
    """Run a tool to its end: all that it printed. It fails if the tool does."""
    done = subprocess.run(  # noqa: S603
        command,
        cwd=folder,
        env=variables,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=_TOOL_SECONDS,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-8000:]
    return printed
