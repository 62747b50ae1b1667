"""The certificate of a domain of one's own, in API Gateway and in OCI Certificates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deploy.doctor.diagnosis import findings_of
from deploy.doctor.finding import Finding
from deploy.doctor.steps import STEPS
from local.api import not_found
from support.oci_answers import GATEWAY, ago
from support.oci_services import World

OF_GATEWAY = "ocid1.apigatewaycertificate.oc1.eu-frankfurt-1.own"
OF_CERTIFICATES = "ocid1.certificate.oc1.eu-frankfurt-1.own"
MEND = "set certificate_ocid to a new certificate (make deploy), or renew it in OCI Certificates"

Install = Callable[..., dict[str, Finding]]


def of_gateway(world: World, *names: str, days_left: float) -> str:
    """Make a certificate of API Gateway."""
    world.services.answers[f"GET /20190501/certificates/{OF_GATEWAY}"] = {
        "id": OF_GATEWAY,
        "displayName": "own",
        "subjectNames": list(names),
        "timeNotValidAfter": ago(days=-days_left),
    }
    return OF_GATEWAY


def of_certificates(world: World, *names: str, days_left: float) -> str:
    """Make a certificate of OCI Certificates, whose first name is its common name."""
    alternatives = [{"type": "DNS", "value": name} for name in names[1:]]
    version = {
        "subjectAlternativeNames": [*alternatives, {"type": "IP", "value": "192.0.2.1"}],
        "validity": {"timeOfValidityNotBefore": ago(days=1), "timeOfValidityNotAfter": ago(days=-days_left)},
    }
    document = {"id": OF_CERTIFICATES, "subject": {"commonName": names[0]}, "currentVersion": version}
    world.services.answers[f"GET /20210224/certificates/{OF_CERTIFICATES}"] = document
    return OF_CERTIFICATES


def findings(world: World, certificate: str, *addresses: str) -> dict[str, Finding]:
    """The findings of both steps for a gateway with this certificate and these addresses."""
    gateway: dict[str, Any] = world.services.answers[f"GET /20190501/gateways/{GATEWAY}"]
    gateway |= {"certificateId": certificate, "ipAddresses": [{"ipAddress": one} for one in addresses]}
    steps = [step for step in STEPS if step.group == "gateway" and "certificate" in step.name]
    return {step.name: finding for step, finding in findings_of(steps, world.tenancy())}


@pytest.mark.parametrize("make", [of_gateway, of_certificates])
@pytest.mark.parametrize(
    ("days_left", "state", "text", "mend"),
    [
        (30.5, "ok", r"is valid until ", None),
        (29.5, "warning", r", in 29 days.", MEND),
        (-0.1, "wrong", r", so browsers refuse the gateway.", MEND),
    ],
)
def test_its_end(
    make: Callable[..., str], days_left: float, state: str, text: str, mend: str | None, world: World
) -> None:
    certificate = make(world, "localhost", days_left=days_left)
    found = findings(world, certificate, "127.0.0.1")["certificate"]
    assert (found.state, found.mend) == (state, mend)
    assert found.text.startswith("That of localhost ")
    assert text in found.text


def test_its_host_name_leads_to_the_gateway(world: World) -> None:
    found = findings(world, of_gateway(world, "localhost", "*.example.com", days_left=90), "127.0.0.1")
    name = "host names of the certificate"
    assert found[name] == Finding("ok", "localhost leads to the gateway. *.example.com stands for many host names.")


def test_its_host_name_leads_elsewhere(world: World) -> None:
    found = findings(world, of_certificates(world, "common.invalid", "localhost", days_left=90), "192.0.2.7")
    finding = found["host names of the certificate"]
    assert (finding.state, finding.mend) == ("warning", "make a record for localhost: CNAME gateway.example")
    assert finding.text.startswith("localhost has the address 127.0.0.1")
    assert finding.text.endswith("and the gateway 192.0.2.7: something else answers, or passes requests on.")


def test_its_host_name_has_no_address(world: World) -> None:
    found = findings(world, of_gateway(world, "nowhere.invalid", days_left=90), "127.0.0.1")
    finding = found["host names of the certificate"]
    assert (finding.state, finding.mend) == ("unknown", "make a record for nowhere.invalid: CNAME gateway.example")
    assert finding.text.startswith(
        "nowhere.invalid has no address: this machine is offline, its DNS fails, or the name"
    )


def test_it_names_no_host(world: World) -> None:
    certificate = of_certificates(world, "none", days_left=90)
    world.services.answers[f"GET /20210224/certificates/{certificate}"]["subject"] = None
    found = findings(world, certificate, "127.0.0.1")
    assert found["host names of the certificate"] == Finding("skipped", "The certificate names no host.")
    assert found["certificate"].text.startswith("That of no host is valid until ")


def test_a_certificate_that_the_operator_may_not_read(world: World) -> None:
    certificate = of_gateway(world, "localhost", days_left=90)
    world.services.answers[f"GET /20190501/certificates/{certificate}"] = not_found()
    found = findings(world, certificate)
    assert found["certificate"].state == "unknown"
    assert "read api-certificates, or leaf-certificates, in the" in found["certificate"].text
    assert found["host names of the certificate"] == Finding(
        "skipped", "Not checked, as the certificate could not be read."
    )


def test_oracles_own(world: World) -> None:
    found = findings(world, "")
    assert found == {
        "certificate": Finding("ok", "It is Oracle's, which Oracle renews."),
        "host names of the certificate": Finding("ok", "The gateway has Oracle's host name, gateway.example."),
    }
