"""Pre-authenticated requests (PARs): URLs of the native API that can be revoked one by one.

Oracle documents them in "Pre-Authenticated Requests" of the Object Storage guide.
"""

import base64
import logging
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any, Self

import msgspec

from presign.model.invocation import Caller, Principal
from presign.problems import SecretUnavailable
from presign.services import sdk
from presign.services.client import OciClient

MAX_PARS = 20
"""The most PARs that one call may create, since each costs a call of Object Storage."""
PAGE_ITEMS = 1000

_log = logging.getLogger(__name__)
_par_name = re.compile(
    r"presign:(?P<tag>[^:]*):(?P<caller>gateway|invoke):(?P<subject>[^:]*):(?P<call_id>.*)", re.DOTALL
)


class ParName(msgspec.Struct, frozen=True):
    """The name of a PAR of this project. It tells who may revoke it, and holds no personal data.

    `tag` is that of the function that created it, and `subject` the digest of the claims `sub` and `iss`.
    """

    tag: str
    caller: Caller
    subject: str
    call_id: str

    @classmethod
    def parse(cls, name: str | None) -> Self | None:
        """The parts of a PAR's name; None if it is not of this project."""
        found = _par_name.fullmatch(name or "")
        return msgspec.convert(found.groupdict(), cls) if found else None

    def __str__(self) -> str:
        return f"presign:{self.tag}:{self.caller}:{self.subject}:{self.call_id}"

    def is_of(self, principal: Principal) -> bool:
        """Whether `principal` may revoke the PAR: the caller to whom it was given, or a direct invocation."""
        if principal.caller == "invoke":
            return True
        subject, issuer = principal.claims.get("sub"), principal.claims.get("iss")
        # A PAR that was given while the gateway passed no `iss` has the digest of `sub` alone.
        subjects = (subject_digest(subject), subject_digest(subject, issuer))
        return self.caller == "gateway" and subject is not None and self.subject in subjects


def subject_digest(subject: str | None, issuer: str | None = None) -> str:
    """The digest of a claim `sub`, with a dot and the digest of the claim `iss` if that is known; empty without `sub`.

    Each is the SHA-256 in Base64 for URLs (RFC 4648, 5), without padding.
    """
    return "" if subject is None else ".".join(_digest(claim) for claim in (subject, issuer) if claim is not None)


def _digest(claim: str) -> str:
    return base64.urlsafe_b64encode(sha256(claim.encode()).digest()).decode().rstrip("=")


class Pars:
    """The PARs of all buckets: creates, finds, lists and deletes them.

    Every method for them raises `SecretUnavailable` if Object Storage can't be asked, or refuses. The SDK's objects are
    returned as they are.

    `namespace` gives the Object Storage namespace, and raises the same. By its `tags` the function knows its own PARs;
    the first stands in the names of new ones. `executor` runs calls side by side.
    """

    def __init__(self, oci_client: OciClient, *, namespace: Callable[[], str], tags: Sequence[str]) -> None:
        self._oci_client = oci_client
        self._namespace = namespace
        self.tags = tags
        self.executor = ThreadPoolExecutor(MAX_PARS)

    def create(self, bucket: str, **details: Any) -> tuple[str, str]:
        """Create a PAR of these `CreatePreauthenticatedRequestDetails` of Oracle's API; gives its id and its URL.

        It is tried once: if only the answer was lost, a second try would leave a PAR alive that is in no record.
        """
        model = sdk.load("oci.object_storage.models").CreatePreauthenticatedRequestDetails
        once = sdk.load("oci.retry").NoneRetryStrategy()
        created = self._ask("create_preauthenticated_request", bucket, model(**details), retry_strategy=once).data
        endpoint, path = self._oci_client.object_storage.base_client.endpoint, created.access_uri
        url = created.full_path or (path and f"{endpoint}{path}")
        if not (created.id and url):
            raise SecretUnavailable(f"Object Storage's answer is no pre-authenticated request of the bucket {bucket}")
        return created.id, url

    def find(self, bucket: str, par_id: str) -> Any | None:
        """The PAR with this id; None if there is none, and the function has the right to know."""
        try:
            return self._ask("get_preauthenticated_request", bucket, par_id).data
        except SecretUnavailable as exc:
            if _status(exc) not in (400, 404):
                raise
        # OCI answers 404 where the right is missing, too; a list is refused then.
        self._ask("list_preauthenticated_requests", bucket, limit=1)
        return None

    def delete(self, bucket: str, par: Any) -> None:
        """Delete a PAR, as the SDK lists it, so that its URL stops working at once; nothing if it is gone already."""
        try:
            self._ask("delete_preauthenticated_request", bucket, par.id)
        except SecretUnavailable as exc:
            # OCI answers 404 where the right is missing, too; the PAR is in the list then, or the list is refused.
            left = self.all(bucket, object_prefix=par.object_name)
            if not is_not_found(exc) or any(other.id == par.id for other in left):
                raise

    def all(self, bucket: str, *, object_prefix: str | None = None) -> Iterator[Any]:
        """The PARs of a bucket; with `object_prefix`, those for objects whose keys begin with it."""
        return _all_of(partial(self._ask, "list_preauthenticated_requests", bucket, object_name_prefix=object_prefix))

    def is_bucket_gone(self, bucket: str, *, compartment: str) -> bool:
        """Whether a list of the compartment with this OCID shows that the bucket, and so all its PARs, are gone.

        If the list can't be had, the log tells why, and the bucket counts as being there.
        """
        namespace, storage = self._namespace(), self._oci_client.object_storage

        def ask(**options: Any) -> Any:
            return self._oci_client.ask(
                lambda: storage.list_buckets(namespace, compartment, **options),
                failure=f"Object Storage did not list the buckets of the compartment {compartment}",
                statement=f"allow dynamic-group <the function's> to inspect buckets in compartment id {compartment}",
            )

        try:
            return all(found.name != bucket for found in _all_of(ask))
        except SecretUnavailable as exc:
            _log.warning("whether the bucket %s is gone can't be told: %s", bucket, exc.cause)
            return False

    def _ask(self, method: str, bucket: str, *arguments: Any, **options: Any) -> Any:
        namespace = self._namespace()
        return self._oci_client.ask(
            lambda: getattr(self._oci_client.object_storage, method)(namespace, bucket, *arguments, **options),
            failure=f"Object Storage did not answer a question about pre-authenticated requests of the bucket {bucket}",
            statement=(
                "allow dynamic-group <the function's> to manage buckets in compartment <the bucket's> where all "
                f"{{request.permission = 'PAR_MANAGE', target.bucket.name = '{bucket}'}}"
            ),
        )


def is_not_found(exc: Exception) -> bool:
    """Whether OCI answered 404: it is not there, or the function has no right to know."""
    return _status(exc) == 404


def own_name(par: Any, tags: Collection[str]) -> ParName | None:
    """The name of a PAR, as the SDK lists it; None if the function with these tags did not create it."""
    name = ParName.parse(par.name)
    return name if name is not None and name.tag in tags else None


def is_open_upload(par: Any, *, key: str, tags: Collection[str], written_at: datetime) -> bool:
    """Whether a PAR of the function with these tags is for uploads of just this object, and older than the object."""
    is_upload = par.access_type == "ObjectWrite" and par.object_name == key
    return is_upload and own_name(par, tags) is not None and bool(par.time_created <= written_at)


def _all_of(ask: Callable[..., Any]) -> Iterator[Any]:
    """The items of all pages of a list of Object Storage."""
    page = ask(limit=PAGE_ITEMS)
    yield from page.data
    while following := page.headers.get("opc-next-page"):
        page = ask(limit=PAGE_ITEMS, page=following)
        yield from page.data


def _status(exc: Exception) -> int | None:
    """The HTTP status of the answer to which the SDK's ServiceError is due; None if there was none."""
    return getattr(exc.__cause__, "status", None)
