"""The call for the OpenAPI document of this API."""

from pathlib import Path

import msgspec


def document(root: Path) -> msgspec.Raw:
    """The document, a file of the folder `root`."""
    return msgspec.Raw((root / "gateway" / "openapi.json").read_bytes())
