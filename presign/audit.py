"""The record of each decision: one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import BinaryIO, Literal

import msgspec

from presign.policy import Caller
from presign.problems import Problem
from presign.request.model import Operation

_encoder = msgspec.json.Encoder()


class Decision(msgspec.Struct, kw_only=True):
    """What was asked, by whom, and what came of it. It holds no URL, signature or key.

    Args:
        call_id: the Fn call id.
        index: the place in a batch, from 0.
        caller: the way the request came.
        subject: the claim `sub` of the caller's token.
        operation, bucket, key: what was asked for, as far as the request could be read.
        expires_in: seconds, of the URL that was given or, if it was refused, asked for.
        outcome: whether a URL was given, the caller was refused, or the service failed.
        code: the problem's code if no URL was given.
    """

    event: str = "presign"
    call_id: str
    index: int | msgspec.UnsetType = msgspec.UNSET
    caller: Caller
    subject: str | msgspec.UnsetType = msgspec.UNSET
    operation: str | None = None
    bucket: str | None = None
    key: str | None = None
    expires_in: int | None = None
    outcome: Literal["granted", "refused", "failed"] = "granted"
    code: str | None = None

    def describe(self, operation: Operation) -> None:
        """Take over what is asked for."""
        self.operation = operation.name()
        self.bucket = operation.bucket
        self.key = operation.key
        self.expires_in = operation.expires_in

    def refuse(self, problem: Problem) -> None:
        """Take over that `problem` was the answer."""
        self.outcome = "refused" if problem.status < 500 else "failed"
        self.code = problem.code


def write(decisions: Sequence[Decision], stream: BinaryIO) -> None:
    """Append each of `decisions` to `stream` as one line, in ASCII, whatever characters the keys have."""
    lines = _encoder.encode_lines(decisions)
    if not lines.isascii():
        lines = b"".join(
            json.dumps(msgspec.to_builtins(decision), separators=(",", ":")).encode() + b"\n" for decision in decisions
        )
    stream.write(lines)
    stream.flush()
