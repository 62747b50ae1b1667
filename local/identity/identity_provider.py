"""The identity provider, which issues the tokens of users (JWT, RFC 7519)."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import RSAAlgorithm
from werkzeug.wrappers import Request, Response

from local.identity.resource_principal import new_key

ISSUER = "https://identity.local/"
AUDIENCE = "presign"
LIFETIME_SECONDS = 3600
DISCOVERY_PATH = "/.well-known/openid-configuration"

_KEY_FILE = "issuer_key.pem"


class IdentityProvider:
    """Issues tokens, and answers requests for its public keys (JWKS, RFC 7517) and for its discovery document.

    Args:
        key: signs the tokens; a new one if None.
    """

    def __init__(self, key: rsa.RSAPrivateKey | None = None) -> None:
        self.key = key or new_key()
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        self.key_id = public["n"][:16]
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
        discovery = {"issuer": ISSUER, "jwks_uri": "/jwks", "id_token_signing_alg_values_supported": ["RS256"]}
        document = discovery if request.path == DISCOVERY_PATH else self._jwks
        return Response(json.dumps(document), content_type="application/json")
