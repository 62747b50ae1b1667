"""Where the S3 Compatibility API is, and how a bucket and a key are put into its URLs."""

import re
from typing import Self

import msgspec

from presign.issue.uri import uri_encode_path
from presign.services.regions import realm_domain

_loopback = r"(?:.+\.)?localhost|127(?:\.[0-9]{1,3}){3}"
_default_ports = {"http": ":80", "https": ":443"}
_port = r"(?P<port>:(?!0)(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
_store_label = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_label = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# Patterns of settings, of which a function has few, are compiled when they are needed.
_template = (
    rf"(?P<scheme>(?i:https?))://(?P<bucket>\{{bucket\}}\.)?(?P<host>{_store_label}(?:\.{_store_label})*){_port}/?"
)
_service_url = rf"(?P<scheme>https?)://(?P<host>{_label}(?:\.{_label})*){_port}"
_store_route = rf"{_service_url}(?:/[A-Za-z0-9._~-]+)*/?"
_byte = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_address = rf"{_byte}(?:\.{_byte}){{3}}"
_MAX_HOST_CHARACTERS = 253


def region_template(region: str) -> str:
    """The URL template of the region's own endpoint, which is of path style."""
    return f"https://{{namespace}}.compat.objectstorage.{{region}}.{realm_domain(region)}"


def template_error(template: str) -> str:
    """Why `template` is not the URL template of an endpoint, or an empty string."""
    try:
        endpoint = StorageEndpoint.from_template(template, namespace="namespace", region="region")
    except ValueError as exc:
        return str(exc)
    return _host_error(endpoint.scheme, endpoint.authority.partition(":")[0])


def _host_error(scheme: str, host: str) -> str:
    """Why a URL of `scheme` must not lead to `host`, or an empty string.

    A host that ends with a number is an IPv4 address (WHATWG URL, 3.5). HTTP is only for this machine, by its name (RFC
    6761, 6.3) or its address (RFC 1122, 3.2.1.3).
    """
    if len(host) > _MAX_HOST_CHARACTERS:
        return f"must have a host of at most {_MAX_HOST_CHARACTERS} characters"
    if host.rpartition(".")[2].isdigit() and not re.fullmatch(_address, host):
        return "must have the name of a host, or an IPv4 address"
    is_safe = scheme == "https" or re.fullmatch(_loopback, host.lower())
    return "" if is_safe else "must be https://, as http:// is for loopback hosts only"


def store_route_error(url: str) -> str:
    """Why `url` is not that of a store route, or an empty string."""
    found = re.fullmatch(_store_route, url)
    if not found or {".", ".."}.intersection(url.split("/")):
        return "must be an https URL of a host and a path, without a query"
    return _host_error(found["scheme"], found["host"])


def service_url_error(url: str) -> str:
    """Why `url` is not that of an OCI service, or an empty string."""
    found = re.fullmatch(_service_url, url)
    return _host_error(found["scheme"], found["host"]) if found else "must be an https URL of a host"


class StorageEndpoint(msgspec.Struct, frozen=True):
    """An endpoint that speaks S3.

    Args:
        scheme: `http` or `https`.
        authority: host and port, without the bucket, as the `Host` header has it (a default port left out).
        virtual_hosted: whether the bucket is the first label of the host, or else the first segment of the path.
        store_route: the URL of the store route, without a slash at its end; None if there is none.
    """

    scheme: str
    authority: str
    virtual_hosted: bool
    store_route: str | None = None

    @classmethod
    def from_template(cls, template: str, *, namespace: str, region: str, store_route: str | None = None) -> Self:
        """The endpoint of a URL such as `https://{namespace}.compat.objectstorage.{region}.oraclecloud.com`.

        With `{bucket}.` before the host it is one of virtual-hosted style.

        Raises:
            ValueError: the template is not such a URL.
        """
        found = re.fullmatch(_template, template.replace("{region}", region).replace("{namespace}", namespace))
        if not found:
            raise ValueError(
                "must be http:// or https://, a host and at most a port; "
                "{bucket} may stand only at the very beginning of the host, {namespace} and {region} anywhere in it"
            )
        scheme, port = found["scheme"].lower(), found["port"] or ""
        return cls(
            scheme=scheme,
            authority=found["host"].lower() + ("" if port == _default_ports[scheme] else port),
            virtual_hosted=found["bucket"] is not None,
            store_route=store_route,
        )

    def host(self, bucket: str) -> str:
        """The `Host` header of a request on `bucket`."""
        return f"{bucket}.{self.authority}" if self.virtual_hosted else self.authority

    def path(self, bucket: str, key: str | None) -> str:
        """The path of an object, or of the bucket if `key` is None, percent-encoded as S3 does."""
        if key is None:
            return "/" if self.virtual_hosted else f"/{bucket}"
        return "/" + uri_encode_path(key if self.virtual_hosted else f"{bucket}/{key}")

    def origin(self, bucket: str, *, by_route: bool = False) -> str:
        """The beginning of a URL, up to its path: of the store, or of the store route to it.

        API Gateway changes `Host` to that of its back end, so a URL that is signed for the store holds by both ways.
        """
        if by_route and self.store_route is not None:
            return self.store_route
        return f"{self.scheme}://{self.host(bucket)}"

    def bucket_url(self, bucket: str) -> str:
        """The URL of a bucket, as an HTML form is sent to it."""
        return f"{self.origin(bucket)}{self.path(bucket, None)}"
