"""The rights that statements give the function, the gateway, and the signing user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from deploy.doctor.iam import Need, Verdict, granted, holds, is_for_any, subjects_of
from deploy.doctor.step import Finding, Skipped
from deploy.doctor.tenancy import Tenancy

VERBS = {
    "FN_INVOCATION": ("use", "fn-invocation"),
    "OBJECT_CREATE": ("manage", "objects"),
    "OBJECT_DELETE": ("manage", "objects"),
    "OBJECT_INSPECT": ("inspect", "objects"),
    "OBJECT_OVERWRITE": ("use", "objects"),
    "OBJECT_READ": ("read", "objects"),
    "ONS_TOPIC_PUBLISH": ("use", "ons-topics"),
    "PAR_MANAGE": ("manage", "buckets"),
    "QUEUE_PRODUCE": ("use", "queue-push"),
    "QUEUE_READ": ("read", "queues"),
    "SECRET_BUNDLE_READ": ("read", "secret-bundles"),
}
"""The least verb, and the type of resources, that give a permission."""


@dataclass(frozen=True, slots=True)
class Principal:
    """One that needs rights.

    Args:
        name: as a sentence names it.
        variables: the values that conditions have for it.
        subjects: gives, for some statements, the groups that surely have it, and those that may have it, which are
            more; as statements name them.
    """

    name: str
    variables: Mapping[str, str]
    subjects: Callable[[Sequence[str]], tuple[list[str], list[str]]]


def function(tenancy: Tenancy) -> Principal:
    """The function; asks for its dynamic groups only if that is necessary."""

    def subjects(allowed: Sequence[str]) -> tuple[list[str], list[str]]:
        surely, perhaps = _subjects(tenancy, groups_of_function(tenancy), allowed)
        if not perhaps and not tenancy.other_domains and not may_need_no_group(tenancy):
            raise Skipped("No dynamic group has the function.")
        return surely, perhaps

    return Principal(
        "the function", _principal("fnfunc", tenancy.function_ocid, tenancy.function.compartment_id), subjects
    )


def gateway(tenancy: Tenancy) -> Principal:
    """The API gateway."""
    ocid, compartment = tenancy.gateway.id, tenancy.gateway.compartment_id
    return Principal(
        "the gateway",
        _principal("ApiGateway", ocid, compartment),
        lambda allowed: _subjects(tenancy, _groups_of(tenancy, "ApiGateway", ocid, compartment), allowed),
    )


def user(tenancy: Tenancy, *, ocid: str, name: str) -> Principal:
    """The signing user, of the identity domain `Default`."""

    def subjects(_: Sequence[str]) -> tuple[list[str], list[str]]:
        named = [f"group {text}" for group in tenancy.groups_of_user(ocid) for text in (group.name, f"id {group.id}")]
        return named, named

    variables = {"request.principal.type": "user", "request.user.id": ocid, "request.user.name": name}
    return Principal("the signing user", variables, subjects)


def groups_of_function(tenancy: Tenancy) -> list[tuple[Any, Verdict]]:
    """The dynamic groups that have the function, or may have it."""
    return _groups_of(tenancy, "fnfunc", tenancy.function_ocid, tenancy.function.compartment_id)


def group_name(tenancy: Tenancy) -> str:
    """A dynamic group that has the function, for a statement; the one that doctor proposes if none has it."""
    names = [group.name for group, _ in groups_of_function(tenancy)]
    return names[0] if names else f"{tenancy.function.display_name}-function"


def may_need_no_group(tenancy: Tenancy) -> bool:
    """Whether a statement for any user may be about the function, in the compartments of all that it uses."""
    from oci.exceptions import ServiceError

    looks: list[Callable[[], Any]] = [lambda: tenancy.function, lambda: tenancy.secret]
    with suppress(Skipped):
        looks += [partial(tenancy.bucket, name) for name in tenancy.buckets_of("par")]
    variables = function(tenancy).variables
    for look in looks:
        with suppress(ServiceError, Skipped):
            if any(is_for_any(line, variables) for line in _statements(tenancy, look().compartment_id)):
                return True
    return False


def finding_on_rights(
    tenancy: Tenancy,
    *,
    permissions: Iterable[str],
    compartment: str,
    variables: Mapping[str, str],
    statement: str,
    principal: Principal | None = None,
    otherwise: str = "OCI answers it 404",
) -> Finding:
    """Whether statements give a principal all of these permissions on something; if not, the missing ones.

    Args:
        tenancy: has the statements.
        permissions: by their names.
        compartment: the OCID of that something's compartment.
        variables: the values that conditions may ask for.
        statement: gives the permissions.
        principal: needs them; by default the function.
        otherwise: happens if one is missing.
    """
    principal = principal or function(tenancy)
    allowed = _statements(tenancy, compartment)
    path = tenancy.compartment_path(compartment)
    names = list(permissions)

    def verdicts(subjects: Sequence[str]) -> dict[str, Verdict]:
        needs = {
            name: Need(
                subjects=subjects,
                verb=VERBS[name][0],
                permission=name,
                resource=VERBS[name][1],
                path=path,
                variables={**principal.variables, **variables},
            )
            for name in names
        }
        return {name: granted(need, allowed) for name, need in needs.items()}

    is_denied = any(line.lower().startswith("deny") for line in allowed)  # to a group, perhaps
    if is_denied or set(verdicts(()).values()) != {Verdict.YES}:
        surely, perhaps = principal.subjects(allowed)
        if missing := [name for name, verdict in verdicts(perhaps).items() if verdict is Verdict.NO]:
            text = f"No statement gives {principal.name} {', '.join(missing)}, so {otherwise}."
            return Finding("wrong", text, statement)
        if unclear := [name for name, verdict in verdicts(surely).items() if verdict is not Verdict.YES]:
            text = f"A statement may give {principal.name} {', '.join(unclear)}, but it was not understood for certain."
            return Finding("unknown", text, None, (f"this one would: {statement}",))
    return Finding("ok", f"Statements give {principal.name} {', '.join(names)}.")


def _statements(tenancy: Tenancy, compartment: str) -> list[str]:
    return [line for policy in tenancy.policies_over(compartment) for line in policy.statements]


def _principal(kind: str, ocid: str, compartment: str) -> dict[str, str]:
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
        # It is no instance.
        "instance.id": "",
        "instance.compartment.id": "",
    }
    judged = [(group, holds(group.matching_rule, variables)) for group in tenancy.dynamic_groups]
    return [(group, verdict) for group, verdict in judged if verdict is not Verdict.NO]


def _subjects(
    tenancy: Tenancy, groups: Iterable[tuple[Any, Verdict]], allowed: Iterable[str]
) -> tuple[list[str], list[str]]:
    """The dynamic groups that surely have a resource, and those that may, with those of other identity domains."""
    listed = {name.lower() for group in tenancy.dynamic_groups for name in _names(group)}
    named = {name for line in allowed for name in subjects_of(line) if name.startswith("dynamic-group ")} - listed
    elsewhere = [name for name in named if "/" in name or (" id " in name and tenancy.other_domains)]
    known = [(name, verdict) for group, verdict in groups for name in _names(group)]
    surely = [name for name, verdict in known if verdict is Verdict.YES]
    return surely, [*(name for name, _ in known), *elsewhere]


def _names(group: Any) -> list[str]:
    return [f"dynamic-group {name}" for name in (group.name, f"id {group.id}")]
