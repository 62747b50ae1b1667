"""Records: who asked for what, and the outcome, as one line of JSON for each item of a call."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Literal

import msgspec
from msgspec import UNSET, UnsetType

from presign.model.invocation import Caller, Invocation, Principal
from presign.model.operation import Via
from presign.model.options import given
from presign.model.outcomes import Issued, Refusal
from presign.problems import AccessDenied, Problem

_encoder = msgspec.json.Encoder()


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The caller, its request, and the outcome. It holds no URL, signature or key.

    Args:
        event: the thing that was done: presigning, or deleting pre-authenticated requests in one of three ways.
        index: the place in a batch, from 0.
        subject: the claim `sub` of the caller's token.
        operation, bucket, key: of the request, as far as it could be read; `key` may be a prefix.
        expires_in: seconds, of the URL that was given or, if it was refused, asked for.
        rule, via: of the grant: the number of the rule, from 0, and how it gives access.
        options: those options of the request that tell which data the URL gives access to, and how they are shown.
        code: the problem's code if no URL was given.
        reason: of a refusal by the policy, the rule that comes nearest, and why it does not allow the request.
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
    reason: str | UnsetType = UNSET
    deleted: int | UnsetType = UNSET


def records_of(
    outcomes: Sequence[Issued | Refusal], *, invocation: Invocation, principal: Principal, batch: bool = False
) -> list[AuditRecord]:
    """The audit record of each item of a call by `principal`; in a batch it tells the item's place."""
    subject = principal.claims.get("sub", UNSET)
    return [_record(outcome, invocation, subject, index if batch else UNSET) for index, outcome in enumerate(outcomes)]


def _outcome_of(problem: Problem) -> Literal["refused", "failed"]:
    """Whether something that ended in `problem` was refused, or failed."""
    return "refused" if problem.status < 500 else "failed"


def deletion(invocation: Invocation, *, problem: Problem | None = None, **members: Any) -> AuditRecord:
    """The audit record of PARs that were deleted or, with a `problem`, of an attempt that ended in it."""
    if problem is not None:
        members |= {"outcome": _outcome_of(problem), "code": problem.code}
    return AuditRecord(call_id=invocation.call_id, caller=invocation.caller, **members)


class AuditLog:
    """Writes audit records to `stream`, or to standard error as it is at that moment."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream

    def write(self, records: Sequence[AuditRecord]) -> None:
        """Append each of `records` as one line, in ASCII."""
        lines = _encoder.encode_lines(records)
        if not lines.isascii():
            texts = [json.dumps(msgspec.to_builtins(record), separators=(",", ":")) for record in records]
            lines = "".join(f"{text}\n" for text in texts).encode()
        stream = sys.stderr.buffer if self._stream is None else self._stream
        stream.write(lines)
        stream.flush()


def _record(
    outcome: Issued | Refusal, invocation: Invocation, subject: str | UnsetType, index: int | UnsetType
) -> AuditRecord:
    name = bucket = key = expires_in = answer = problem = None
    options: Mapping[str, Any] | UnsetType = UNSET
    request, grant = outcome.request, outcome.grant
    if request is not None:
        operation, bucket = request.operation, request.bucket
        name, key, expires_in = operation.name, operation.target, operation.expires_in
        options = given(operation, operation.recorded_options) or UNSET
    if isinstance(outcome, Issued):
        answer = outcome.answer
    else:
        problem = outcome.problem
    return AuditRecord(
        call_id=invocation.call_id,
        index=index,
        caller=invocation.caller,
        subject=subject,
        operation=name,
        bucket=bucket,
        key=key,
        expires_in=expires_in if answer is None else answer.expires_in,
        rule=UNSET if grant is None else grant.rule,
        via=UNSET if grant is None else grant.via,
        id=UNSET if answer is None or answer.id is None else answer.id,
        options=options,
        outcome="granted" if problem is None else _outcome_of(problem),
        code=None if problem is None else problem.code,
        reason=(problem.reason if isinstance(problem, AccessDenied) else "") or UNSET,
    )
