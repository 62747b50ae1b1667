"""The network that the function and the gateway are in."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from deploy.doctor.network.security import SecurityRule
from deploy.doctor.tenancy.facts import Facts, fact
from deploy.doctor.tenancy.oci_api import OciApi

RESERVED_ADDRESSES = 3
"""The first two of a subnet and its last: docs.oracle.com, `Content/Network/Tasks/Overview_of_VCNs_and_Subnets.htm`."""


class Network(Facts):
    """Subnets, and what their traffic passes.

    Args:
        oci: OCI's API.
    """

    def __init__(self, oci: OciApi) -> None:
        super().__init__()
        self._oci = oci

    @fact("the networking service")
    def client(self) -> Any:
        """The SDK's client of the Networking service."""
        from oci.core import VirtualNetworkClient

        return self._oci.client(VirtualNetworkClient)

    def subnet(self, ocid: str) -> Any:
        """A subnet, as the Networking service describes it."""
        return self.once(f"the subnet {ocid}", lambda: self.client.get_subnet(ocid).data)

    def route_table(self, subnet: Any) -> Any:
        """The route table of a subnet."""
        ocid = subnet.route_table_id
        return self.once(f"the route table {ocid}", lambda: self.client.get_route_table(ocid).data)

    def security_list(self, ocid: str) -> Any:
        """A security list."""
        return self.once(f"the security list {ocid}", lambda: self.client.get_security_list(ocid).data)

    def security_rules(self, subnet: Any, groups: Sequence[str]) -> list[SecurityRule]:
        """The rules of the security lists of a subnet, and of network security groups."""
        of_lists = [rule for ocid in subnet.security_list_ids or [] for rule in self._rules_of_list(ocid)]
        return [*of_lists, *(rule for ocid in groups for rule in self._rules_of_group(ocid))]

    def _rules_of_list(self, ocid: str) -> list[SecurityRule]:
        return [*SecurityRule.of_list(self.security_list(ocid))]

    def _rules_of_group(self, ocid: str) -> list[SecurityRule]:
        listed = self.client.list_network_security_group_security_rules
        found = self.once(f"the network security group {ocid}", lambda: self._oci.list_all(listed, ocid))
        return [*SecurityRule.of_group(found)]

    @fact("the services of the region")
    def services(self) -> list[Any]:
        """The groups of OCI's services that a service gateway of the region can lead to."""
        return self._oci.list_all(self.client.list_services)

    def service_gateways(self, subnet: Any) -> list[Any]:
        """The service gateways of a subnet's network, in the compartment of the subnet."""
        listed = self.client.list_service_gateways
        return self._oci.list_all(listed, subnet.compartment_id, vcn_id=subnet.vcn_id)

    def free_addresses(self, subnet: Any) -> int:
        """How many IPv4 addresses of a subnet nobody has."""
        blocks = subnet.ipv4_cidr_blocks or [subnet.cidr_block]
        size = sum(ip_network(block).num_addresses - RESERVED_ADDRESSES for block in blocks)
        listed = self.client.get_subnet_ip_inventory(subnet.id).data.ip_inventory_subnet_resource_summary or []
        return size - sum(isinstance(ip_address(one.ip_address), IPv4Address) for one in listed)
