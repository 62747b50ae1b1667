"""The call that takes a pre-authenticated request (PAR) back, so that its URL stops working at once."""

from functools import partial
from typing import Annotated

import msgspec

from presign.calls.call import Call
from presign.model.object_names import path_segment_error
from presign.model.operation import BucketName
from presign.model.options import Option
from presign.model.times import rfc3339
from presign.problems import NotFound, Problem, SecretUnavailable, logged_problem
from presign.read.parser import parse_struct
from presign.record import deletion
from presign.services.pars import own_name


class Revocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A PAR to be revoked.

    Args:
        id: as the answer with the PAR's URL gave it.
        bucket: the bucket's name; the function's default bucket when left out.
    """

    # The SDK puts the id into a path.
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=4096), Option(error_of=path_segment_error)]
    bucket: BucketName | None = None


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


def revoke(call: Call) -> Revoked | Problem:
    """Answer the call, whether it succeeds or not; its audit record tells what was tried."""
    asked = parse_struct(call.document, Revocation)
    bucket = call.service.parser.bucket(asked.bucket)
    subject = call.principal.claims.get("sub", msgspec.UNSET)
    record = partial(deletion, call.invocation, event="revoke", bucket=bucket, id=asked.id, subject=subject)
    try:
        revoked = delete_par(bucket, asked.id, call)
    except Exception as exc:  # noqa: BLE001 - the record tells what was tried
        problem = logged_problem(exc, call.id)
        call.audit.write([record(problem=problem)])
        return problem
    call.audit.write([record(key=revoked.key)])
    return revoked


def delete_par(bucket: str, par_id: str, call: Call) -> Revoked:
    """Delete the PAR of this id in `bucket`, if it is of this function and the caller may revoke it.

    Raises:
        NotFound: it isn't, or there is none; the caller can't tell which.
        SecretUnavailable: Object Storage can't be asked, or does not let the function delete it.
    """
    pars, principal = call.service.pars, call.principal
    par = None
    try:
        par = pars.find(bucket, par_id)
    except SecretUnavailable as exc:
        if principal.caller == "invoke" or not exc.refused:
            raise
        logged_problem(exc, call.id)  # whose PAR it is can't be found out, so all callers get the same answer
    name = None if par is None else own_name(par, pars.tags)
    if par is None or name is None or not name.is_of(principal):
        raise NotFound(detail="There is no such pre-authenticated request")
    pars.delete(bucket, par)
    return Revoked(bucket, par_id, str(par.object_name), rfc3339(int(par.time_expires.timestamp())))
