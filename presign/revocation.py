"""Taking pre-authenticated requests (PARs) back: by a caller, after an upload, and when they have expired.

Every function that asks Object Storage raises `SecretUnavailable` if that fails.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec

from presign.issue.par import Pars, is_open_upload, own_name
from presign.keys.clock import rfc3339
from presign.policy import Policy
from presign.problems import FieldError, InvalidRequest, NotFound, first_errors
from presign.request.field_errors import field_errors
from presign.request.model import Event, Principal
from presign.request.object_names import bucket_error


class Revocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A PAR to be revoked.

    Args:
        bucket: the bucket's name.
        id: as the answer with the PAR's URL gave it.
    """

    bucket: str
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class Revoked(msgspec.Struct, frozen=True):
    """A PAR that was revoked.

    Args:
        bucket: the bucket's name.
        id: of the PAR.
        key: of its object, or the prefix of its objects.
        expires_at: when it would have ended (RFC 3339, UTC).
    """

    bucket: str
    id: str
    key: str
    expires_at: str


class Sweep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bucket whose expired PARs are deleted."""

    bucket: str


class Swept(msgspec.Struct, frozen=True):
    """How many expired PARs of a bucket were deleted, and whether that were all; if not, another call goes on."""

    bucket: str
    deleted: int
    done: bool


Asked = TypeVar("Asked", Revocation, Sweep)


def parse(document: Any, asked: type[Asked], *, at: str = "") -> Asked:
    """The JSON value at the pointer `at` as `asked`; raises `InvalidRequest` with every validation error."""
    errors = first_errors(field_errors(document, asked, at=at))
    if not errors:
        if detail := bucket_error(document["bucket"]):
            errors.append(FieldError(f"{at}/bucket", detail))
        # The SDK puts the id into a path, where these have a meaning of their own.
        if document.get("id") in (".", ".."):
            errors.append(FieldError(f"{at}/id", "must not be '.' or '..'"))
    if errors:
        raise InvalidRequest(errors)
    return msgspec.convert(document, asked)


def revoke(asked: Revocation, principal: Principal, *, policy: Policy, pars: Pars) -> Revoked:
    """Delete the PAR that `asked` names, if it is of this function and `principal` may revoke it.

    Raises:
        NotFound: it isn't, or there is none; the caller can't tell which.
    """
    par = pars.find(asked.bucket, asked.id) if policy.may_revoke(asked.bucket, principal) else None
    name = None if par is None else own_name(par, pars.tag)
    if par is None or name is None or not name.is_of(principal):
        raise NotFound(detail="There is no such pre-authenticated request")
    pars.delete(asked.bucket, asked.id)
    return Revoked(asked.bucket, asked.id, str(par.object_name), rfc3339(int(par.time_expires.timestamp())))


def close_uploads(event: Event, *, policy: Policy, pars: Pars) -> int | None:
    """Delete the single-use PARs by which the object of an event could be written again; tells how many.

    PARs created after the object was written stay. None if no rule of `policy` has them for this object, or the event
    does not tell when it was written.
    """
    bucket, key, written_at = event.bucket, event.key, event.written_at
    if written_at is None or not policy.is_single_use(bucket, key):
        return None
    listed = pars.all(bucket, object_prefix=key)
    found = [par for par in listed if is_open_upload(par, key=key, tag=pars.tag, written_at=written_at)]
    for par in found:
        pars.delete(bucket, par.id)
    return len(found)


def sweep(asked: Sweep, *, pars: Pars, now: float, seconds_left: Callable[[], float]) -> Swept:
    """Delete the PARs of this function that are expired `now` (seconds since the epoch), as many as the time allows."""
    deleted = 0
    for par in pars.all(asked.bucket):
        if own_name(par, pars.tag) is None or par.time_expires.timestamp() > now:
            continue
        if seconds_left() <= 0:
            return Swept(asked.bucket, deleted, done=False)
        pars.delete(asked.bucket, par.id)
        deleted += 1
    return Swept(asked.bucket, deleted, done=True)
