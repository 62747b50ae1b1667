"""`presign.issue.endpoint`: URL templates, and where a bucket and a key go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from presign.issue.boto3 import Boto3Issuer
from presign.issue.endpoint import (
    StorageEndpoint,
    region_template,
    service_url_error,
    store_route_error,
    template_error,
)
from presign.issue.sigv4 import SigV4Issuer
from presign.model.operations.form import PostObject
from presign.model.operations.objects import GetObject
from presign.problems import NotConfigured
from presign.services.key import CustomerSecretKey
from support.grants import grant


def endpoint(template: str) -> StorageEndpoint:
    return StorageEndpoint.from_template(template, namespace="ns", region="eu-frankfurt-1")


def test_path_style() -> None:
    found = endpoint("https://{namespace}.compat.objectstorage.{region}.oraclecloud.com")
    assert found.bucket_url("Bucket") == "https://ns.compat.objectstorage.eu-frankfurt-1.oraclecloud.com/Bucket"
    assert found.host("Bucket") == "ns.compat.objectstorage.eu-frankfurt-1.oraclecloud.com"
    assert found.path("Bucket", "a b/c") == "/Bucket/a%20b/c"


def test_every_namespace_and_region_that_the_settings_take() -> None:
    template = "https://{namespace}.compat.objectstorage.{region}.oraclecloud.com"
    found = StorageEndpoint.from_template(template, namespace="my_tenancy-1", region="eu_frankfurt-1")
    assert found.bucket_url("b") == "https://my_tenancy-1.compat.objectstorage.eu_frankfurt-1.oraclecloud.com/b"


@pytest.mark.parametrize(
    ("region", "domain"),
    [
        ("eu-frankfurt-1", "oraclecloud.com"),
        ("us-langley-1", "oraclegovcloud.com"),
        ("uk-gov-london-1", "oraclegovcloud.uk"),
    ],
)
def test_the_template_of_a_region_has_the_domain_of_its_realm(region: str, domain: str) -> None:
    assert region_template(region) == f"https://{{namespace}}.compat.objectstorage.{{region}}.{domain}"


def test_virtual_hosted_style() -> None:
    found = endpoint("https://{bucket}.vhcompat.objectstorage.{region}.oci.customer-oci.com/")
    assert found.virtual_hosted
    assert found.bucket_url("bucket") == "https://bucket.vhcompat.objectstorage.eu-frankfurt-1.oci.customer-oci.com/"
    assert found.host("bucket") == "bucket.vhcompat.objectstorage.eu-frankfurt-1.oci.customer-oci.com"
    assert found.path("bucket", "a b/c") == "/a%20b/c"


@pytest.mark.parametrize(
    ("template", "authority"),
    [
        ("http://127.0.0.1:9000", "127.0.0.1:9000"),
        ("http://localhost:80", "localhost"),
        ("https://localhost:443", "localhost"),
        ("https://localhost:80", "localhost:80"),
        ("HTTPS://Storage.Example", "storage.example"),
    ],
)
def test_the_host_is_written_as_clients_send_it(template: str, authority: str) -> None:
    assert endpoint(template).authority == authority


@pytest.mark.parametrize(
    "template",
    [
        "",
        "storage.example",
        "ftp://storage.example",
        "https://",
        "https://user:password@storage.example",
        "https://storage.example/path",
        "https://storage.example?a=b",
        "https://storage.example#a",
        "https://a.{bucket}.example",
        "https://{bucket}",
        "https://{bucket}x.example",
        "https://{BUCKET}.example",
        "https://{tenant}.example",
        "https://storage.example:port",
        "https://storage.example\n",
        "https://a b.example",
    ],
)
def test_what_is_not_a_template(template: str) -> None:
    assert template_error(template).startswith("must be http:// or https://, a host and at most a port")


@pytest.mark.parametrize("check", [template_error, service_url_error, store_route_error])
class TestHost:
    @pytest.mark.parametrize("host", ["-a.com", "a-.com", "a..com", "a.com.", f"{'a' * 64}.com"])
    def test_no_label_of_a_name(self, check: Callable[[str], str], host: str) -> None:
        assert check(f"https://{host}").startswith("must be ")

    def test_a_name_that_is_too_long(self, check: Callable[[str], str]) -> None:
        assert check(f"https://{'a.' * 126}a") == ""
        assert check(f"https://{'a.' * 126}ab") == "must have a host of at most 253 characters"

    @pytest.mark.parametrize("host", ["999.1.1.1", "1.2.3", "1", "256.0.0.1", "01.2.3.4", "store.1", "1.2.3.4.5"])
    def test_no_address(self, check: Callable[[str], str], host: str) -> None:
        assert check(f"https://{host}") == "must have the name of a host, or an IPv4 address"

    @pytest.mark.parametrize("host", ["192.0.2.255", "1.example.com", "xn--bcher-kva.example", "1a"])
    def test_names_and_addresses(self, check: Callable[[str], str], host: str) -> None:
        assert check(f"https://{host}:8443") == ""


def test_boto3_takes_no_underscore() -> None:
    """The function answers `not_configured`, and the log tells the setting."""
    with pytest.raises(NotConfigured) as caught:
        Boto3Issuer(endpoint=endpoint("https://my_store:8443"), region="r")
    [error] = caught.value.errors
    told = "must be sigv4, as boto3 takes no host with an underscore, such as my_store:8443"
    assert (error.pointer, error.detail) == ("/SIGNER", told)


def test_what_is_a_template_has_no_fault() -> None:
    assert template_error("https://{bucket}.vhcompat.objectstorage.{region}.oci.customer-oci.com") == ""


class TestStoreRoute:
    """A URL by the store route has another beginning, and the signature of the store."""

    ROUTE = "https://gateway.example.com/store"

    @pytest.mark.parametrize("issuer", [SigV4Issuer, Boto3Issuer])
    @pytest.mark.parametrize(
        ("template", "store", "path"),
        [
            ("https://store.example.com:8443", "https://store.example.com:8443", "/bucket"),
            ("https://{bucket}.store.example.com", "https://bucket.store.example.com", ""),
        ],
    )
    def test_only_the_beginning_differs(
        self, template: str, store: str, path: str, issuer: type[SigV4Issuer] | type[Boto3Issuer]
    ) -> None:
        endpoint = StorageEndpoint.from_template(template, namespace="", region="r", store_route=self.ROUTE)
        made = issuer(endpoint=endpoint, region="r")
        key = CustomerSecretKey("access", "secret")
        urls = [
            made.issue(grant(GetObject(key="a b/\u00fc%2F", cors=cors), bucket="bucket"), key=key, now=0).url
            for cors in (False, True)
        ]
        assert urls[0].startswith(f"{store}{path}/a%20b/%C3%BC%252F?X-Amz-Algorithm=")
        assert urls[1] == urls[0].replace(store, self.ROUTE)

    @pytest.mark.parametrize("issuer", [SigV4Issuer, Boto3Issuer])
    def test_a_form_goes_to_the_store(self, issuer: type[SigV4Issuer] | type[Boto3Issuer]) -> None:
        endpoint = StorageEndpoint.from_template(
            "https://store.example.com", namespace="", region="r", store_route=self.ROUTE
        )
        form = grant(PostObject(key="a", cors=True))
        issued = issuer(endpoint=endpoint, region="r").issue(form, key=CustomerSecretKey("access", "secret"), now=0)
        assert issued.url == "https://store.example.com/b"

    @pytest.mark.parametrize(
        "url",
        [
            "https://gateway.example.com/store",
            "https://gateway.example.com/a/b.c-d_e~f/",
            "https://gateway.example.com",
            "https://gateway.example.com:65535/store",
            "http://127.0.0.1:8080/store",
            "http://localhost/store",
        ],
    )
    def test_a_url_of_one(self, url: str) -> None:
        assert store_route_error(url) == ""

    @pytest.mark.parametrize(
        "url",
        [
            "http://gateway.example.com/store",
            "https://gateway.example.com/store?a=b",
            "https://gateway.example.com/store#a",
            "https://user@gateway.example.com/store",
            "https://gateway.example.com/a/../b",
            "https://gateway.example.com/./b",
            "https://gateway.example.com/%2e",
            "https://gateway.example.com//store",
            "https://gateway.example.com:0/store",
            "https://gateway.example.com:65536/store",
            "https://gateway.example.com:/store",
            "https:///store",
            "gateway.example.com/store",
            "ftp://gateway.example.com/store",
            "https://gateway.example.com/store\n",
        ],
    )
    def test_no_url_of_one(self, url: str) -> None:
        assert store_route_error(url).startswith("must be ")
