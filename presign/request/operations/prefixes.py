"""The operations on all objects whose keys begin with a prefix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from presign.problems import FieldError
from presign.request.model import Operation
from presign.request.object_names import MAX_KEY_BYTES, key_error

Prefix = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KEY_BYTES)]


def prefix_error(prefix: str) -> str:
    """Why `prefix` is not the beginning of any object key, or an empty string."""
    return key_error(f"{prefix}x") if prefix else ""


class GetPrefix(Operation, frozen=True, kw_only=True, tag="get_prefix"):
    """Download every object below a prefix with one URL, a pre-authenticated request.

    Args:
        prefix: ends with a slash; the URL is completed by the rest of a key.
        listing: whether the URL may also list the objects.
    """

    method = "GET"
    checks = {**Operation.checks, "prefix": prefix_error}

    prefix: Prefix
    listing: bool = False

    @property
    def target(self) -> str:
        return self.prefix

    def validation_errors(self) -> Iterator[FieldError]:
        yield from super().validation_errors()
        if not self.prefix.endswith("/"):
            yield FieldError("/prefix", "must end with a slash")
        if self.via == "s3":
            yield FieldError("/via", "must be par, as a presigned URL is for one object")
