"""OCI Object Storage: one server, the same objects in each of its APIs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from werkzeug.wrappers import Request, Response

from local.identity.resource_principal import ResourcePrincipal
from local.object_storage.bucket_cors import BucketCors
from local.object_storage.content import Content
from local.object_storage.native_answer import NativeError, add_common_headers
from local.object_storage.native_api import NativeApi
from local.object_storage.objects import Objects, StoredObject, stored_object
from local.object_storage.par_api import ParApi, add_cors_headers
from local.object_storage.preauthenticated_requests import PreauthenticatedRequests
from local.object_storage.s3_answer import S3Error
from local.object_storage.s3_api import METADATA_PREFIX, S3Api
from local.object_storage.uploads import Uploads
from local.server import target

Api = Literal["s3", "native", "par"]
"""S3 requests, signed requests of the native API, and requests with a PAR's token."""

_FAULT_CODE = "Fault"


@dataclass(frozen=True)
class Fault:
    """A failure that befalls each request while it is set.

    Args:
        status: of the answer, instead of the right one.
        delay_seconds: before anything of the body is read.
        cut_after_bytes: the connection breaks without an answer when so many bytes of the request's body are read.
        method: the only one whose requests fail, such as `PUT`; None for all, preflights included.
        api: the only one whose requests fail; None for all.
        retry_after: the header `Retry-After` of an answer with `status`.
    """

    status: int | None = None
    delay_seconds: float = 0
    cut_after_bytes: int | None = None
    method: str | None = None
    api: Api | None = None
    retry_after: str | None = None


class Storage:
    """Answers requests.

    Args:
        access_key_id, secret_access_key: the first customer secret key.
        region: the one that URLs must be signed for.
        principal: the resource principal that may send requests of the native API, None if nobody may.
        namespace: of the tenancy.
        allowed_origins: of pages that may read the S3 API's answers, `*` for all; by default the S3 API sends no CORS
            headers, as in OCI.

    Attributes:
        requests: how many have come.
        faulted: how many of them failed because of a fault.
        fault: befalls the next requests.
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
        self.requests = 0
        self.faulted = 0
        self.fault: Fault | None = None
        self._keys = {access_key_id: secret_access_key}
        self._objects = Objects()
        uploads = Uploads(self._objects)
        self.pars = pars = PreauthenticatedRequests()
        self._s3 = S3Api(self._objects, uploads, keys=self._keys, region=region)
        self.native = NativeApi(self._objects, pars, principal=principal, namespace=namespace)
        self._par = ParApi(self._objects, uploads, pars, namespace=namespace)
        self._s3_cors = BucketCors(allowed_origins)
        self._lock = threading.Lock()

    def add_key(self, access_key_id: str, secret_access_key: str) -> None:
        """Accept URLs signed with this customer secret key too."""
        self._keys[access_key_id] = secret_access_key

    def remove_key(self, access_key_id: str) -> None:
        """Accept no more URLs signed with this customer secret key."""
        del self._keys[access_key_id]

    def on_written(self, listener: Callable[[str, StoredObject, bool], None]) -> None:
        """Switch object events on: `listener` gets the bucket, the object, and whether it replaced another."""
        self._objects.on_written = listener

    def create_bucket(self, bucket: str) -> None:
        """Make an empty bucket, unless it exists."""
        self._objects.create_bucket(bucket)

    def put_object(self, bucket: str, key: str, content: bytes) -> None:
        """Store an object."""
        made = stored_object(key, Content.of(content), (), metadata_prefix=METADATA_PREFIX)
        self._objects.put(bucket, made, create_only=False)

    def __call__(self, request: Request) -> Response:
        api = _api(request)
        try:
            self._fail_if_wanted(request, api)
            match api:
                case "native":
                    response = self.native.answer(request)
                case "par":
                    response = self._par.answer(request)
                case "s3" if request.method == "OPTIONS":
                    response = self._s3_cors.preflight(request)
                case "s3":
                    response = self._s3.answer(request)
        except S3Error as error:
            response = error.response() if api == "s3" else NativeError.of(error).response()
            if self.fault and self.fault.retry_after and error.code == _FAULT_CODE:
                response.headers["Retry-After"] = self.fault.retry_after
        except NativeError as error:
            response = error.response()
        if api == "s3":
            self._s3_cors.add_headers(request, response)
        else:
            add_common_headers(response, request.headers.get("opc-request-id"))
        if api == "par":
            add_cors_headers(request, response)
        return response

    def _fail_if_wanted(self, request: Request, api: Api) -> None:
        fault = self.fault
        hit = fault is not None and fault.method in (None, request.method) and fault.api in (None, api)
        with self._lock:
            self.requests += 1
            self.faulted += hit
        if not (fault and hit):
            return
        time.sleep(fault.delay_seconds)
        if fault.cut_after_bytes is not None:
            if fault.cut_after_bytes:
                request.stream.read(fault.cut_after_bytes)
            raise ConnectionAbortedError("A test asked for this.")  # the server then closes the connection
        if fault.status is not None:
            raise S3Error(fault.status, _FAULT_CODE, "A test asked for this.")


def _api(request: Request) -> Api:
    """The API of a request. No bucket has a name of one letter, so that paths of the S3 API differ from the others'."""
    match target(request).partition("?")[0].split("/")[1:2]:
        case ["n"]:
            return "native"
        case ["p"]:
            return "par"
    return "s3"
