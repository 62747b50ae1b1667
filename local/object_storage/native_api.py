"""The native API's signed requests: the namespace, buckets, and pre-authenticated requests.

(https://docs.oracle.com/iaas/api/#/en/objectstorage/latest/)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from werkzeug.wrappers import Request, Response

from local.api import ApiError, check_signature, json_answer
from local.identity.resource_principal import COMPARTMENT_OCID, ResourcePrincipal
from local.object_storage.native_answer import bucket_not_found, bucket_ocid, timestamp
from local.object_storage.native_target import limit, segments
from local.object_storage.objects import Objects
from local.object_storage.preauthenticated_requests import MAX_PAGE_ITEMS, PreauthenticatedRequests
from local.parameters import json_body, number

STARTED_AT = datetime.now(UTC)


class NativeApi:
    """Answers signed requests of the native API.

    Args:
        objects, pars: what the requests are about.
        principal: the resource principal that may send requests, None if nobody may.
        namespace: of the tenancy.
        clock: gives the time, in UTC.

    Attributes:
        may_manage_pars: whether the principal has the permission PAR_MANAGE.
        may_inspect_buckets: whether it has BUCKET_INSPECT.
    """

    def __init__(
        self,
        objects: Objects,
        pars: PreauthenticatedRequests,
        *,
        principal: ResourcePrincipal | None,
        namespace: str,
        clock: Callable[[], datetime],
    ) -> None:
        self.may_manage_pars = self.may_inspect_buckets = True
        self._objects = objects
        self._pars = pars
        self._principal = principal
        self._namespace = namespace
        self._clock = clock

    def answer(self, request: Request) -> Response:
        """The answer to a request.

        Raises:
            ApiError: the API refuses the request.
        """
        if self._principal is None:
            raise ApiError(401, "NotAuthenticated", "There is no resource principal.")
        check_signature(request, self._principal, self._clock().timestamp())
        _, namespace, b, bucket, p, par_id = segments(request, 6)
        if not namespace and request.method == "GET":
            return json_answer(self._namespace)
        if namespace != self._namespace or b != "b":
            raise ApiError(404, "NamespaceNotFound", "The namespace does not exist, or the path is unknown.")
        if not bucket and request.method == "GET":
            return self._list_buckets(request)
        self._objects.require_bucket(bucket)
        if not p and request.method in ("GET", "HEAD"):
            return json_answer(self._bucket(bucket))
        if p != "p":
            raise ApiError(404, "NotAuthorizedOrNotFound", "The local API does not have this path.")
        if not self.may_manage_pars:
            raise bucket_not_found(bucket)
        match request.method, bool(par_id):
            case "POST", False:
                return self._create_par(request, bucket)
            case "GET", False:
                return self._list_pars(request, bucket)
            case "GET", True:
                return json_answer(self._pars.get(bucket, par_id).summary())
            case "DELETE", True:
                self._pars.delete(bucket, par_id)
                return Response(status=204)
        raise ApiError(405, "MethodNotAllowed", "The path does not have this method.")

    def _bucket(self, bucket: str) -> dict[str, object]:
        return {
            "namespace": self._namespace,
            "name": bucket,
            "id": bucket_ocid(bucket),
            "compartmentId": COMPARTMENT_OCID,
            "timeCreated": timestamp(STARTED_AT),
            "publicAccessType": "NoPublicAccess",
            "storageTier": "Standard",
            "versioning": "Disabled",
            "objectEventsEnabled": self._objects.on_written is not None,
        }

    def _list_buckets(self, request: Request) -> Response:
        if not self.may_inspect_buckets or request.args.get("compartmentId") != COMPARTMENT_OCID:
            raise ApiError(404, "NotAuthorizedOrNotFound", "The compartment does not exist, or you are not authorized.")
        after, names = request.args.get("page", ""), sorted(self._objects.buckets)
        found = [name for name in names if name > after]
        page = found[: limit(request, most=MAX_PAGE_ITEMS)]
        more = {"opc-next-page": page[-1]} if len(page) < len(found) else {}
        return json_answer([self._bucket(name) for name in page], headers=more)

    def _create_par(self, request: Request, bucket: str) -> Response:
        par = self._pars.create(bucket, json_body(request))
        access_uri = par.access_uri(self._namespace)
        full_path = f"{request.host_url.rstrip('/')}{access_uri}"
        return json_answer({**par.summary(), "accessUri": access_uri, "fullPath": full_path})

    def _list_pars(self, request: Request, bucket: str) -> Response:
        pars, next_page = self._pars.list(
            bucket,
            object_name_prefix=request.args.get("objectNamePrefix", ""),
            after=number(request, "page", default=0, most=2**63 - 1),
            limit=limit(request, most=MAX_PAGE_ITEMS),
        )
        more = {"opc-next-page": str(next_page)} if next_page else {}
        return json_answer([par.summary() for par in pars], headers=more)
