"""The outcome of each item of a call, and its audit record: one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, BinaryIO, Literal

import msgspec
from msgspec import UNSET, UnsetType

from presign.issue import PresignedUrl
from presign.policy import Grant
from presign.problems import Problem
from presign.request.model import Caller, Invocation, Operation, Principal, Request, Via

_encoder = msgspec.json.Encoder()


class Issued(msgspec.Struct, frozen=True):
    """A granted item with its answer."""

    grant: Grant
    answer: PresignedUrl

    @property
    def request(self) -> Request:
        """The request that was granted."""
        return self.grant.request


class Refusal(msgspec.Struct, frozen=True):
    """An item without a URL: why, its request if that could be read, and its grant if the service failed after it."""

    problem: Problem
    request: Request | None = None
    grant: Grant | None = None


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked for what, and the outcome. It holds no URL, signature or key.

    Args:
        event: the thing that was done: presigning, or deleting pre-authenticated requests in one of three ways.
        call_id: the Fn call id.
        index: the place in a batch, from 0.
        caller: how the request came.
        subject: the claim `sub` of the caller's token.
        operation, bucket, key: of the request, as far as it could be read; `key` may be a prefix.
        expires_in: seconds, of the URL that was given or, if it was refused, asked for.
        rule, via: of the grant: the number of the rule, from 0, and how it gives access.
        id: of the pre-authenticated request.
        options: those options of the request that tell which data the URL gives access to, and how they are shown.
        outcome: whether the caller got what was asked for, was refused, or the service failed.
        code: the problem's code if no URL was given.
        deleted: how many pre-authenticated requests were deleted.
    """

    event: Literal["presign", "revoke", "sweep", "close_uploads"] = "presign"
    call_id: str
    index: int | UnsetType = UNSET
    caller: Caller
    subject: str | UnsetType = UNSET
    operation: str | None = None
    bucket: str | None = None
    key: str | None = None
    expires_in: int | None = None
    rule: int | UnsetType = UNSET
    via: Via | UnsetType = UNSET
    id: str | UnsetType = UNSET
    options: Mapping[str, Any] | UnsetType = UNSET
    outcome: Literal["granted", "refused", "failed"] = "granted"
    code: str | None = None
    deleted: int | UnsetType = UNSET


def records_of(
    outcomes: Sequence[Issued | Refusal], *, invocation: Invocation, principal: Principal, batch: bool = False
) -> list[AuditRecord]:
    """The audit record of each item of a call by `principal`; in a batch it tells the item's place."""
    subject = principal.claims.get("sub", UNSET)
    records = []
    for index, outcome in enumerate(outcomes):
        record = {} if outcome.request is None else _described(outcome.request, outcome.grant)
        if isinstance(outcome, Refusal):
            record |= failure(outcome.problem)
        else:
            record["expires_in"] = outcome.answer.expires_in
            if outcome.answer.id is not None:
                record["id"] = outcome.answer.id
        if batch:
            record["index"] = index
        records.append(AuditRecord(call_id=invocation.call_id, caller=invocation.caller, subject=subject, **record))
    return records


def failure(problem: Problem) -> dict[str, Any]:
    """The members of the record of something that ended in `problem`."""
    return {"outcome": "refused" if problem.status < 500 else "failed", "code": problem.code}


def write(records: Sequence[AuditRecord], stream: BinaryIO) -> None:
    """Append each of `records` to `stream` as one line, in ASCII."""
    lines = _encoder.encode_lines(records)
    if not lines.isascii():
        texts = [json.dumps(msgspec.to_builtins(record), separators=(",", ":")) for record in records]
        lines = "".join(f"{text}\n" for text in texts).encode()
    stream.write(lines)
    stream.flush()


def _described(request: Request, grant: Grant | None) -> dict[str, Any]:
    operation = request.operation
    names = _recorded_options(type(operation))
    options = {name: value for name in names if (value := getattr(operation, name)) is not None}
    return {
        "operation": operation.name(),
        "bucket": request.bucket,
        "key": operation.target,
        "expires_in": operation.expires_in,
        "rule": UNSET if grant is None else grant.rule,
        "via": UNSET if grant is None else grant.via,
        "options": options or UNSET,
    }


@cache
def _recorded_options(operation: type[Operation]) -> list[str]:
    named = {"version_id", "upload_id", "part_number", "content_length", "download_as", "listing"}
    return [name for name in operation.__struct_fields__ if name in named or name.startswith(("response_", "source_"))]
