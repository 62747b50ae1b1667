"""The report of a diagnosis: lines for a terminal, or one JSON document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.doctor.finding import Finding, State
from deploy.doctor.step import Step
from gateway.openapi import VERSION

STYLES: dict[State, str] = {
    "ok": "green",
    "wrong": "bold red",
    "warning": "bold yellow",
    "unknown": "yellow",
    "skipped": "dim",
}
_STATE_WIDTH = 9


def show(found: Iterable[tuple[Step, Finding]], console: Console) -> bool:
    """Show each finding as soon as it is there, and a summary.

    Returns:
        Whether all is well, as far as it could be looked at.
    """
    shown = []
    group = ""
    for step, finding in found:
        shown.append((step, finding))
        if step.group != group:
            group = step.group
            console.print(Text(group, style="bold"))
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(width=_STATE_WIDTH, justify="right", style=STYLES[finding.state])
        line.add_row(finding.state, Text.assemble((step.name, "bold"), ": ", finding.text))
        for detail in finding.details:
            line.add_row("", Text(detail, style="dim"))
        console.print(line)
        for mend in (finding.mend or "").splitlines():
            # It stays on one line, however long it is, so that it can be copied.
            console.print(Text.assemble(" " * _STATE_WIDTH, "  → ", (mend, "cyan")), soft_wrap=True)
    states = Counter(finding.state for _, finding in shown)
    console.print(Text(", ".join(f"{states[state]} {state}" for state in STYLES), style="bold"))
    return _is_well(shown)


def write_json(found: Iterable[tuple[Step, Finding]], stream: TextIO) -> bool:
    """Write one JSON document with all findings.

    Returns:
        Whether all is well, as far as it could be looked at.
    """
    taken = list(found)
    steps = [
        {
            "group": step.group,
            "step": step.name,
            "state": finding.state,
            "text": finding.text,
            "mend": finding.mend,
            "details": list(finding.details),
        }
        for step, finding in taken
    ]
    is_well = _is_well(taken)
    json.dump({"ok": is_well, "steps": steps}, stream, indent=2, ensure_ascii=False)
    stream.write("\n")
    return is_well


def keeping(found: Iterable[tuple[Step, Finding]], file: Path) -> Iterator[tuple[Step, Finding]]:
    """The same findings; their states are in `file` at the end, which may be sent to others: it names nothing else."""
    states = []
    for step, finding in found:
        states.append({"group": step.group, "step": step.name, "state": finding.state})
        yield step, finding
    document = {"version": VERSION, "steps": states}
    file.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def _is_well(found: Iterable[tuple[Step, Finding]]) -> bool:
    """Whether nothing is wrong, and something is right but for the clock of this machine."""
    states = {finding.state for step, finding in found if step.group != "clock" or finding.state == "wrong"}
    return "ok" in states and "wrong" not in states
