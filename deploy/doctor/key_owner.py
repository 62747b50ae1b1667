"""The owner of the customer secret key, who is the function's signing user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deploy.doctor.step import SECONDS_PER_STEP
from deploy.doctor.tenancy import Tenancy


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """A user with a customer secret key.

    Args:
        ocid, name: of the user.
        key: the key, as Identity describes it, which is without its secret half.
        count: how many such keys the user has.
    """

    ocid: str
    name: str
    key: Any
    count: int


def key_owner(tenancy: Tenancy) -> KeyOwner | None:
    """The user whose customer secret key it is; None if no user of the identity domain `Default` has such a key."""
    return tenancy.once("the owner of the key", lambda: _find_owner(tenancy))


def _find_owner(tenancy: Tenancy) -> KeyOwner | None:
    from oci.exceptions import ServiceError

    access_key_id, identity = tenancy.secret.key.access_key_id, tenancy.iam.client
    ends_at = tenancy.now() + SECONDS_PER_STEP
    seen = set()

    def owner(user: Any) -> KeyOwner | None:
        keys = identity.list_customer_secret_keys(user.id).data
        seen.add(user.id)
        found = [key for key in keys if key.id == access_key_id]
        return KeyOwner(user.id, user.name, found[0], len(keys)) if found else None

    for likely in filter(None, [tenancy.stack.signing_user_ocid, tenancy.oci.credentials.user]):
        try:
            if found := owner(identity.get_user(likely).data):
                return found
        except ServiceError as exc:
            if exc.status != 404:
                raise
    for user in tenancy.oci.list_all(identity.list_users, tenancy.oci.tenancy_ocid):
        if tenancy.now() > ends_at:
            raise TimeoutError
        may_have_keys = getattr(user.capabilities, "can_use_customer_secret_keys", None) is not False
        if may_have_keys and user.id not in seen and (found := owner(user)):
            return found
    return None
