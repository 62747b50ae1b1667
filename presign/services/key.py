"""The customer secret key, and how it is read from a secret of OCI Vault."""

import base64
from datetime import datetime
from math import inf
from typing import Annotated

import msgspec

from presign.problems import SecretUnavailable
from presign.services.client import SecretReference

_KeyText = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,256}\Z")]


class CustomerSecretKey(msgspec.Struct, frozen=True):
    """A customer secret key of OCI Identity, used until the second of `retire_at`; None if that is not planned."""

    access_key_id: _KeyText
    secret_access_key: _KeyText
    retire_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None

    def __repr__(self) -> str:
        return f"CustomerSecretKey({self.access_key_id!r}, …)"

    def seconds_left(self, now: float) -> float:
        """Seconds from `now` (since the epoch) until the key is retired; 0 or less if it is."""
        return inf if self.retire_at is None else int(self.retire_at.timestamp()) - now

    def last_moment(self, expires_at: int, *, now: int) -> int:
        """The end of a URL that is to be valid until `expires_at`: then, or when the key itself ends.

        Raises:
            SecretUnavailable: the key is retired `now`.
        """
        if self.retire_at is None:
            return expires_at
        retired_at = int(self.retire_at.timestamp())
        if retired_at <= now:
            raise SecretUnavailable("the key was retired while the call was answered")
        return min(expires_at, retired_at)


def parse_key(content: str, secret: SecretReference, *, now: float) -> CustomerSecretKey:
    """The customer secret key in the `content` of `secret`, in Base64 as Vault hands it out.

    Raises:
        SecretUnavailable: it does not hold a usable key, or one that is retired `now` (seconds since the epoch).
    """
    try:
        key = msgspec.json.decode(base64.b64decode(content, validate=True), type=CustomerSecretKey)
    except (msgspec.MsgspecError, ValueError) as exc:
        # Neither the message nor what is left of the exception may quote the content.
        mismatch = "it is not UTF-8" if isinstance(exc, UnicodeDecodeError) else str(exc)
        raise SecretUnavailable(
            f"The content of {secret} is not a JSON object with the texts access_key_id and secret_access_key, each of "
            f"1 to 256 printable ASCII characters, and optionally the time retire_at (RFC 3339): {mismatch}"
        ) from None
    if key.seconds_left(now) < 1:
        raise SecretUnavailable(
            f"The key {key.access_key_id} in {secret} is retired since {key.retire_at}: make another customer secret "
            "key, and give the secret a version that holds it"
        )
    return key
