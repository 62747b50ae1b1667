"""Security rules of a network: whether they let HTTPS pass.

The rules of security lists and of network security groups add up. Of those that fit a connection, a stateless one
decides whether its answers pass: docs.oracle.com, `Content/Network/Concepts/securityrules.htm`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

HTTPS_PORT = 443
EPHEMERAL_PORTS = range(32768, 61000)
"""The ports that Linux takes for the near end of a connection."""
EVERYWHERE = "0.0.0.0/0"
_TCP, _ANY_PROTOCOL = "6", "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityRule:
    """A rule that lets packets in, or out.

    Args:
        is_ingress: whether it lets packets in.
        peer: where they come from, or go to: a CIDR, the label of OCI's services, or the OCID of a group.
        protocol: its number, or `all`.
        source_ports, ports: those that packets come from, and go to; None for all.
        is_stateless: whether the answers need rules of their own.
    """

    is_ingress: bool
    peer: str
    protocol: str
    source_ports: range | None
    ports: range | None
    is_stateless: bool

    @classmethod
    def of_list(cls, security_list: Any) -> Iterator[SecurityRule]:
        """The rules of a security list, as the SDK describes it."""
        for rule in security_list.ingress_security_rules or []:
            yield cls._of(rule, is_ingress=True)
        for rule in security_list.egress_security_rules or []:
            yield cls._of(rule, is_ingress=False)

    @classmethod
    def of_group(cls, rules: Sequence[Any]) -> Iterator[SecurityRule]:
        """The rules of a network security group, as the SDK lists them."""
        for rule in rules:
            if rule.is_valid is not False:  # else a group that it names was deleted
                yield cls._of(rule, is_ingress=rule.direction == "INGRESS")

    @classmethod
    def _of(cls, rule: Any, *, is_ingress: bool) -> SecurityRule:
        tcp = rule.tcp_options
        return cls(
            is_ingress=is_ingress,
            peer=(rule.source if is_ingress else rule.destination) or "",
            protocol=rule.protocol,
            source_ports=_ports(tcp and tcp.source_port_range),
            ports=_ports(tcp and tcp.destination_port_range),
            is_stateless=bool(rule.is_stateless),
        )

    def opens(self, *, is_ingress: bool) -> bool:
        """Whether it lets HTTPS connections begin in this direction."""
        return self._lets_pass(is_ingress=is_ingress, source=EPHEMERAL_PORTS, target=_HTTPS_PORTS)

    def answers(self, *, is_ingress: bool) -> bool:
        """Whether it lets the answers of such connections pass, which go the other way."""
        return self._lets_pass(is_ingress=not is_ingress, source=_HTTPS_PORTS, target=EPHEMERAL_PORTS)

    def _lets_pass(self, *, is_ingress: bool, source: range, target: range) -> bool:
        fits = self.is_ingress == is_ingress and self.protocol in (_TCP, _ANY_PROTOCOL)
        return fits and _has(self.source_ports, source) and _has(self.ports, target)


Passage = Literal["open", "one way", "elsewhere", "closed"]


def passage(rules: Sequence[SecurityRule], *, is_ingress: bool, peers: Sequence[str] = ()) -> Passage:
    """Whether rules let HTTPS pass.

    Args:
        rules: of all lists and groups.
        is_ingress: whether connections come in.
        peers: the CIDRs and labels of which a rule must have one; none if any peer will do.

    Returns:
        `one way` if the answers can't pass, `elsewhere` if there are only rules for other peers.
    """
    opening = [rule for rule in rules if rule.opens(is_ingress=is_ingress)]
    if not opening:
        return "closed"
    fitting = [rule for rule in opening if not peers or rule.peer in peers]
    if not fitting:
        return "elsewhere"
    needs_answers = {rule.peer for rule in fitting if rule.is_stateless}
    answered = {rule.peer for rule in rules if rule.answers(is_ingress=is_ingress)}
    return "open" if EVERYWHERE in answered or needs_answers <= answered else "one way"


def _ports(found: Any) -> range | None:
    return None if found is None else range(found.min, found.max + 1)


def _has(ports: range | None, wanted: range) -> bool:
    return ports is None or (wanted[0] in ports and wanted[-1] in ports)


_HTTPS_PORTS = range(HTTPS_PORT, HTTPS_PORT + 1)
