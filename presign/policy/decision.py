"""Which rule decides on a request."""

from __future__ import annotations

import msgspec

from presign.policy.limits import Limits
from presign.policy.rules import GROUPS, Rule
from presign.policy.templates import Template, claim_values
from presign.problems import AccessDenied, FieldError, LimitExceeded
from presign.request.model import Principal, Request


class Grant(msgspec.Struct, frozen=True):
    """Leave to hand out one URL. Only `Policy` makes one, and an issuer takes nothing else.

    Args:
        request: with all that the limits of the rule add to it.
        expires_in: seconds that the URL may be valid.
        rule: the number of the rule that granted it, from 0.
    """

    request: Request
    expires_in: int
    rule: int


class Mismatch(msgspec.Struct, frozen=True):
    """Why a rule does not grant a request.

    Args:
        detail: the condition that the request does not fulfil; empty if it only exceeds limits.
        exceeded: the limits that it exceeds.
    """

    detail: str
    exceeded: list[FieldError] = []

    def __str__(self) -> str:
        return self.detail or "; ".join(map(str, self.exceeded))


class Policy:
    """Rules, in their order.

    Args:
        rules: free of validation errors, as `parse_rules` gives them.
        default_expires_in: seconds that a URL is valid where neither the request nor the rule says less.
    """

    def __init__(self, rules: list[Rule], *, default_expires_in: int) -> None:
        self._rules = [_CompiledRule(rule, number, default_expires_in) for number, rule in enumerate(rules)]

    def authorize(self, request: Request, principal: Principal) -> Grant:
        """The grant of the first rule that allows `request`.

        Args:
            request: one item of a call.
            principal: who asks.

        Raises:
            LimitExceeded: rules match the request, but it exceeds their limits; it tells those of the first.
            AccessDenied: no rule matches it.
        """
        exceeded: list[FieldError] = []
        for rule in self._rules:
            outcome = rule.decide(request, principal)
            if isinstance(outcome, Grant):
                return outcome
            exceeded = exceeded or outcome.exceeded
        raise LimitExceeded(exceeded) if exceeded else AccessDenied

    def explain(self, request: Request, principal: Principal) -> list[Grant | Mismatch]:
        """For each rule by itself, its grant or why it gives none."""
        return [rule.decide(request, principal) for rule in self._rules]


class _CompiledRule:
    """A rule with everything worked out that does not depend on the request."""

    def __init__(self, rule: Rule, number: int, default_expires_in: int) -> None:
        self._number = number
        self._operations = frozenset().union(*(GROUPS.get(name, {name}) for name in rule.operations))
        self._bucket = Template(rule.bucket)
        self._prefix = Template(rule.prefix)
        self._callers = rule.callers
        self._when = {name: frozenset(values) for name, values in rule.when.items()}
        self._limits = Limits(
            max_content_length=rule.max_content_length,
            content_types=rule.content_types,
            create_only=rule.create_only,
            response_overrides=rule.response_overrides,
        )
        self._max_expires_in = rule.max_expires_in
        self._default_expires_in = (
            default_expires_in if rule.max_expires_in is None else min(default_expires_in, rule.max_expires_in)
        )

    def decide(self, request: Request, principal: Principal) -> Grant | Mismatch:
        """The grant of `request`, or why there is none."""
        if detail := self._mismatch(request, principal):
            return Mismatch(detail)
        operation = request.operation
        changes, exceeded = self._limits.apply(operation)
        expires_in = self._default_expires_in if operation.expires_in is None else operation.expires_in
        if self._max_expires_in is not None and expires_in > self._max_expires_in:
            exceeded = [FieldError("/expires_in", f"must be at most {self._max_expires_in}"), *exceeded]
        if exceeded:
            return Mismatch("", exceeded)
        if changes:
            request = Request(msgspec.structs.replace(operation, **changes), request.bucket)
        return Grant(request, expires_in, self._number)

    def _mismatch(self, request: Request, principal: Principal) -> str:
        """The first condition that `request` does not fulfil, or an empty string."""
        if request.operation.name() not in self._operations:
            return "the rule does not list this operation"
        if principal.caller not in self._callers:
            return "the rule does not list this way of calling"
        bucket = self._bucket.fill_in(principal.claims)
        if bucket is None:
            return "the rule's bucket needs a claim that is missing or can't be part of a name"
        if request.bucket != bucket:
            return "the rule is for another bucket"
        prefix = self._prefix.fill_in(principal.claims)
        if prefix is None:
            return "the rule's prefix needs a claim that is missing or can't be part of a key"
        if not request.operation.key.startswith(prefix):
            return "the key does not begin with the rule's prefix"
        for name, wanted in self._when.items():
            if name not in principal.claims or wanted.isdisjoint(claim_values(principal.claims[name])):
                return f"the claim {name} is missing or has none of the rule's values"
        return ""
