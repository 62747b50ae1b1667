"""Targets of route rules: the gateways by which packets leave a network, and whether they let them through."""

from __future__ import annotations

from typing import Any

from deploy.doctor.finding import Finding
from deploy.doctor.tenancy import Tenancy

ALL_SERVICES = "all-"
OBJECT_STORAGE = "oci-"
"""How the labels begin that stand for all of a region's services, and for its Object Storage."""


def target_finding(tenancy: Tenancy, rule: Any, subnet: Any) -> Finding:
    """Whether the target of a route rule lets the packets of a subnet through."""
    ocid = rule.network_entity_id
    kind = ocid.split(".")[1]
    look = {"servicegateway": _service_gateway, "natgateway": _nat_gateway, "internetgateway": _internet_gateway}
    if kind not in look:
        return Finding("unknown", f"The route leads to a {kind}; nobody can see here where packets go from there.")
    return look[kind](tenancy, rule, subnet)


def _service_gateway(tenancy: Tenancy, rule: Any, _: Any) -> Finding:
    gateway = tenancy.network.client.get_service_gateway(rule.network_entity_id).data
    name, option = f"The service gateway {gateway.display_name}", f"--service-gateway-id {gateway.id}"
    command = f"oci network service-gateway update{tenancy.target.region_option} {option}"
    if finding := _missing(name, gateway) or _blocked(name, gateway, command):
        return finding
    services = [service for service in tenancy.network.services if service.cidr_block == rule.destination]
    led_to = {service.service_id for service in gateway.services}
    if services and led_to.isdisjoint(service.id for service in services):
        listed = ", ".join(f'{{"serviceId": "{ocid}"}}' for ocid in [*sorted(led_to), services[0].id])
        text = f"{name} does not lead to {services[0].name}, though the route table sends that there."
        return Finding("wrong", text, f"{command} --services '[{listed}]' --force")
    return Finding("ok", f"{name} leads to {services[0].name if services else rule.destination}.")


def _nat_gateway(tenancy: Tenancy, rule: Any, _: Any) -> Finding:
    gateway = tenancy.network.client.get_nat_gateway(rule.network_entity_id).data
    name = f"The NAT gateway {gateway.display_name}"
    command = f"oci network nat-gateway update{tenancy.target.region_option} --nat-gateway-id {gateway.id}"
    return _missing(name, gateway) or _blocked(name, gateway, command) or Finding("ok", f"{name} leads out.")


def _internet_gateway(tenancy: Tenancy, rule: Any, subnet: Any) -> Finding:
    gateway = tenancy.network.client.get_internet_gateway(rule.network_entity_id).data
    name = f"The internet gateway {gateway.display_name}"
    if finding := _missing(name, gateway):
        return finding
    if not gateway.is_enabled:
        command = f"oci network internet-gateway update{tenancy.target.region_option} --ig-id {gateway.id}"
        return Finding("wrong", f"{name} is disabled.", f"{command} --is-enabled true")
    if subnet.prohibit_public_ip_on_vnic:
        text = f"{name} takes no packets of the private subnet {subnet.display_name}."
        return Finding("wrong", text, "let the route table lead to a service gateway or a NAT gateway")
    return Finding("ok", f"{name} leads out.")


def _missing(name: str, gateway: Any) -> Finding | None:
    if gateway.lifecycle_state == "AVAILABLE":
        return None
    if gateway.lifecycle_state == "PROVISIONING":
        return Finding("unknown", f"{name} is {gateway.lifecycle_state}: wait.")
    return Finding("wrong", f"{name} is {gateway.lifecycle_state}.", "make deploy, or give the route another target")


def _blocked(name: str, gateway: Any, command: str) -> Finding | None:
    if not gateway.block_traffic:
        return None
    return Finding("wrong", f"{name} blocks all traffic.", f"{command} --block-traffic false")
