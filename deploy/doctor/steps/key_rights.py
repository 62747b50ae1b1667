"""The rights of the signing user, who has the customer secret key."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from deploy import statements
from deploy.doctor.finding import Finding, Skipped, worst_of
from deploy.doctor.iam import principals
from deploy.doctor.iam.rights import finding_on_rights
from deploy.doctor.key_owner import key_owner
from deploy.doctor.step import Step
from deploy.doctor.tenancy import Tenancy
from presign.authorize.rules import Rule
from presign.model.operations.prefixes import ListMultipartUploads, ListObjectsV2

LISTS = {ListObjectsV2.name, ListMultipartUploads.name}


def may_use_objects(tenancy: Tenancy) -> Finding:
    """Whether statements let the signing user do what the function's URLs are for."""
    names = [name for name in buckets_of_urls(tenancy) if presigning_rules(tenancy, name)]
    if not names:
        raise Skipped("No rule is known that names a bucket.")
    found = key_owner(tenancy)
    if found is None:
        raise Skipped("The signing user is not known.")
    principal = principals.user(tenancy, ocid=found.ocid, name=found.name)

    def look(name: str) -> Finding:
        compartment = tenancy.storage.bucket(name).compartment_id
        return finding_on_rights(
            tenancy,
            permissions=_needed(presigning_rules(tenancy, name)),
            compartment=compartment,
            variables={"target.bucket.name": name},
            statement=statement_for(tenancy, name, compartment),
            principal=principal,
            consequence=f"Object Storage refuses URLs for {name}",
        )

    return worst_of([look(name) for name in names])


def _needed(rules: Sequence[Rule]) -> list[str]:
    """The permissions without which a URL of these rules fails."""
    granted = {operation for rule in rules for operation in rule.granted}
    needed = set(statements.permissions_of(granted))
    if granted.isdisjoint({*LISTS, "list_parts"}):
        needed.discard("OBJECT_INSPECT")
    if all(rule.create_only for rule in rules if "OBJECT_OVERWRITE" in statements.permissions_of(rule.granted)):
        needed.discard("OBJECT_OVERWRITE")
    return sorted(needed)


def presigning_rules(tenancy: Tenancy, bucket: str) -> list[Rule]:
    """The rules for presigned URLs of a bucket; none if the policy is not here."""
    if tenancy.function.policy_is_in_package:
        return []
    return [rule for rule in tenancy.function.rules if (rule.via, rule.bucket) == ("s3", bucket)]


def statement_for(tenancy: Tenancy, bucket: str, compartment: str) -> str:
    """The statement that lets the signing user do what the URLs of a bucket are for."""
    granted = [operation for rule in presigning_rules(tenancy, bucket) for operation in rule.granted]
    return statements.signer_may_use_objects(
        group=_group(tenancy),
        compartment=f"id {compartment}",
        buckets=[bucket],
        permissions=statements.permissions_of(granted),
    )


def buckets_of_urls(tenancy: Tenancy) -> list[str]:
    """The names of the buckets that presigned URLs are for."""
    if tenancy.function.settings.secret is None:
        raise Skipped("No rule needs a customer secret key.")
    names = tenancy.function.buckets_of("s3")
    if not names:
        raise Skipped("No bucket is named: each has a claim in its name, or the policy is not here.")
    return names


def _group(tenancy: Tenancy) -> str:
    """The group of the signing user, as a statement names it; a placeholder if there are several."""
    from oci.exceptions import ServiceError

    found = None
    with suppress(ServiceError, TimeoutError, Skipped):
        found = key_owner(tenancy)
        groups = tenancy.iam.groups_of_user(found.ocid) if found else []
        if len(groups) == 1:
            return str(groups[0].name)
    return f"<a group with {found.name}>" if found else "<the signing user's group>"


STEPS = (Step("key", "the signing user may use objects", may_use_objects, "inspect policies and groups in tenancy"),)
