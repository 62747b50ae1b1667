"""`UriEncode` of the SigV4 specification: percent-encoding (RFC 3986, 2.1) of all but the unreserved characters."""

import string
from collections.abc import Sequence

_UNRESERVED = (string.ascii_letters + string.digits + "-._~").encode()
_UNRESERVED_AND_SLASH = _UNRESERVED + b"/"
_PERCENT = frozenset(b"%")
_FEW = 8
_encoded = tuple(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256))
"""The text for each byte."""
_encoded_but_slash = tuple("/" if byte == ord("/") else text for byte, text in enumerate(_encoded))


def uri_encode(text: str) -> str:
    """`text` in UTF-8 with every byte but the unreserved characters of RFC 3986 percent-encoded."""
    return _encode(text, _UNRESERVED, _encoded)


def uri_encode_path(text: str) -> str:
    """`text` encoded likewise, but for its slashes, as S3 wants the object key in a path."""
    return _encode(text, _UNRESERVED_AND_SLASH, _encoded_but_slash)


def _encode(text: str, kept: bytes, encoded: Sequence[str]) -> str:
    octets = text.encode()
    reserved = octets.translate(None, kept)
    if not reserved:
        return text
    distinct = set(reserved)
    if len(distinct) > _FEW or not reserved.isascii():
        return octets.decode("latin-1").translate(encoded)
    # Replacing is faster where there are few to replace; "%" comes first, as the others bring more of it.
    text = text.replace("%", "%25")
    for octet in distinct - _PERCENT:
        text = text.replace(chr(octet), encoded[octet])
    return text
