"""From when until when a presigned URL is valid."""

from hashlib import sha256

from presign.model.outcomes import Grant
from presign.services.key import CustomerSecretKey


def validity(grant: Grant, *, key: CustomerSecretKey, now: int) -> tuple[int, int]:
    """The second at which the URL of `grant` is dated and the one at which it ends; all times since the epoch.

    The URL does not outlive `key`. With `reuse_for` it is dated at the beginning of a window of that length, so that
    all containers make the same URL within the window. The windows of different objects begin at different times, so
    that not all URLs of a page change at once.

    Raises:
        SecretUnavailable: the key is retired.
    """
    signed_at = now
    if grant.reuse_for is not None:
        name = f"{grant.request.bucket}/{grant.request.operation.target}"
        offset = int.from_bytes(sha256(name.encode()).digest()[:8])
        signed_at -= (now + offset) % grant.reuse_for
    return signed_at, key.last_moment(signed_at + grant.expires_in, now=now)
