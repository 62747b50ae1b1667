"""Digests as Object Storage has them: MD5 in ETags and headers, SHA-256 in the metadata of an object."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress


def metadata_digest(sha256: str) -> str:
    """A hexadecimal digest as the object's metadata holds it: Base64, as in the header `x-amz-checksum-sha256`."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def told_digest(headers: Mapping[str, str]) -> str:
    """The digest, hexadecimal, that the metadata in an answer's headers hold; empty if they hold none."""
    for name in ("x-amz-meta-sha256", "opc-meta-sha256"):
        with suppress(binascii.Error, ValueError):
            found = base64.b64decode(headers.get(name, ""), validate=True)
            if len(found) == hashlib.sha256().digest_size:
                return found.hex()
    return ""


def told_md5(etag: str) -> str:
    """The MD5 digest, hexadecimal, that an ETag is; empty if it is another kind of text."""
    found = re.fullmatch(r'"?([0-9a-fA-F]{32})"?', etag)
    return found[1].lower() if found else ""


def base64_of(hexadecimal: str) -> str:
    """A digest as the header `Content-MD5` has it."""
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()
