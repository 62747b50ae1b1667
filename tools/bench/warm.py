"""A warm request: from the first byte sent to the FDK's socket to the last byte received."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from local.stack import OBJECT, Stack
from tools.bench.measure import Series
from tools.bench.process import FUNCTIONS, Connection, Process, image, request, run_parts, stock
from tools.bench.table import Breakdown, Table, at_most

ROUNDS = 60
CALLS = 50
"""In each round, of each function but the naive one, which is called once."""

HOW = {
    "gateway": "as the Fn agent passes on API Gateway's requests. Between two requests other contenders use the "
    "processor's caches: called twice in a row, the handler takes little more than half of the time.",
    "direct": "as `fn invoke` does.",
}

EMPTY = "empty FDK function"
OURS = "presign"
PARTS_ROUNDS = 5
NAIVE = "naive function: secret and boto3 client each call"


def measure(stack: Stack, tick: Callable[[], None]) -> list[Table | Breakdown]:
    """Measure calls that come through the gateway, and direct ones, and the parts of the former."""
    programs = {EMPTY: stock(FUNCTIONS / "empty"), OURS: image(), NAIVE: stock(FUNCTIONS / "naive")}
    environment = {**stack.principal.environment(), **stack.settings()}
    body = json.dumps({"key": OBJECT}).encode()
    tables: list[Table] = []
    with ExitStack() as started:
        processes = {name: started.enter_context(Process(program, environment)) for name, program in programs.items()}
        for kind in HOW:
            call = request(body, gateway=kind == "gateway")
            connections = {name: process.connect() for name, process in processes.items()}
            series = _measure(connections, call, tick)
            for connection in connections.values():
                connection.close()
            tables.append(
                Table(
                    title="A warm request" if kind == "gateway" else "A warm direct invocation",
                    text=f"Through the real FDK and its unix socket, on a kept connection, {HOW[kind]}",
                    unit="µs",
                    series=series,
                    reference=EMPTY,
                    digits=0,
                )
            )
    through_gateway = tables[0]
    goal = at_most(through_gateway.ratio(OURS), 1.08, "A warm request against an empty FDK function")
    return [replace(through_gateway, goals=[goal]), _breakdown(through_gateway, environment), tables[1]]


def _breakdown(table: Table, environment: dict[str, str]) -> Breakdown:
    """The parts of a warm request: the function's own share is divided as its steps share their time in a loop."""
    runs = [run_parts("warm", image(), environment) for _ in range(PARTS_ROUNDS)]
    steps = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    own = (table.median(OURS) - table.median(EMPTY)) / sum(steps.values())
    parts = {"FDK and its socket": table.median(EMPTY), **{name: value * own for name, value in steps.items()}}
    return Breakdown(
        title="Where the time of a warm request goes",
        text="The FDK's part is the empty function's. The rest is divided as the handler's steps share their time when "
        "they run in a loop.",
        unit="µs",
        bars={OURS: parts},
        picture="warm-request",
    )


def _measure(connections: dict[str, Connection], call: bytes, tick: Callable[[], None]) -> list[Series]:
    values: dict[str, list[float]] = {name: [] for name in connections}
    for turn in range(-2, ROUNDS):
        for number in range(CALLS):
            for name, connection in connections.items():
                if name == NAIVE and number:
                    continue
                began_at = time.perf_counter()
                connection.call(call)
                if turn >= 0:
                    values[name].append((time.perf_counter() - began_at) * 1e6)
        tick()
    return [Series(name, found) for name, found in values.items()]
