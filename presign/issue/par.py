"""Pre-authenticated requests (PARs) as URLs, for rules with `via: par`."""

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
    operation = grant.request.operation
    name = ParName(pars.tag, principal.caller, subject_digest(principal.claims.get("sub")), call_id)
    access_type, listing, completed = "ObjectRead", None, ""
    if isinstance(operation, PutObject):
        access_type = "ObjectWrite"
    elif isinstance(operation, GetPrefix):
        access_type, completed = "AnyObjectRead", uri_encode_path(operation.prefix)
        listing = "ListObjects" if operation.listing else "Deny"
    created = pars.create(
        grant.request.bucket,
        name=name,
        object_name=operation.target,
        access_type=access_type,
        bucket_listing_action=listing,
        expires_at=now + grant.expires_in,
    )
    # The names in the native API, such as `httpResponseContentType` and `opc-meta-…`.
    query = [f"http{name.title().replace('-', '')}={uri_encode(value)}" for name, value in operation.query()]
    url = created.url + completed + (f"?{'&'.join(query)}" if query else "")
    headers = {name.replace("x-amz-meta-", "opc-meta-"): value for name, value in operation.headers().items()}
    return answer(grant, url=url, now=now, expires_in=grant.expires_in, headers=headers, par_id=created.id)
