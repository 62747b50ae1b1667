"""Ways to hand out access to an object: one protocol, one module for each."""

from __future__ import annotations

from typing import Protocol

from presign.issue.endpoint import StorageEndpoint
from presign.keys.credentials import CustomerSecretKey
from presign.request.model import FormRequest, ObjectRequest

SIGNERS = ("sigv4", "boto3")
"""The names of the signers; each is imported only when it is chosen."""


class Signer(Protocol):
    """Turns an object request into a URL that needs no other credentials."""

    def presign(self, request: ObjectRequest, *, key: CustomerSecretKey, now: int) -> str:
        """The URL of `request`, signed with `key`, valid for `request.expires_in` seconds from `now`.

        Args:
            now: seconds since the epoch.
        """

    def presign_form(self, request: FormRequest, *, key: CustomerSecretKey, now: int) -> tuple[str, dict[str, str]]:
        """The URL that the form of `request` is sent to, and all fields that it must hold before the file.

        Args:
            now: seconds since the epoch.
        """


def make_signer(name: str, *, endpoint: StorageEndpoint, region: str) -> Signer:
    """The signer of this name, one of `SIGNERS`."""
    if name == "boto3":
        from presign.issue.boto3 import Boto3Signer

        return Boto3Signer(endpoint=endpoint, region=region)
    from presign.issue.sigv4 import SigV4Signer

    return SigV4Signer(endpoint=endpoint, region=region)
