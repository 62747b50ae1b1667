"""The customer secret key."""

from dataclasses import dataclass, field
from math import inf

from presign.problems import SecretUnavailable


@dataclass(frozen=True, slots=True)
class CustomerSecretKey:
    """A customer secret key of OCI Identity, used until `retire_at` (seconds since the epoch; None if not planned)."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    retire_at: int | None = None

    def seconds_left(self, now: float) -> float:
        """Seconds from `now` until the key is retired; 0 or less if it is."""
        return inf if self.retire_at is None else self.retire_at - now

    def limited(self, expires_in: int, *, now: int) -> int:
        """Seconds that a URL signed `now` may be valid: `expires_in`, but not beyond the key's own end.

        Raises:
            SecretUnavailable: the key is retired.
        """
        if self.retire_at is None:
            return expires_in
        if self.retire_at <= now:
            raise SecretUnavailable("the key was retired while the call was answered")
        return min(expires_in, self.retire_at - now)
