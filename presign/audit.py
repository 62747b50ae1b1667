"""The record of each decision: one line of JSON."""

from __future__ import annotations

import json
from typing import Literal, TextIO

import msgspec

from presign.model import ObjectRequest
from presign.policy import Caller
from presign.problems import Problem


class Decision(msgspec.Struct, kw_only=True):
    """What was asked, by whom, and what came of it. It holds no URL, signature or key.

    Args:
        call_id: the Fn call id.
        caller: the way the request came.
        operation, bucket, key: what was asked for, as far as the request could be read.
        expires_in: seconds, of the URL that was asked for.
        outcome: whether a URL was given, the caller was refused, or the service failed.
        code: the problem's code if no URL was given.
    """

    event: str = "presign"
    call_id: str
    caller: Caller
    operation: str | None = None
    bucket: str | None = None
    key: str | None = None
    expires_in: int | None = None
    outcome: Literal["granted", "refused", "failed"] = "granted"
    code: str | None = None

    def describe(self, request: ObjectRequest) -> None:
        """Take over what `request` asks for."""
        self.operation = request.operation
        self.bucket = request.bucket
        self.key = request.key
        self.expires_in = request.expires_in

    def refuse(self, problem: Problem) -> None:
        """Take over that `problem` was the answer."""
        self.outcome = "refused" if problem.status < 500 else "failed"
        self.code = problem.code


def write(decision: Decision, stream: TextIO) -> None:
    """Append `decision` to `stream` as one line, in ASCII, whatever characters the key has."""
    line = msgspec.json.encode(decision).decode()
    if not line.isascii():
        line = json.dumps(msgspec.structs.asdict(decision), separators=(",", ":"))
    stream.write(f"{line}\n")
    stream.flush()
