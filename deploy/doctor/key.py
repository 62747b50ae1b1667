"""The customer secret key: its form, its owner, and what Object Storage says to requests that it signs."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from deploy import statements
from deploy.doctor import web
from deploy.doctor.secret import new_version_command
from deploy.doctor.step import Finding, Step, Unknown
from deploy.doctor.tenancy import Tenancy

YOUNG_SECONDS = 300
"""A new key takes up to this long to arrive everywhere: reports say two to four minutes."""

MAX_KEYS = 2
"""Customer secret keys that a user may have."""

_FORMS = (
    (re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){15}"), "the fingerprint of an API key"),
    (re.compile(r"ocid1\..+"), "an OCID"),
    (re.compile(r"(AKIA|ASIA)[A-Z0-9]{16}"), "a key of AWS"),
)
_access_key_id = re.compile(r"[0-9a-f]{40}")

_MISMATCHES = ("SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthorizationHeaderMalformed")
_REFUSALS = ("AccessDenied", "NoSuchBucket")


def form(tenancy: Tenancy) -> Finding:
    """Whether the secret holds a customer secret key, and not credentials of another kind."""
    key = tenancy.key
    if _access_key_id.fullmatch(key.access_key_id):
        return Finding("ok", "It has the form of a customer secret key.")
    kind = next((kind for pattern, kind in _FORMS if pattern.fullmatch(key.access_key_id)), None)
    return Finding(
        "wrong",
        f"access_key_id is {kind or 'no id of a customer secret key, but perhaps an auth token or a user name'}; "
        "Object Storage signs with customer secret keys only.",
        "oci iam customer-secret-key create --user-id <the signing user> --display-name presign; "
        f"then {new_version_command(tenancy)}",
    )


def owner(tenancy: Tenancy) -> Finding:
    """Whose key it is, whether it is active, and how long it lives."""
    if not _access_key_id.fullmatch(tenancy.key.access_key_id):
        raise Unknown("It is no customer secret key.")
    found = tenancy.key_owner
    if found is None:
        return Finding(
            "wrong",
            "No user of the identity domain Default has this key; it may have been deleted.",
            "make another key (docs/operations.md#replace-the-customer-secret-key)",
        )
    expires: datetime | None = found.key.time_expires
    replace = (
        f"oci iam customer-secret-key create --user-id {found.ocid} --display-name presign-2; "
        f"then {new_version_command(tenancy)}"
    )
    if found.key.lifecycle_state == "CREATING":
        return Finding("unknown", f"The key of {found.name} is still being made.", "wait, and look again")
    if found.key.lifecycle_state != "ACTIVE":
        return Finding("wrong", f"The key of {found.name} is {found.key.lifecycle_state}.", replace)
    if expires is not None and _has_expired(tenancy, expires):
        return Finding("wrong", f"The key of {found.name} has expired on {expires:%Y-%m-%d}.", replace)
    until = "" if expires is None else f", until {expires:%Y-%m-%d}"
    return Finding(
        "ok", f"The key of {found.name} is active{until}; the user has {found.count} of at most {MAX_KEYS} keys."
    )


def list_no_keys(tenancy: Tenancy) -> Finding:
    """Whether Object Storage accepts the signature, and lets the signing user list: by a signed list of zero keys."""
    for name in _buckets(tenancy):
        code = _listing_code(tenancy, name, region=tenancy.region)
        if code in _MISMATCHES:
            return _mismatch(tenancy, name)
        if code == "RequestTimeTooSkewed":
            raise Unknown("The clock of this machine is off.")
        if code in _REFUSALS:
            if finding := _may_not_list(tenancy, name):
                return finding
        elif code:
            return Finding("unknown", f"Object Storage answers {code} to a signed list of {name}.")
    return Finding("ok", "Object Storage accepts the signature.")


def _may_not_list(tenancy: Tenancy, name: str) -> Finding | None:
    """What is wrong if Object Storage hides a bucket from the signing user; None if no URL needs a list."""
    bucket = _bucket(tenancy, name)
    operations = {one for rule in tenancy.rules if rule.via == "s3" and rule.bucket == name for one in rule.operations}
    permissions = statements.permissions_of(operations)
    if "OBJECT_INSPECT" not in permissions:
        return None
    return _is_young(tenancy, f"its user may not list {name} yet") or Finding(
        "wrong",
        f"Object Storage accepts the signature, but does not let the signing user list {name}.",
        statements.signer_may_use_objects(
            group=_group(tenancy),
            compartment=f"id {bucket.compartment_id}",
            buckets=[name],
            permissions=permissions,
        ),
    )


def _bucket(tenancy: Tenancy, name: str) -> Any:
    """The bucket that Object Storage has hidden from the signing user, if it is there at all."""
    if tenancy.namespace != tenancy.own_namespace:
        raise Unknown("NAMESPACE is wrong.")
    return tenancy.bucket(name)


def head_bucket(tenancy: Tenancy) -> Finding:
    """Whether the signing user may find the buckets: by a signed HEAD."""
    for bucket in _buckets(tenancy):
        url = _url(tenancy, bucket, method="HEAD", region=tenancy.region)
        status = web.ask("HEAD", url).status
        if status == 403:
            raise Unknown("It is refused, and an answer to HEAD has no text; the signed list has the cause.")
        if status == 404:
            found = _bucket(tenancy, bucket)
            return _is_young(tenancy, f"its user does not find {bucket} yet") or Finding(
                "wrong",
                f"The signing user may not read the bucket {bucket}.",
                statements.signer_may_find_buckets(
                    group=_group(tenancy), compartment=f"id {found.compartment_id}", buckets=[bucket]
                ),
            )
        if status != 200:
            return Finding("unknown", f"Object Storage answers {status} to a signed HEAD of {bucket}.")
    return Finding("ok", "The signing user finds the buckets.")


def _is_young(tenancy: Tenancy, text: str) -> Finding | None:
    """That one must wait, if the key is so young that it may not have arrived everywhere, nor its user's rights."""
    age = max(0.0, tenancy.now() - tenancy.key_created_at)
    if age >= YOUNG_SECONDS:
        return None
    wait = f"wait {YOUNG_SECONDS - age:.0f} seconds, and look again"
    return Finding("unknown", f"The key is {age:.0f} seconds old, and {text}.", wait)


def _check_active(tenancy: Tenancy) -> None:
    """Look for no other cause if `owner` has told one."""
    from oci.exceptions import ServiceError

    try:
        found = tenancy.key_owner
    except (ServiceError, Unknown):
        return
    if found is None:
        raise Unknown("No user has this key.")
    if found.key.lifecycle_state != "ACTIVE" or _has_expired(tenancy, found.key.time_expires):
        raise Unknown("The key is not active.")


def _has_expired(tenancy: Tenancy, expires: datetime | None) -> bool:
    return expires is not None and expires.timestamp() <= tenancy.now()


def _buckets(tenancy: Tenancy) -> list[str]:
    if tenancy.settings.secret is None:
        raise Unknown("No rule needs a customer secret key.")
    if not _access_key_id.fullmatch(tenancy.key.access_key_id):
        raise Unknown("It is no customer secret key.")
    return tenancy.buckets_of("s3")


def _url(tenancy: Tenancy, bucket: str, *, method: str, region: str, **parameters: str) -> str:
    return web.bucket_url(
        tenancy.storage_endpoint,
        bucket,
        method=method,
        key=tenancy.key,
        region=region,
        now=int(tenancy.now()),
        parameters={name.replace("_", "-"): value for name, value in parameters.items()},
    )


def _listing_code(tenancy: Tenancy, bucket: str, *, region: str) -> str:
    """The code of the error that a signed list of zero keys gets, or an empty string."""
    answer = web.ask("GET", _url(tenancy, bucket, method="GET", region=region, list_type="2", max_keys="0"))
    if answer.status == 200:
        return ""
    try:
        return ElementTree.fromstring(answer.body).findtext("{*}Code") or str(answer.status)  # noqa: S314 - of the store
    except ElementTree.ParseError:
        return str(answer.status)


def _mismatch(tenancy: Tenancy, bucket: str) -> Finding:
    """Why the signature does not match: Object Storage has one text for all causes."""
    if finding := _is_young(tenancy, "Object Storage does not know it yet"):
        return finding
    _check_active(tenancy)
    for region in tenancy.likely_regions:
        if _listing_code(tenancy, bucket, region=region) not in _MISMATCHES:
            return Finding(
                "wrong",
                f"The credential scope has the wrong region: Object Storage accepts {region}, not {tenancy.region}.",
                f"set REGION to {region} (docs/operations.md#change-a-setting)",
            )
    return Finding(
        "wrong",
        "SignatureDoesNotMatch in every region: the key was deleted, or secret_access_key is not the one that belongs "
        "to access_key_id.",
        f"make another key; then {new_version_command(tenancy)}",
    )


def _group(tenancy: Tenancy) -> str:
    """A group of the signing user, as a statement names it."""
    from oci.exceptions import ServiceError
    from oci.identity import IdentityClient

    found = tenancy.key_owner
    if found is None:
        return "<the signing user's group>"
    client = tenancy.client(IdentityClient)
    with suppress(ServiceError):
        for membership in tenancy.all(client.list_user_group_memberships, tenancy.tenancy_ocid, user_id=found.ocid):
            return str(client.get_group(membership.group_id).data.name)
    return f"<a group with {found.name}>"


STEPS = (
    Step("key", "form", form),
    Step("key", "owner", owner, "inspect users in tenancy, and read users in tenancy"),
    Step("key", "signature, and right to list", list_no_keys, "read buckets in the bucket's compartment"),
    Step("key", "right to find the bucket", head_bucket, "read buckets in the bucket's compartment"),
)
