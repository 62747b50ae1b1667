"""The limits of a pre-authenticated request: it binds the object and the verb, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from presign.policy.rules import PAR_OPERATIONS
from presign.problems import FieldError
from presign.request.field_errors import pointer
from presign.request.model import ObjectOperation, Request

MAX_REQUEST_BYTES = 3_500
"""Bytes: the longest request with a PAR, its object name included."""
_OTHER_BYTES = 300
"""The method, the token, the namespace and the parts between them."""

_UNBOUND = ("version_id", "content_length", "content_md5", "checksum_sha256")


def par_errors(request: Request, *, max_expires_in: int) -> Iterator[FieldError]:
    """Why no PAR can give `request`.

    Args:
        request: the request.
        max_expires_in: seconds, the longest that a PAR may be valid.
    """
    operation = request.operation
    if operation.name() not in PAR_OPERATIONS:
        yield FieldError("/operation", f"must be one that a PAR can give: {', '.join(sorted(PAR_OPERATIONS))}")
        return
    for name in _UNBOUND:
        if getattr(operation, name, None) is not None:
            yield FieldError(pointer(name), "can't be given, as a PAR binds only the object and the verb")
    if operation.expires_in is not None and operation.expires_in > max_expires_in:
        yield FieldError("/expires_in", f"must be at most {max_expires_in} for a PAR")
    query = sum(len(name) + len(quote(value)) + 20 for name, value in operation.query())
    size = len(quote(operation.target)) + len(request.bucket) + query
    if size > MAX_REQUEST_BYTES - _OTHER_BYTES:
        at = "/key" if isinstance(operation, ObjectOperation) else "/prefix"
        yield FieldError(at, f"is too long for a PAR, whose request may have {MAX_REQUEST_BYTES} bytes")
