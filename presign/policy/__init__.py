"""Who may do what: rules, and whether one of them allows a request. Nothing is allowed unless a rule says so."""

from __future__ import annotations

from presign.policy.decision import Policy, Reason
from presign.policy.rules import Caller, Identity, Rule, parse_rules

__all__ = ["Caller", "Identity", "Policy", "Reason", "Rule", "parse_rules"]
