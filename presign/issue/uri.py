"""`UriEncode` of the SigV4 specification: percent-encoding (RFC 3986, 2.1) of all but the unreserved characters."""

from urllib.parse import quote


def uri_encode(text: str) -> str:
    """`text` in UTF-8 with every byte but the unreserved characters of RFC 3986 percent-encoded."""
    return quote(text, safe="")


def uri_encode_path(text: str) -> str:
    """`text` encoded likewise, but for its slashes, as S3 wants the object key in a path."""
    return quote(text, safe="/")
