"""One URL: the CPU time of a presigned URL for `get_object`, warm."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from local.stack import Stack
from tools.bench.measure import in_turns
from tools.bench.table import Table, at_least, at_most
from tools.bench.worker import BUCKET, NODE_MODULES, Worker, check, node_worker, python_worker

ROUNDS = 40
TITLE = "One URL"
FLOOR = "floor"
BOTO3 = "boto3, kept client"
OURS = "presign, the signer"
BY_ROUTE = "presign, the whole request, by the store route"
REUSED = "presign, the whole request, with reuse_for"
REUSING = {"operations": ["read"], "bucket": BUCKET, "prefix": "", "reuse_for": 900}
PYTHON = {
    FLOOR: "floor",
    OURS: "presign",
    "presign, the whole request": "presign-handler",
    BY_ROUTE: "presign-by-route",
    REUSED: "presign-handler",
    BOTO3: "boto3",
    "boto3, new client each time": "boto3-new-client",
    "botocore S3SigV4QueryAuth": "botocore",
    "minio for Python": "minio",
}
NODE = {
    "@aws-sdk/s3-request-presigner (Node)": "aws-sdk-js",
    "minio (Node)": "minio-js",
    "aws4fetch (Node)": "aws4fetch",
}


def measure(stack: Stack, tick: Callable[[], None]) -> Table:
    """Measure all that are installed."""
    reusing = {"POLICY": json.dumps({"rules": [REUSING]})}
    with ExitStack() as started:
        workers: dict[str, Worker] = {
            title: started.enter_context(python_worker(name, stack, **(reusing if title == REUSED else {})))
            for title, name in PYTHON.items()
        }
        left_out = []
        if shutil.which("node") and (NODE_MODULES / "node_modules").exists():
            workers |= {title: started.enter_context(node_worker(name, stack)) for title, name in NODE.items()}
        else:
            left_out = [f"{title}: it is not installed" for title in NODE]
        for title, worker in workers.items():
            if title != FLOOR:
                check(worker.sample, stack)
        series = in_turns({title: worker.microseconds for title, worker in workers.items()}, rounds=ROUNDS, tick=tick)
    table = Table(
        title=TITLE,
        text="CPU time of one presigned URL for `get_object`, warm, each contender in a process of its own. Every URL "
        "was verified. The floor is one HMAC-SHA-256 of 150 bytes and one SHA-256 of 400; the whole request is from "
        "JSON to JSON, with policy and audit line. By the store route, and under a rule with `reuse_for`, it does "
        "the same with a few conditions more.",
        unit="µs",
        series=series,
        reference=FLOOR,
        left_out=left_out,
    )
    goals = [
        at_most(table.ratio(OURS), 3, "One URL against the floor"),
        at_least(table.ratio(BOTO3, OURS), 20, "One URL against boto3", "times faster"),
    ]
    return replace(table, goals=goals)
