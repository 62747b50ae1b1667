"""The steps of the network: one test for each way to be shut, with the SDK's own clients."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from deploy.doctor.diagnosis import findings_of
from deploy.doctor.finding import Finding
from deploy.doctor.network.security import SecurityRule, passage
from deploy.doctor.steps import STEPS
from local.api import not_found
from support.oci_answers import APPLICATION, COMPARTMENT, DEPLOYMENT, GATEWAY, REGION
from support.oci_network import (
    ALL_SERVICES,
    FUNCTION_SUBNET,
    GATEWAY_SUBNET,
    HTTPS,
    INTERNET_GATEWAY,
    SERVICE_GATEWAY,
    STORAGE_SERVICE,
    TO_INTERNET,
    TO_SERVICES,
    VCN,
)
from support.oci_services import Case, World

GROUP = "ocid1.networksecuritygroup.oc1.eu-frankfurt-1.group"
NAT_GATEWAY = "ocid1.natgateway.oc1.eu-frankfurt-1.out"
TO_NAT = {**TO_INTERNET, "networkEntityId": NAT_GATEWAY}
FUNCTION_ROUTES = "routes of the function's subnet"
FUNCTION_RULES = "security rules of the function's subnet"
GATEWAY_ROUTES = "routes of the gateway's subnet"
GATEWAY_RULES = "security rules of the gateway's subnet"
ADDRESSES = "free addresses"
NO_ROUTE = (
    "The route table presign-function of presign-function does not lead to OCI's services: calls end in 502 or 504."
)


def findings(world: World) -> dict[str, Finding]:
    """The findings of the steps of the network by their names."""
    steps = [step for step in STEPS if step.group == "network"]
    return {step.name: finding for step, finding in findings_of(steps, world.tenancy())}


def of(world: World, path: str) -> dict[str, Any]:
    """A document of the Networking service."""
    document: dict[str, Any] = world.services.answers[f"GET /20160918/{path}"]
    return document


def routes(world: World, name: str, *rules: dict[str, Any]) -> None:
    """Set the rules of a route table."""
    of(world, f"routeTables/ocid1.routetable.oc1.eu-frankfurt-1.{name}")["routeRules"] = list(rules)


def security_list(world: World, name: str, **rules: list[dict[str, Any]]) -> None:
    """Set rules of a security list."""
    of(world, f"securityLists/ocid1.securitylist.oc1.eu-frankfurt-1.{name}").update(rules)


def security_group(world: World, *rules: dict[str, Any]) -> None:
    """Put the function into a network security group with these rules, beside a list without any."""
    security_list(world, "function", egressSecurityRules=[])
    world.services.answers[f"GET /20260325/applications/{APPLICATION}"]["networkSecurityGroupIds"] = [GROUP]
    world.services.answers[f"GET /20160918/networkSecurityGroups/{GROUP}/securityRules"] = list(rules)


def addresses(world: World, subnet: str, *, taken: int) -> None:
    """Let so many addresses of a subnet be taken, and one of IPv6."""
    listed = [{"ipAddress": f"10.0.1.{number + 2}"} for number in range(taken)]
    of(world, f"ipInventory/subnets/{subnet}")["ipInventorySubnetResourceSummary"] = [
        *listed,
        {"ipAddress": "2603:c020::5"},
    ]


def nat_gateway(world: World, **members: Any) -> None:
    """Lead the function's subnet to a NAT gateway."""
    routes(world, "function", TO_NAT)
    make_nat_gateway(world, **members)


def make_nat_gateway(world: World, **members: Any) -> None:
    """Make a NAT gateway, to which no route leads yet."""
    document = {"id": NAT_GATEWAY, "displayName": "out", "lifecycleState": "AVAILABLE", "blockTraffic": False}
    world.services.answers[f"GET /20160918/natGateways/{NAT_GATEWAY}"] = {**document, **members}


def private(world: World, jwks_uri: str) -> None:
    """Make the gateway a private one, whose subnet leads to OCI's services alone."""
    world.services.answers[f"GET /20190501/gateways/{GATEWAY}"]["endpointType"] = "PRIVATE"
    specification = world.services.answers[f"GET /20190501/deployments/{DEPLOYMENT}"]["specification"]
    specification["requestPolicies"]["authentication"]["validationPolicy"]["uri"] = jwks_uri
    routes(world, "gateway", {**TO_SERVICES, "networkEntityId": SERVICE_GATEWAY})


def no_service_gateway(world: World) -> None:
    """Leave the function's network without a service gateway."""
    routes(world, "function")
    world.services.answers["GET /20160918/serviceGateways"] = []


CASES = {
    "no route": Case(
        lambda world: routes(world, "function", {"destination": "10.9.0.0/16", "networkEntityId": "ocid1.drg.oc1..a"}),
        FUNCTION_ROUTES,
        NO_ROUTE,
        f"oci network route-table update --region {REGION} --rt-id ocid1.routetable.oc1.eu-frankfurt-1.function "
        """--route-rules '[{"destination": "10.9.0.0/16", "networkEntityId": "ocid1.drg.oc1..a"}, """
        f'{{"destination": "{ALL_SERVICES}", "destinationType": "SERVICE_CIDR_BLOCK", '
        f""""networkEntityId": "{SERVICE_GATEWAY}"}}]' --force""",
    ),
    "no service gateway": Case(
        no_service_gateway,
        FUNCTION_ROUTES,
        NO_ROUTE,
        f"oci network service-gateway create --region {REGION} --compartment-id {COMPARTMENT} --vcn-id {VCN} "
        """--services '[{"serviceId": "ocid1.service.oc1..all"}]'\noci network route-table update """,
    ),
    "a route to Object Storage alone": Case(
        lambda world: routes(
            world,
            "function",
            {**TO_SERVICES, "destination": STORAGE_SERVICE, "networkEntityId": SERVICE_GATEWAY},
        ),
        FUNCTION_ROUTES,
        NO_ROUTE,
        "oci network route-table update ",
    ),
    "a service gateway that blocks traffic": Case(
        lambda world: of(world, f"serviceGateways/{SERVICE_GATEWAY}").update(blockTraffic=True),
        FUNCTION_ROUTES,
        "The service gateway presign blocks all traffic.",
        f"oci network service-gateway update --region {REGION} --service-gateway-id {SERVICE_GATEWAY} "
        "--block-traffic false",
    ),
    "a service gateway for other services": Case(
        lambda world: of(world, f"serviceGateways/{SERVICE_GATEWAY}").update(
            services=[{"serviceId": "ocid1.service.oc1..storage", "serviceName": "OCI FRA Object Storage"}]
        ),
        FUNCTION_ROUTES,
        "The service gateway presign does not lead to All FRA Services, though the route table sends that there.",
        """[{"serviceId": "ocid1.service.oc1..storage"}, {"serviceId": "ocid1.service.oc1..all"}]' --force""",
    ),
    "a service gateway that was deleted": Case(
        lambda world: of(world, f"serviceGateways/{SERVICE_GATEWAY}").update(lifecycleState="TERMINATED"),
        FUNCTION_ROUTES,
        "The service gateway presign is TERMINATED.",
        "make deploy",
    ),
    "a service gateway that is being made": Case(
        lambda world: of(world, f"serviceGateways/{SERVICE_GATEWAY}").update(lifecycleState="PROVISIONING"),
        FUNCTION_ROUTES,
        "The service gateway presign is PROVISIONING: wait.",
        "",
        "unknown",
    ),
    "a NAT gateway that blocks traffic": Case(
        lambda world: nat_gateway(world, blockTraffic=True),
        FUNCTION_ROUTES,
        "The NAT gateway out blocks all traffic.",
        f"oci network nat-gateway update --region {REGION} --nat-gateway-id {NAT_GATEWAY} --block-traffic false",
    ),
    "an internet gateway for a private subnet": Case(
        lambda world: routes(world, "function", {**TO_INTERNET, "networkEntityId": INTERNET_GATEWAY}),
        FUNCTION_ROUTES,
        "The internet gateway presign takes no packets of the private subnet presign-function.",
        "service gateway or a NAT gateway",
    ),
    "a firewall": Case(
        lambda world: routes(world, "function", {**TO_INTERNET, "networkEntityId": "ocid1.privateip.oc1..firewall"}),
        FUNCTION_ROUTES,
        "The route leads to a privateip; nobody can see here where packets go from there.",
        "",
        "unknown",
    ),
    "no way out by the security list": Case(
        lambda world: security_list(
            world, "function", egressSecurityRules=[{**HTTPS, **TO_SERVICES, "protocol": "17"}]
        ),
        FUNCTION_RULES,
        "No security rule of presign-function lets HTTPS (port 443) out: calls end in 502 or 504.",
        f"oci network security-list update --region {REGION} --security-list-id "
        "ocid1.securitylist.oc1.eu-frankfurt-1.function --egress-security-rules '[{",
    ),
    "no way out by the group": Case(
        lambda world: security_group(
            world, {**HTTPS, **TO_SERVICES, "direction": "EGRESS", "isValid": False}, {**HTTPS, "direction": "INGRESS"}
        ),
        FUNCTION_RULES,
        "No security rule of presign-function lets HTTPS (port 443) out: calls end in 502 or 504.",
        f'oci network nsg rules add --region {REGION} --nsg-id {GROUP} --security-rules \'[{{"protocol": "6", '
        f'"destination": "{ALL_SERVICES}", "destinationType": "SERVICE_CIDR_BLOCK", "tcpOptions": '
        '{"destinationPortRange": {"min": 443, "max": 443}}, "direction": "EGRESS"}]\'',
    ),
    "stateless rules without answers": Case(
        lambda world: security_list(
            world, "function", egressSecurityRules=[{**HTTPS, **TO_SERVICES, "isStateless": True}]
        ),
        FUNCTION_RULES,
        "The security rules of presign-function that let HTTPS out are stateless, and no rule lets the answers pass.",
        "make these rules stateful",
    ),
    "a way out to others alone": Case(
        lambda world: security_list(
            world, "function", egressSecurityRules=[{**HTTPS, **TO_INTERNET, "destination": "10.0.0.0/8"}]
        ),
        FUNCTION_RULES,
        "Security rules of presign-function let HTTPS (port 443) out to 10.0.0.0/8 alone; that may be too little.",
        "oci network security-list update",
        "unknown",
    ),
    "callers without an answer": Case(
        lambda world: routes(world, "gateway"),
        GATEWAY_ROUTES,
        "The route table presign-gateway leads to no internet gateway, so callers get no answer.",
        '"networkEntityId": "<OCID of an internet gateway>"',
    ),
    "a disabled internet gateway": Case(
        lambda world: of(world, f"internetGateways/{INTERNET_GATEWAY}").update(isEnabled=False),
        GATEWAY_ROUTES,
        "The internet gateway presign is disabled.",
        f"oci network internet-gateway update --region {REGION} --ig-id {INTERNET_GATEWAY} --is-enabled true",
    ),
    "a private gateway that can't fetch keys": Case(
        lambda world: private(world, "https://login.example.com/keys"),
        GATEWAY_ROUTES,
        "The route table presign-gateway leads to OCI's services alone, so the gateway can't fetch the keys of "
        "login.example.com: calls end in 500.",
        '"networkEntityId": "<OCID of a NAT gateway>"',
    ),
    "a private gateway that may fetch keys": Case(
        lambda world: private(world, "https://idcs-a.identity.oraclecloud.com/admin/v1/SigningCert/jwk"),
        GATEWAY_ROUTES,
        "The route table presign-gateway leads to OCI's services alone; that they include "
        "idcs-a.identity.oraclecloud.com is not documented.",
        '"networkEntityId": "<OCID of a NAT gateway>"',
        "unknown",
    ),
    "a gateway that nobody reaches": Case(
        lambda world: security_list(world, "gateway", ingressSecurityRules=[]),
        GATEWAY_RULES,
        "No security rule of presign-gateway lets HTTPS (port 443) in: nobody reaches the gateway.",
        '--ingress-security-rules \'[{"protocol": "6", "source": "0.0.0.0/0", "sourceType": "CIDR_BLOCK"',
    ),
    "a gateway that reaches nobody": Case(
        lambda world: security_list(world, "gateway", egressSecurityRules=[]),
        GATEWAY_RULES,
        "No security rule of presign-gateway lets HTTPS (port 443) out: calls end in 502 or 504.",
        '--egress-security-rules \'[{"protocol": "6", "destination": "0.0.0.0/0", "destinationType": "CIDR_BLOCK"',
    ),
    "no free address": Case(
        lambda world: addresses(world, FUNCTION_SUBNET, taken=253),
        ADDRESSES,
        "presign-function has 0 free addresses, so no new container can start: calls end in 502 (SubnetOutOfIPs).",
        "enlarge the subnet",
    ),
    "one free address": Case(
        lambda world: addresses(world, GATEWAY_SUBNET, taken=252),
        ADDRESSES,
        "presign-gateway has 1 free address, and new containers need some.",
        "enlarge the subnet",
        "warning",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_one_thing_is_shut(case: Case, world: World) -> None:
    case.change(world)
    found = findings(world)
    assert {name for name, finding in found.items() if finding.state != "ok"} == {case.step}, found
    assert (found[case.step].state, found[case.step].text) == (case.state, case.text)
    assert case.mend in (found[case.step].mend or ""), found[case.step].mend


def test_the_network_of_the_stack_is_right(world: World) -> None:
    assert {name: finding.text for name, finding in findings(world).items()} == {
        FUNCTION_ROUTES: "The service gateway presign leads to All FRA Services.",
        FUNCTION_RULES: "Security rules of presign-function let HTTPS (port 443) out.",
        GATEWAY_ROUTES: "The internet gateway presign leads out.",
        GATEWAY_RULES: "Security rules of presign-gateway let HTTPS (port 443) in. "
        "Security rules of presign-gateway let HTTPS (port 443) out.",
        ADDRESSES: "presign-function has 252 free addresses. presign-gateway has 252 free addresses.",
    }


@pytest.mark.parametrize(
    "change",
    [
        nat_gateway,
        lambda world: security_group(world, {**HTTPS, **TO_INTERNET, "direction": "EGRESS"}),
        lambda world: security_list(world, "function", egressSecurityRules=[{"protocol": "all", **TO_INTERNET}]),
        lambda world: security_list(
            world, "gateway", ingressSecurityRules=[{**HTTPS, "source": "198.51.100.0/24", "sourceType": "CIDR_BLOCK"}]
        ),
        lambda world: addresses(world, FUNCTION_SUBNET, taken=243),
    ],
)
def test_other_ways_to_be_open(change: Callable[[World], object], world: World) -> None:
    change(world)
    assert {finding.state for finding in findings(world).values()} == {"ok"}


@pytest.mark.parametrize(
    ("rules", "is_blocked", "state", "text"),
    [
        (
            [TO_SERVICES, TO_NAT],
            False,
            "ok",
            "The service gateway presign leads to All FRA Services. The NAT gateway out ",
        ),
        ([TO_SERVICES, TO_NAT], True, "wrong", "The NAT gateway out blocks all traffic."),
        ([TO_NAT], False, "ok", "The NAT gateway out leads out."),
    ],
)
def test_a_private_gateway_with_a_nat_gateway(
    rules: list[dict[str, str]], is_blocked: bool, state: str, text: str, world: World
) -> None:
    private(world, "https://login.example.com/keys")
    make_nat_gateway(world, blockTraffic=is_blocked)
    routes(world, "gateway", *({"networkEntityId": SERVICE_GATEWAY, **rule} for rule in rules))
    found = findings(world)[GATEWAY_ROUTES]
    assert found.state == state
    assert found.text.startswith(text)


def test_pars_alone_need_object_storage_alone(world: World) -> None:
    rule = {"operations": ["get_object"], "bucket": "photos", "prefix": "", "via": "par"}
    world.services.config.update(POLICY=json.dumps({"rules": [rule]}), SECRET_OCID="", DELIVER_TO="")
    of(world, f"serviceGateways/{SERVICE_GATEWAY}")["services"] = [{"serviceId": "ocid1.service.oc1..storage"}]
    to_storage = {"destination": STORAGE_SERVICE, "destinationType": "SERVICE_CIDR_BLOCK"}
    routes(world, "function", {**to_storage, "networkEntityId": SERVICE_GATEWAY})
    security_list(world, "function", egressSecurityRules=[{**HTTPS, **to_storage}])
    assert {finding.state for finding in findings(world).values()} == {"ok"}


@pytest.mark.parametrize(
    ("path", "step", "permission"),
    [
        (f"subnets/{FUNCTION_SUBNET}", FUNCTION_ROUTES, "read virtual-network-family in the network's compartment"),
        (
            f"ipInventory/subnets/{FUNCTION_SUBNET}",
            ADDRESSES,
            "read virtual-network-family in the network's compartment",
        ),
        (f"networkSecurityGroups/{GROUP}/securityRules", FUNCTION_RULES, "and use network-security-groups there"),
    ],
)
def test_a_right_that_the_operator_lacks(path: str, step: str, permission: str, world: World) -> None:
    security_group(world, {**HTTPS, **TO_INTERNET, "direction": "EGRESS"})
    world.services.answers[f"GET /20160918/{path}"] = not_found()
    found = findings(world)
    assert found[step].state == "unknown"
    assert permission in found[step].text
    assert "wrong" not in {finding.state for finding in found.values()}


def test_an_application_whose_subnets_are_not_told(world: World) -> None:
    del world.services.answers[f"GET /20260325/applications/{APPLICATION}"]["subnetIds"]
    found = findings(world)
    assert found[FUNCTION_ROUTES] == Finding("skipped", "OCI does not tell the subnets of the function.")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"source_ports": range(443, 444)}, "open"),
        ({"source_ports": range(443, 444), "ports": range(1024, 65536), "peer": "0.0.0.0/0"}, "open"),
        ({"source_ports": range(443, 444), "ports": range(1024, 2048)}, "one way"),
        ({"source_ports": range(80, 81)}, "one way"),
        ({"source_ports": range(443, 444), "protocol": "17"}, "one way"),
        ({"source_ports": range(443, 444), "peer": "10.0.0.0/8"}, "one way"),
        ({"source_ports": range(443, 444), "is_ingress": False}, "one way"),
    ],
)
def test_answers_to_a_stateless_rule(answer: dict[str, Any], expected: str) -> None:
    common: dict[str, Any] = {"peer": ALL_SERVICES, "protocol": "6", "source_ports": None, "ports": None}
    out = SecurityRule(**{**common, "ports": range(443, 444), "is_ingress": False, "is_stateless": True})
    back = SecurityRule(**{**common, "is_ingress": True, "is_stateless": True, **answer})
    assert passage([out, back], is_ingress=False, peers=[ALL_SERVICES]) == expected


def test_every_command_is_one_line_of_json_that_can_be_read(world: World) -> None:
    CASES["no way out by the security list"].change(world)
    mend = findings(world)[FUNCTION_RULES].mend or ""
    found = re.fullmatch(r"oci network security-list update .* --egress-security-rules '(.*)' --force", mend)
    assert found is not None
    kept, added = json.loads(found[1])
    assert kept["protocol"] == "17"
    assert (added["protocol"], added["destination"]) == ("6", ALL_SERVICES)
