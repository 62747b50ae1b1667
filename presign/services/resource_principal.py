"""The signer of the function's resource principal, of version 2.2, whose token and key are in two files.

The SDK has one too, but lets OpenSSL check the primes of the key, which takes a fifth of a cold start. The key comes
from the platform, in a file that only the function can read, so the check protects nobody.

Importing this module imports a part of the SDK.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from presign.services import sdk

_SecurityTokenSigner: Any = sdk.load("oci.auth.signers.security_token_signer").SecurityTokenSigner


class ResourcePrincipalSigner(_SecurityTokenSigner):  # type: ignore[misc] # the SDK has no types
    """Signs requests for the SDK's clients. It reads the files again when they have changed, as they are renewed.

    Args:
        token_path, key_path: the files of the session token, and of the RSA key in PEM.
        passphrase_path: the file of the key's passphrase; None if there is none.
        region: the function's own region, for which the clients choose their endpoints; None if it is not known.

    Raises:
        OSError: a file can't be read.
        ValueError, TypeError: there is no usable key or token in its file.
    """

    def __init__(self, *, token_path: Path, key_path: Path, passphrase_path: Path | None, region: str | None) -> None:
        self._token_path = token_path
        self._key_path = key_path
        self._passphrase_path = passphrase_path
        self.region = region and sdk.load("oci.regions").REGIONS_SHORT_NAMES.get(region, region)
        self.refresh_security_token()

    def refresh_security_token(self) -> None:
        """Read the files again."""
        versions = self._versions()
        pem = self._key_path.read_bytes()
        password = None
        if self._passphrase_path is not None and b"ENCRYPTED" in pem:  # RFC 7468, 11, and RFC 1421, 4.6.1.1
            password = self._passphrase_path.read_bytes()
        load = sdk.load("cryptography.hazmat.primitives.serialization").load_pem_private_key
        key = load(pem, password, unsafe_skip_rsa_key_validation=True)
        token = self._token_path.read_text("utf-8").strip()
        if not (token.isascii() and token.isprintable()):  # The HTTP client would quote it when it refuses the header.
            raise ValueError(f"{self._token_path} does not hold a token alone")
        # Requests that other threads are signing keep the parts of the signer that they have begun with.
        super().__init__(token, key)
        self._read = versions

    def __call__(self, request: Any, enforce_content_headers: bool = True) -> Any:
        """Sign a request."""
        with suppress(OSError, ValueError):  # While the files are being written, the old ones may still do.
            if self._versions() != self._read:
                self.refresh_security_token()
        return super().__call__(request, enforce_content_headers)

    def _versions(self) -> list[tuple[int, int, int]]:
        """Another value after a file was written or replaced."""
        stats = [path.stat() for path in (self._token_path, self._key_path)]
        return [(stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats]
