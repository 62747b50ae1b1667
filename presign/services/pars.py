"""Pre-authenticated requests (PARs): URLs of the native API that can be revoked one by one.

Oracle documents them in "Pre-Authenticated Requests" of the Object Storage guide.
"""

import base64
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
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

_par_name = re.compile(r"presign:(?P<tag>[^:]*):(?P<caller>gateway|invoke):(?P<subject>[^:]*):(?P<call_id>[^:]*)")


class ParName(msgspec.Struct, frozen=True):
    """The name of a PAR of this project. It tells who may revoke it, and holds no personal data.

    `tag` is that of the function that created it, and `subject` the digest of the claim `sub`.
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
        subject = subject_digest(principal.claims.get("sub"))
        return principal.caller == "invoke" or (self.caller == "gateway" and bool(subject) and self.subject == subject)


def subject_digest(subject: str | None) -> str:
    """The SHA-256 of a claim `sub` in Base64 for URLs (RFC 4648, 5), without padding; empty if there is no claim."""
    return "" if subject is None else base64.urlsafe_b64encode(sha256(subject.encode()).digest()).decode().rstrip("=")


class Pars:
    """The PARs of all buckets: creates, finds, lists and deletes them.

    Every method raises `SecretUnavailable` if Object Storage can't be asked, or refuses. The SDK's objects are returned
    as they are.

    `namespace` gives the Object Storage namespace, and raises the same. By its `tag` the function knows its own PARs.
    `executor` runs calls side by side.
    """

    def __init__(self, oci_client: OciClient, *, namespace: Callable[[], str], tag: str) -> None:
        self._oci_client = oci_client
        self._namespace = namespace
        self.tag = tag
        self.executor = ThreadPoolExecutor(MAX_PARS)

    def create(self, bucket: str, **details: Any) -> tuple[str, str]:
        """Create a PAR of these `CreatePreauthenticatedRequestDetails` of Oracle's API; gives its id and its URL."""
        model = sdk.load("oci.object_storage.models").CreatePreauthenticatedRequestDetails
        created = self._ask("create_preauthenticated_request", bucket, model(**details)).data
        url = created.full_path or f"{self._oci_client.object_storage.base_client.endpoint}{created.access_uri}"
        return created.id, url

    def find(self, bucket: str, par_id: str) -> Any | None:
        """The PAR with this id; None if there is none."""
        return self._unless_missing("get_preauthenticated_request", bucket, par_id)

    def delete(self, bucket: str, par_id: str) -> None:
        """Delete a PAR, so that its URL stops working at once; nothing if there is none."""
        self._unless_missing("delete_preauthenticated_request", bucket, par_id)

    def all(self, bucket: str, *, object_prefix: str = "") -> Iterator[Any]:
        """The PARs of a bucket for objects whose keys begin with `object_prefix`."""
        options: dict[str, Any] = {"limit": PAGE_ITEMS, "object_name_prefix": object_prefix or None}
        while True:
            page = self._ask("list_preauthenticated_requests", bucket, **options)
            yield from page.data
            if not page.headers.get("opc-next-page"):
                return
            options["page"] = page.headers["opc-next-page"]

    def _unless_missing(self, method: str, bucket: str, par_id: str) -> Any | None:
        try:
            return self._ask(method, bucket, par_id).data
        except SecretUnavailable as exc:
            if getattr(exc.__cause__, "status", None) == 404:  # of the SDK's ServiceError
                return None
            raise

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


def own_name(par: Any, tag: str) -> ParName | None:
    """The name of a PAR, as the SDK lists it; None if the function with this tag did not create it."""
    name = ParName.parse(par.name)
    return name if name is not None and name.tag == tag else None


def is_open_upload(par: Any, *, key: str, tag: str, written_at: datetime) -> bool:
    """Whether a PAR of the function with this tag is for uploads of just this object, and older than the object."""
    is_upload = par.access_type == "ObjectWrite" and par.object_name == key
    return is_upload and own_name(par, tag) is not None and bool(par.time_created <= written_at)
