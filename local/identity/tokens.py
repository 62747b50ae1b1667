"""Tokens (JWT, RFC 7519): an identity provider that issues them, and the check that a gateway makes."""

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

ISSUER = "https://identity.local/"
AUDIENCE = "presign"
LIFETIME_SECONDS = 3600
ALGORITHMS = ("RS256", "RS384", "RS512")
"""RSA is the only type of key that API Gateway knows, and a token does not choose: no `none`, no HMAC."""

_KEY_FILE = "issuer_key.pem"
_FETCH_TIMEOUT_SECONDS = 5


class InvalidToken(Exception):
    """A token is not one to trust."""


class KeysUnavailable(Exception):
    """The identity provider does not give its keys."""


class IdentityProvider:
    """Issues tokens, and answers requests for the keys that they are signed with (JWKS, RFC 7517).

    Args:
        key: what it signs with; a new one if None.
    """

    def __init__(self, key: rsa.RSAPrivateKey | None = None) -> None:
        self.key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        self.key_id = f"{public['n'][:16]}"
        self._jwks = {"keys": [{**public, "kid": self.key_id, "use": "sig", "alg": "RS256"}]}

    @classmethod
    def load(cls, directory: Path) -> IdentityProvider:
        """The one whose key `save` has left in `directory`.

        Raises:
            FileNotFoundError: there is none.
        """
        key = load_pem_private_key((directory / _KEY_FILE).read_bytes(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - what `save` writes
        return cls(key)

    def save(self, directory: Path) -> None:
        """Leave the key in `directory`, for other processes that issue tokens."""
        path = directory / _KEY_FILE
        path.touch(mode=0o600)
        path.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def token(self, claims: Mapping[str, Any], *, lifetime_seconds: int = LIFETIME_SECONDS) -> str:
        """A token that says `claims`, and by default who issued it, for whom, and from when until when it is valid."""
        now = int(time.time())
        common = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + lifetime_seconds}
        return jwt.encode(
            {**common, "jti": uuid.uuid4().hex, **claims}, self.key, "RS256", headers={"kid": self.key_id}
        )

    def __call__(self, request: Request) -> Response:
        return Response(json.dumps(self._jwks), content_type="application/json")


class TokenVerifier:
    """Checks tokens as a deployment wants it.

    Args:
        policy: the deployment's.
        max_clock_skew_seconds: how much the clocks may differ.
    """

    def __init__(self, policy: RemoteJwks, *, max_clock_skew_seconds: float) -> None:
        self._expected = policy.additional_validation_policy
        self._max_clock_skew_seconds = max_clock_skew_seconds
        self._client = jwt.PyJWKClient(
            policy.uri, lifespan=policy.max_cache_duration_in_hours * 3600, timeout=_FETCH_TIMEOUT_SECONDS
        )

    def claims(self, token: str) -> dict[str, Any]:
        """What `token` says.

        Raises:
            InvalidToken: it is not one to trust; the text says why.
            KeysUnavailable: that cannot be told.
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
                # Of the other registered claims API Gateway checks none.
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
        """The key that `token` says it is signed with. One that is not known is no reason to fetch the keys again."""
        key_id = jwt.get_unverified_header(token).get("kid")
        try:
            keys = self._client.get_jwk_set().keys
        except (jwt.PyJWKClientError, jwt.PyJWKSetError) as exc:
            raise KeysUnavailable(str(exc)) from exc
        for key in keys:
            if key.key_id == key_id and key.key_type == "RSA":
                return key
        raise InvalidToken("The token is signed with a key that is not known.")
