"""Pre-authenticated requests (PARs) as URLs, for rules with `via: par`."""

from datetime import UTC, datetime

from presign.issue.answer import answer
from presign.issue.uri import uri_encode, uri_encode_path
from presign.model.invocation import Principal
from presign.model.operations.objects import PutObject
from presign.model.operations.prefixes import GetPrefix
from presign.model.outcomes import Grant, PresignedUrl
from presign.services.pars import ParName, Pars, subject_digest


def create_par(grant: Grant, *, pars: Pars, principal: Principal, call_id: str, now: int) -> PresignedUrl:
    """The URL of a new PAR for `grant`, which `principal` may revoke; `now` is in seconds since the epoch.

    Raises:
        SecretUnavailable: Object Storage can't be asked, or refuses.
    """
    operation, expires_at = grant.request.operation, now + grant.expires_in
    subject = subject_digest(principal.claims.get("sub"), principal.claims.get("iss"))
    details = {
        "name": str(ParName(pars.tags[0], principal.caller, subject, call_id)),
        "object_name": operation.target,
        "access_type": "ObjectWrite" if isinstance(operation, PutObject) else "ObjectRead",
        "time_expires": datetime.fromtimestamp(expires_at, UTC),
    }
    if isinstance(operation, GetPrefix):
        details["access_type"] = "AnyObjectRead"
        details["bucket_listing_action"] = "ListObjects" if operation.listing else "Deny"
    par_id, url = pars.create(grant.request.bucket, **details)
    if isinstance(operation, GetPrefix):
        url += uri_encode_path(operation.prefix)
    # The names in the native API, such as `httpResponseContentType` and `opc-meta-…`.
    query = [f"http{name.title().replace('-', '')}={uri_encode(value)}" for name, value in operation.query()]
    url += f"?{'&'.join(query)}" if query else ""
    headers = {name.replace("x-amz-meta-", "opc-meta-"): value for name, value in operation.headers().items()}
    return answer(grant, url=url, now=now, expires_at=expires_at, headers=headers, par_id=par_id)
