"""Who may do what: rules, and whether one of them allows a request.

Nothing is allowed unless a rule says so.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from presign.faults import field_faults, pointer
from presign.model import ObjectRequest
from presign.names import bucket_fault, key_fault
from presign.operations import OPERATIONS
from presign.problems import AccessDenied, FieldError

Caller = Literal["gateway", "invoke"]
"""How a request came: through API Gateway, or by a direct invocation, which IAM has allowed."""

GROUPS = {
    "read": frozenset({"get_object", "head_object"}),
    "write": frozenset({"put_object"}),
    "*": frozenset(OPERATIONS),
}
"""Names that stand for several operations. To delete is neither to read nor to write: it is named, or `*`."""


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What some callers may do with the objects of one bucket whose keys begin with one prefix.

    Args:
        operations: names of operations or groups.
        bucket: the bucket's name.
        prefix: what the key must begin with; empty for every object of the bucket.
        callers: which ways of calling the rule is for.
    """

    operations: Annotated[list[str], msgspec.Meta(min_length=1)]
    bucket: str
    prefix: str
    callers: Annotated[tuple[Caller, ...], msgspec.Meta(min_length=1)] = ("gateway", "invoke")


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    rules: list[Rule]


class Policy:
    """The rules of a deployment, in their order.

    Args:
        rules: free of faults, as `parse_rules` gives them.
    """

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = [
            (rule, frozenset().union(*(GROUPS.get(name, {name}) for name in rule.operations))) for rule in rules
        ]

    def authorize(self, request: ObjectRequest, caller: Caller) -> None:
        """Return if a rule allows `caller` this request.

        Raises:
            AccessDenied: none does.
        """
        for rule, operations in self._rules:
            if (
                request.operation in operations
                and request.bucket == rule.bucket
                and request.key.startswith(rule.prefix)
                and caller in rule.callers
            ):
                return
        raise AccessDenied


def parse_rules(text: str) -> tuple[list[Rule], list[FieldError]]:
    """The rules in a policy document, or every fault that it has."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError) as exc:
        return [], [FieldError("", f"is not JSON: {exc}")]
    if not isinstance(document, dict):
        return [], [FieldError("", "must be a JSON object")]
    rules = document.get("rules")
    if not isinstance(rules, list):
        return [], field_faults(document, _Document)
    faults = field_faults({**document, "rules": []}, _Document)
    parsed = []
    for index, rule in enumerate(rules):
        at = pointer("rules", index)
        if not isinstance(rule, dict):
            faults.append(FieldError(at, "must be a JSON object"))
        elif wrong_types := field_faults(rule, Rule, at=at):
            faults += wrong_types
        else:
            parsed.append(msgspec.convert(rule, Rule))
            faults += _rule_faults(parsed[-1], at)
    return parsed, faults


def _rule_faults(rule: Rule, at: str) -> list[FieldError]:
    """What is wrong with the values of `rule`, beyond what their types say."""
    known = [*OPERATIONS, *GROUPS]
    faults = [
        FieldError(at + pointer("operations", index), f"must be one of {', '.join(known)}")
        for index, name in enumerate(rule.operations)
        if name not in known
    ]
    if fault := bucket_fault(rule.bucket):
        faults.append(FieldError(at + "/bucket", fault))
    # A prefix that no key can begin with would never match.
    if fault := "must not hold braces" if {"{", "}"} & set(rule.prefix) else key_fault(f"{rule.prefix}x"):
        faults.append(FieldError(at + "/prefix", fault))
    return faults
