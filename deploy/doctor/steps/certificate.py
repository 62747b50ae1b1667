"""The certificate of the gateway, and the host names that it is for."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.doctor.finding import Finding, Skipped, worst_of
from deploy.doctor.step import Step
from deploy.doctor.tenancy import Tenancy
from deploy.doctor.web import no_address

SOON = timedelta(days=30)
"""A certificate that ends within this time is a warning, since somebody has to get the next one."""

_MEND = "set certificate_ocid to a new certificate (make deploy), or renew it in OCI Certificates"


def validity(tenancy: Tenancy) -> Finding:
    """Whether the gateway's certificate is valid today and in a month."""
    if not tenancy.gateway.resource.certificate_id:
        return Finding("ok", "It is Oracle's, which Oracle renews.")
    ends, names = _certificate(tenancy)
    told = f"That of {', '.join(names) or 'no host'}"
    left = ends - datetime.fromtimestamp(tenancy.now(), UTC)
    if left <= timedelta(0):
        return Finding("wrong", f"{told} has ended on {ends:%Y-%m-%d}, so browsers refuse the gateway.", _MEND)
    if left < SOON:
        return Finding("warning", f"{told} ends on {ends:%Y-%m-%d}, in {left.days} days.", _MEND)
    return Finding("ok", f"{told} is valid until {ends:%Y-%m-%d}.")


def host_names(tenancy: Tenancy) -> Finding:
    """Whether the host names of the gateway's certificate lead to the gateway."""
    gateway = tenancy.gateway.resource
    if not gateway.certificate_id:
        return Finding("ok", f"The gateway has Oracle's host name, {gateway.hostname}.")
    addresses = {one.ip_address for one in gateway.ip_addresses or []}
    _, names = _certificate(tenancy)
    if not names:
        raise Skipped("The certificate names no host.")
    return worst_of([_of_name(name, addresses, gateway) for name in names])


def _of_name(name: str, addresses: set[str], gateway: Any) -> Finding:
    if name.startswith("*."):
        return Finding("ok", f"{name} stands for many host names.")
    record = f"make a record for {name}: CNAME {gateway.hostname}"
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)}
    except OSError:
        return Finding("unknown", no_address(name), record)
    if found.isdisjoint(addresses):
        text = f"{name} has the address {', '.join(sorted(found))}, and the gateway {', '.join(sorted(addresses))}"
        return Finding("warning", f"{text}: something else answers, or passes requests on.", record)
    return Finding("ok", f"{name} leads to the gateway.")


def _certificate(tenancy: Tenancy) -> tuple[datetime, Sequence[str]]:
    """When the gateway's certificate ends, and its host names."""
    return tenancy.once("the certificate", lambda: _looked_up(tenancy, tenancy.gateway.resource.certificate_id))


def _looked_up(tenancy: Tenancy, ocid: str) -> tuple[datetime, Sequence[str]]:
    if ocid.startswith("ocid1.apigatewaycertificate."):
        from oci.apigateway import ApiGatewayClient

        own = tenancy.oci.client(ApiGatewayClient).get_certificate(ocid).data
        return own.time_not_valid_after, own.subject_names
    from oci.certificates_management import CertificatesManagementClient

    found = tenancy.oci.client(CertificatesManagementClient).get_certificate(ocid).data
    version = found.current_version
    named = [one.value for one in version.subject_alternative_names or [] if one.type == "DNS"]
    common = [found.subject.common_name] if found.subject else []
    return version.validity.time_of_validity_not_after, named or common


_READ = "read api-certificates, or leaf-certificates, in the certificate's compartment"

STEPS = (
    Step("gateway", "certificate", validity, _READ),
    Step("gateway", "host names of the certificate", host_names, _READ),
)
