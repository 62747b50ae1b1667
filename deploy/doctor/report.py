"""Shows what the steps found: lines for a terminal, or one JSON document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.doctor.step import Finding, State, Step

STYLES: dict[State, str] = {"ok": "green", "wrong": "bold red", "unknown": "yellow", "skipped": "dim"}
_STATE_WIDTH = 9


def show(found: Iterable[tuple[Step, Finding]], console: Console) -> bool:
    """Show each finding as soon as it is there, and a summary.

    Returns:
        Whether nothing is wrong.
    """
    states: Counter[State] = Counter()
    group = ""
    for step, finding in found:
        if step.group != group:
            group = step.group
            console.print(Text(group, style="bold"))
        states[finding.state] += 1
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(width=_STATE_WIDTH, justify="right", style=STYLES[finding.state])
        line.add_row(finding.state, Text.assemble((step.name, "bold"), ": ", finding.text))
        for detail in finding.details:
            line.add_row("", Text(detail, style="dim"))
        console.print(line)
        for mend in (finding.mend or "").splitlines():
            # One line, however long it is, so that it can be copied
            console.print(Text.assemble(" " * _STATE_WIDTH, "  → ", (mend, "cyan")), soft_wrap=True)
    console.print(Text(", ".join(f"{states[state]} {state}" for state in STYLES), style="bold"))
    return states["wrong"] == 0


def write_json(found: Iterable[tuple[Step, Finding]], stream: TextIO) -> bool:
    """Write one JSON document with all findings.

    Returns:
        Whether nothing is wrong.
    """
    steps = [
        {
            "group": step.group,
            "step": step.name,
            "state": finding.state,
            "text": finding.text,
            "mend": finding.mend,
            "details": list(finding.details),
        }
        for step, finding in found
    ]
    is_well = all(step["state"] != "wrong" for step in steps)
    json.dump({"ok": is_well, "steps": steps}, stream, indent=2, ensure_ascii=False)
    stream.write("\n")
    return is_well
