"""Grants for tests of what comes after the policy."""

from __future__ import annotations

from presign.model.operation import Operation, Via
from presign.model.outcomes import Grant
from presign.model.request import Request


def grant(operation: Operation, *, bucket: str = "b", expires_in: int = 60, via: Via = "s3") -> Grant:
    """The grant of the first rule for `operation`."""
    return Grant(Request(operation, bucket), expires_in, 0, via)
