"""The pre-authenticated requests (PARs) of Object Storage: create, find, list and delete them.

The functions here know the native API alone. `presign.issue.par` decides which PAR is created,
`presign.revocation` which is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec

from presign.keys.oci_client import OciClient

PAGE_ITEMS = 1000

AccessType = Literal["ObjectRead", "ObjectWrite", "AnyObjectRead"]


class ParDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A PAR to be created.

    Args:
        name: is shown to operators.
        object_name: the object key; with `AnyObjectRead` the prefix of several.
        access_type: the requests that the PAR allows.
        listing: whether it allows listing, with `AnyObjectRead`.
        expires_at: when it ends.
    """

    name: str
    object_name: str
    access_type: AccessType
    listing: bool
    expires_at: datetime


class CreatedPar(msgspec.Struct, frozen=True):
    """A PAR that was created.

    Args:
        id: names it in the native API. It may hold any character.
        url: the secret URL, which ends with the object key or, for several objects, with `/o/`.
    """

    id: str
    url: str

    def __repr__(self) -> str:
        return "CreatedPar(…)"


class Pars:
    """The PARs of all buckets.

    Args:
        oci_client: asks Object Storage.
        namespace: gives the Object Storage namespace; raises `SecretUnavailable` when it can't.
    """

    def __init__(self, oci_client: OciClient, *, namespace: Callable[[], str]) -> None:
        self._oci_client = oci_client
        self._namespace = namespace

    def create(self, bucket: str, details: ParDetails) -> CreatedPar:
        """A new PAR.

        Raises:
            SecretUnavailable: Object Storage can't be asked, or refuses.
        """
        from oci.object_storage.models import CreatePreauthenticatedRequestDetails

        any_object = details.access_type == "AnyObjectRead"
        created = self._ask(
            lambda client, namespace: client.create_preauthenticated_request(
                namespace,
                bucket,
                CreatePreauthenticatedRequestDetails(
                    name=details.name,
                    object_name=details.object_name,
                    access_type=details.access_type,
                    bucket_listing_action=("ListObjects" if details.listing else "Deny") if any_object else None,
                    time_expires=details.expires_at,
                ),
            ),
            bucket,
        ).data
        url = created.full_path
        if url is None:
            url = f"{self._oci_client.object_storage.base_client.endpoint}{created.access_uri}"
        return CreatedPar(created.id, url)

    def find(self, bucket: str, par_id: str) -> Any | None:
        """The PAR with this id, as the SDK gives it; None if there is none.

        Raises:
            SecretUnavailable: Object Storage can't be asked.
        """
        return self._unless_missing(
            lambda client, namespace: client.get_preauthenticated_request(namespace, bucket, par_id), bucket
        )

    def delete(self, bucket: str, par_id: str) -> None:
        """Delete a PAR, so that its URL stops working at once; nothing if there is none.

        Raises:
            SecretUnavailable: Object Storage can't be asked.
        """
        self._unless_missing(
            lambda client, namespace: client.delete_preauthenticated_request(namespace, bucket, par_id), bucket
        )

    def all(self, bucket: str, *, object_prefix: str | None = None) -> Iterator[Any]:
        """The PARs of a bucket, as the SDK lists them.

        Args:
            bucket: the bucket's name.
            object_prefix: only those for objects whose keys begin so.

        Raises:
            SecretUnavailable: Object Storage can't be asked, or refuses.
        """
        options: dict[str, Any] = {"limit": PAGE_ITEMS}
        if object_prefix is not None:
            options["object_name_prefix"] = object_prefix
        while True:
            answer = self._ask(
                lambda client, namespace: client.list_preauthenticated_requests(namespace, bucket, **options), bucket
            )
            yield from answer.data
            if not answer.headers.get("opc-next-page"):
                return
            options["page"] = answer.headers["opc-next-page"]

    def _unless_missing(self, call: Callable[[Any, str], Any], bucket: str) -> Any | None:
        from oci.exceptions import ServiceError

        try:
            return self._ask(call, bucket).data
        except Exception as exc:
            if isinstance(exc.__cause__, ServiceError) and exc.__cause__.status == 404:
                return None
            raise

    def _ask(self, call: Callable[[Any, str], Any], bucket: str) -> Any:
        namespace = self._namespace()
        return self._oci_client.answer(
            lambda: call(self._oci_client.object_storage, namespace),
            failure=f"Object Storage did not answer a question about pre-authenticated requests of the bucket {bucket}",
            statement=(
                "allow dynamic-group <the function's> to manage buckets in compartment <the bucket's> where all "
                f"{{request.permission = 'PAR_MANAGE', target.bucket.name = '{bucket}'}}"
            ),
        )
