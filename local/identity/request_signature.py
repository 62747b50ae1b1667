"""Verifies the signature of a request to OCI (draft-cavage-http-signatures)."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

MAX_CLOCK_SKEW_SECONDS = 300

_parameter = re.compile(r'(\w+)="([^"]*)"')


class NotAuthenticated(Exception):
    """A request does not prove from whom it comes."""


class Verifier(Protocol):
    """Knows from whom requests may come."""

    def verify(
        self, *, method: str, target: str, headers: Mapping[str, str], body: bytes, now: float | None = None
    ) -> None:
        """Return if a request is signed as it must be.

        Raises:
            NotAuthenticated: it is not.
        """


def verify_request(
    *,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    public_key_of: Callable[[str], rsa.RSAPublicKey],
    now: float | None = None,
) -> None:
    """Return if a request is signed with the key that it names.

    Args:
        method, target: of the request line, as received.
        headers: names in lower case.
        body: as received.
        public_key_of: the public key for a `keyId`; raises NotAuthenticated if there is none.
        now: the time, in seconds since the epoch; this machine's if None.

    Raises:
        NotAuthenticated: it is not; the text says why.
    """
    signature = _signature(headers)
    signed = signature.get("headers", "").lower().split()
    _check_coverage(signed, method, headers, body)
    values = {**headers, "(request-target)": f"{method.lower()} {target}"}
    if not values.keys() >= set(signed):
        raise NotAuthenticated("A signed header is missing.")
    _check_date(headers["date"], time.time() if now is None else now)
    public_key = public_key_of(signature.get("keyId", ""))
    try:
        public_key.verify(
            base64.b64decode(signature.get("signature", ""), validate=True),
            "\n".join(f"{name}: {values[name]}" for name in signed).encode(),
            padding.PKCS1v15(),
            SHA256(),
        )
    except (InvalidSignature, ValueError) as exc:
        raise NotAuthenticated("The signature does not match the request.") from exc


def _signature(headers: Mapping[str, str]) -> dict[str, str]:
    """The parameters of the request's signature."""
    scheme, _, parameters = headers.get("authorization", "").partition(" ")
    signature = dict(_parameter.findall(parameters))
    if scheme != "Signature" or signature.get("version") != "1" or signature.get("algorithm") != "rsa-sha256":
        raise NotAuthenticated("The request has no signature of version 1 and algorithm rsa-sha256.")
    return signature


def _check_coverage(signed: Sequence[str], method: str, headers: Mapping[str, str], body: bytes) -> None:
    """Return if a signature covers all that OCI demands, and the body is the one that was signed."""
    required = {"date", "(request-target)", "host"}
    if method in ("POST", "PUT", "PATCH"):
        required |= {"content-length", "content-type", "x-content-sha256"}
        if headers.get("x-content-sha256") != base64.b64encode(hashlib.sha256(body).digest()).decode():
            raise NotAuthenticated("The body differs from the signed one.")
    if not required.issubset(signed):
        raise NotAuthenticated(f"The signature must cover {', '.join(sorted(required.difference(signed)))}.")


def _check_date(text: str, now: float) -> None:
    try:
        skew_seconds = abs(parsedate_to_datetime(text).timestamp() - now)
    except ValueError as exc:
        raise NotAuthenticated("The date is not an HTTP date.") from exc
    if skew_seconds > MAX_CLOCK_SKEW_SECONDS:
        raise NotAuthenticated("The date is more than five minutes off.")
