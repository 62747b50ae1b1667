"""A warm request: from the first byte sent to the FDK's socket to the last byte received."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from local.stack import OBJECT, Stack
from tools.bench.measure import Series
from tools.bench.process import FUNCTIONS, Connection, Process, image, request, stock
from tools.bench.table import Table, at_most

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
NAIVE = "naive function: secret and boto3 client each call"


def measure(stack: Stack, tick: Callable[[], None]) -> list[Table]:
    """Measure calls that come through the gateway, and direct ones."""
    programs = {EMPTY: stock(FUNCTIONS / "empty"), OURS: image(), NAIVE: stock(FUNCTIONS / "naive")}
    environment = {**stack.identity.environment(), **stack.settings()}
    body = json.dumps({"key": OBJECT}).encode()
    tables = []
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
    goal = at_most(through_gateway.ratio(OURS), 1.10, "A warm request against an empty FDK function")
    return [replace(through_gateway, goals=[goal]), tables[1]]


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
