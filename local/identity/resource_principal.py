"""The function's resource principal (version 2.2): it signs with a session key, whose public half its token holds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import RSAAlgorithm

from local.identity.request_signature import NotAuthenticated, verify_request

TENANCY_OCID = "ocid1.tenancy.oc1..local"
COMPARTMENT_OCID = "ocid1.compartment.oc1..local"
TOKEN_LIFETIME_SECONDS = 30 * 86_400
"""Nobody renews the token while `make run` runs."""


class ResourcePrincipal:
    """Makes the key and the token of a resource principal, as files that the OCI SDK reads.

    Args:
        directory: for the files.
        region: the region identifier.
    """

    def __init__(self, directory: Path, *, region: str) -> None:
        self._token_path = directory / "rpst"
        self._key_path = directory / "session_key.pem"
        self._region = region
        self.renew()

    def environment(self) -> dict[str, str]:
        """The variables by which OCI Functions tells a function its identity."""
        return {
            "OCI_RESOURCE_PRINCIPAL_VERSION": "2.2",
            "OCI_RESOURCE_PRINCIPAL_RPST": str(self._token_path),
            "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM": str(self._key_path),
            "OCI_RESOURCE_PRINCIPAL_REGION": self._region,
        }

    def renew(self, *, lifetime_seconds: int = TOKEN_LIFETIME_SECONDS) -> None:
        """Replace key and token on disk. Requests that were signed with the old ones are refused from now on."""
        session_key = new_key()
        now = int(time.time())
        claims = {
            "sub": "ocid1.fnfunc.oc1.local",
            "iat": now,
            "exp": now + lifetime_seconds,
            "res_tenant": TENANCY_OCID,
            "res_compartment": COMPARTMENT_OCID,
            "jwk": RSAAlgorithm.to_jwk(session_key.public_key()),
        }
        self._token = jwt.encode(claims, _issuer_key(), algorithm="RS256")
        pem = session_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        for path, content in ((self._key_path, pem), (self._token_path, self._token.encode())):
            path.touch(mode=0o600)
            path.write_bytes(content)

    def verify(
        self, *, method: str, target: str, headers: Mapping[str, str], body: bytes, now: float | None = None
    ) -> None:
        """Return if the resource principal signed a request.

        Args:
            method, target: of the request line, as received.
            headers: names in lower case.
            body: as received.
            now: the time, in seconds since the epoch; this machine's if None.

        Raises:
            NotAuthenticated: it did not; the text says why.
        """
        verify_request(
            method=method, target=target, headers=headers, body=body, public_key_of=self._session_key_of, now=now
        )

    def _session_key_of(self, key_id: str) -> rsa.RSAPublicKey:
        token = key_id.removeprefix("ST$")
        try:
            claims = jwt.decode(token, _issuer_key().public_key(), algorithms=["RS256"])
        except jwt.InvalidTokenError as exc:
            raise NotAuthenticated(f"The token is not valid: {exc}.") from exc
        if token != self._token:
            raise NotAuthenticated("The token has been replaced.")
        return cast(rsa.RSAPublicKey, RSAAlgorithm.from_jwk(claims["jwk"]))


def new_key() -> rsa.RSAPrivateKey:
    """A key of the length that OCI uses."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


_issuer_key = cache(new_key)
"""The key of the service that issues the tokens of all resource principals."""
