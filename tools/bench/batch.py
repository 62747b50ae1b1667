"""A batch of 1,000: the time in the handler, from the JSON of the requests to that of the answers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from local.stack import Stack
from tools.bench.measure import Series, in_turns
from tools.bench.table import Goal, Table
from tools.bench.worker import check, python_worker

ROUNDS = 30
OURS = "presign, a batch of 1,000"
BOTO3 = "boto3 in a loop, kept client"


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
