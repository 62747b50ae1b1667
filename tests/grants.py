"""Grants for tests of what comes after the policy."""

from __future__ import annotations

from presign.policy import Grant
from presign.request.model import Operation, Request, Via


def grant(operation: Operation, *, bucket: str = "b", expires_in: int = 60, via: Via = "s3") -> Grant:
    """The grant of the first rule for `operation`."""
    return Grant(Request(operation, bucket), expires_in, 0, via)
