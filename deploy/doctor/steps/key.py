"""The customer secret key: its owner, and whether Object Storage accepts its signatures."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from deploy.doctor.finding import Finding, Skipped
from deploy.doctor.key_owner import key_owner
from deploy.doctor.step import Step
from deploy.doctor.steps.key_rights import LISTS, buckets_of_urls, presigning_rules, statement_for
from deploy.doctor.steps.secret import SECRET_FILE, new_version_command
from deploy.doctor.store.signed_bucket import status_and_code, succeeded
from deploy.doctor.tenancy import Tenancy
from deploy.doctor.web import NoAnswer
from presign.model.operations.prefixes import ListObjectsV2

YOUNG_SECONDS = 300
"""A new key takes up to this long to arrive everywhere: reports say two to four minutes."""

MAX_KEYS = 2
"""Customer secret keys that a user may have."""

MAX_AGE_DAYS = 90
"""An older customer secret key is a warning: the CIS Foundations Benchmark for OCI asks for a new one so often."""

_MISMATCHES = ("SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthorizationHeaderMalformed")
_ACCEPTED = ("", "AccessDenied", "NoSuchBucket")
"""The errors that a signature which matches can get: none, or one that hides the bucket from the user."""


def owner(tenancy: Tenancy) -> Finding:
    """Whether a user has the key, and it is active; tells the user, and when it ends."""
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
    """The commands that put a new key of a user into the secret; a useless key is deleted first, to make room."""
    options = f"{tenancy.oci.home_region_option} --user-id {user}"
    delete = [f"oci iam customer-secret-key delete{options} --customer-secret-key-id {useless}"] if useless else []
    create = f"(umask 077; oci iam customer-secret-key create{options} --display-name presign-2 > key.json)"
    return "\n".join([*delete, create, new_version_command(tenancy)])


def age(tenancy: Tenancy) -> Finding:
    """Whether the key is younger than the age at which it should be replaced."""
    days = max(0, int((tenancy.now() - _created_at(tenancy)) / 86400))
    text = f"The key is {days} day{'' if days == 1 else 's'} old"
    if days <= MAX_AGE_DAYS:
        return Finding("ok", f"{text}.")
    mend = "make rotate (docs/operations.md#replace-the-customer-secret-key)"
    return Finding("warning", f"{text}; replace it after {MAX_AGE_DAYS} days. No URL fails meanwhile.", mend)


def signature(tenancy: Tenancy) -> Finding:
    """Whether Object Storage accepts a signed list; it must also answer it if the policy gives URLs for lists."""
    for name in buckets_of_urls(tenancy):
        lists = [rule for rule in presigning_rules(tenancy, name) if rule.granted & LISTS]
        for prefix in dict.fromkeys(rule.prefix.partition("{")[0] for rule in lists) or [""]:
            code = _code_of_list(tenancy, name, region=tenancy.storage.region, prefix=prefix)
            if code in _MISMATCHES:
                return _mismatch_finding(tenancy, name)
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
    return _too_young(tenancy, f"its user may not list {name} yet") or Finding(
        "wrong",
        f"Object Storage accepts the signature, but does not let the signing user list {name}.",
        statement_for(tenancy, name, compartment),
    )


def _too_young(tenancy: Tenancy, text: str) -> Finding | None:
    """The finding that one must wait, since a new key and its user's rights take time to arrive everywhere."""
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


def _skip_if_inactive(tenancy: Tenancy) -> None:
    """Skip the search for the cause of a mismatch if the step `owner` has found it."""
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


def _code_of_list(tenancy: Tenancy, bucket: str, *, region: str, prefix: str = "") -> str:
    """The code of the error that a signed list of one key gets, or else its status; empty if it succeeds."""
    answer = tenancy.storage.signed_bucket(bucket, region=region).send(ListObjectsV2(max_keys=1, prefix=prefix or None))
    return "" if succeeded(answer) else status_and_code(answer).split()[-1]


def _is_accepted(tenancy: Tenancy) -> bool:
    """Whether Object Storage accepts the signature."""
    with suppress(NoAnswer, Skipped):
        return _code_of_list(tenancy, buckets_of_urls(tenancy)[0], region=tenancy.storage.region) in _ACCEPTED
    return False


def _mismatch_finding(tenancy: Tenancy, bucket: str) -> Finding:
    """The cause of a mismatch, for which Object Storage has one text only."""
    if finding := _too_young(tenancy, "Object Storage does not know it yet"):
        return finding
    _skip_if_inactive(tenancy)
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


STEPS = (
    Step("key", "owner", owner, "inspect users in tenancy, and read users in tenancy"),
    Step("key", "age", age, "read users in tenancy, or read secret-bundles in the secret's compartment"),
    Step("key", "signature, and right to list", signature, "read buckets in the bucket's compartment"),
)
