"""Object storage's native API answers the OCI SDK, and only requests that the resource principal signed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import formatdate
from typing import Any

import pytest
import requests
from oci.exceptions import ServiceError
from oci.pagination import list_call_get_all_results
from oci.retry import NoneRetryStrategy

from local.api import Fault
from support.native_storage import NAMESPACE, NativeStorage, ask, error
from support.signed_requests import post
from support.store import BUCKET

BODY = b'{"name": "a", "accessType": "ObjectRead", "objectName": "a", "timeExpires": "2099-01-01T00:00:00Z"}'
PAGING = ("limit", "page")


def refused(call: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[int, str]:
    """Status and code of the error that the SDK raises."""
    with pytest.raises(ServiceError) as caught:
        call(*arguments, retry_strategy=NoneRetryStrategy(), **options)
    return caught.value.status, caught.value.code


def test_the_namespace(native: NativeStorage) -> None:
    assert native.sdk.get_namespace().data == "ns"


def test_a_bucket(native: NativeStorage) -> None:
    bucket = native.sdk.get_bucket(NAMESPACE, BUCKET).data
    assert (bucket.namespace, bucket.name, bucket.public_access_type) == ("ns", BUCKET, "NoPublicAccess")
    assert native.sdk.head_bucket(NAMESPACE, BUCKET).status == 200
    assert refused(native.sdk.get_bucket, NAMESPACE, "none") == (404, "BucketNotFound")
    assert refused(native.sdk.get_bucket, "other", BUCKET) == (404, "NamespaceNotFound")


class TestPars:
    """PARs are created, listed, shown and deleted."""

    def test_created(self, native: NativeStorage) -> None:
        par = native.par("ObjectRead", "ü/a b.txt", name="presign:x")
        assert (par.name, par.access_type, par.object_name) == ("presign:x", "ObjectRead", "ü/a b.txt")
        assert par.access_uri.endswith(f"/n/ns/b/{BUCKET}/o/%C3%BC/a%20b.txt")
        assert par.access_uri.startswith("/p/")
        assert par.full_path == f"{native.server.url}{par.access_uri}"
        assert par.time_expires - par.time_created == pytest.approx(timedelta(minutes=10), abs=timedelta(seconds=5))

    def test_the_url_of_a_prefix_does_not_have_the_prefix(self, native: NativeStorage) -> None:
        assert native.par("AnyObjectRead", "film/").access_uri.endswith(f"/b/{BUCKET}/o/")

    def test_shown_without_its_url(self, native: NativeStorage) -> None:
        par = native.par(object_name="a/b c.txt")
        assert set(par.id) & set("/+= :") == set("/+= :")
        shown = native.sdk.get_preauthenticated_request(NAMESPACE, BUCKET, par.id).data
        assert (shown.id, shown.object_name, shown.time_created) == (par.id, "a/b c.txt", par.time_created)
        assert not hasattr(shown, "access_uri")

    def test_listed_page_by_page(self, native: NativeStorage) -> None:
        ids = [native.par(object_name=f"x/{number}").id for number in range(5)]
        native.par(object_name="y")
        listed = native.sdk.list_preauthenticated_requests(NAMESPACE, BUCKET, object_name_prefix="x/", limit=2)
        assert [par.id for par in listed.data] == ids[:2]
        assert listed.next_page
        every = list_call_get_all_results(
            native.sdk.list_preauthenticated_requests, NAMESPACE, BUCKET, object_name_prefix="x/", limit=2
        )
        assert [par.id for par in every.data] == ids
        assert len(native.sdk.list_preauthenticated_requests(NAMESPACE, BUCKET).data) == 6
        assert native.sdk.list_preauthenticated_requests(NAMESPACE, "lower").data == []

    def test_a_page_goes_on_after_pars_that_were_deleted(self, native: NativeStorage) -> None:
        ids = [native.par(object_name=f"x/{number}").id for number in range(4)]
        first = native.sdk.list_preauthenticated_requests(NAMESPACE, BUCKET, limit=2)
        for par in first.data:
            native.sdk.delete_preauthenticated_request(NAMESPACE, BUCKET, par.id)
        second = native.sdk.list_preauthenticated_requests(NAMESPACE, BUCKET, limit=2, page=first.next_page)
        assert [par.id for par in second.data] == ids[2:]

    def test_deleted(self, native: NativeStorage) -> None:
        par = native.par()
        assert native.sdk.delete_preauthenticated_request(NAMESPACE, BUCKET, par.id).status == 204
        unknown = (404, "PreauthenticatedRequestNotFound")
        assert refused(native.sdk.delete_preauthenticated_request, NAMESPACE, BUCKET, par.id) == unknown
        assert refused(native.sdk.get_preauthenticated_request, NAMESPACE, BUCKET, par.id) == unknown
        assert native.sdk.list_preauthenticated_requests(NAMESPACE, BUCKET).data == []

    def test_of_another_bucket(self, native: NativeStorage) -> None:
        par = native.par()
        unknown = (404, "PreauthenticatedRequestNotFound")
        assert refused(native.sdk.delete_preauthenticated_request, NAMESPACE, "lower", par.id) == unknown

    @pytest.mark.parametrize(
        "details",
        [
            {"seconds": -1},
            {"name": ""},
            {"object_name": None},
            {"bucket_listing_action": "ListObjects"},
            {"access_type": "AnyObjectWrite", "bucket_listing_action": "ListObjects"},
        ],
    )
    def test_invalid_details(self, native: NativeStorage, details: dict[str, Any]) -> None:
        assert refused(lambda retry_strategy: native.par(**details)) == (400, "InvalidParameter")

    @pytest.mark.parametrize("name", ["x" * 1025, "\u00fc" * 513, "a\nb", "a\rb", "a\0b"])
    def test_a_name_that_no_object_can_have(self, native: NativeStorage, name: str) -> None:
        assert refused(lambda retry_strategy: native.par(object_name=name)) == (400, "InvalidObjectName")

    @pytest.mark.parametrize("name", ["x" * 1024, "\u00fc" * 512, "a\tb", " "])
    def test_a_name_that_an_object_can_have(self, native: NativeStorage, name: str) -> None:
        assert native.par(object_name=name).object_name == name

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"{", "CannotParseRequest"),
            (b"{}", "MissingParameter"),
            (b'{"name": "a", "accessType": "ObjectRead", "objectName": "a"}', "MissingParameter"),
            (BODY.replace(b"ObjectRead", b"ObjectDelete"), "InvalidParameter"),
            (BODY.replace(b"2099-01-01T00:00:00Z", b"2099-01-01T00:00:00"), "InvalidParameter"),
            (BODY.replace(b"2099-01-01T00:00:00Z", b"4070908800"), "InvalidParameter"),
            (BODY.replace(b'"2099-01-01T00:00:00Z"', b'"2020-01-01T00:00:00Z"'), "InvalidParameter"),
        ],
    )
    def test_a_body_that_is_not_valid(self, native: NativeStorage, body: bytes, code: str) -> None:
        answer = post(native.server, f"/n/ns/b/{BUCKET}/p", body, signer=native.signer)
        assert error(answer) == (400, code)

    def test_a_body_in_another_format(self, native: NativeStorage) -> None:
        answer = post(native.server, f"/n/ns/b/{BUCKET}/p", BODY, signer=native.signer, content_type="text/plain")
        assert answer.status_code == 415

    @pytest.mark.parametrize(
        "query", ["limit=0", "limit=1001", "limit=x", "page=x", "page=-1", *(f"{name}={'9' * 5000}" for name in PAGING)]
    )
    def test_parameters_of_a_list_have_bounds(self, native: NativeStorage, query: str) -> None:
        answer = requests.get(f"{native.server.url}/n/ns/b/{BUCKET}/p?{query}", auth=native.signer, timeout=10)
        assert error(answer) == (400, "InvalidParameter")

    def test_a_bucket_that_does_not_exist(self, native: NativeStorage) -> None:
        assert refused(native.sdk.list_preauthenticated_requests, NAMESPACE, "none") == (404, "BucketNotFound")

    def test_without_the_permission(self, native: NativeStorage) -> None:
        par = native.par()
        native.storage.native.may_manage_pars = False
        assert refused(lambda retry_strategy: native.par()) == (404, "BucketNotFound")
        assert refused(native.sdk.delete_preauthenticated_request, NAMESPACE, BUCKET, par.id) == (404, "BucketNotFound")
        assert native.sdk.get_bucket(NAMESPACE, BUCKET).status == 200
        native.storage.native.may_manage_pars = True
        assert native.par().id


class TestAuthentication:
    """The native API answers 401 unless the resource principal signed the request as it is."""

    def signed(self, native: NativeStorage) -> requests.PreparedRequest:
        headers = {"date": formatdate(usegmt=True), "content-type": "application/json"}
        url = f"{native.server.url}/n/ns/b/{BUCKET}/p"
        signed: requests.PreparedRequest = native.signer(
            requests.Request("POST", url, data=BODY, headers=headers).prepare()
        )
        return signed

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        with requests.Session() as session:
            return session.send(request, timeout=10)

    def test_a_signed_request(self, native: NativeStorage) -> None:
        answer = self.send(self.signed(native))
        assert (answer.status_code, answer.json()["timeExpires"]) == (200, "2099-01-01T00:00:00.000Z")
        assert answer.headers["opc-request-id"]

    def test_another_body(self, native: NativeStorage) -> None:
        request = self.signed(native)
        request.body = BODY.replace(b'"a"', b'"b"')
        assert error(self.send(request)) == (401, "NotAuthenticated")

    def test_another_bucket(self, native: NativeStorage) -> None:
        request = self.signed(native)
        request.url = str(request.url).replace(BUCKET, "lower")
        assert error(self.send(request)) == (401, "NotAuthenticated")

    @pytest.mark.parametrize("path", ["", "/ns/b/PresignedBlog", "/ns/b/PresignedBlog/p"])
    def test_no_signature(self, native: NativeStorage, path: str) -> None:
        answer = ask("GET", f"{native.server.url}/n{path}")
        assert error(answer) == (401, "NotAuthenticated")
        assert "access-control-allow-origin" not in answer.headers


class TestFaults:
    """A fault befalls the native API as it does the others."""

    def test_a_status(self, native: NativeStorage) -> None:
        native.par()
        native.storage.fault = Fault(status=429, api="native", retry_after="3")
        with pytest.raises(ServiceError) as caught:
            native.sdk.get_namespace(retry_strategy=NoneRetryStrategy())
        assert (caught.value.status, caught.value.code) == (429, "Fault")
        assert caught.value.headers["Retry-After"] == "3"
        assert native.do("GET", "get_object", Key="none")[0] == 404

    def test_a_delay(self, native: NativeStorage) -> None:
        native.storage.fault = Fault(delay_seconds=0.2, api="native", method="POST")
        began = time.monotonic()
        native.sdk.get_namespace()
        native.par()
        assert time.monotonic() - began >= 0.2
        assert native.storage.faulted == 1
