"""The customer secret key: what signs, and what must never be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf


@dataclass(frozen=True, slots=True)
class CustomerSecretKey:
    """A customer secret key of OCI Identity: the key pair of the S3 Compatibility API.

    Args:
        access_key_id: the public half; it stands in every URL.
        secret_access_key: the secret half; no `repr` shows it.
        retire_at: when the key stops being used, in seconds since the epoch; None if that is not planned.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    retire_at: int | None = None

    def seconds_left(self, now: float) -> float:
        """How long the key may be used from `now` on, and a URL that it signs may be valid; 0 or less if no more."""
        return inf if self.retire_at is None else self.retire_at - now
