"""The rights that statements give a principal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from deploy.doctor.finding import Finding
from deploy.doctor.iam import principals
from deploy.doctor.iam.conditions import Verdict
from deploy.doctor.iam.grants import Need, granted
from deploy.doctor.iam.principals import Principal
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


def finding_on_rights(
    tenancy: Tenancy,
    *,
    permissions: Iterable[str],
    compartment: str,
    variables: Mapping[str, str],
    statement: str,
    principal: Principal | None = None,
    consequence: str = "OCI answers it 404",
) -> Finding:
    """Whether statements give a principal all of these permissions on something; if not, the missing ones.

    Args:
        tenancy: has the statements.
        permissions: by their names.
        compartment: the OCID of its compartment.
        variables: the values that conditions may ask for, besides those of the principal.
        statement: would give them.
        principal: needs them; the function when None.
        consequence: a clause that says how it fails if one is missing.
    """
    principal = principal or principals.function(tenancy)
    allowed = tenancy.iam.statements_over(compartment)
    path = tenancy.iam.compartment_path(compartment)
    names = list(permissions)

    def verdicts(subjects: Sequence[str]) -> dict[str, Verdict]:
        known = {**principal.variables, **variables}
        return {name: granted(_need(name, subjects, path, known), allowed) for name in names}

    is_denied = any(line.lower().startswith("deny") for line in allowed)  # to a group, perhaps
    if is_denied or set(verdicts(()).values()) != {Verdict.YES}:
        surely, perhaps = principal.subjects(allowed)
        if missing := [name for name, verdict in verdicts(perhaps).items() if verdict is Verdict.NO]:
            text = f"No statement gives {principal.name} {', '.join(missing)}, so {consequence}."
            return Finding("wrong", text, statement)
        if unclear := [name for name, verdict in verdicts(surely).items() if verdict is not Verdict.YES]:
            text = f"A statement may give {principal.name} {', '.join(unclear)}, but it was not understood for certain."
            return Finding("unknown", text, None, (f"this one would: {statement}",))
    return Finding("ok", f"Statements give {principal.name} {', '.join(names)}.")


def _need(
    permission: str, subjects: Sequence[str], path: Sequence[tuple[str, str]], variables: Mapping[str, str]
) -> Need:
    verb, resource = VERBS[permission]
    return Need(subjects=subjects, verb=verb, permission=permission, resource=resource, path=path, variables=variables)
