"""Authorizes: rules, and whether one of them allows a request. Nothing is allowed unless a rule says so."""

from presign.policy.decision import Grant, Mismatch, Policy
from presign.policy.rules import Rule, parse_rules

__all__ = ["Grant", "Mismatch", "Policy", "Rule", "parse_rules"]
