"""Verifies the tokens of users (JWT, RFC 7519), as a deployment specifies it."""

from __future__ import annotations

from typing import Any

import jwt

from local.api_gateway.policies import RemoteJwks

ALGORITHMS = ("RS256", "RS384", "RS512")
"""API Gateway knows RSA keys only. A token can't choose another algorithm, such as `none` or HMAC."""

_FETCH_TIMEOUT_SECONDS = 5


class InvalidToken(Exception):
    """A token is not valid."""


class KeysUnavailable(Exception):
    """The identity provider's keys can't be fetched."""


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
