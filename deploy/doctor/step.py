"""The steps of a diagnosis: each looks at one thing, and ends with one finding."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from deploy.doctor.tenancy import Tenancy

State = Literal["ok", "wrong", "unknown", "skipped"]

SECONDS_PER_STEP = 30.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The end of a step.

    Args:
        state: `ok`; `wrong`; `unknown` if the operator may not find out, or nobody can yet; `skipped`.
        text: one sentence: what is right, the cause of what is wrong, the permission that is lacking, or why it is
            skipped. It never holds a secret, a URL with a signature, or a token.
        mend: the command or the IAM statement that mends it.
        details: more lines, such as the differences between two documents.
    """

    state: State
    text: str
    mend: str | None = None
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Args:
        group: the heading that it stands under.
        name: says what it looks at.
        look: looks, and tells what it found. It may raise what `findings_of` knows.
        statement: the permission that an operator needs for it: `inspect dynamic-groups in tenancy`, for example.
    """

    group: str
    name: str
    look: Callable[[Tenancy], Finding]
    statement: str = ""


def together(findings: Sequence[Finding]) -> Finding:
    """One finding with the sentences of all, and the worst of their states."""
    states = [finding.state for finding in findings]
    worst = next(state for state in ("wrong", "unknown", "skipped", "ok") if state in states)
    told = [finding for finding in findings if finding.state == worst]
    mends = [finding.mend for finding in told if finding.mend]
    details = tuple(line for finding in told for line in finding.details)
    return Finding(worst, " ".join(finding.text for finding in told), "\n".join(mends) or None, details)


def not_active(name: str, state: str, *, mend: str, so: str = "") -> Finding | None:
    """The finding for a resource that is not active; None if it is.

    Args:
        name: of the resource.
        state: its lifecycle state.
        mend: the command that brings an active one.
        so: the consequence, if it is worth telling.
    """
    if state == "ACTIVE":
        return None
    if state in ("CREATING", "UPDATING", "CANCELLING_DELETION"):
        return Finding("unknown", f"{name} is {state}: wait.")
    consequence = f", so {so}" if so else ""
    return Finding("wrong", f"{name} is {state}{consequence}.", mend)


class Skipped(Exception):
    """A step can't be taken: it needs something that is not there or not known, as the text says."""


def findings_of(
    steps: Sequence[Step], tenancy: Tenancy, *, seconds: float = SECONDS_PER_STEP
) -> Iterator[tuple[Step, Finding]]:
    """Take the steps in order; none stops the others, or takes longer than `seconds`."""
    for step in steps:
        found: queue.SimpleQueue[Finding] = queue.SimpleQueue()
        threading.Thread(target=lambda step=step, found=found: found.put(_look(step, tenancy)), daemon=True).start()
        try:
            yield step, found.get(timeout=seconds)
        except queue.Empty:
            yield step, Finding("unknown", f"It took longer than {seconds:g} seconds.")


_secret_parts = re.compile(r"(X-Amz-Signature=|Bearer |/p/)[\w.~+/=-]+", re.IGNORECASE)


def _redacted(finding: Finding, secrets: Iterable[str]) -> Finding:
    """The finding without these secrets, and without signatures and tokens, wherever they may come from."""

    def clean(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "…")
        return _secret_parts.sub(r"\1…", text)

    mend = None if finding.mend is None else clean(finding.mend)
    return Finding(finding.state, clean(finding.text), mend, tuple(map(clean, finding.details)))


def _look(step: Step, tenancy: Tenancy) -> Finding:
    try:
        return _redacted(_found(step, tenancy), tenancy.secrets)
    except Exception as exc:  # noqa: BLE001 - a step that fails must not stop the others
        # The text of an exception may hold a URL
        return Finding("unknown", f"It failed with {type(exc).__name__}.")


def _found(step: Step, tenancy: Tenancy) -> Finding:
    from oci.exceptions import ClientError, ConnectTimeout, RequestException, ServiceError

    from deploy.doctor.web import NoAnswer

    try:
        return step.look(tenancy)
    except Skipped as exc:
        return Finding("skipped", str(exc))
    except ServiceError as exc:
        answer = f"OCI answers {exc.status} {exc.code}"
        if exc.status == 401:
            return Finding("unknown", f"{answer}: it refuses your own credentials, or this machine's clock is wrong.")
        if exc.status in (403, 404) and step.statement:
            return Finding("unknown", f"{answer}: it does not exist, or you lack the permission: {step.statement}.")
        return Finding("unknown", f"{answer}: {exc.message}")
    except NoAnswer as exc:
        return Finding("unknown", str(exc))
    except (RequestException, ConnectTimeout, TimeoutError):
        return Finding("unknown", "No answer came in time, or there was no connection.")
    except ClientError as exc:
        # Of the configuration file, such as a profile that is missing
        return Finding("unknown", f"Your credentials can't be used: {exc}")
