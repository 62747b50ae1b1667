"""The protocol of everything that signs, and the issuers that follow it."""

from typing import Protocol

from presign.issue.endpoint import StorageEndpoint
from presign.model.outcomes import Grant, PresignedUrl
from presign.services.key import CustomerSecretKey

SIGNERS = ("sigv4", "boto3")
"""The issuers that sign with the customer secret key; each is imported only when it is chosen."""


class Issuer(Protocol):
    """Turns a grant into a URL that needs no other credentials."""

    def issue(self, grant: Grant, *, key: CustomerSecretKey, now: int) -> PresignedUrl:
        """The URL of `grant`, signed `now` (seconds since the epoch) with `key`, which it does not outlive.

        Raises:
            SecretUnavailable: the key is retired.
        """


def make_issuer(name: str, *, endpoint: StorageEndpoint, region: str) -> Issuer:
    """The issuer of this name, one of `SIGNERS`."""
    if name == "boto3":
        from presign.issue.boto3 import Boto3Issuer

        return Boto3Issuer(endpoint=endpoint, region=region)
    from presign.issue.sigv4 import SigV4Issuer

    return SigV4Issuer(endpoint=endpoint, region=region)
