"""Memory: the peak of the process, and its growth."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from local.stack import OBJECT, ROOT, Stack
from tools.bench.measure import Series
from tools.bench.process import FUNCTIONS, Process, image, request, stock
from tools.bench.table import Goal, Table

FEW, MANY = 1_000, 10_000
OURS = "presign, its image"
NAIVE = "naive function, after 100 requests"
MAY_GROW_MIB = 1.0
METADATA = {f"n{number}": "x" for number in range(64)}
BATCHES: list[list[dict[str, Any]]] = [
    [{"key": "a"}] * 1000,
    [{"key": "a" * 1000}] * 1000,
    [{"operation": "put_object", "key": "a", "metadata": METADATA}] * 1000,
    [{"key": "a", "download_as": "a" * 255}] * 1000,
    *[[{"key": "a", "metadata": METADATA}] * 1000] * 20,
]
"""Batches whose bodies or answers are as large as they may be. The last is refused, and comes again and again."""


def measure(stack: Stack, tick: Callable[[], None]) -> Table:
    """Measure after few requests and after many."""
    environment = {**stack.principal.environment(), **stack.settings()}
    call = request(json.dumps({"key": OBJECT}).encode(), gateway=True)
    programs = {
        OURS: (image(), {}),
        "presign, its image, SIGNER=boto3": (image(), {"SIGNER": "boto3"}),
        "presign, plain packages": (stock(ROOT), {}),
        "empty FDK function": (stock(FUNCTIONS / "empty"), {}),
    }
    after: dict[str, dict[int, tuple[float, float]]] = {}
    batches: dict[str, float] = {}
    for name, (program, more) in programs.items():
        with Process(program, {**environment, **more}) as process:
            connection = process.connect()
            after[name] = {}
            for number in range(1, MANY + 1):
                connection.call(call)
                if number in (FEW, MANY):
                    after[name][number] = process.memory()
            if name.startswith("presign, its image"):
                for batch in BATCHES:
                    connection.call(request(json.dumps({"requests": batch}).encode(), gateway=False))
                batches[name] = process.memory()[1]
        tick()
    with Process(stock(FUNCTIONS / "naive"), environment) as process:
        connection = process.connect()
        for _ in range(100):
            connection.call(call)
        naive = process.memory()[1]
    tick()
    peak = after[OURS][MANY][1]
    grown = after[OURS][MANY][0] - after[OURS][FEW][0]
    return Table(
        title="Memory",
        text=f"Peak of the resident set after {MANY:,} requests.",
        unit="MiB",
        series=[
            *(Series(name, [found[MANY][1]]) for name, found in after.items()),
            *(Series(f"{name}, batches", [peak]) for name, peak in batches.items()),
            Series(NAIVE, [naive]),
        ],
        reference="empty FDK function",
        goals=[
            Goal(f"Peak after {MANY:,} requests: at most 46 MiB", f"{peak:.1f} MiB", peak <= 46),
            Goal("Peak after the largest batches: at most 100 MiB", f"{batches[OURS]:.1f} MiB", batches[OURS] <= 100),
            Goal(
                f"Growth from {FEW:,} to {MANY:,} requests: none (at most {MAY_GROW_MIB:g} MiB)",
                f"{grown:.2f} MiB",
                grown <= MAY_GROW_MIB,
            ),
        ],
    )
