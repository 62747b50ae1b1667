"""The call that deletes pre-authenticated requests (PARs) that have expired."""

from collections.abc import Callable
from functools import partial

import msgspec

from presign.calls.call import Call
from presign.model.operation import BucketName
from presign.read.parser import parse_struct
from presign.record import deletion
from presign.services.pars import Pars, own_name


class Sweep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bucket whose expired PARs are deleted."""

    bucket: BucketName


class Swept(msgspec.Struct, frozen=True):
    """How many expired PARs of a bucket were deleted, and whether that were all; if not, another call goes on."""

    bucket: str
    deleted: int
    done: bool


def sweep(call: Call) -> Swept:
    """Answer the call."""
    asked = parse_struct(call.document["sweep"], Sweep, at="/sweep")
    service = call.service
    seconds_left = partial(service.seconds_left, call.invocation.deadline)
    swept = delete_expired(asked.bucket, pars=service.pars, now=service.now(), seconds_left=seconds_left)
    call.audit.write([deletion(call.invocation, event="sweep", bucket=asked.bucket, deleted=swept.deleted)])
    return swept


def delete_expired(bucket: str, *, pars: Pars, now: float, seconds_left: Callable[[], float]) -> Swept:
    """Delete the PARs of this function that are expired `now` (seconds since the epoch), as many as the time allows.

    Raises:
        SecretUnavailable: Object Storage can't be asked, or refuses.
    """
    deleted = 0
    for par in pars.all(bucket):
        if own_name(par, pars.tag) is None or par.time_expires.timestamp() > now:
            continue
        if seconds_left() <= 0:
            return Swept(bucket, deleted, done=False)
        pars.delete(bucket, par.id)
        deleted += 1
    return Swept(bucket, deleted, done=True)
