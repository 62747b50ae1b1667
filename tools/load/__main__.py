"""`python -m tools.load`: callers ask for URLs while the function is killed and Vault fails.

It prints their answers by kind and time. The exit status is 1 if one answer was neither a URL that the store accepted
nor a problem with an allowed code, or if the memory of a process that was never killed grew.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median_high

from local.api import Fault
from local.api_gateway.deployment import NO_RATE_LIMIT
from local.stack import CONTENT, OBJECT, Stack

SETTINGS = {"SECRET_TTL": "5", "LOG_LEVEL": "WARNING"}
FAULTS = (Fault(status=500), Fault(status=503), Fault(status=429, retry_after="2"), Fault(delay_seconds=2.5))
MEMORY_SLACK_KIB = 4096
"""How much more memory a warm function may use at the end than at the beginning."""


class Chaos:
    """Makes Vault fail half of the time, kills the function's process every few seconds, and watches its memory.

    Args:
        stack: the system that fails.
        kill: whether to kill; without it, the memory of one process is watched all the time.
        seed: for the times of the faults.
    """

    def __init__(self, stack: Stack, *, kill: bool, seed: int) -> None:
        self._stack = stack
        self._kill = kill
        self._random = random.Random(seed)
        self._stopping = threading.Event()
        self.kills = 0
        self.faulty_seconds = 0.0
        self.memory_kib: list[int] = []

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Cause faults while the context lasts."""
        threads = [threading.Thread(target=self._fail_vault), threading.Thread(target=self._watch)]
        if self._kill:
            threads.append(threading.Thread(target=self._kill_function))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join()
            self._stack.vault.fault = None

    def _fail_vault(self) -> None:
        while not self._stopping.is_set():
            for fault in (None, self._random.choice(FAULTS)):
                seconds = self._random.uniform(0.5, 4)
                self._stack.vault.fault = fault
                began = time.monotonic()
                self._stopping.wait(seconds)
                self.faulty_seconds += time.monotonic() - began if fault else 0

    def _kill_function(self) -> None:
        while not self._stopping.wait(self._random.uniform(2, 8)):
            os.kill(self._stack.function.pid, signal.SIGKILL)
            self.kills += 1

    def _watch(self) -> None:
        while not self._stopping.wait(1):
            try:
                status = Path(f"/proc/{self._stack.function.pid}/status").read_text(encoding="utf-8")
            except OSError:
                continue
            self.memory_kib += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]


def main() -> int:
    """Run the load for each number of callers.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tools.load", description="Load on the local system while parts fail."
    )
    parser.add_argument("--seconds", type=int, default=60, help="for each number of callers (default: %(default)s)")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 8, 32], help="at a time (default: 1 8 32)")
    parser.add_argument("--no-kill", action="store_true", help="let the process live, and watch its memory")
    parser.add_argument("--seed", type=int, default=1, help="of the times of faults (default: %(default)s)")
    arguments = parser.parse_args()
    return max(_run(callers, arguments) for callers in arguments.callers)


def _run(callers: int, arguments: argparse.Namespace) -> int:
    """Run the load with so many callers, and print what it found; 1 if something was wrong."""
    with tempfile.TemporaryDirectory() as directory, Path(directory, "log").open("wb") as log:
        with Stack(config=SETTINGS, log=log, specification=NO_RATE_LIMIT) as stack:
            # The modules that the first call loads are no growth.
            stack.invoke(json.dumps({"key": OBJECT}).encode())
            chaos = Chaos(stack, kill=not arguments.no_kill, seed=arguments.seed)
            with chaos.going_on():
                status = _locust(stack, callers, arguments.seconds, Path(directory))
        with Path(directory, "load_stats.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for failure in Path(directory, "load_failures.csv").read_text(encoding="utf-8").splitlines()[1:]:
            print(f"WRONG: {failure}")
    share = chaos.faulty_seconds / arguments.seconds
    print(f"\n{callers} callers, {arguments.seconds} s; {chaos.kills} kills, Vault failed {share:.0%} of the time")
    _print_answers(rows)
    quarter = max(1, len(chaos.memory_kib) // 4)
    warm, end = median_high(chaos.memory_kib[:quarter]), median_high(chaos.memory_kib[-quarter:])
    most = max(chaos.memory_kib)
    print(f"memory of the function, KiB: {warm} in the first quarter, {end} in the last, {most} at most")
    grown = not chaos.kills and end - warm > MEMORY_SLACK_KIB
    print("MEMORY GREW" if grown else "WRONG ANSWERS, see above" if status else "no wrong answers", flush=True)
    return 1 if status or grown else 0


def _print_answers(rows: Sequence[Mapping[str, str]]) -> None:
    """Print Locust's numbers and times of the answers, a line for each kind."""
    print(f"{'':32}{'number':>8}{'per s':>8}{'p50 ms':>8}{'p95':>8}{'p99':>8}{'p99.9':>8}{'max':>8}")
    for row in rows:
        figures = [row[name] for name in ("50%", "95%", "99%", "99.9%", "100%")]
        rate = float(row["Requests/s"])
        print(f"{row['Name']:32}{row['Request Count']:>8}{rate:8.1f}" + "".join(f"{figure:>8}" for figure in figures))


def _locust(stack: Stack, callers: int, seconds: int, directory: Path) -> int:
    """Run Locust; its exit status is 0 only if no answer was a failure."""
    command = [sys.executable, "-m", "locust", "--headless", "--only-summary", "--loglevel=ERROR", "--stop-timeout=40"]
    ended = subprocess.run(  # noqa: S603 - a fixed command
        [
            *command,
            f"--locustfile={Path(__file__).with_name('locustfile.py')}",
            f"--host={stack.url}",
            f"--users={callers}",
            f"--spawn-rate={callers}",
            f"--run-time={seconds}",
            f"--csv={directory / 'load'}",
        ],
        env={
            **os.environ,
            "LOAD_TOKEN": stack.token(lifetime_seconds=seconds + 3600),
            "LOAD_KEY": OBJECT,
            "LOAD_CONTENT": CONTENT.decode(),
        },
        stdout=subprocess.DEVNULL,
    )
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
