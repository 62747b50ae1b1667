"""The logs: whether they are on, and the errors that the function has written."""

from __future__ import annotations

import json
import re
from datetime import timedelta

from deploy.doctor.finding import Finding
from deploy.doctor.function_log import MAX_RESULTS, Line, lines_with, log_of, logs
from deploy.doctor.step import Step
from deploy.doctor.tenancy import Tenancy

RECENT = timedelta(minutes=15)
"""A younger error makes the finding `wrong`, an older one `unknown`, as its cause may be mended by now."""

MAX_SHOWN = 5
MAX_CHARACTERS = 400

CAUSES = {
    "FunctionInvokeImageNotAvailable": "the image is gone, or the function's subnet has no way to the registry",
    "SubnetOutOfIPs": "the function's subnet has no free address",
    "SubnetNotAvailable": "the function's subnet is gone, or Functions may not use it",
    "TooManyMatchingDGs": "the function is in more dynamic groups than Functions takes",
    "FunctionInvokeExecutionFailed": "the function ended, or ran out of memory or time",
    "ResponseBodyTooLarge": "the answer has more than 6 MB",
    "TooManyRequests": "more calls at a time than the tenancy's limit",
}
"""OCI Functions' own errors in the log, with their causes (docs.oracle.com, "Troubleshooting OCI Functions")."""

_VAULT = "Vault did not give"
"""As the function's log begins the cause (`presign/services/client.py`)."""
_refusal = re.compile(rf"{_VAULT}.*?: 4(?!08|29)\d\d \w")
"""408 and 429 ask for patience; the rest of 4xx is final."""

_clock = re.compile(r"The clock of this machine is (\S+ \(h:mm:ss\) (?:ahead of|behind))")


def of_function(tenancy: Tenancy) -> Finding:
    """Whether the function's log is on."""
    return _state_of(tenancy, tenancy.function.resource.application_id, service="functions", categories=("invoke",))


def of_gateway(tenancy: Tenancy) -> Finding:
    """Whether the gateway's logs are on."""
    return _state_of(tenancy, tenancy.gateway.deployment.id, service="apigateway", categories=("access", "execution"))


def errors(tenancy: Tenancy) -> Finding:
    """The errors of the last day in the function's log."""
    lines = [line for line in _errors(tenancy) if not _clock.search(line.text)]
    if not lines:
        return Finding("ok", "No errors in the last 24 hours.")
    last = lines[0]
    shown = tuple(f"{line.at:%Y-%m-%d %H:%M:%S} {line.text[:MAX_CHARACTERS]}" for line in lines[:MAX_SHOWN])
    causes = [cause for code, cause in CAUSES.items() if code in last.text]
    more = "s" if len(lines) > 1 else ""
    count = f"{len(lines)} error{more} in 24 hours, the latest at {last.at:%Y-%m-%d %H:%M:%S} UTC"
    if tenancy.now() - last.at.timestamp() > RECENT.total_seconds():
        return Finding("unknown", f"{count}: the cause may be mended by now.", None, shown)
    text = f"{count}: {causes[0] if causes else 'its text tells the cause'}."
    return Finding("wrong", text, None, shown)


def clock(tenancy: Tenancy) -> Finding:
    """Whether the function has logged that its clock is wrong."""
    for line in _errors(tenancy):
        if found := _clock.search(line.text):
            application, name = tenancy.function.application.display_name, tenancy.function.resource.display_name
            return Finding(
                "wrong",
                f"At {line.at:%Y-%m-%d %H:%M:%S} UTC the function's clock was {found[1]} that of OCI.",
                f'fn config function {application} {name} ROTATED_AT "$(date -u +%FT%TZ)"',
                ("So it runs in new containers. If that does not help, ask Oracle's support.",),
            )
    return Finding("ok", "The function reported no clock error.")


def refusals_of_vault(tenancy: Tenancy) -> Finding:
    """How often Vault has refused the secret in the last day, or has failed to give it."""
    lines = [line for line in lines_with(tenancy, [_VAULT]) if _VAULT in line.text]
    if not lines:
        return Finding("ok", "Vault has refused nothing in the last 24 hours, as far as the log tells.")
    refused = [line for line in lines if _refusal.search(line.text)]
    last = (refused or lines)[0]
    count = f"{'at least ' if len(lines) >= MAX_RESULTS else ''}{len(refused or lines)}"
    shown = (last.text[:MAX_CHARACTERS],)
    when = f"{count} time{'' if count == '1' else 's'} in 24 hours, the latest at {last.at:%Y-%m-%d %H:%M:%S} UTC"
    if not refused:
        text = f"Vault failed {when}; it did not refuse. The cached key is used meanwhile, if there is one."
        return Finding("warning", text, "wait, and look at the steps of the network if it goes on", shown)
    text = f"Vault refused the secret {when}"
    if tenancy.now() - last.at.timestamp() > RECENT.total_seconds():
        return Finding("unknown", f"{text}: the cause may be mended by now.", None, shown)
    return Finding("wrong", f"{text}.", "the steps of the secret have the cause and the statement", shown)


def _state_of(tenancy: Tenancy, resource: str, *, service: str, categories: tuple[str, ...]) -> Finding:
    region_option = tenancy.target.region_option
    missing, mends = [], []
    for category in categories:
        log = log_of(tenancy, resource, category)
        if log is None:
            source = {"sourceType": "OCISERVICE", "service": service, "resource": resource, "category": category}
            groups = {log.log_group_id for log in logs(tenancy)}
            missing.append(category)
            mends.append(
                f"oci logging log create{region_option} "
                f"--log-group-id {min(groups, default='<of a log group>')} "
                f"--display-name {tenancy.function.resource.display_name}-{category} --log-type SERVICE "
                f"--configuration '{json.dumps({'source': source})}'"
            )
        elif not log.is_enabled:
            missing.append(category)
            mends.append(
                f"oci logging log update{region_option} --log-group-id {log.log_group_id} --log-id {log.id} "
                "--is-enabled true"
            )
    if missing:
        return Finding("wrong", f"Off: {' and '.join(missing)}; nobody can see why a call fails.", "\n".join(mends))
    return Finding("ok", f"On: {' and '.join(categories)}.")


def _errors(tenancy: Tenancy) -> list[Line]:
    """The errors in the function's log, the last first."""
    # The function writes lines in the FDK's format (presign/logs.py), and OCI Functions adds its own.
    return lines_with(tenancy, ["- ERROR -", "- CRITICAL -", *CAUSES])


STEPS = (
    Step("logs", "the function's", of_function, "read log-groups in tenancy"),
    Step("logs", "the gateway's", of_gateway, "read log-groups in tenancy"),
    Step("logs", "the function's clock", clock, "read log-content in the log's compartment"),
    Step("logs", "refusals of Vault", refusals_of_vault, "read log-content in the log's compartment"),
    Step("logs", "the function's errors", errors, "read log-content in the log's compartment"),
)
