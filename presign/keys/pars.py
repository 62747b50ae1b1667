"""The pre-authenticated requests (PARs) of Object Storage: create, find, list and delete them.

The functions here know the native API alone. `presign.issue.par` decides which PAR is created,
`presign.revocation` which is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from presign.keys.oci_client import OciClient

PAGE_ITEMS = 1000

AccessType = Literal["ObjectRead", "ObjectWrite", "AnyObjectRead"]


class Pars:
    """The PARs of all buckets.

    Args:
        oci_client: asks Object Storage.
        namespace: gives the Object Storage namespace; raises `SecretUnavailable` when it can't.
    """

    def __init__(self, oci_client: OciClient, *, namespace: Callable[[], str]) -> None:
        self._oci_client = oci_client
        self._namespace = namespace

    def create(
        self, bucket: str, *, name: str, target: str, access_type: AccessType, listing: bool, expires_at: int
    ) -> tuple[str, str]:
        """The id of a new PAR, and its secret URL, which ends with the object key or, for several objects, with `/o/`.

        Args:
            bucket: the bucket's name.
            name: is shown to operators.
            target: the object key; with `AnyObjectRead` the prefix of several.
            access_type: the requests that the PAR allows.
            listing: whether it allows listing, with `AnyObjectRead`.
            expires_at: when it ends, in seconds since the epoch.

        Raises:
            SecretUnavailable: Object Storage can't be asked, or refuses.
        """
        from oci.object_storage.models import CreatePreauthenticatedRequestDetails

        details = CreatePreauthenticatedRequestDetails(
            name=name,
            object_name=target,
            access_type=access_type,
            time_expires=datetime.fromtimestamp(expires_at, UTC),
        )
        if access_type == "AnyObjectRead":
            details.bucket_listing_action = "ListObjects" if listing else "Deny"
        created = self._ask("create_preauthenticated_request", bucket, details).data
        url = created.full_path or f"{self._oci_client.object_storage.base_client.endpoint}{created.access_uri}"
        return created.id, url

    def find(self, bucket: str, par_id: str) -> Any | None:
        """The PAR with this id, as the SDK gives it; None if there is none.

        Raises:
            SecretUnavailable: Object Storage can't be asked.
        """
        return self._unless_missing("get_preauthenticated_request", bucket, par_id)

    def delete(self, bucket: str, par_id: str) -> None:
        """Delete a PAR, so that its URL stops working at once; nothing if there is none.

        Raises:
            SecretUnavailable: Object Storage can't be asked.
        """
        self._unless_missing("delete_preauthenticated_request", bucket, par_id)

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
            answer = self._ask("list_preauthenticated_requests", bucket, **options)
            yield from answer.data
            if not answer.headers.get("opc-next-page"):
                return
            options["page"] = answer.headers["opc-next-page"]

    def _unless_missing(self, method: str, bucket: str, par_id: str) -> Any | None:
        from oci.exceptions import ServiceError

        try:
            return self._ask(method, bucket, par_id).data
        except Exception as exc:
            if isinstance(exc.__cause__, ServiceError) and exc.__cause__.status == 404:
                return None
            raise

    def _ask(self, method: str, bucket: str, *arguments: Any, **options: Any) -> Any:
        """The answer to a call of this method of the SDK's client."""
        namespace = self._namespace()
        return self._oci_client.answer(
            lambda: getattr(self._oci_client.object_storage, method)(namespace, bucket, *arguments, **options),
            failure=f"Object Storage did not answer a question about pre-authenticated requests of the bucket {bucket}",
            statement=(
                "allow dynamic-group <the function's> to manage buckets in compartment <the bucket's> where all "
                f"{{request.permission = 'PAR_MANAGE', target.bucket.name = '{bucket}'}}"
            ),
        )
