"""Keys for tests."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import rsa


def short_key() -> rsa.RSAPrivateKey:
    """A key to sign requests to OCI, half as long as OCI's, as the SDK takes a fifth of the time to check it."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
