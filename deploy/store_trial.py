"""Whether Object Storage accepts a customer secret key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.doctor.store.signed_bucket import SignedBucket, status_and_code, succeeded
from deploy.doctor.web import NoAnswer
from presign.issue.endpoint import StorageEndpoint, region_template
from presign.model.operations.prefixes import ListObjectsV2
from presign.services.key import CustomerSecretKey

if TYPE_CHECKING:
    from deploy.session import Session

_HIDDEN = ("AccessDenied", "NoSuchBucket")
"""The errors that a signature which matches can get."""


def accepts(session: Session, *, access_key_id: str, secret_access_key: str) -> bool:
    """Whether Object Storage accepts a list that this key has signed.

    Args:
        session: tells the bucket, and where Object Storage is.
        access_key_id: of the key.
        secret_access_key: of the key.
    """
    settings, namespace = session.settings(), session.deployed_setting("NAMESPACE")
    template = settings.storage_endpoint or region_template(settings.region)
    # A rule with a claim in its bucket is for the buckets that the input names.
    named = [rule.bucket for rule in settings.rules if rule.via == "s3" and "{" not in rule.bucket]
    bucket = SignedBucket(
        endpoint=StorageEndpoint.from_template(template, namespace=namespace, region=settings.region),
        region=settings.region,
        key=CustomerSecretKey(access_key_id, secret_access_key),
        name=next(iter([*named, *session.inputs["buckets"].split(",")])),
    )
    try:
        answer = bucket.send(ListObjectsV2(max_keys=1))
    except NoAnswer:
        return False
    return succeeded(answer) or status_and_code(answer).split()[-1] in _HIDDEN
