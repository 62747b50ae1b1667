"""Tokens (JWT, RFC 7519): an identity provider issues them, and the gateway verifies them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import RSAAlgorithm
from werkzeug.wrappers import Request, Response

from local.api_gateway.deployment import RemoteJwks
from local.identity.resource_principal import new_key

ISSUER = "https://identity.local/"
AUDIENCE = "presign"
LIFETIME_SECONDS = 3600
ALGORITHMS = ("RS256", "RS384", "RS512")
"""API Gateway knows RSA keys only. A token can't choose another algorithm, such as `none` or HMAC."""

_KEY_FILE = "issuer_key.pem"
_FETCH_TIMEOUT_SECONDS = 5


class InvalidToken(Exception):
    """A token is not valid."""


class KeysUnavailable(Exception):
    """The identity provider's keys can't be fetched."""


class IdentityProvider:
    """Issues tokens, and answers requests for its public keys (JWKS, RFC 7517).

    Args:
        key: signs the tokens; a new one if None.
    """

    def __init__(self, key: rsa.RSAPrivateKey | None = None) -> None:
        self.key = key or new_key()
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        self.key_id = f"{public['n'][:16]}"
        self._jwks = {"keys": [{**public, "kid": self.key_id, "use": "sig", "alg": "RS256"}]}

    @classmethod
    def load(cls, directory: Path) -> IdentityProvider:
        """The identity provider whose key `save` wrote to `directory`.

        Raises:
            FileNotFoundError: there is no such key.
        """
        key = load_pem_private_key((directory / _KEY_FILE).read_bytes(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - as `save` writes it
        return cls(key)

    def save(self, directory: Path) -> None:
        """Write the key to `directory`, for other processes that issue tokens."""
        path = directory / _KEY_FILE
        path.touch(mode=0o600)
        path.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def token(self, claims: Mapping[str, Any], *, lifetime_seconds: int = LIFETIME_SECONDS) -> str:
        """A token with `claims`, and by default with issuer, audience, and the time in which it is valid."""
        now = int(time.time())
        common = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + lifetime_seconds}
        return jwt.encode(
            {**common, "jti": uuid.uuid4().hex, **claims}, self.key, "RS256", headers={"kid": self.key_id}
        )

    def __call__(self, request: Request) -> Response:
        return Response(json.dumps(self._jwks), content_type="application/json")


class TokenVerifier:
    """Verifies tokens as a deployment specifies it.

    Args:
        policy: of the deployment.
        max_clock_skew_seconds: how much the clocks may differ.
    """

    def __init__(self, policy: RemoteJwks, *, max_clock_skew_seconds: float) -> None:
        self._expected = policy.additional_validation_policy
        self._max_clock_skew_seconds = max_clock_skew_seconds
        self._client = jwt.PyJWKClient(
            policy.uri, lifespan=policy.max_cache_duration_in_hours * 3600, timeout=_FETCH_TIMEOUT_SECONDS
        )

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of `token`.

        Raises:
            InvalidToken: the token is not valid; the text says why.
            KeysUnavailable: the keys to verify it with can't be fetched.
        """
        required = {claim.key for claim in self._expected.verify_claims}
        try:
            return jwt.decode(
                token,
                self._key(token),
                algorithms=ALGORITHMS,
                audience=self._expected.audiences,
                issuer=self._expected.issuers,
                leeway=self._max_clock_skew_seconds,
                # API Gateway checks none of the other registered claims.
                options={
                    "require": ["exp", "iss", "aud", *required],
                    "verify_iat": False,
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
        except jwt.InvalidTokenError as exc:
            raise InvalidToken(str(exc)) from exc

    def _key(self, token: str) -> jwt.PyJWK:
        """The key that `token` names. An unknown key is no reason to fetch the keys again."""
        key_id = jwt.get_unverified_header(token).get("kid")
        try:
            keys = self._client.get_jwk_set().keys
        except (jwt.PyJWKClientError, jwt.PyJWKSetError) as exc:
            raise KeysUnavailable(str(exc)) from exc
        for key in keys:
            if key.key_id == key_id and key.key_type == "RSA":
                return key
        raise InvalidToken("The token is signed with an unknown key.")
