"""A pre-authenticated request: the CPU time of the function on top of the SDK's call that creates it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from urllib.request import urlopen

from local.stack import BUCKET, CONTENT, NAMESPACE, Stack
from tools.bench.measure import Series, in_turns
from tools.bench.table import Table, at_most
from tools.bench.worker import python_worker, url_in

ROUNDS = 30
SDK = "the SDK's call"
OURS = "presign, the whole request"
POLICY = {"rules": [{"operations": ["read"], "bucket": BUCKET, "prefix": "", "via": "par"}]}


def measure(stack: Stack, tick: Callable[[], None]) -> Table:
    """Measure both."""
    more = {"DEFAULT_BUCKET": BUCKET, "NAMESPACE": NAMESPACE, "POLICY": json.dumps(POLICY)}
    with ExitStack() as started:
        workers = {
            title: started.enter_context(python_worker(name, stack, **more))
            for title, name in ((SDK, "sdk-par"), (OURS, "presign-par"))
        }
        for worker in workers.values():
            check(worker.sample)
        series = in_turns({title: worker.microseconds for title, worker in workers.items()}, rounds=ROUNDS, tick=tick)
    table = Table(
        title="A pre-authenticated request",
        text="CPU time of a read of one object via `par`: the SDK's own call with a kept client, and the whole request "
        "from JSON to JSON, with policy and audit line. Object Storage's own time is not in it.",
        unit="ms",
        series=[Series(one.name, [value / 1000 for value in one.values]) for one in series],
        reference=SDK,
        digits=2,
    )
    return replace(
        table, goals=[at_most(table.ratio(OURS), 1.10, "A pre-authenticated request against the SDK's call")]
    )


def check(sample: str) -> None:
    """Check that `sample` has a URL of the object.

    Raises:
        ValueError: it has none.
    """
    with urlopen(url_in(sample), timeout=10) as answer:  # noqa: S310 - the stack's own address
        if answer.read() != CONTENT:
            raise ValueError("The URL does not give the object")
