"""Memory: the peak of the process, and its growth."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from local.stack import OBJECT, ROOT, Stack
from tools.bench.measure import Series
from tools.bench.process import FUNCTIONS, Connection, Memory, Process, image, request, stock
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
    after_few: dict[str, Memory] = {}
    after_many: dict[str, Memory] = {}
    after_batches: dict[str, Memory] = {}
    for name, (program, more) in programs.items():
        with Process(program, {**environment, **more}) as process:
            connection = process.connect()
            after_few[name] = _after(process, connection, [call] * FEW)
            after_many[name] = _after(process, connection, [call] * (MANY - FEW))
            if name.startswith("presign, its image"):
                bodies = [json.dumps({"requests": batch}).encode() for batch in BATCHES]
                calls = [request(body, gateway=False) for body in bodies]
                after_batches[name] = _after(process, connection, calls)
        tick()
    with Process(stock(FUNCTIONS / "naive"), environment) as process:
        naive = _after(process, process.connect(), [call] * 100)
    tick()
    peaks = {name: memory.peak_mib for name, memory in after_many.items()}
    peaks |= {f"{name}, batches": memory.peak_mib for name, memory in after_batches.items()}
    grown_mib = after_many[OURS].resident_mib - after_few[OURS].resident_mib
    return _table({**peaks, NAIVE: naive.peak_mib}, grown_mib=grown_mib)


def _table(peaks: dict[str, float], *, grown_mib: float) -> Table:
    """The table of the peaks in MiB, with the growth of the resident set as a goal."""
    peak, batches = peaks[OURS], peaks[f"{OURS}, batches"]
    return Table(
        title="Memory",
        text=f"Peak of the resident set after {MANY:,} requests.",
        unit="MiB",
        series=[Series(name, [peak]) for name, peak in peaks.items()],
        reference="empty FDK function",
        goals=[
            Goal(f"Peak after {MANY:,} requests: at most 46 MiB", f"{peak:.1f} MiB", peak <= 46),
            Goal("Peak after the largest batches: at most 100 MiB", f"{batches:.1f} MiB", batches <= 100),
            Goal(
                f"Growth from {FEW:,} to {MANY:,} requests: none (at most {MAY_GROW_MIB:g} MiB)",
                f"{grown_mib:.2f} MiB",
                grown_mib <= MAY_GROW_MIB,
            ),
        ],
    )


def _after(process: Process, connection: Connection, calls: list[bytes]) -> Memory:
    """The memory of a function after these calls."""
    for call in calls:
        connection.call(call)
    return process.memory()
