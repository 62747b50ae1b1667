"""Commands that open a network. What is there stays, as some commands replace all rules."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from deploy.doctor.network.security import EVERYWHERE, HTTPS_PORT
from deploy.doctor.network.targets import ALL_SERVICES
from deploy.doctor.tenancy import Tenancy


def all_services(tenancy: Tenancy) -> Any:
    """The group of all services of the region, as the Networking service describes it."""
    return next(one for one in tenancy.network.services if one.cidr_block.startswith(ALL_SERVICES))


def route_to_services(tenancy: Tenancy, subnet: Any) -> str:
    """The commands that let a subnet reach OCI's services by a service gateway, which is made if there is none."""
    service, region = all_services(tenancy), tenancy.target.region_option
    gateways = [one for one in tenancy.network.service_gateways(subnet) if one.lifecycle_state == "AVAILABLE"]
    made = (
        f"oci network service-gateway create{region} --compartment-id {subnet.compartment_id} "
        f"--vcn-id {subnet.vcn_id} --services '{json.dumps([{'serviceId': service.id}])}'"
    )
    rule = {
        "destination": service.cidr_block,
        "destinationType": "SERVICE_CIDR_BLOCK",
        "networkEntityId": gateways[0].id if gateways else "<OCID of the service gateway>",
    }
    return "\n".join([*([] if gateways else [made]), _with_route(tenancy, subnet, rule)])


def route_to_internet(tenancy: Tenancy, subnet: Any, *, gateway: str) -> str:
    """The command that lets a subnet reach the internet by a gateway of this kind."""
    rule = {
        "destination": EVERYWHERE,
        "destinationType": "CIDR_BLOCK",
        "networkEntityId": f"<OCID of {gateway}>",
    }
    return _with_route(tenancy, subnet, rule)


def _with_route(tenancy: Tenancy, subnet: Any, rule: dict[str, str]) -> str:
    table = tenancy.network.route_table(subnet)
    kept = tenancy.network.client.base_client.sanitize_for_serialization(table.route_rules or [])
    command = f"oci network route-table update{tenancy.target.region_option} --rt-id {table.id}"
    return f"{command} --route-rules '{json.dumps([*kept, rule])}' --force"


def security_rule(tenancy: Tenancy, subnet: Any, groups: Sequence[str], *, is_ingress: bool, peer: str) -> str:
    """The command that lets HTTPS pass: by a new rule of the first group, or else of the subnet's first list."""
    direction, end = ("ingress", "source") if is_ingress else ("egress", "destination")
    kind = "CIDR_BLOCK" if peer == EVERYWHERE else "SERVICE_CIDR_BLOCK"
    rule = {
        "protocol": "6",
        end: peer,
        f"{end}Type": kind,
        "tcpOptions": {"destinationPortRange": {"min": HTTPS_PORT, "max": HTTPS_PORT}},
    }
    region = tenancy.target.region_option
    if groups or not subnet.security_list_ids:
        group = groups[0] if groups else "<OCID of a network security group>"
        listed = json.dumps([{**rule, "direction": direction.upper()}])
        return f"oci network nsg rules add{region} --nsg-id {group} --security-rules '{listed}'"
    found = tenancy.network.security_list(subnet.security_list_ids[0])
    kept = tenancy.network.client.base_client.sanitize_for_serialization(
        getattr(found, f"{direction}_security_rules") or []
    )
    command = f"oci network security-list update{region} --security-list-id {found.id}"
    return f"{command} --{direction}-security-rules '{json.dumps([*kept, rule])}' --force"
