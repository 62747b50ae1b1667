"""The call that deletes pre-authenticated requests (PARs) that have expired."""

from functools import partial

import msgspec

from presign.calls.call import Call
from presign.model.field_errors import pointer
from presign.model.operation import BucketName
from presign.problems import FieldError, InvalidRequest, Problem, logged_problem
from presign.read.parser import parse_struct
from presign.record import deletion
from presign.services.pars import own_name


class Sweep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bucket whose expired PARs are deleted."""

    bucket: BucketName


class Swept(msgspec.Struct, frozen=True):
    """How many expired PARs of a bucket were deleted, and whether that were all; if not, another call goes on."""

    bucket: str
    deleted: int
    done: bool


def sweep(call: Call) -> Swept | Problem:
    """Answer the call; its audit record tells how many were deleted, whether the call succeeds or not.

    Raises:
        InvalidRequest: `sweep` names no bucket, or has another member beside it; with every validation error.
    """
    if unknown := [name for name in call.document if name != "sweep"]:
        raise InvalidRequest([FieldError(pointer(name), "can't be given beside sweep") for name in unknown])
    asked = parse_struct(call.document["sweep"], Sweep, at="/sweep")
    deleted: list[str] = []
    problem = None
    # Object Storage may take longer for a page than the call has left.
    [done] = call.side_by_side(partial(delete_expired, call=call, deleted=deleted), [asked.bucket])
    if isinstance(done, Exception) and not isinstance(done, TimeoutError):
        problem = logged_problem(done, call.id)
    count = len(deleted)
    call.audit.write([deletion(call.invocation, event="sweep", problem=problem, bucket=asked.bucket, deleted=count)])
    return problem or Swept(asked.bucket, deleted=count, done=done is None)


def delete_expired(bucket: str, call: Call, *, deleted: list[str]) -> None:
    """Delete the PARs of this function that have expired.

    The ids of those that were deleted are appended to `deleted`.

    Raises:
        SecretUnavailable: Object Storage can't be asked, or refuses.
        TimeoutError: the deadline came before all were deleted.
    """
    pars, now = call.service.pars, call.service.now()
    for par in call.in_time(pars.all(bucket)):
        if own_name(par, pars.tags) is not None and par.time_expires.timestamp() <= now:
            pars.delete(bucket, par)
            deleted.append(par.id)
