"""The logs: whether they are on, and the errors that the function has written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.doctor.finding import Finding, Skipped
from deploy.doctor.step import Step
from deploy.doctor.tenancy import Tenancy

RECENT = timedelta(minutes=15)
"""A younger error makes the finding `wrong`, an older one `unknown`, as its cause may be mended by now."""

LOOK_BACK = timedelta(days=1)
MAX_RESULTS = 100
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

_clock = re.compile(r"The clock of this machine is (\S+ \(h:mm:ss\) (?:ahead of|behind))")
_request_id = re.compile(r"^\S+ - (?=[\w.]+ - [A-Z]+ - )")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the function's log."""

    at: datetime
    text: str


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
            return Finding(
                "wrong",
                f"At {line.at:%Y-%m-%d %H:%M:%S} UTC the function's clock was {found[1]} that of OCI.",
                "make deploy",
                ("So it runs on another host. If that does not help, ask Oracle's support.",),
            )
    return Finding("ok", "The function reported no clock error.")


def _state_of(tenancy: Tenancy, resource: str, *, service: str, categories: tuple[str, ...]) -> Finding:
    region_option = tenancy.target.region_option
    missing, mends = [], []
    for category in categories:
        log = _log(tenancy, resource, category)
        if log is None:
            source = {"sourceType": "OCISERVICE", "service": service, "resource": resource, "category": category}
            groups = {log.log_group_id for log in _logs(tenancy)}
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


def _log(tenancy: Tenancy, resource: str, category: str) -> Any:
    """The log of a resource, in the function's compartment or else in another; one that is on, if there are several."""

    def of_resource(logs: list[Any]) -> list[Any]:
        return [
            log
            for log in logs
            if log.configuration
            and (log.configuration.source.resource, log.configuration.source.category) == (resource, category)
        ]

    found = of_resource(_logs(tenancy)) or of_resource(_logs_of_tenancy(tenancy))
    return max(found, key=lambda log: bool(log.is_enabled), default=None)


def _logs(tenancy: Tenancy) -> list[Any]:
    """The logs in the function's compartment."""
    return tenancy.once("the logs", lambda: _listed(tenancy, tenancy.function.resource.compartment_id))


def _logs_of_tenancy(tenancy: Tenancy) -> list[Any]:
    """The logs in all compartments."""
    return tenancy.once(
        "the logs of tenancy", lambda: _listed(tenancy, tenancy.oci.tenancy_ocid, is_compartment_id_in_subtree=True)
    )


def _listed(tenancy: Tenancy, compartment: str, **options: bool) -> list[Any]:
    from oci.logging import LoggingManagementClient

    client = tenancy.oci.client(LoggingManagementClient)
    groups = tenancy.oci.list_all(client.list_log_groups, compartment, **options)
    return [log for group in groups for log in tenancy.oci.list_all(client.list_logs, group.id)]


def _errors(tenancy: Tenancy) -> list[Line]:
    """The errors in the function's log, the last first."""
    from oci.loggingsearch import LogSearchClient
    from oci.loggingsearch.models import SearchLogsDetails

    log = _log(tenancy, tenancy.function.resource.application_id, "invoke")
    if log is None:
        raise Skipped("The function has no log.")
    compartment = log.compartment_id or tenancy.function.resource.compartment_id
    # The function writes lines in the FDK's format (presign/logs.py), and OCI Functions adds its own.
    patterns = ["- ERROR -", "- CRITICAL -", *CAUSES]
    condition = " or ".join(f"logContent = '*{pattern}*'" for pattern in patterns)
    now = datetime.fromtimestamp(tenancy.now(), UTC)
    details = SearchLogsDetails(
        time_start=now - LOOK_BACK,
        time_end=now,
        search_query=f'search "{compartment}/{log.log_group_id}/{log.id}" '
        f"| where data.functionId = '{tenancy.target.function_ocid}' and ({condition}) | sort by datetime desc",
    )
    response = tenancy.oci.client(LogSearchClient).search_logs(details, limit=MAX_RESULTS).data
    lines = []
    for result in response.results or []:
        content = result.data.get("logContent", {})
        data = content.get("data", {})
        at = datetime.fromtimestamp(result.data["datetime"] / 1000, UTC)
        lines.append(Line(at, _request_id.sub("", " ".join(str(data.get("message", "")).split()))))
    return lines


STEPS = (
    Step("logs", "the function's", of_function, "read log-groups in tenancy"),
    Step("logs", "the gateway's", of_gateway, "read log-groups in tenancy"),
    Step("logs", "the function's clock", clock, "read log-content in the log's compartment"),
    Step("logs", "the function's errors", errors, "read log-content in the log's compartment"),
)
