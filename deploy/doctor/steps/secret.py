"""The secret with the customer secret key: its state, its content, and whether the function may read it."""

from __future__ import annotations

from contextlib import suppress

from deploy import statements
from deploy.doctor.finding import Finding, Skipped, inactive_finding
from deploy.doctor.iam.conditions import Verdict
from deploy.doctor.iam.principals import group_name, groups_of_function, may_need_no_group
from deploy.doctor.iam.rights import finding_on_rights
from deploy.doctor.step import Step
from deploy.doctor.tenancy import Tenancy
from presign.problems import SecretUnavailable

SECRET_FILE = "docs/operations.md#replace-the-customer-secret-key tells how to make secret.json."  # noqa: S105 - none


def state(tenancy: Tenancy) -> Finding:
    """Whether the secret is active."""
    secret = tenancy.secret.resource
    if secret.lifecycle_state in ("PENDING_DELETION", "SCHEDULING_DELETION"):
        return Finding(
            "wrong",
            f"{secret.secret_name} will be deleted, and can't be read.",
            f"oci vault secret cancel-secret-deletion{tenancy.target.region_option} --secret-id {secret.id}",
        )
    mend = "make another secret with the key, and set SECRET_OCID to it"
    if finding := inactive_finding(secret.secret_name, secret.lifecycle_state, mend=mend):
        return finding
    return Finding("ok", f"{secret.secret_name} is active; its current version is {secret.current_version_number}.")


def content(tenancy: Tenancy) -> Finding:
    """Whether the current version of the secret holds a customer secret key; never tells it."""
    from oci.exceptions import ServiceError

    try:
        key = tenancy.secret.key
    except SecretUnavailable as exc:
        return Finding("wrong", f"{exc}.", new_version_command(tenancy), (SECRET_FILE,))
    except ServiceError as exc:
        if exc.status == 404:
            with suppress(Skipped):
                if finding := _cause_of_404(tenancy):
                    return finding
        raise
    until = "" if key.retire_at is None else ", and says when it is retired"
    return Finding("ok", f"It has the right form{until}.")


def _cause_of_404(tenancy: Tenancy) -> Finding | None:
    """Why there is no content, if the secret itself tells."""
    if tenancy.secret.resource.lifecycle_state != "ACTIVE":
        return Finding("skipped", "The secret is not active.")
    if not tenancy.secret.resource.current_version_number:
        return Finding("wrong", "The secret has no current version.", new_version_command(tenancy), (SECRET_FILE,))
    return None


def new_version_command(tenancy: Tenancy) -> str:
    """The command that gives the secret a new version."""
    command = f"oci vault secret update-base64{tenancy.target.region_option} --secret-id {tenancy.secret.ocid}"
    return f"{command} --from-json file://secret.json"


def dynamic_group(tenancy: Tenancy) -> Finding:
    """Whether a dynamic group has the function."""
    groups = groups_of_function(tenancy)
    if surely := [group.name for group, verdict in groups if verdict is Verdict.YES]:
        return Finding("ok", f"{', '.join(surely)} has the function.")
    if groups:
        rules = tuple(f"{group.name}: {group.matching_rule}" for group, _ in groups)
        return Finding("unknown", "The rules of these may match the function, but were not understood.", None, rules)
    text = "No dynamic group of the identity domain Default has the function"
    if tenancy.iam.other_domains:
        return Finding("unknown", f"{text}; one of another domain may: {', '.join(tenancy.iam.other_domains)}.")
    if may_need_no_group(tenancy):
        return Finding("ok", f"{text}, but statements for any user may give it rights.")
    rule = statements.dynamic_group_rule(tenancy.target.function_ocid)
    return Finding(
        "wrong",
        f"{text}, so OCI gives it no rights.",
        f"oci iam dynamic-group create{tenancy.oci.home_region_option} --name {group_name(tenancy)} "
        f'--description "Has the function that presigns URLs" --matching-rule "{rule}"',
    )


def may_read(tenancy: Tenancy) -> Finding:
    """Whether a statement lets the function read the secret."""
    secret = tenancy.secret.resource
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


STEPS = (
    Step("secret", "state", state, "read secrets in the secret's compartment"),
    Step("secret", "content", content, "read secret-bundles in the secret's compartment"),
    Step("secret", "dynamic group", dynamic_group, "inspect dynamic-groups in tenancy"),
    Step("secret", "the function may read it", may_read, "inspect policies in tenancy"),
)
