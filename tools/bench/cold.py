"""A cold start: from the start of the process to its first answer."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from local.stack import OBJECT, ROOT, Stack
from tools.bench.cpu_limit import CpuLimit
from tools.bench.measure import Series
from tools.bench.process import FUNCTIONS, Process, Program, image, request, run_parts, stock
from tools.bench.table import Breakdown, Goal, Table, at_most

ROUNDS = 20
CPU_SHARES = (1.0, 0.5, 0.25, 0.125)
SHARE_ROUNDS = 5
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


class _Start(NamedTuple):
    """The milliseconds of a cold start.

    Args:
        cpu: of the process, until its first answer.
        wall: the time until then.
        waited: of the first caller of a container that is ready.
    """

    cpu: float
    wall: float
    waited: float


def measure(stack: Stack, tick: Callable[[], None]) -> list[Table | Breakdown]:
    """Measure CPU time and wall time until the first answer, and the wait of the first caller of a ready container.

    Also the parts of the CPU time, and the wall time where the process has a share of a CPU.
    """
    environment = {**stack.principal.environment(), **stack.settings()}
    call = request(json.dumps({"key": OBJECT}).encode(), gateway=False)
    starts: dict[str, list[_Start]] = {name: [] for name in PROGRAMS}
    parts: dict[str, list[dict[str, float]]] = {OURS_IMAGE: [], FLOOR: []}
    names = list(PROGRAMS)
    for turn in range(-1, ROUNDS):  # the first turn compiles modules
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            start = _start(PROGRAMS[name], environment, call)
            if turn >= 0:
                starts[name].append(start)
        for name, runs in parts.items():
            runs.append(run_parts("floor" if name == FLOOR else "cold", PROGRAMS[name], environment))
        tick()
    cpu, wall, ready = _tables(starts)
    return [cpu, _breakdown(parts, cpu), wall, *_with_shares(environment, call, tick), ready]


def _start(program: Program, environment: dict[str, str], call: bytes) -> _Start:
    """Start a function twice: one is called as soon as it listens, the other when it is ready."""
    with Process(program, environment) as process:
        process.connect().call(call)
        wall_seconds = time.perf_counter() - process.started_at
        cpu_seconds = process.end()
    with Process(program, environment) as process:
        connection = process.connect()
        time.sleep(READY_SECONDS)
        began_at = time.perf_counter()
        connection.call(call)
        waited_seconds = time.perf_counter() - began_at
    return _Start(cpu_seconds * 1e3, wall_seconds * 1e3, waited_seconds * 1e3)


def _tables(starts: dict[str, list[_Start]]) -> tuple[Table, Table, Table]:
    """The tables of the CPU time, the wall time, and the wait, with their goals."""
    text = (
        "From the start of the process to the first URL (of the floor: to the secret), with a Vault on this machine: "
    )
    cpu = _series(starts, lambda start: start.cpu)
    wall = _series(starts, lambda start: start.wall)
    waited = _series(starts, lambda start: start.waited)
    of_cpu = Table("Cold start, CPU time", f"{text}CPU time of the process.", "ms", cpu, FLOOR)
    ready = Table(
        "The first caller of a ready container",
        f"The time of the first call, {READY_SECONDS:g} s after the start of the container, as with provisioned "
        "concurrency.",
        "ms",
        waited,
        OURS_IMAGE,
    )
    wait = ready.median(OURS_IMAGE)
    of_cpu_goals = [
        at_most(of_cpu.ratio(OURS_IMAGE), 0.55, "CPU time of a cold start, its image, against the floor"),
        at_most(of_cpu.ratio(OURS), 0.60, "CPU time of a cold start, plain packages, against the floor"),
    ]
    ready_goals = [
        Goal("The first caller of a ready container: at most 1.5 ms", f"{wait:.2f} ms", wait <= 1.5),
        at_most(ready.ratio(STOCK_IMAGE, FLOOR), 0.50, "The first call, fdk command, against the floor's"),
    ]
    return (
        replace(of_cpu, goals=of_cpu_goals),
        Table("Cold start, wall time", f"{text}wall time.", "ms", wall, FLOOR),
        replace(ready, goals=ready_goals),
    )


def _series(starts: dict[str, list[_Start]], milliseconds: Callable[[_Start], float]) -> list[Series]:
    return [Series(name, [milliseconds(start) for start in found]) for name, found in starts.items()]


def _breakdown(parts: dict[str, list[dict[str, float]]], table: Table) -> Breakdown:
    """The parts as measured one after another; what is missing of the whole is the FDK's server and its first call."""
    bars = {}
    for name, runs in parts.items():
        bar = {part: statistics.median(run[part] for run in runs) for part in runs[0]}
        bar["FDK"] += max(0.0, table.median(name) - sum(bar.values()))
        bars[name] = bar
    return Breakdown(
        title="Where the CPU time of a cold start goes",
        text="The SDK's part is its import; the principal's key is an RSA key, which OpenSSL checks for the floor.",
        unit="ms",
        bars=bars,
        picture="cold-start",
    )


def _with_shares(environment: dict[str, str], call: bytes, tick: Callable[[], None]) -> list[Table]:
    """The cold start with a share of a CPU; nothing where no control group can be made."""
    wall: dict[str, list[float]] = {}
    try:
        for share in CPU_SHARES:
            with CpuLimit(share) as cpu:
                for _ in range(SHARE_ROUNDS):
                    for name in (FLOOR, OURS_IMAGE):
                        with Process(PROGRAMS[name], environment, cpu) as process:
                            process.connect().call(call)
                            seconds = time.perf_counter() - process.started_at
                        wall.setdefault(f"{name}, {share:g} CPU", []).append(seconds * 1e3)
            tick()
    except OSError:
        return []
    return [
        Table(
            "Cold start, wall time with a share of a CPU",
            "Limited by a control group, in periods of 100 ms. Which share a memory shape of OCI Functions gets is not "
            "documented.",
            "ms",
            [Series(name, found) for name, found in wall.items()],
            f"{FLOOR}, {CPU_SHARES[0]:g} CPU",
            digits=0,
        )
    ]
