"""The function's log: the lines of the last day, as Logging finds them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.doctor.finding import Skipped
from deploy.doctor.tenancy import Tenancy

LOOK_BACK = timedelta(days=1)
MAX_RESULTS = 100

_request_id = re.compile(r"^\S+ - (?=[\w.]+ - [A-Z]+ - )")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the function's log."""

    at: datetime
    text: str


def lines_with(tenancy: Tenancy, patterns: Sequence[str]) -> list[Line]:
    """The lines of the last day that have one of these texts, the last first; `MAX_RESULTS` at most."""
    from oci.loggingsearch import LogSearchClient
    from oci.loggingsearch.models import SearchLogsDetails

    log = log_of(tenancy, tenancy.function.resource.application_id, "invoke")
    if log is None:
        raise Skipped("The function has no log.")
    compartment = log.compartment_id or tenancy.function.resource.compartment_id
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


def log_of(tenancy: Tenancy, resource: str, category: str) -> Any:
    """The log of a resource, in the function's compartment or else in another; one that is on, if there are several."""

    def of_resource(logs: list[Any]) -> list[Any]:
        return [
            log
            for log in logs
            if log.configuration
            and (log.configuration.source.resource, log.configuration.source.category) == (resource, category)
        ]

    found = of_resource(logs(tenancy)) or of_resource(_logs_of_tenancy(tenancy))
    return max(found, key=lambda log: bool(log.is_enabled), default=None)


def logs(tenancy: Tenancy) -> list[Any]:
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
