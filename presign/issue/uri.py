"""`UriEncode` of the SigV4 specification: percent-encoding (RFC 3986, 2.1) of all but the unreserved characters."""

from __future__ import annotations

import string

_UNRESERVED = (string.ascii_letters + string.digits + "-._~").encode()
_UNRESERVED_AND_SLASH = _UNRESERVED + b"/"
_encoded = tuple(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256))
"""The text for each byte."""
_encoded_but_slash = tuple("/" if byte == ord("/") else text for byte, text in enumerate(_encoded))


def uri_encode(text: str) -> str:
    """`text` in UTF-8 with every byte but the unreserved characters of RFC 3986 percent-encoded."""
    octets = text.encode()
    # Most texts have nothing to encode; what deleting the unreserved characters leaves tells so at once.
    if not octets.translate(None, _UNRESERVED):
        return text
    return octets.decode("latin-1").translate(_encoded)


def uri_encode_path(text: str) -> str:
    """`text` encoded likewise, but for its slashes, as S3 wants the object key in a path."""
    octets = text.encode()
    if not octets.translate(None, _UNRESERVED_AND_SLASH):
        return text
    return octets.decode("latin-1").translate(_encoded_but_slash)
