"""The key source: the customer secret key from a secret of OCI Vault."""

import base64
import binascii
import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec

from presign.keys.credentials import CustomerSecretKey
from presign.keys.oci_client import OciClient, SecretReference
from presign.problems import SecretUnavailable

_KeyText = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,256}\Z")]


class _SecretContent(msgspec.Struct):
    access_key_id: _KeyText
    secret_access_key: _KeyText
    retire_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None

    def __repr__(self) -> str:
        return "_SecretContent(…)"


def fetch_key(
    oci_client: OciClient, secret: SecretReference, *, clock: Callable[[], float] = time.time
) -> CustomerSecretKey:
    """The customer secret key that the current version of `secret` holds; `clock` gives seconds since the epoch.

    Raises:
        SecretUnavailable: Vault can't be asked, refuses, or the secret does not hold a usable key.
    """
    return parse_key(oci_client.secret_content(secret), secret, now=clock())


def parse_key(content: str, secret: SecretReference, *, now: float) -> CustomerSecretKey:
    """The customer secret key in the `content` of `secret`, in Base64 as Vault hands it out.

    Raises:
        SecretUnavailable: it does not hold a usable key, or one that is retired `now` (seconds since the epoch).
    """
    try:
        found = msgspec.json.decode(base64.b64decode(content, validate=True), type=_SecretContent)
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError) as exc:
        # Neither the message nor what is left of the exception may quote the content.
        mismatch = "it is not UTF-8" if isinstance(exc, UnicodeDecodeError) else str(exc)
        raise SecretUnavailable(
            f"The content of {secret} is not a JSON object with the texts access_key_id and secret_access_key, each of "
            f"1 to 256 printable ASCII characters, and optionally the time retire_at (RFC 3339): {mismatch}"
        ) from None
    retire_at = None if found.retire_at is None else int(found.retire_at.timestamp())
    key = CustomerSecretKey(found.access_key_id, found.secret_access_key, retire_at)
    if key.seconds_left(now) < 1:
        raise SecretUnavailable(
            f"The key {key.access_key_id} in {secret} is retired since {found.retire_at}: make another customer secret "
            "key, and give the secret a version that holds it"
        )
    return key
