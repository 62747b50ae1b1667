"""`presign.issue.par`: the PAR that is created for a grant, and the URL that its caller gets."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from local.object_storage.preauthenticated_requests import CreateDetails
from presign.issue.par import create_par
from presign.model.invocation import Principal
from presign.model.operation import Operation
from presign.model.operations.objects import GetObject, PutObject
from presign.model.operations.prefixes import GetPrefix
from presign.model.outcomes import PresignedUrl
from presign.services.client import OciClient
from presign.services.pars import Pars
from support.grants import grant
from support.native_storage import NAMESPACE, NativeStorage
from support.store import BUCKET, send

NOW = 4_102_444_800  # 2100-01-01T00:00:00Z
NAME = "presign:tag:gateway:K9gGyX8OAK8aH8Myj6djqSaXI8jbj6xPk69x2xhtbpA:01CALL"
EXPIRY = datetime(2100, 1, 1, 0, 1, tzinfo=UTC)


class Issuing:
    """PARs for alice in a store that runs."""

    def __init__(self, native: NativeStorage) -> None:
        self._native = native
        client = OciClient(vault_endpoint=None, object_storage_endpoint=native.server.url, clock=time.time)
        self._pars = Pars(client, namespace=lambda: NAMESPACE, tags=("tag", "earlier"))

    def issue(self, operation: Operation) -> PresignedUrl:
        """The answer to a request that is granted for a minute."""
        granted = grant(operation, bucket=BUCKET, via="par")
        alice = Principal("gateway", {"sub": "alice"})
        return create_par(granted, pars=self._pars, principal=alice, call_id="01CALL", now=NOW)

    def created(self, presigned: PresignedUrl) -> tuple[CreateDetails, str]:
        """The details of the PAR that the store has, and the URL of the bucket's objects with its token."""
        assert presigned.id is not None
        par = self._native.storage.pars.get(BUCKET, presigned.id)
        return par.details, f"{self._native.server.url}/p/{par.token}/n/ns/b/PresignedBlog/o/"


@pytest.fixture
def issuing(native: NativeStorage) -> Issuing:
    return Issuing(native)


def test_a_download(native: NativeStorage, issuing: Issuing) -> None:
    native.storage.put_object(BUCKET, "\u00fc b.txt", b"found")
    presigned = issuing.issue(GetObject(key="\u00fc b.txt"))
    details, objects = issuing.created(presigned)
    assert details == CreateDetails(
        name=NAME, access_type="ObjectRead", time_expires=EXPIRY, object_name="\u00fc b.txt"
    )
    assert presigned == PresignedUrl(
        url=f"{objects}%C3%BC%20b.txt",
        method="GET",
        headers={},
        expires_at="2100-01-01T00:01:00Z",
        expires_in=60,
        operation="get_object",
        bucket=BUCKET,
        key="\u00fc b.txt",
        via="par",
        id=presigned.id,
        bound=False,
    )
    assert send("GET", presigned.url) == (200, b"found")


def test_the_options_of_a_download_have_the_names_of_the_native_api(native: NativeStorage, issuing: Issuing) -> None:
    native.storage.put_object(BUCKET, "a.txt", b"found")
    presigned = issuing.issue(GetObject(key="a.txt", response_cache_control="no-store", response_content_type="a/b&c"))
    _, objects = issuing.created(presigned)
    assert presigned.url == f"{objects}a.txt?httpResponseCacheControl=no-store&httpResponseContentType=a%2Fb%26c"
    headers = send("GET", presigned.url).headers
    assert (headers["Cache-Control"], headers["Content-Type"]) == ("no-store", "a/b&c")


def test_an_upload_and_the_headers_that_the_client_must_send(native: NativeStorage, issuing: Issuing) -> None:
    presigned = issuing.issue(PutObject(key="a.txt", content_type="text/css", metadata={"Author": "ada"}))
    details, objects = issuing.created(presigned)
    assert details == CreateDetails(name=NAME, access_type="ObjectWrite", time_expires=EXPIRY, object_name="a.txt")
    assert (presigned.url, presigned.method) == (f"{objects}a.txt", "PUT")
    assert presigned.headers == {"Content-Type": "text/css", "opc-meta-author": "ada"}
    assert send("PUT", presigned.url, presigned.headers, b"new")[0] == 200
    assert native.content("a.txt") == b"new"


@pytest.mark.parametrize(("listing", "action"), [(False, "Deny"), (True, "ListObjects")])
def test_a_folder(native: NativeStorage, issuing: Issuing, listing: bool, action: str) -> None:
    native.storage.put_object(BUCKET, "\u00fc b/a.txt", b"found")
    presigned = issuing.issue(GetPrefix(prefix="\u00fc b/", listing=listing))
    details, objects = issuing.created(presigned)
    assert (details.access_type, details.object_name) == ("AnyObjectRead", "\u00fc b/")
    assert details.bucket_listing_action == action
    assert (presigned.url, presigned.prefix, presigned.key) == (f"{objects}%C3%BC%20b/", "\u00fc b/", None)
    assert send("GET", f"{presigned.url}a.txt") == (200, b"found")


@pytest.mark.usefixtures("east_of_greenwich")
def test_it_ends_at_the_same_moment_in_every_time_zone(issuing: Issuing) -> None:
    details, _ = issuing.created(issuing.issue(GetObject(key="a.txt")))
    assert details.time_expires == EXPIRY
