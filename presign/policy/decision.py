"""Which rule decides on a request."""

from __future__ import annotations

import msgspec

from presign.policy.limits import Limits
from presign.policy.rules import GROUPS, Identity, Rule
from presign.policy.templates import Template, claim_values
from presign.problems import AccessDenied, FieldError, LimitExceeded
from presign.request.model import Operation


class Reason(msgspec.Struct, frozen=True):
    """Why a rule does not allow a request.

    Args:
        detail: the condition that it does not fulfil, empty if it only goes beyond limits.
        limits: the limits that it goes beyond.
    """

    detail: str
    limits: list[FieldError] = []

    def __str__(self) -> str:
        return self.detail or "; ".join(map(str, self.limits))


class Policy:
    """The rules of a deployment, in their order.

    Args:
        rules: free of faults, as `parse_rules` gives them.
        default_expires_in: seconds that a URL is valid where neither the request nor the rule says less.
    """

    def __init__(self, rules: list[Rule], *, default_expires_in: int) -> None:
        self._rules = [_CompiledRule(rule, default_expires_in) for rule in rules]

    def authorize(self, operation: Operation, identity: Identity) -> Operation:
        """`operation` as the first rule that allows it grants it: with its expiry and all that its limits demand.

        Raises:
            LimitExceeded: rules are for such requests, but this one goes beyond their limits; those of the first.
            AccessDenied: no rule is for such requests.
        """
        exceeded: list[FieldError] = []
        for rule in self._rules:
            outcome = rule.decide(operation, identity)
            if isinstance(outcome, Operation):
                return outcome
            exceeded = exceeded or outcome.limits
        raise LimitExceeded(exceeded) if exceeded else AccessDenied

    def explain(self, operation: Operation, identity: Identity) -> list[Operation | Reason]:
        """For each rule by itself, what it would grant or why it would not."""
        return [rule.decide(operation, identity) for rule in self._rules]


class _CompiledRule:
    """A rule, with all that does not depend on the request worked out."""

    def __init__(self, rule: Rule, default_expires_in: int) -> None:
        self._operations = frozenset().union(*(GROUPS.get(name, {name}) for name in rule.operations))
        self._bucket = Template(rule.bucket)
        self._prefix = Template(rule.prefix)
        self._callers = rule.callers
        self._when = {name: frozenset(values) for name, values in rule.when.items()}
        self._limits = Limits(
            max_expires_in=rule.max_expires_in,
            max_content_length=rule.max_content_length,
            content_types=rule.content_types,
            create_only=rule.create_only,
        )
        self._default_expires_in = default_expires_in

    def decide(self, operation: Operation, identity: Identity) -> Operation | Reason:
        """`operation` as it is granted, or why it is not."""
        if detail := self._mismatch(operation, identity):
            return Reason(detail)
        changes, exceeded = self._limits.apply(operation, default_expires_in=self._default_expires_in)
        if exceeded:
            return Reason("", exceeded)
        return msgspec.structs.replace(operation, **changes) if changes else operation

    def _mismatch(self, operation: Operation, identity: Identity) -> str:
        """The first condition that is not fulfilled, or an empty string."""
        if operation.name() not in self._operations:
            return "its operations are others"
        if identity.caller not in self._callers:
            return "its callers are others"
        bucket = self._bucket.fill_in(identity.claims)
        if bucket is None:
            return "its bucket has a claim that is missing or can't be part of a name"
        if operation.bucket != bucket:
            return "its bucket is another"
        prefix = self._prefix.fill_in(identity.claims)
        if prefix is None:
            return "its prefix has a claim that is missing or can't be part of a key"
        if not operation.key.startswith(prefix):
            return "its prefix is not what the key begins with"
        for name, wanted in self._when.items():
            if wanted.isdisjoint(claim_values(identity.claims[name]) if name in identity.claims else ()):
                return f"the claim {name} is missing or has none of its values"
        return ""
