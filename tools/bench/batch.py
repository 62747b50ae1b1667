"""Batches: the time in the handler, from the JSON of the requests to that of the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from local.stack import Stack
from tools.bench.measure import Series, in_turns
from tools.bench.table import Goal, Table
from tools.bench.worker import BUCKET, check, python_worker

BATCH = 1000
ROUNDS = 30
OURS = "presign, a batch of 1,000"
BOTO3 = "boto3 in a loop, kept client"

COSTLY_ROUNDS = 5
COSTLY = {
    "sigv4, forms with 64 metadata": ("presign-form-batch", "sigv4"),
    "sigv4, file names of 765 bytes": ("presign-file-name-batch", "sigv4"),
    "boto3, copies with 64 metadata": ("presign-copy-batch", "boto3"),
    "boto3, file names of 765 bytes": ("presign-file-name-batch", "boto3"),
}
"""The most expensive batches of 1,000 that are accepted, with the signer."""
MOST = {"sigv4": 250, "boto3": 1000}
"""Milliseconds that any call may take, by the signer."""


def measure(stack: Stack, tick: Callable[[], None]) -> Table:
    """Measure both."""
    with ExitStack() as started:
        workers = {
            title: started.enter_context(python_worker(name, stack))
            for title, name in ((OURS, "presign-batch"), (BOTO3, "boto3-batch"))
        }
        for worker in workers.values():
            check(worker.sample.replace("\\", ""), stack)
        series = in_turns({title: worker.microseconds for title, worker in workers.items()}, rounds=ROUNDS, tick=tick)
    milliseconds = [Series(one.name, [value / 1000 for value in one.values]) for one in series]
    table = Table(
        title="A batch of 1,000",
        text="CPU time in the handler, from the JSON of 1,000 requests to that of 1,000 answers, with policy and audit "
        "lines; boto3 makes the bare URLs.",
        unit="ms",
        series=milliseconds,
        reference=OURS,
    )
    took = table.median(OURS)
    return replace(table, goals=[Goal("A batch of 1,000: at most 12 ms", f"{took:.1f} ms", took <= 12)])


def measure_costly(stack: Stack, tick: Callable[[], None]) -> Table:
    """Measure the most expensive batches."""
    policy = {"rules": [{"operations": ["*"], "bucket": BUCKET, "prefix": "", "response_overrides": "any"}]}
    series = []
    for title, (name, signer) in COSTLY.items():
        with python_worker(name, stack, POLICY=json.dumps(policy), SIGNER=signer) as worker:
            if (signed := worker.sample.lower().count("x-amz-signature")) != BATCH:
                raise ValueError(f"{title}: {signed} URLs")
            values = [worker.microseconds() / 1000 for _ in range(COSTLY_ROUNDS)]
        series.append(Series(title, values))
        tick()
    table = Table(
        title="The most expensive batches",
        text="CPU time in the handler for 1,000 requests that are as expensive as the limits allow.",
        unit="ms",
        series=series,
        reference=next(iter(COSTLY)),
    )
    goals = []
    for signer, most in MOST.items():
        worst = max(table.median(title) for title, (_, other) in COSTLY.items() if other == signer)
        goals.append(Goal(f"Any call with {signer}: at most {most} ms", f"{worst:.0f} ms", worst <= most))
    return replace(table, goals=goals)
