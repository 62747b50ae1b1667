"""The customer secret key: what signs, and what must never be shown."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CustomerSecretKey:
    """A customer secret key of OCI Identity: the key pair of the S3 Compatibility API.

    Args:
        access_key_id: the public half; it stands in every URL.
        secret_access_key: the secret half; no `repr` shows it.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
