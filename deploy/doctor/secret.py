"""The secret with the customer secret key: its state, its content, and whether the function may read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from deploy import statements
from deploy.doctor.iam import Need, Verdict, granted, holds
from deploy.doctor.step import Finding, Step, Unknown
from deploy.doctor.tenancy import Tenancy
from presign.problems import SecretUnavailable

VERBS = {
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


def state(tenancy: Tenancy) -> Finding:
    """Whether the secret is active."""
    secret = tenancy.secret
    if secret.lifecycle_state in ("PENDING_DELETION", "SCHEDULING_DELETION"):
        return Finding(
            "wrong",
            f"{secret.secret_name} will be deleted, and can't be read.",
            f"oci vault secret cancel-secret-deletion --secret-id {secret.id}",
        )
    if secret.lifecycle_state != "ACTIVE":
        return Finding(
            "wrong",
            f"{secret.secret_name} is {secret.lifecycle_state}.",
            "make another secret with the key, and set SECRET_OCID to it",
        )
    return Finding("ok", f"{secret.secret_name} is active; its current version is {secret.current_version_number}.")


def content(tenancy: Tenancy) -> Finding:
    """Whether the current version of the secret holds a customer secret key; never tells it."""
    from oci.exceptions import ServiceError

    try:
        key = tenancy.key
    except SecretUnavailable as exc:
        return Finding("wrong", f"{exc}.", new_version_command(tenancy))
    except ServiceError as exc:
        if exc.status == 404:
            with suppress(Unknown):
                if finding := _cause_of_404(tenancy):
                    return finding
        raise
    until = "" if key.retire_at is None else ", and says when it is retired"
    return Finding("ok", f"It has the right form{until}.")


def _cause_of_404(tenancy: Tenancy) -> Finding | None:
    """Why there is no content, if the secret itself tells."""
    if tenancy.secret.lifecycle_state != "ACTIVE":
        return Finding("skipped", "The secret is not active.")
    if not tenancy.secret.current_version_number:
        return Finding("wrong", "The secret has no current version.", new_version_command(tenancy))
    return None


def new_version_command(tenancy: Tenancy) -> str:
    """The command that gives the secret a new version."""
    command = f"oci vault secret update-base64 --secret-id {tenancy.secret_ocid} --from-json file://secret.json"
    return f"{command} (docs/operations.md#replace-the-customer-secret-key makes the file)"


def dynamic_group(tenancy: Tenancy) -> Finding:
    """Whether a dynamic group has the function."""
    groups = groups_of_function(tenancy)
    if surely := [group.name for group, verdict in groups if verdict is Verdict.YES]:
        return Finding("ok", f"{', '.join(surely)} has the function.")
    if groups:
        rules = tuple(f"{group.name}: {group.matching_rule}" for group, _ in groups)
        return Finding("unknown", "The rules of these may match the function, but were not understood.", None, rules)
    name = f"{tenancy.function.display_name}-function"
    rule = statements.dynamic_group_rule(tenancy.function_ocid)
    return Finding(
        "wrong",
        "No dynamic group of the identity domain Default has the function, so OCI gives it no rights.",
        f'oci iam dynamic-group create --region {tenancy.home_region} --name {name} --description "Has the function '
        f'that presigns URLs" --matching-rule "{rule}"',
    )


def may_read(tenancy: Tenancy) -> Finding:
    """Whether a statement lets the function read the secret."""
    secret = tenancy.secret
    return finding_on_rights(
        tenancy,
        permissions=["SECRET_BUNDLE_READ"],
        compartment=secret.compartment_id,
        variables={
            "target.secret.id": secret.id,
            "target.secret.name": secret.secret_name,
            "request.operation": "GetSecretBundle",
        },
        statement=statements.function_may_read_secret(
            dynamic_group=group_name(tenancy),
            location=f"compartment id {secret.compartment_id}",
            secret_ocid=secret.id,
        ),
    )


def groups_of_function(tenancy: Tenancy) -> list[tuple[Any, Verdict]]:
    """The dynamic groups that have the function, or may have it."""
    variables = {
        "resource.type": "fnfunc",
        "resource.id": tenancy.function_ocid,
        "resource.compartment.id": tenancy.function.compartment_id,
        # It is no instance.
        "instance.id": "",
        "instance.compartment.id": "",
    }
    judged = [(group, holds(group.matching_rule, variables)) for group in tenancy.dynamic_groups]
    return [(group, verdict) for group, verdict in judged if verdict is not Verdict.NO]


def group_name(tenancy: Tenancy) -> str:
    """A dynamic group that has the function, for a statement; the one that `dynamic_group` proposes if none has it."""
    names = [group.name for group, _ in groups_of_function(tenancy)]
    return names[0] if names else f"{tenancy.function.display_name}-function"


def finding_on_rights(
    tenancy: Tenancy,
    *,
    permissions: Iterable[str],
    compartment: str,
    variables: Mapping[str, str],
    statement: str,
) -> Finding:
    """Whether statements give the function all of these permissions on something; if not, the missing one.

    Args:
        tenancy: has the statements.
        permissions: by their names.
        compartment: the OCID of that something's compartment.
        variables: the values that conditions may ask for.
        statement: gives the permissions.
    """
    groups = groups_of_function(tenancy)
    if not groups:
        raise Unknown("No dynamic group has the function.")
    allowed = [line for policy in tenancy.policies_over(compartment) for line in policy.statements]
    path = tenancy.compartment_path(compartment)
    principal = {
        "request.principal.type": "fnfunc",
        "request.principal.id": tenancy.function_ocid,
        "request.principal.compartment.id": tenancy.function.compartment_id,
    }

    def verdict(permission: str, subjects: Sequence[str]) -> Verdict:
        verb, resource = VERBS[permission]
        need = Need(
            subjects=subjects,
            verb=verb,
            permission=permission,
            resource=resource,
            path=path,
            variables={**principal, **variables},
        )
        return granted(need, allowed)

    surely = _subjects(group for group, found in groups if found is Verdict.YES)
    perhaps = _subjects(group for group, _ in groups)
    names = list(permissions)
    if missing := [name for name in names if verdict(name, perhaps) is Verdict.NO]:
        text = f"No statement gives the function {', '.join(missing)}, so OCI answers it 404."
        return Finding("wrong", text, statement)
    if unclear := [name for name in names if verdict(name, surely) is not Verdict.YES]:
        text = f"A statement may give the function {', '.join(unclear)}, but it was not understood for certain."
        return Finding("unknown", text, None, (f"this one would: {statement}",))
    return Finding("ok", f"Statements give the function {', '.join(names)}.")


def _subjects(groups: Iterable[Any]) -> list[str]:
    return [f"dynamic-group {name}" for group in groups for name in (group.name, f"id {group.id}")]


STEPS = (
    Step("secret", "state", state, "read secrets in the secret's compartment"),
    Step("secret", "content", content, "read secret-bundles in the secret's compartment"),
    Step("secret", "dynamic group", dynamic_group, "inspect dynamic-groups in tenancy"),
    Step("secret", "the function may read it", may_read, "inspect policies in tenancy"),
)
