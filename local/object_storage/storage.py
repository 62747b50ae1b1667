"""OCI Object Storage: one server, the same objects in each of its APIs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from werkzeug.wrappers import Request, Response

from local.api import Api, ApiError, Fault, add_request_id
from local.identity.resource_principal import ResourcePrincipal
from local.object_storage import native_answer, s3_answer
from local.object_storage.bucket_cors import BucketCors
from local.object_storage.content import Content
from local.object_storage.native_api import NativeApi
from local.object_storage.objects import Objects
from local.object_storage.par_api import ParApi, add_cors_headers
from local.object_storage.preauthenticated_requests import PreauthenticatedRequests
from local.object_storage.s3_api import METADATA_PREFIX, S3Api
from local.object_storage.stored_object import StoredObject, stored_object
from local.object_storage.uploads import Uploads
from local.server import target


class Storage(Api):
    """Answers the requests of every API of Object Storage, and passes each on to its API.

    Args:
        access_key_id, secret_access_key: the first customer secret key.
        region: the one that URLs must be signed for.
        principal: the resource principal that may send requests of the native API, None if nobody may.
        namespace: of the tenancy.
        allowed_origins: of pages that may read the S3 API's answers, `*` for all; by default the S3 API sends no CORS
            headers, as in OCI.

    Attributes:
        native: the native API's signed requests; its `may_manage_pars` is a switch for tests.
        pars: the pre-authenticated requests.
    """

    def __init__(
        self,
        *,
        access_key_id: str,
        secret_access_key: str,
        region: str,
        principal: ResourcePrincipal | None = None,
        namespace: str = "",
        allowed_origins: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._keys = {access_key_id: secret_access_key}
        self._objects = Objects()
        uploads = Uploads(self._objects)
        self.pars = pars = PreauthenticatedRequests(self._now)
        self._s3 = S3Api(self._objects, uploads, keys=self._keys, region=region, clock=self._now)
        self.native = NativeApi(self._objects, pars, principal=principal, namespace=namespace, clock=self._now)
        self._par = ParApi(self._objects, uploads, pars, namespace=namespace)
        self._s3_cors = BucketCors(allowed_origins)

    def _now(self) -> datetime:
        """The store's time; a fault may set its clock ahead."""
        ahead_seconds = self.fault.clock_ahead_seconds if self.fault else 0
        return datetime.now(UTC) + timedelta(seconds=ahead_seconds)

    def add_key(self, access_key_id: str, secret_access_key: str) -> None:
        """Accept URLs signed with this customer secret key too."""
        self._keys[access_key_id] = secret_access_key

    def remove_key(self, access_key_id: str) -> None:
        """Accept no more URLs signed with this customer secret key."""
        del self._keys[access_key_id]

    def on_written(self, listener: Callable[[str, StoredObject, bool], object]) -> None:
        """Switch object events on: `listener` gets the bucket, the object, and whether it replaced another."""
        self._objects.on_written = listener

    def create_bucket(self, bucket: str) -> None:
        """Make an empty bucket, unless it exists."""
        self._objects.create_bucket(bucket)

    def put_object(self, bucket: str, key: str, content: bytes) -> None:
        """Store an object."""
        made = stored_object(key, Content.of(content), (), metadata_prefix=METADATA_PREFIX)
        self._objects.put(bucket, made, create_only=False)

    def find(self, bucket: str, key: str) -> StoredObject | None:
        """An object, None if the bucket has none of this key."""
        return self._objects.find(bucket, key)

    def answer(self, request: Request) -> Response:
        """The answer to a request of any API.

        Raises:
            ApiError: the API refuses the request.
        """
        match _api(request):
            case "native":
                return self.native.answer(request)
            case "par":
                return self._par.answer(request)
            case "s3" if request.method == "OPTIONS":
                return self._s3_cors.preflight(request)
        return self._s3.answer(request)

    def refusal(self, request: Request, error: ApiError) -> Response:
        """The error in the form of the request's API."""
        return s3_answer.error_response(error) if _api(request) == "s3" else native_answer.error_response(error)

    def complete(self, request: Request, response: Response) -> None:
        """Add the headers that every answer of the request's API has."""
        api = _api(request)
        if api == "s3":
            self._s3_cors.add_headers(request, response)
            return
        add_request_id(request, response)
        response.headers["x-api-id"] = "native"
        if api == "par":
            add_cors_headers(request, response)

    def is_met(self, fault: Fault, request: Request) -> bool:
        """Whether a request meets the fault, which may be one of a single API."""
        return fault.api in (None, _api(request)) and super().is_met(fault, request)


def _api(request: Request) -> Literal["s3", "native", "par"]:
    """The API of a request: S3, the signed requests of the native API, or those with a PAR's token.

    No bucket has a name of one letter, so that paths of the S3 API differ from the others'.
    """
    match target(request).partition("?")[0].split("/")[1:2]:
        case ["n"]:
            return "native"
        case ["p"]:
            return "par"
    return "s3"
