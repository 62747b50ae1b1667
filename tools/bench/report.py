"""The results, printed to the terminal and as Markdown."""

from __future__ import annotations

import os
import platform
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table as TerminalTable

from tools.bench.table import OURS, Breakdown, Goal, Table


def show(table: Table | Breakdown, console: Console) -> None:
    """Print `table` to the terminal."""
    if isinstance(table, Breakdown):
        parts = TerminalTable("", *table.bars, title=f"{table.title} ({table.unit})", title_justify="left")
        for values in table.rows():
            parts.add_row(*values)
        console.print(parts)
        return
    shown = TerminalTable(title=f"{table.title} ({table.unit})", title_justify="left", header_style="bold")
    shown.add_column("", no_wrap=True)
    for header in (f"median, {table.unit}", "quartiles", "ratio"):
        shown.add_column(header, justify="right", no_wrap=True)
    for row in table.rows():
        shown.add_row(*row, style="bold green" if row[0].startswith(OURS) else "")
    console.print(shown)
    for goal in table.goals:
        console.print(_goal(goal), style="green" if goal.met else "red")
    for left_out in table.left_out:
        console.print(f"Left out: {left_out}")
    console.print()


def markdown(tables: Sequence[Table | Breakdown]) -> str:
    """A page with all `tables`."""
    goals = [goal for table in tables if isinstance(table, Table) for goal in table.goals]
    lines = [
        "# Measurements",
        "",
        f"By `make bench` on {datetime.now(UTC):%Y-%m-%d}: {_machine()}.",
        "Contenders are measured in turns. The tables give the median, and the first and the third quartile. Compare",
        "the ratios: the times depend on the machine, and on its other work.",
        "",
        "| goal | measured | |",
        "|---|---|---|",
        *(f"| {goal.text} | {goal.value} | {'met' if goal.met else '**not met**'} |" for goal in goals),
    ]
    for table in tables:
        lines += ["", f"## {table.title}", "", table.text, ""]
        if isinstance(table, Breakdown):
            lines += [
                "| " + " | ".join([f"median, {table.unit}", *table.bars]) + " |",
                "|---|" + "---:|" * len(table.bars),
            ]
            lines += ["| " + " | ".join(row) + " |" for row in table.rows()]
            continue
        lines += [f"| | median, {table.unit} | quartiles | ratio |", "|---|---:|---:|---:|"]
        for name, *numbers in table.rows():
            shown = f"**{name}**" if name.startswith(OURS) else name
            lines.append("| " + " | ".join([shown, *numbers]) + " |")
        lines += [f"\nLeft out: {left_out}." for left_out in table.left_out]
    return "\n".join([*lines, ""])


def _goal(goal: Goal) -> str:
    return f"{'met    ' if goal.met else 'NOT MET'}  {goal.text}: {goal.value}"


def _machine() -> str:
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ("fdk", "oci", "boto3"))
    return (
        f"{os.cpu_count()} cores of {processor}, Linux {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION.rpartition(' ')[0].rsplit(' ', 2)[0]}, {packages}"
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
