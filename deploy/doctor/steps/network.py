"""The network of the function and of the gateway, which is the first cause of 502 and 504."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from deploy.doctor.finding import Finding, Skipped, worst_of
from deploy.doctor.network import mends
from deploy.doctor.network.security import EVERYWHERE, passage
from deploy.doctor.network.targets import ALL_SERVICES, OBJECT_STORAGE, target_finding
from deploy.doctor.step import Step
from deploy.doctor.tenancy import Tenancy

FEW_ADDRESSES = 10
"""Fewer free addresses of a subnet than these are a warning: the number is the project's own."""

_SUFFIXES_OF_OCI = (".oraclecloud.com", ".oci.customer-oci.com")


def function_routes(tenancy: Tenancy) -> Finding:
    """Whether the function's subnets lead to OCI's services, and the way is open."""
    return _for_each_subnet(tenancy, lambda subnet: _way_to_services(tenancy, subnet, _labels_of_function(tenancy)))


def function_rules(tenancy: Tenancy) -> Finding:
    """Whether security rules let the function call OCI's services."""
    groups = tenancy.function.application.network_security_group_ids or []

    def look(subnet: Any) -> Finding:
        labels = _labels_of_function(tenancy)
        peers = [one.cidr_block for one in tenancy.network.services if one.cidr_block.startswith(labels)]
        return _rules(tenancy, subnet, groups, peers=[EVERYWHERE, *peers], peer=mends.all_services(tenancy).cidr_block)

    return _for_each_subnet(tenancy, look)


def gateway_routes(tenancy: Tenancy) -> Finding:
    """Whether the gateway's subnet leads to callers, to OCI Functions, and to the keys that verify tokens."""
    gateway = tenancy.gateway.resource
    subnet = tenancy.network.subnet(gateway.subnet_id)
    table = tenancy.network.route_table(subnet)
    to_internet = next((rule for rule in table.route_rules or [] if _destination(rule) == EVERYWHERE), None)
    if gateway.endpoint_type != "PRIVATE":
        if to_internet is None or not to_internet.network_entity_id.startswith("ocid1.internetgateway."):
            text = f"The route table {table.display_name} leads to no internet gateway, so callers get no answer."
            return Finding("wrong", text, mends.route_to_internet(tenancy, subnet, gateway="an internet gateway"))
        return target_finding(tenancy, to_internet, subnet)
    uri = tenancy.gateway.specification.jwks_uri
    if to_internet is None and uri is not None:
        host = urlsplit(uri).hostname or ""
        mend = mends.route_to_internet(tenancy, subnet, gateway="a NAT gateway")
        text = f"The route table {table.display_name} leads to OCI's services alone"
        if not host.endswith(_SUFFIXES_OF_OCI):
            return Finding("wrong", f"{text}, so the gateway can't fetch the keys of {host}: calls end in 500.", mend)
        return Finding("unknown", f"{text}; that they include {host} is not documented.", mend)
    ways = [_way_to_services(tenancy, subnet, (ALL_SERVICES,))]
    ways += [] if to_internet is None else [target_finding(tenancy, to_internet, subnet)]
    return worst_of([*dict.fromkeys(ways)])


def gateway_rules(tenancy: Tenancy) -> Finding:
    """Whether security rules let callers reach the gateway, and the gateway the function."""
    gateway = tenancy.gateway.resource
    subnet, groups = tenancy.network.subnet(gateway.subnet_id), gateway.network_security_group_ids or []
    peers = [EVERYWHERE]
    if gateway.endpoint_type == "PRIVATE":
        peers.append(mends.all_services(tenancy).cidr_block)
    outwards = _rules(tenancy, subnet, groups, peers=peers, peer=EVERYWHERE)
    return worst_of([_rules(tenancy, subnet, groups, peers=(), peer=EVERYWHERE, is_ingress=True), outwards])


def addresses(tenancy: Tenancy) -> Finding:
    """Whether the subnets of the function and of the gateway have free addresses."""
    ocids = [*_subnets_of_function(tenancy), tenancy.gateway.resource.subnet_id]
    return worst_of([_addresses_of(tenancy, tenancy.network.subnet(ocid)) for ocid in dict.fromkeys(ocids)])


def _addresses_of(tenancy: Tenancy, subnet: Any) -> Finding:
    free = tenancy.network.free_addresses(subnet)
    text = f"{subnet.display_name} has {free} free address{'' if free == 1 else 'es'}"
    mend = "enlarge the subnet, or give the function or the gateway another one"
    if free < 1:
        return Finding("wrong", f"{text}, so no new container can start: calls end in 502 (SubnetOutOfIPs).", mend)
    if free < FEW_ADDRESSES:
        return Finding("warning", f"{text}, and new containers need some.", mend)
    return Finding("ok", f"{text}.")


def _labels_of_function(tenancy: Tenancy) -> tuple[str, ...]:
    """How the labels of services begin that suffice: without a key in Vault, Object Storage alone does."""
    settings = tenancy.function.settings
    needs_others = settings.secret is not None or settings.deliver_to is not None
    return (ALL_SERVICES,) if needs_others else (ALL_SERVICES, OBJECT_STORAGE)


def _way_to_services(tenancy: Tenancy, subnet: Any, labels: tuple[str, ...]) -> Finding:
    """Whether a subnet leads to the services with such labels: by themselves, or with all the rest."""
    table = tenancy.network.route_table(subnet)
    to_services = [rule for rule in table.route_rules or [] if _destination(rule).startswith(labels)]
    rules = to_services or [rule for rule in table.route_rules or [] if _destination(rule) == EVERYWHERE]
    if not rules:
        text = f"The route table {table.display_name} of {subnet.display_name} does not lead to OCI's services"
        return Finding("wrong", f"{text}: calls end in 502 or 504.", mends.route_to_services(tenancy, subnet))
    return target_finding(tenancy, rules[0], subnet)


def _destination(rule: Any) -> str:
    return str(rule.destination or rule.cidr_block or "")


def _rules(
    tenancy: Tenancy, subnet: Any, groups: Sequence[str], *, peers: Sequence[str], peer: str, is_ingress: bool = False
) -> Finding:
    """Whether the security rules of a subnet and of groups let HTTPS pass; `peer` is that of a rule which would."""
    rules = tenancy.network.security_rules(subnet, groups)
    way = "in" if is_ingress else "out"
    found = passage(rules, is_ingress=is_ingress, peers=peers)
    if found == "open":
        return Finding("ok", f"Security rules of {subnet.display_name} let HTTPS (port 443) {way}.")
    if found == "one way":
        text = f"The security rules of {subnet.display_name} that let HTTPS {way} are stateless"
        mend = "make these rules stateful, or let packets from port 443 pass the other way"
        return Finding("wrong", f"{text}, and no rule lets the answers pass.", mend)
    mend = mends.security_rule(tenancy, subnet, groups, is_ingress=is_ingress, peer=peer)
    if found == "closed":
        end = "nobody reaches the gateway" if is_ingress else "calls end in 502 or 504"
        return Finding("wrong", f"No security rule of {subnet.display_name} lets HTTPS (port 443) {way}: {end}.", mend)
    listed = sorted({rule.peer for rule in rules if rule.opens(is_ingress=is_ingress)})
    text = f"Security rules of {subnet.display_name} let HTTPS (port 443) {way} to {', '.join(listed)} alone"
    return Finding("unknown", f"{text}; that may be too little.", mend)


def _subnets_of_function(tenancy: Tenancy) -> list[str]:
    subnets = list(tenancy.function.application.subnet_ids or [])
    if not subnets:
        raise Skipped("OCI does not tell the subnets of the function.")
    return subnets


def _for_each_subnet(tenancy: Tenancy, look: Callable[[Any], Finding]) -> Finding:
    """One finding on all subnets of the function."""
    return worst_of([look(tenancy.network.subnet(ocid)) for ocid in _subnets_of_function(tenancy)])


_READ = "read virtual-network-family in the network's compartment"
_READ_RULES = f"{_READ}, and use network-security-groups there if there are any"

STEPS = (
    Step("network", "routes of the function's subnet", function_routes, _READ),
    Step("network", "security rules of the function's subnet", function_rules, _READ_RULES),
    Step("network", "routes of the gateway's subnet", gateway_routes, _READ),
    Step("network", "security rules of the gateway's subnet", gateway_rules, _READ_RULES),
    Step("network", "free addresses", addresses, _READ),
)
