"""A cold start: from the start of the process to its first answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

from local.stack import OBJECT, ROOT, Stack
from tools.bench.measure import Series
from tools.bench.process import FUNCTIONS, Process, Program, image, request, stock
from tools.bench.table import Table, at_most

ROUNDS = 20
READY_SECONDS = 1.0
"""The time between the container's start and its first call, in the third table."""

FLOOR = "floor: FDK, SDK's secrets client, one secret"
OURS = "presign, plain packages, fdk command"
OURS_IMAGE = "presign, its image"
STOCK_IMAGE = "presign, its image, fdk command"
PROGRAMS: dict[str, Program] = {
    FLOOR: stock(FUNCTIONS / "floor"),
    OURS: stock(ROOT),
    STOCK_IMAGE: image()._replace(script=["../python/bin/fdk", "func.py", "handler"]),
    OURS_IMAGE: image(),
    "naive function": stock(FUNCTIONS / "naive"),
}


def measure(stack: Stack, tick: Callable[[], None]) -> list[Table]:
    """Measure CPU time and wall time until the first answer, and the wait of the first caller of a ready container."""
    environment = {**stack.identity.environment(), **stack.settings()}
    call = request(json.dumps({"key": OBJECT}).encode(), gateway=False)
    cpu: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    wall: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    waited: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    names = list(PROGRAMS)
    for turn in range(-1, ROUNDS):  # the first turn compiles modules
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            with Process(PROGRAMS[name], environment) as process:
                process.connect().call(call)
                seconds = time.perf_counter() - process.started_at
                cpu_seconds = process.end()
            with Process(PROGRAMS[name], environment) as process:
                connection = process.connect()
                time.sleep(READY_SECONDS)
                began_at = time.perf_counter()
                connection.call(call)
                wait = time.perf_counter() - began_at
            if turn >= 0:
                cpu[name].append(cpu_seconds * 1e3)
                wall[name].append(seconds * 1e3)
                waited[name].append(wait * 1e3)
        tick()
    text = (
        "From the start of the process to the first URL (of the floor: to the secret), with a Vault on this machine: "
    )
    tables = [
        Table("Cold start, CPU time", f"{text}CPU time of the process.", "ms", _series(cpu), FLOOR),
        Table("Cold start, wall time", f"{text}wall time.", "ms", _series(wall), FLOOR),
        Table(
            "The first caller of a ready container",
            f"The time of the first call, {READY_SECONDS:g} s after the start of the container, as with provisioned "
            "concurrency.",
            "ms",
            _series(waited),
            OURS_IMAGE,
        ),
    ]
    goal = at_most(tables[0].ratio(OURS_IMAGE), 1.15, "CPU time of a cold start against the floor")
    return [replace(tables[0], goals=[goal]), *tables[1:]]


def _series(values: dict[str, list[float]]) -> list[Series]:
    return [Series(name, found) for name, found in values.items()]
