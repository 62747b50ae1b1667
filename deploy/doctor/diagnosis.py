"""The diagnosis: takes one step after the other, each in a thread of its own, and turns failures into findings."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Iterable, Iterator, Sequence

from deploy.doctor.finding import Finding, Skipped
from deploy.doctor.step import SECONDS_PER_STEP, Step
from deploy.doctor.tenancy import Tenancy
from deploy.doctor.web import NoAnswer, no_address

_unresolved = re.compile(r"Failed to resolve \\?'([\w.-]+)")
"""As urllib3 says it, on which the SDK is built."""
_secret_parts = re.compile(r"(X-Amz-Signature=|Bearer |/p/)[\w.~+/=-]+", re.IGNORECASE)


def findings_of(
    steps: Sequence[Step], tenancy: Tenancy, *, seconds: float = SECONDS_PER_STEP
) -> Iterator[tuple[Step, Finding]]:
    """Take the steps in order; none stops the others, or takes longer than `seconds`."""
    for step in steps:
        found: queue.SimpleQueue[Finding] = queue.SimpleQueue()
        threading.Thread(target=lambda step=step, found=found: found.put(_take(step, tenancy)), daemon=True).start()
        try:
            yield step, found.get(timeout=seconds)
        except queue.Empty:
            yield step, Finding("unknown", f"It took longer than {seconds:g} seconds.")


def _take(step: Step, tenancy: Tenancy) -> Finding:
    try:
        return _redacted(_finding(step, tenancy), tenancy.secrets)
    except Exception as exc:  # noqa: BLE001 - a step that fails must not stop the others
        # The text of an exception may hold a URL.
        return Finding("unknown", f"It failed with {type(exc).__name__}.")


def _finding(step: Step, tenancy: Tenancy) -> Finding:
    """The finding of a step, or the one that an exception stands for."""
    from oci.exceptions import ClientError, ConnectTimeout, RequestException, ServiceError

    try:
        return step.look(tenancy)
    except Skipped as exc:
        return Finding("skipped", str(exc))
    except ServiceError as exc:
        answer = f"OCI answers {exc.status} {exc.code}"
        if exc.status == 401:
            return Finding("unknown", f"{answer}: it refuses your own credentials, or this machine's clock is wrong.")
        if exc.status in (403, 404) and step.permission:
            return Finding("unknown", f"{answer}: it does not exist, or you lack the permission: {step.permission}.")
        return Finding("unknown", f"{answer}: {exc.message}")
    except NoAnswer as exc:
        return Finding("unknown", str(exc))
    except (RequestException, ConnectTimeout, TimeoutError) as exc:
        if host := _unresolved.search(str(exc)):
            return Finding("unknown", no_address(host[1]))
        return Finding("unknown", "No answer came in time, or there was no connection.")
    except ClientError as exc:
        # The configuration file is wrong: it lacks a profile, for example.
        return Finding("unknown", f"Your credentials can't be used: {exc}")


def _redacted(finding: Finding, secrets: Iterable[str]) -> Finding:
    """The finding without these secrets, and without signatures and tokens that may have come with an answer."""

    def clean(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "…")
        return _secret_parts.sub(r"\1…", text)

    mend = None if finding.mend is None else clean(finding.mend)
    return Finding(finding.state, clean(finding.text), mend, tuple(map(clean, finding.details)))
