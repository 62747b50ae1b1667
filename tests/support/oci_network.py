"""The answers of OCI's Networking service on the network that the stack makes."""

from __future__ import annotations

from typing import Any

VCN = "ocid1.vcn.oc1.eu-frankfurt-1.presign"
FUNCTION_SUBNET = "ocid1.subnet.oc1.eu-frankfurt-1.function"
GATEWAY_SUBNET = "ocid1.subnet.oc1.eu-frankfurt-1.gateway"
SERVICE_GATEWAY = "ocid1.servicegateway.oc1.eu-frankfurt-1.presign"
INTERNET_GATEWAY = "ocid1.internetgateway.oc1.eu-frankfurt-1.presign"
ALL_SERVICES = "all-fra-services-in-oracle-services-network"
STORAGE_SERVICE = "oci-fra-objectstorage"

HTTPS = {"protocol": "6", "isStateless": False, "tcpOptions": {"destinationPortRange": {"min": 443, "max": 443}}}
TO_SERVICES = {"destination": ALL_SERVICES, "destinationType": "SERVICE_CIDR_BLOCK"}
TO_INTERNET = {"destination": "0.0.0.0/0", "destinationType": "CIDR_BLOCK"}


def network_answers(compartment: str) -> dict[str, Any]:
    """The answers by method and path.

    Args:
        compartment: the OCID of the compartment of the network.
    """
    common = {"compartmentId": compartment, "vcnId": VCN, "displayName": "presign", "lifecycleState": "AVAILABLE"}
    enabled = [{"serviceId": "ocid1.service.oc1..all", "serviceName": "All FRA Services"}]
    service_gateway = {**common, "id": SERVICE_GATEWAY, "blockTraffic": False, "services": enabled}
    return {
        "GET /20160918/services": [
            {"id": "ocid1.service.oc1..storage", "cidrBlock": STORAGE_SERVICE, "name": "OCI FRA Object Storage"},
            {"id": "ocid1.service.oc1..all", "cidrBlock": ALL_SERVICES, "name": "All FRA Services"},
        ],
        "GET /20160918/serviceGateways": [service_gateway],
        f"GET /20160918/serviceGateways/{SERVICE_GATEWAY}": service_gateway,
        f"GET /20160918/internetGateways/{INTERNET_GATEWAY}": {**common, "id": INTERNET_GATEWAY, "isEnabled": True},
        **_subnet("gateway", common, block="10.0.0.0/24", route={**TO_INTERNET, "networkEntityId": INTERNET_GATEWAY}),
        **_subnet("function", common, block="10.0.1.0/24", route={**TO_SERVICES, "networkEntityId": SERVICE_GATEWAY}),
    }


def _subnet(name: str, common: dict[str, str], *, block: str, route: dict[str, str]) -> dict[str, Any]:
    """A subnet with its route table and its security list."""
    is_open = name == "gateway"
    table, security_list, subnet = (
        f"ocid1.{kind}.oc1.eu-frankfurt-1.{name}" for kind in ("routetable", "securitylist", "subnet")
    )
    ingress = [{**HTTPS, "source": "0.0.0.0/0", "sourceType": "CIDR_BLOCK"}] if is_open else []
    egress = [{**HTTPS, **(TO_INTERNET if is_open else TO_SERVICES)}]
    named = {**common, "displayName": f"presign-{name}"}
    parts = {"routeTableId": table, "securityListIds": [security_list], "prohibitPublicIpOnVnic": not is_open}
    address = {"ipAddress": block.replace(".0/24", ".2"), "addressType": "Private_IPv4"}
    return {
        f"GET /20160918/subnets/{subnet}": {**named, "id": subnet, "cidrBlock": block, **parts},
        f"GET /20160918/routeTables/{table}": {**named, "id": table, "routeRules": [route]},
        f"GET /20160918/securityLists/{security_list}": {
            **named,
            "id": security_list,
            "ingressSecurityRules": ingress,
            "egressSecurityRules": egress,
        },
        f"GET /20160918/ipInventory/subnets/{subnet}": {"ipInventorySubnetResourceSummary": [address]},
    }
