"""The customer secret key: its owner, the owner's rights, and what Object Storage says to requests that it signs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from deploy import statements
from deploy.doctor.finding import Finding, Skipped, worst_of
from deploy.doctor.iam import principals
from deploy.doctor.iam.rights import finding_on_rights
from deploy.doctor.key_owner import key_owner
from deploy.doctor.step import Step
from deploy.doctor.steps.secret import SECRET_FILE, new_version_command
from deploy.doctor.store.signed_bucket import status_and_code, succeeded
from deploy.doctor.tenancy import Tenancy
from deploy.doctor.web import NoAnswer
from presign.authorize.rules import Rule
from presign.model.operations.prefixes import ListMultipartUploads, ListObjectsV2

YOUNG_SECONDS = 300
"""A new key takes up to this long to arrive everywhere: reports say two to four minutes."""

MAX_KEYS = 2
"""Customer secret keys that a user may have."""

_LISTS = {ListObjectsV2.name(), ListMultipartUploads.name()}

_MISMATCHES = ("SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthorizationHeaderMalformed")
_ACCEPTED = ("", "AccessDenied", "NoSuchBucket")
"""The errors that a signature which matches can get: none, or one that hides the bucket from the user."""


def owner(tenancy: Tenancy) -> Finding:
    """Whose key it is, whether it is active, and how long it lives."""
    found = key_owner(tenancy)
    if found is None:
        text = "No user of the identity domain Default has this key"
        if _is_accepted(tenancy):
            return Finding("unknown", f"{text}, but Object Storage accepts it: its user is in another domain.")
        if tenancy.iam.other_domains:
            return Finding("unknown", f"{text}; one of another domain may: {', '.join(tenancy.iam.other_domains)}.")
        user = tenancy.stack.signing_user_ocid or "<OCID of the signing user>"
        return Finding("wrong", f"{text}; it may have been deleted.", _replacement(tenancy, user), (SECRET_FILE,))
    expires: datetime | None = found.key.time_expires
    replacement = _replacement(tenancy, found.ocid, useless=found.key.id if found.count >= MAX_KEYS else None)
    if found.key.lifecycle_state == "CREATING":
        return Finding("unknown", f"The key of {found.name} is still being made.", "wait, and look again")
    if found.key.lifecycle_state != "ACTIVE":
        text = f"The key of {found.name} is {found.key.lifecycle_state}."
        return Finding("wrong", text, replacement, (SECRET_FILE,))
    if expires is not None and _has_expired(tenancy, expires):
        text = f"The key of {found.name} has expired on {expires:%Y-%m-%d}."
        return Finding("wrong", text, replacement, (SECRET_FILE,))
    until = "" if expires is None else f", until {expires:%Y-%m-%d}"
    return Finding(
        "ok", f"The key of {found.name} is active{until}; the user has {found.count} of at most {MAX_KEYS} keys."
    )


def _replacement(tenancy: Tenancy, user: str, *, useless: str | None = None) -> str:
    """The commands that give the secret another key of a user, and before that delete a useless one."""
    options = f"{tenancy.oci.home_region_option} --user-id {user}"
    delete = [f"oci iam customer-secret-key delete{options} --customer-secret-key-id {useless}"] if useless else []
    create = f"(umask 077; oci iam customer-secret-key create{options} --display-name presign-2 > key.json)"
    return "\n".join([*delete, create, new_version_command(tenancy)])


def may_use_objects(tenancy: Tenancy) -> Finding:
    """Whether statements let the signing user do what the function's URLs are for."""
    names = [name for name in _buckets(tenancy) if _rules(tenancy, name)]
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
            permissions=_needed(_rules(tenancy, name)),
            compartment=compartment,
            variables={"target.bucket.name": name},
            statement=_statement(tenancy, name, compartment),
            principal=principal,
            consequence=f"Object Storage refuses URLs for {name}",
        )

    return worst_of([look(name) for name in names])


def _needed(rules: Sequence[Rule]) -> list[str]:
    """The permissions without which a URL of these rules fails."""
    granted = {operation for rule in rules for operation in rule.granted}
    needed = set(statements.permissions_of(granted))
    if granted.isdisjoint({*_LISTS, "list_parts"}):
        needed.discard("OBJECT_INSPECT")
    if all(rule.create_only for rule in rules if "OBJECT_OVERWRITE" in statements.permissions_of(rule.granted)):
        needed.discard("OBJECT_OVERWRITE")
    return sorted(needed)


def _rules(tenancy: Tenancy, bucket: str) -> list[Rule]:
    """The rules for presigned URLs of a bucket; none if the policy is not here."""
    if tenancy.function.policy_is_in_package:
        return []
    return [rule for rule in tenancy.function.rules if (rule.via, rule.bucket) == ("s3", bucket)]


def _statement(tenancy: Tenancy, bucket: str, compartment: str) -> str:
    granted = [operation for rule in _rules(tenancy, bucket) for operation in rule.granted]
    return statements.signer_may_use_objects(
        group=_group(tenancy),
        compartment=f"id {compartment}",
        buckets=[bucket],
        permissions=statements.permissions_of(granted),
    )


def list_one_key(tenancy: Tenancy) -> Finding:
    """Whether Object Storage accepts the signature, and lets the signing user list if a URL may: by a signed list."""
    for name in _buckets(tenancy):
        lists = [rule for rule in _rules(tenancy, name) if rule.granted & _LISTS]
        for prefix in dict.fromkeys(rule.prefix.partition("{")[0] for rule in lists) or [""]:
            code = _code_of_list(tenancy, name, region=tenancy.storage.region, prefix=prefix)
            if code in _MISMATCHES:
                return _mismatch(tenancy, name)
            if code == "RequestTimeTooSkewed":
                raise Skipped("The clock of this machine is off.")
            if code not in _ACCEPTED:
                return Finding("unknown", f"Object Storage answers {code} to a signed list of {name}.")
            if code and lists:
                return _may_not_list(tenancy, name)
    return Finding("ok", "Object Storage accepts the signature.")


def _may_not_list(tenancy: Tenancy, name: str) -> Finding:
    """The finding if Object Storage hides a bucket from the signing user."""
    if tenancy.storage.namespace != tenancy.storage.tenancy_namespace:
        raise Skipped("NAMESPACE is wrong.")
    compartment = tenancy.storage.bucket(name).compartment_id
    return _is_young(tenancy, f"its user may not list {name} yet") or Finding(
        "wrong",
        f"Object Storage accepts the signature, but does not let the signing user list {name}.",
        _statement(tenancy, name, compartment),
    )


def _is_young(tenancy: Tenancy, text: str) -> Finding | None:
    """That one must wait, if the key is so young that it may not have arrived everywhere, nor its user's rights."""
    age = max(0.0, tenancy.now() - _created_at(tenancy))
    if age >= YOUNG_SECONDS:
        return None
    wait = f"wait {YOUNG_SECONDS - age:.0f} seconds, and look again"
    return Finding("unknown", f"The key is {age:.0f} seconds old, and {text}.", wait)


def _created_at(tenancy: Tenancy) -> float:
    """When the key was made, in seconds since the epoch; if nobody may tell, when it was put into the secret."""
    from oci.exceptions import ServiceError

    with suppress(Skipped, ServiceError, TimeoutError):
        if found := key_owner(tenancy):
            return float(found.key.time_created.timestamp())
    return float(tenancy.secret.bundle.time_created.timestamp())


def _check_active(tenancy: Tenancy) -> None:
    """Look for no other cause if `owner` has told one."""
    from oci.exceptions import ServiceError

    try:
        found = key_owner(tenancy)
    except (ServiceError, TimeoutError, Skipped):
        return
    if found is None:
        if tenancy.iam.other_domains:
            return
        raise Skipped("No user has this key.")
    if found.key.lifecycle_state != "ACTIVE" or _has_expired(tenancy, found.key.time_expires):
        raise Skipped("The key is not active.")


def _has_expired(tenancy: Tenancy, expires: datetime | None) -> bool:
    return expires is not None and expires.timestamp() <= tenancy.now()


def _buckets(tenancy: Tenancy) -> list[str]:
    if tenancy.function.settings.secret is None:
        raise Skipped("No rule needs a customer secret key.")
    names = tenancy.function.buckets_of("s3")
    if not names:
        raise Skipped("No bucket is named: each has a claim in its name, or the policy is not here.")
    return names


def _code_of_list(tenancy: Tenancy, bucket: str, *, region: str, prefix: str = "") -> str:
    """The code of the error that a signed list of one key gets, or else its status; empty if it succeeds."""
    answer = tenancy.storage.signed_bucket(bucket, region=region).send(ListObjectsV2(max_keys=1, prefix=prefix or None))
    return "" if succeeded(answer) else status_and_code(answer).split()[-1]


def _is_accepted(tenancy: Tenancy) -> bool:
    """Whether Object Storage accepts the signature."""
    with suppress(NoAnswer, Skipped):
        return _code_of_list(tenancy, _buckets(tenancy)[0], region=tenancy.storage.region) in _ACCEPTED
    return False


def _mismatch(tenancy: Tenancy, bucket: str) -> Finding:
    """Why the signature does not match: Object Storage has one text for all causes."""
    if finding := _is_young(tenancy, "Object Storage does not know it yet"):
        return finding
    _check_active(tenancy)
    signed_for = tenancy.storage.region
    for region in tenancy.storage.likely_regions:
        if _code_of_list(tenancy, bucket, region=region) in _ACCEPTED:
            return Finding(
                "wrong",
                f"The credential scope has the wrong region: Object Storage accepts {region}, not {signed_for}.",
                f"set REGION to {region} (docs/operations.md#change-a-setting)",
            )
    return Finding(
        "wrong",
        "SignatureDoesNotMatch in every region: the key was deleted, or secret_access_key is not the one that belongs "
        "to access_key_id.",
        new_version_command(tenancy),
        (SECRET_FILE,),
    )


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


STEPS = (
    Step("key", "owner", owner, "inspect users in tenancy, and read users in tenancy"),
    Step("key", "signature, and right to list", list_one_key, "read buckets in the bucket's compartment"),
    Step("key", "the signing user may use objects", may_use_objects, "inspect policies and groups in tenancy"),
)
