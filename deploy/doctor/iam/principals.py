"""Principals that need rights: the function, the gateway, and the signing user; and the groups that they are in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from deploy.doctor.finding import Skipped
from deploy.doctor.iam.conditions import Verdict, holds
from deploy.doctor.iam.grants import is_for_any, subjects_of
from deploy.doctor.tenancy import Tenancy


@dataclass(frozen=True, slots=True)
class Principal:
    """A principal that needs rights.

    Args:
        name: as a sentence names it.
        variables: the values that conditions have for it.
        subjects: takes the statements that may be about it, and gives two lists of groups as statements name them:
            those that surely have it, and those that surely or perhaps have it.
    """

    name: str
    variables: Mapping[str, str]
    subjects: Callable[[Sequence[str]], tuple[list[str], list[str]]]


def function(tenancy: Tenancy) -> Principal:
    """The function. Its dynamic groups are looked up only when `subjects` is called."""

    def subjects(allowed: Sequence[str]) -> tuple[list[str], list[str]]:
        surely, perhaps = _subjects(tenancy, groups_of_function(tenancy), allowed)
        if not perhaps and not tenancy.iam.other_domains and not may_need_no_group(tenancy):
            raise Skipped("No dynamic group has the function.")
        return surely, perhaps

    ocid, compartment = tenancy.target.function_ocid, tenancy.function.resource.compartment_id
    return Principal("the function", _resource_variables("fnfunc", ocid, compartment), subjects)


def gateway(tenancy: Tenancy) -> Principal:
    """The API gateway."""
    ocid, compartment = tenancy.gateway.resource.id, tenancy.gateway.resource.compartment_id
    return Principal(
        "the gateway",
        _resource_variables("ApiGateway", ocid, compartment),
        lambda allowed: _subjects(tenancy, _groups_of(tenancy, "ApiGateway", ocid, compartment), allowed),
    )


def user(tenancy: Tenancy, *, ocid: str, name: str) -> Principal:
    """The signing user, of the identity domain `Default`."""

    def subjects(_: Sequence[str]) -> tuple[list[str], list[str]]:
        named = [
            f"group {text}" for group in tenancy.iam.groups_of_user(ocid) for text in (group.name, f"id {group.id}")
        ]
        return named, named

    variables = {"request.principal.type": "user", "request.user.id": ocid, "request.user.name": name}
    return Principal("the signing user", variables, subjects)


def groups_of_function(tenancy: Tenancy) -> list[tuple[Any, Verdict]]:
    """The dynamic groups that have the function, or may have it."""
    return _groups_of(tenancy, "fnfunc", tenancy.target.function_ocid, tenancy.function.resource.compartment_id)


def group_name(tenancy: Tenancy) -> str:
    """A dynamic group that has the function, for a statement; the one that doctor proposes if none has it."""
    names = [group.name for group, _ in groups_of_function(tenancy)]
    return names[0] if names else f"{tenancy.function.resource.display_name}-function"


def may_need_no_group(tenancy: Tenancy) -> bool:
    """Whether a statement for any user may give the function rights, where the things are that it uses."""
    from oci.exceptions import ServiceError

    looks: list[Callable[[], Any]] = [lambda: tenancy.function.resource, lambda: tenancy.secret.resource]
    with suppress(Skipped):
        looks += [partial(tenancy.storage.bucket, name) for name in tenancy.function.buckets_of("par")]
    variables = function(tenancy).variables
    for look in looks:
        with suppress(ServiceError, Skipped):
            if any(is_for_any(line, variables) for line in tenancy.iam.statements_over(look().compartment_id)):
                return True
    return False


def _resource_variables(kind: str, ocid: str, compartment: str) -> dict[str, str]:
    """The variables of a principal that is a resource."""
    return {
        "request.principal.type": kind,
        "request.principal.id": ocid,
        "request.principal.compartment.id": compartment,
    }


def _groups_of(tenancy: Tenancy, kind: str, ocid: str, compartment: str) -> list[tuple[Any, Verdict]]:
    """The dynamic groups that have a resource, or may have it."""
    variables = {
        "resource.type": kind,
        "resource.id": ocid,
        "resource.compartment.id": compartment,
        # Such a resource is no compute instance, so a rule about instances does not match.
        "instance.id": "",
        "instance.compartment.id": "",
    }
    judged = [(group, holds(group.matching_rule, variables)) for group in tenancy.iam.dynamic_groups]
    return [(group, verdict) for group, verdict in judged if verdict is not Verdict.NO]


def _subjects(
    tenancy: Tenancy, groups: Iterable[tuple[Any, Verdict]], allowed: Iterable[str]
) -> tuple[list[str], list[str]]:
    """The dynamic groups that surely have a resource, and those that may, with those of other identity domains."""
    listed = {name.lower() for group in tenancy.iam.dynamic_groups for name in _names(group)}
    named = {name for line in allowed for name in subjects_of(line) if name.startswith("dynamic-group ")} - listed
    elsewhere = [name for name in named if "/" in name or (" id " in name and tenancy.iam.other_domains)]
    known = [(name, verdict) for group, verdict in groups for name in _names(group)]
    surely = [name for name, verdict in known if verdict is Verdict.YES]
    return surely, [*(name for name, _ in known), *elsewhere]


def _names(group: Any) -> list[str]:
    return [f"dynamic-group {name}" for name in (group.name, f"id {group.id}")]
