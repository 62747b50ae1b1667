"""A user's token and the keys that verify it, as API Gateway sees them. No text holds the token or a part of it.

API Gateway verifies RS256, RS384, and RS512 with keys of 2,048 to 4,096 bits: docs.oracle.com,
`Content/APIGateway/Tasks/apigatewayusingjwttokens-prerequisites.htm`.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from binascii import Error
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deploy.doctor.finding import Finding
from deploy.doctor.gateway.specification import Specification
from deploy.doctor.web import Answer

ALGORITHMS = ("RS256", "RS384", "RS512")
KEY_BITS = range(2048, 4097)
MAX_KEYS = 10
"""Keys that a JWKS may have: docs.oracle.com, `…/apigatewayusingjwttokens-identityprovider.htm`."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token (JWT, RFC 7519), not verified."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @classmethod
    def decode(cls, text: str) -> Token:
        """Read a token.

        Raises:
            ValueError: it is none.
        """
        parts = text.split(".")
        if len(parts) != 3:
            raise ValueError("has not three parts")
        try:
            header, claims = (json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
        except (ValueError, Error):
            raise ValueError("is not JSON in Base64") from None
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise ValueError("holds no JSON objects")
        return cls(header, claims)

    @property
    def audiences(self) -> list[str]:
        """The claim `aud`, which may be one text."""
        aud = self.claims.get("aud") or []
        return [aud] if isinstance(aud, str) else list(aud)

    def claim_text(self, name: str) -> str:
        """The value of a claim as the gateway passes it on: JSON unless it is a text; empty if there is none."""
        value = self.claims.get(name)
        if value is None or isinstance(value, str):
            return value or ""
        return json.dumps(value, separators=(",", ":"))


def jwks_finding(answer: Answer, *, uri: str) -> Finding:
    """Whether the gateway can verify tokens with the keys (JWKS, RFC 7517) that `uri` has answered."""
    if answer.status in (401, 403):
        return Finding(
            "wrong",
            f"{uri} answers {answer.status}, so the gateway can't fetch the keys: the identity domain gives them to "
            "nobody who has not signed in.",
            "switch on 'Configure client access' in the settings of the identity domain",
        )
    keys = keys_in(answer)
    if keys is None:
        return Finding(
            "wrong", f"{uri} answers {answer.status} without keys.", "fill JWKS_URI with the address of a JWKS"
        )
    if len(keys) > MAX_KEYS:
        return Finding(
            "wrong",
            f"{uri} has {len(keys)} keys, and the gateway takes {MAX_KEYS} at most.",
            "let the identity provider drop its old keys, or give the deployment the keys it needs as static keys",
        )
    fitting = [key for key in keys if _fits(key)]
    if not fitting:
        kinds = ", ".join(sorted({_kind(key) for key in keys})) or "none"
        return Finding(
            "wrong",
            f"No key of {uri} is an RSA key of 2048 to 4096 bits ({kinds}), and the gateway knows no others.",
            f"let the identity provider sign with {', '.join(ALGORITHMS)}",
        )
    return Finding("ok", f"{uri} has {len(fitting)} RSA key{'s' if len(fitting) > 1 else ''}.")


def keys_in(answer: Answer) -> list[Mapping[str, Any]] | None:
    """The keys in a JWKS; None if it is none."""
    try:
        keys = json.loads(answer.body)["keys"]
    except (ValueError, KeyError, TypeError):
        return None
    is_list = answer.status == 200 and isinstance(keys, list)
    return keys if is_list and all(isinstance(key, dict) for key in keys) else None


def token_finding(
    token: Token, specification: Specification, keys: list[Mapping[str, Any]] | None, *, now: float
) -> Finding:
    """Whether the gateway accepts a token, but for its signature.

    Args:
        token: of a user.
        specification: of the deployment.
        keys: in the JWKS; None if they are not known.
        now: seconds since the epoch.
    """
    errors = list(_errors(token, specification, keys, now))
    if not errors:
        expires_at = datetime.fromtimestamp(token.claims["exp"], UTC)
        return Finding("ok", f"It is from an issuer and for an audience of the deployment, until {expires_at:%FT%TZ}.")
    (text, mend), *others = errors
    return Finding("wrong", text, mend, tuple(other for other, _ in others))


def _errors(
    token: Token, specification: Specification, keys: list[Mapping[str, Any]] | None, now: float
) -> Iterator[tuple[str, str]]:
    """Each reason for which the gateway answers 401, and what mends it."""
    new = "get a new token"
    claims, skew = token.claims, specification.part("requestPolicies", "authentication", "maxClockSkewInSeconds") or 0
    expires_at, not_before = claims.get("exp"), claims.get("nbf")
    if not isinstance(expires_at, int | float):
        yield "It never expires, and the gateway demands the claim exp.", new
    elif expires_at + skew <= now:
        yield f"It expired at {datetime.fromtimestamp(expires_at, UTC):%FT%TZ}.", new
    if isinstance(not_before, int | float) and not_before - skew > now:
        yield f"It is valid from {datetime.fromtimestamp(not_before, UTC):%FT%TZ} only.", "wait, or set the clock"
    if specification.issuers and claims.get("iss") not in specification.issuers:
        issuer = _short(claims.get("iss"))
        text = f"Its issuer is {issuer}; the deployment accepts {_short(specification.issuers)}."
        yield text, f"deploy with ISSUER={issuer}, or use a token of the right issuer"
    if specification.audiences and not set(token.audiences) & set(specification.audiences):
        text = f"Its audience is {_short(token.audiences)}; the deployment accepts {_short(specification.audiences)}."
        yield text, f"deploy with AUDIENCE={_short(token.audiences)}, or ask the identity provider for the right one"
    if missing := [name for name in specification.required_claims if name not in claims]:
        yield f"It lacks the claim {', '.join(missing)}.", "let the identity provider add it to its tokens"
    if token.header.get("alg") not in ALGORITHMS:
        text = f"It is signed with {_short(token.header.get('alg'))}; the gateway verifies {', '.join(ALGORITHMS)}."
        yield text, "let the identity provider sign with RS256"
    elif keys is not None and token.header.get("kid") not in [key.get("kid") for key in keys]:
        yield "Its key is not in the JWKS of the deployment.", "deploy with the JWKS_URI of the token's issuer"


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _fits(key: Mapping[str, Any]) -> bool:
    """Whether the gateway can verify a signature with a key of a JWKS (RFC 7517, 4)."""
    is_for_signatures = key.get("use", "sig") == "sig" and key.get("alg", "RS256") in ALGORITHMS
    return is_for_signatures and key.get("kty") == "RSA" and _bits(key) in KEY_BITS


def _kind(key: Mapping[str, Any]) -> str:
    return " ".join(str(part) for part in (key.get("kty"), _bits(key), key.get("alg"), key.get("use")) if part)


def _bits(key: Mapping[str, Any]) -> int:
    """The size of an RSA key; 0 if it is no such key."""
    try:
        text = str(key["n"])
        return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4))).bit_length()
    except (KeyError, ValueError, Error):
        return 0
