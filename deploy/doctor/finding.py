"""Findings: the outcomes of steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "wrong", "warning", "unknown", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a step.

    Args:
        state: `ok`; `wrong`; `warning` of something that still works; `unknown` if the operator may not find out, or
            nobody can yet; `skipped`.
        text: one sentence: what is right, the cause of what is wrong, the permission that is lacking, or why it is
            skipped. It never holds a secret, a URL with a signature, or a token.
        mend: the command or the IAM statement that mends it.
        details: more lines, such as the differences between two documents.
    """

    state: State
    text: str
    mend: str | None = None
    details: tuple[str, ...] = ()


class Skipped(Exception):
    """A step can't be taken: it needs something that is not there or not known, as the text says."""


def worst_of(findings: Sequence[Finding]) -> Finding:
    """One finding in place of several: it has the worst of their states, and the texts of those in that state."""
    states = [finding.state for finding in findings]
    worst_state = next(state for state in ("wrong", "warning", "unknown", "skipped", "ok") if state in states)
    worst = [finding for finding in findings if finding.state == worst_state]
    mends = [finding.mend for finding in worst if finding.mend]
    details = tuple(line for finding in worst for line in finding.details)
    return Finding(worst_state, " ".join(finding.text for finding in worst), "\n".join(mends) or None, details)


def inactive_finding(name: str, lifecycle_state: str, *, mend: str, consequence: str = "") -> Finding | None:
    """The finding on a resource that is not active; None if it is.

    Args:
        name: of the resource.
        lifecycle_state: as OCI tells it.
        mend: the command that brings an active one.
        consequence: a clause such as `nobody can call it`; left out of the text if empty.
    """
    if lifecycle_state == "ACTIVE":
        return None
    if lifecycle_state in ("CREATING", "UPDATING", "CANCELLING_DELETION"):
        return Finding("unknown", f"{name} is {lifecycle_state}: wait.")
    so = f", so {consequence}" if consequence else ""
    return Finding("wrong", f"{name} is {lifecycle_state}{so}.", mend)
