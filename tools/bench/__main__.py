"""`python -m tools.bench` measures all sections, or those it is given.

When it has measured all, it writes `tools/bench/results.md`, `tools/bench/one-url.svg`, and the pictures in `docs/`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local.stack import ROOT, Stack
from tools.bench import batch, chart, cold, deployed, memory, one_url, par, policy, report, transfers, warm
from tools.bench.process import CLAIMS_KEY
from tools.bench.table import Breakdown, Table

HERE = Path(__file__).parent
Measure = Callable[[Stack, Callable[[], None]], Sequence[Table | Breakdown]]

SECTIONS: dict[str, tuple[Measure, int]] = {
    "one-url": (lambda stack, tick: [one_url.measure(stack, tick)], one_url.ROUNDS),
    "warm": (warm.measure, 2 * (warm.ROUNDS + 2)),
    "batch": (
        lambda stack, tick: [batch.measure(stack, tick), batch.measure_costly(stack, tick)],
        batch.ROUNDS + len(batch.COSTLY),
    ),
    "policy": (lambda stack, tick: [policy.measure(tick)], policy.ROUNDS),
    "par": (lambda stack, tick: [par.measure(stack, tick)], par.ROUNDS),
    "cold": (cold.measure, cold.ROUNDS + 1 + len(cold.CPU_SHARES)),
    "memory": (lambda stack, tick: [memory.measure(stack, tick)], 5),
    "transfers": (lambda stack, tick: transfers.measure(tick), transfers.TICKS),
    "deployed": (lambda stack, tick: deployed.measure(tick), 1),
}
"""By name: what measures a section, and the number of its ticks."""


def main() -> int:
    """Measure the sections that the command line names.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description="Measure time, memory and size.")
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="what to measure; everything by default")
    sections = parser.parse_args().sections or list(SECTIONS)
    console = Console(width=None if sys.stdout.isatty() else 110)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    tables: list[Table | Breakdown] = []
    with (
        Path(os.devnull).open("wb") as log,
        Stack(config={"CLAIMS_KEY": CLAIMS_KEY}, log=log) as stack,
        Progress(*columns, console=console) as progress,
    ):
        for name in sections:
            measure, ticks = SECTIONS[name]
            task = progress.add_task(name, total=ticks)
            for table in measure(stack, lambda task=task: progress.advance(task)):  # type: ignore[misc]
                tables.append(table)
                report.show(table, progress.console)
    if sections == list(SECTIONS):
        (HERE / "results.md").write_text(report.markdown(tables), encoding="utf-8")
        for table in tables:
            if isinstance(table, Breakdown):
                (ROOT / "docs" / f"{table.picture}.svg").write_text(chart.stacked(table), encoding="utf-8")
            elif table.title == one_url.TITLE:
                (HERE / "one-url.svg").write_text(chart.svg(table), encoding="utf-8")
            elif table.title == policy.TITLE:
                (ROOT / "docs" / f"{policy.PICTURE}.svg").write_text(policy.picture(table), encoding="utf-8")
        console.print("Written: tools/bench/results.md, and the pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
