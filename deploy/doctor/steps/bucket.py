"""The namespace, the buckets of the policy, and the function's rights on those of its pre-authenticated requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from deploy import statements
from deploy.doctor.finding import Finding, Skipped, worst_of
from deploy.doctor.iam.principals import group_name
from deploy.doctor.iam.rights import finding_on_rights
from deploy.doctor.step import Step
from deploy.doctor.store.signed_bucket import succeeded
from deploy.doctor.tenancy import Tenancy
from deploy.doctor.web import NoAnswer
from presign.authorize.rules import Rule
from presign.model.operations.prefixes import ListObjectsV2
from presign.problems import SecretUnavailable

UNFINISHED_UPLOADS = {
    "name": "unfinished-uploads",
    "action": "ABORT",
    "target": "multipart-uploads",
    "isEnabled": True,
    "timeAmount": 7,
    "timeUnit": "DAYS",
}
"""The rule that drops the parts of uploads that nobody finished; the stack has the same."""


def namespace(tenancy: Tenancy) -> Finding:
    """Whether the setting NAMESPACE is the tenancy's namespace."""
    actual = tenancy.storage.tenancy_namespace
    if actual != tenancy.storage.namespace:
        return Finding(
            "wrong",
            f"NAMESPACE is {tenancy.storage.namespace}, but the tenancy's namespace is {actual}.",
            f"set NAMESPACE to {actual} (docs/operations.md#change-a-setting)",
        )
    return Finding("ok", f"{actual}.")


def exists(tenancy: Tenancy) -> Finding:
    """Whether each bucket of the policy exists."""
    return _for_each_bucket(tenancy, lambda name: _existence(tenancy, name))


def _existence(tenancy: Tenancy, name: str) -> Finding:
    from oci.exceptions import ServiceError
    from oci.object_storage import ObjectStorageClient

    try:
        bucket = tenancy.storage.bucket(name)
    except ServiceError as exc:
        if exc.status != 404:
            raise
    else:
        return Finding("ok", f"{name} is in {tenancy.storage.region}; versioning is {str(bucket.versioning).lower()}.")
    if _signing_user_sees(tenancy, name):
        return Finding("ok", f"{name} is in {tenancy.storage.region}: the signing user sees it, and you may not.")
    for region in tenancy.storage.likely_regions:
        with suppress(ServiceError):
            tenancy.oci.client(ObjectStorageClient, region=region).get_bucket(tenancy.storage.tenancy_namespace, name)
            return Finding(
                "wrong",
                f"{name} is in {region}, but the function signs for {tenancy.storage.region}.",
                f"set REGION to {region} (docs/operations.md#change-a-setting)",
            )
    region = tenancy.storage.region
    return Finding(
        "unknown",
        f"{name} is not in {region}, or you lack the permission: read buckets in the bucket's compartment.",
        None,
        (f"If there is none: oci os bucket create --region {region} --compartment-id <OCID> --name {name}",),
    )


def _signing_user_sees(tenancy: Tenancy, name: str) -> bool:
    """Whether a list of the bucket by the function's signing user succeeds."""
    from oci.exceptions import ServiceError

    with suppress(ServiceError, Skipped, SecretUnavailable, NoAnswer):
        return succeeded(tenancy.storage.signed_bucket(name).send(ListObjectsV2(max_keys=1)))
    return False


def events(tenancy: Tenancy) -> Finding:
    """Whether the buckets emit the events that the settings need."""
    reasons = reasons_for_events(tenancy)

    def look(name: str) -> Finding:
        if tenancy.storage.bucket(name).object_events_enabled:
            return Finding("ok", f"{name} emits events of its objects.")
        if name not in reasons:
            return Finding("ok", f"{name} emits no events, and no setting needs them.")
        return Finding(
            "wrong",
            f"{name} emits no events of its objects, though {reasons[name]}.",
            f"oci os bucket update --region {tenancy.storage.region} --name {name} --object-events-enabled true",
        )

    return _for_each_bucket(tenancy, look)


def reasons_for_events(tenancy: Tenancy) -> dict[str, str]:
    """The buckets whose events the settings need, each with the reason."""
    delivered = tenancy.function.rules if tenancy.function.settings.deliver_to else []
    reasons = {rule.bucket: "DELIVER_TO is set" for rule in delivered if rule.answers_events}
    return reasons | {rule.bucket: "a rule is single_use" for rule in tenancy.function.rules if rule.single_use}


def lifecycle(tenancy: Tenancy) -> Finding:
    """Whether the buckets that take uploads drop the parts of those that nobody finished."""
    from oci.exceptions import ServiceError

    targets = {rule.bucket for rule in tenancy.function.rules if _allows_parts(rule)}

    def look(name: str) -> Finding:
        bucket = tenancy.storage.bucket(name)
        if name not in targets:
            return Finding("ok", f"No rule allows uploads in parts to {name}.")
        client = tenancy.storage.client
        try:
            rules = client.get_object_lifecycle_policy(tenancy.storage.tenancy_namespace, name).data.items or []
        except ServiceError as exc:
            if exc.status != 404:
                raise
            rules = []
        if any(rule.target == "multipart-uploads" and rule.action == "ABORT" and rule.is_enabled for rule in rules):
            return Finding("ok", f"{name} drops unfinished uploads.")
        items = [*client.base_client.sanitize_for_serialization(rules), UNFINISHED_UPLOADS]
        statement = statements.object_storage_may_apply_lifecycle(
            region=tenancy.storage.region, compartment=f"id {bucket.compartment_id}", buckets=[name]
        )
        return Finding(
            "wrong",
            f"{name} keeps the parts of unfinished uploads for ever, and they cost.",
            f"oci os object-lifecycle-policy put --region {tenancy.storage.region} --bucket-name {name} "
            f"--items '{json.dumps(items)}'",
            (f"Object Storage needs this statement first: {statement}",),
        )

    return _for_each_bucket(tenancy, look)


def _allows_parts(rule: Rule) -> bool:
    """Whether an upload in parts can begin: by its own operation, or by any PAR that writes."""
    return ("put_object" if rule.via == "par" else "create_multipart_upload") in rule.granted


def may_make_pars(tenancy: Tenancy) -> Finding:
    """Whether statements let the function make pre-authenticated requests, and do what their holders may do."""
    rules = [rule for rule in tenancy.function.rules if rule.via == "par"]
    if not rules:
        return Finding("skipped", "No rule gives pre-authenticated requests.")

    def look(name: str) -> Finding:
        compartment = tenancy.storage.bucket(name).compartment_id
        granted = {operation for rule in rules if rule.bucket == name for operation in rule.operations}
        permissions = statements.permissions_of(granted, via="par")
        of_function: dict[str, Any] = {
            "dynamic_group": group_name(tenancy),
            "compartment": f"id {compartment}",
            "buckets": [name],
        }
        shared: dict[str, Any] = {"compartment": compartment, "variables": {"target.bucket.name": name}}
        may_manage = finding_on_rights(
            tenancy,
            permissions=["PAR_MANAGE"],
            statement=statements.function_may_manage_pars(**of_function),
            **shared,
        )
        may_use = finding_on_rights(
            tenancy,
            permissions=permissions,
            statement=statements.function_may_use_objects(**of_function, permissions=permissions),
            **shared,
        )
        return worst_of([may_manage, may_use])

    return _for_each_bucket(tenancy, look, names=tenancy.function.buckets_of("par"))


def _for_each_bucket(tenancy: Tenancy, look: Callable[[str], Finding], *, names: list[str] | None = None) -> Finding:
    """One finding on all buckets of the policy, or on those of these names."""
    names = tenancy.function.buckets if names is None else names
    if not names:
        raise Skipped("No bucket is named: each has a claim in its name, or the policy is not here.")
    return worst_of([look(name) for name in names])


STEPS = (
    Step("bucket", "namespace", namespace, "read objectstorage-namespaces in tenancy"),
    Step("bucket", "there", exists, "read buckets in the bucket's compartment"),
    Step("bucket", "events", events, "read buckets in the bucket's compartment"),
    Step("bucket", "unfinished uploads", lifecycle, "read buckets in the bucket's compartment"),
    Step("bucket", "the function may make PARs", may_make_pars, "inspect policies in tenancy"),
)
