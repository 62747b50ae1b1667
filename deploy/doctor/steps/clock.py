"""The clock of this machine."""

from __future__ import annotations

from datetime import timedelta

from deploy.doctor import web
from deploy.doctor.finding import Finding
from deploy.doctor.step import Step
from deploy.doctor.tenancy import Tenancy
from presign.services.clock import MAX_SKEW_SECONDS, seconds_ahead


def this_machine(tenancy: Tenancy) -> Finding:
    """Whether OCI accepts the time that this machine has, by the `Date` of an answer to an unsigned request."""
    from oci.identity import IdentityClient

    asked_at = tenancy.now()
    answer = web.ask("GET", tenancy.oci.client(IdentityClient).base_client.endpoint)
    ahead = seconds_ahead(answer.headers.get("date", ""), asked_at=asked_at, now=tenancy.now())
    if ahead is None:
        return Finding("unknown", "The answer of OCI has no date.")
    if abs(ahead) > MAX_SKEW_SECONDS:
        off, direction = timedelta(seconds=round(abs(ahead))), "ahead of" if ahead > 0 else "behind"
        return Finding(
            "wrong",
            f"It is {off} (h:mm:ss) {direction} that of OCI, which refuses all that this machine signs.",
            "sudo chronyc makestep, or synchronise the clock in another way",
        )
    return Finding("ok", f"It is right, within {max(2, round(abs(ahead)))} seconds.")


STEPS = (Step("clock", "this machine", this_machine),)
