"""The pre-authenticated requests (PARs) that the function has given: how many there are, and how old they are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice

from deploy import oci_pages
from deploy.doctor.finding import Finding, Skipped, worst_of
from deploy.doctor.step import Step
from deploy.doctor.tenancy import Tenancy
from presign.services.pars import PAGE_ITEMS, own_name

MAX_LISTED = 20_000
"""PARs of a bucket that are looked at."""

SWEPT_AFTER = timedelta(days=2)
"""PARs that expired longer ago show that nobody sweeps: the stack's schedule does so once a day."""


def piled_up(tenancy: Tenancy) -> Finding:
    """Whether expired PARs pile up in a bucket of the policy; tells the function's number there, and the oldest."""
    names = tenancy.function.buckets
    if not names:
        raise Skipped("No bucket is named: each has a claim in its name, or the policy is not here.")
    return worst_of([_of_bucket(tenancy, name) for name in names])


def _of_bucket(tenancy: Tenancy, bucket: str) -> Finding:
    listed = tenancy.storage.client.list_preauthenticated_requests
    namespace, tags = tenancy.storage.tenancy_namespace, tenancy.function.settings.tags
    every = oci_pages.each(listed, namespace, bucket, limit=PAGE_ITEMS)
    looked_at = list(islice(every, MAX_LISTED))
    own = [par for par in looked_at if own_name(par, tags)]
    more = "at least " if len(looked_at) == MAX_LISTED else ""
    if not own:
        return Finding("ok", f"{bucket} has no PAR of this function{' among the first' if more else ''}.")
    now = datetime.fromtimestamp(tenancy.now(), UTC)
    expired = [par for par in own if par.time_expires <= now]
    oldest = _days(now - min(par.time_created for par in own))
    text = f"{bucket} has {more}{len(own)} PAR{'s' if len(own) > 1 else ''} of this function, {len(expired)} of them "
    text += f"expired; the oldest is {oldest} old"
    if not any(now - par.time_expires > SWEPT_AFTER for par in expired):
        return Finding("ok", f"{text}.")
    body = json.dumps({"sweep": {"bucket": bucket}})
    command = f"oci fn function invoke{tenancy.target.region_option} --function-id {tenancy.target.function_ocid}"
    return Finding(
        "warning",
        f"{text}. Nobody sweeps them, and a bucket that has any can't be deleted.",
        f"{command} --file - --body '{body}'",
        ("Unless sweep = false, the stack makes a schedule that does it once a day.",),
    )


def _days(age: timedelta) -> str:
    return "less than a day" if age.days < 1 else f"{age.days} day{'s' if age.days > 1 else ''}"


STEPS = (Step("bucket", "expired PARs", piled_up, "manage buckets in the bucket's compartment (PAR_MANAGE)"),)
