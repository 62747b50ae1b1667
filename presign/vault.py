"""The customer secret key, as a secret of OCI Vault holds it."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import msgspec

from presign.credentials import CustomerSecretKey
from presign.problems import SecretUnavailable
from presign.tenancy import SecretReference, Tenancy

_KeyText = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,256}\Z")]


class _SecretContent(msgspec.Struct):
    access_key_id: _KeyText
    secret_access_key: _KeyText


def fetch_key(tenancy: Tenancy, secret: SecretReference) -> CustomerSecretKey:
    """The customer secret key that the current version of `secret` holds.

    Raises:
        SecretUnavailable: Vault can't be asked, refuses, or the secret does not hold a key; the cause says which.
    """
    content = tenancy.secret_content(secret)
    try:
        found = msgspec.json.decode(base64.b64decode(content, validate=True), type=_SecretContent)
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError) as exc:
        # Neither the message nor what is left of the exception may quote the content.
        reason = "it is not UTF-8" if isinstance(exc, UnicodeDecodeError) else str(exc)
        raise SecretUnavailable(
            f"The content of {secret} is not a JSON object with the texts access_key_id and secret_access_key, each of "
            f"1 to 256 printable ASCII characters: {reason}"
        ) from None
    return CustomerSecretKey(found.access_key_id, found.secret_access_key)
