"""The policy document: its rules, and everything that is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec

from presign.policy.limits import MAX_OBJECT_BYTES, content_type_pattern_fault
from presign.policy.templates import claim_name_fault, prefix_template_fault, template_fault, without_claims
from presign.problems import FieldError
from presign.request.field_errors import field_faults, pointer
from presign.request.model import Seconds
from presign.request.object_names import bucket_fault, key_fault
from presign.request.operations import MULTIPART, OPERATIONS

Caller = Literal["gateway", "invoke"]
"""How a request came: through API Gateway, or by a direct invocation, which IAM has allowed."""

GROUPS = {
    "read": frozenset({"get_object", "head_object"}),
    "write": frozenset({"put_object", "post_object", *MULTIPART}),
    "multipart": frozenset(MULTIPART),
    "*": frozenset(OPERATIONS),
}
"""Names that stand for several operations. To delete is neither to read nor to write: it is named, or `*`."""


class Identity(msgspec.Struct, frozen=True):
    """Who asks.

    Args:
        caller: the way the request came.
        claims: of the caller's token, as API Gateway has verified it: names in lower case, and values.
    """

    caller: Caller
    claims: Mapping[str, str] = {}


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What some callers may do with the objects of one bucket whose keys begin with one prefix.

    Args:
        operations: names of operations or groups.
        bucket: the bucket's name; `{name}` in it stands for a claim.
        prefix: what the key must begin with; empty for every object of the bucket; `{name}` stands for a claim.
        callers: which ways of calling the rule is for.
        when: for each of these claims, the values of which the caller must have one.
        max_expires_in: seconds, the longest that a URL may be valid.
        max_content_length: bytes, the largest object that may be uploaded.
        content_types: media types that may be uploaded; `image/*` stands for all that begin so.
        create_only: whether an upload may not replace an object.
    """

    operations: Annotated[list[str], msgspec.Meta(min_length=1)]
    bucket: str
    prefix: str
    callers: Annotated[tuple[Caller, ...], msgspec.Meta(min_length=1)] = ("gateway", "invoke")
    when: dict[str, Annotated[list[str], msgspec.Meta(min_length=1)]] = {}
    max_expires_in: Seconds | None = None
    max_content_length: Annotated[int, msgspec.Meta(ge=0, le=MAX_OBJECT_BYTES)] | None = None
    content_types: Annotated[list[str], msgspec.Meta(min_length=1)] | None = None
    create_only: bool = False

    @property
    def needs_claims(self) -> bool:
        """Whether it is for callers with certain claims only."""
        return bool(self.when) or "{" in self.bucket + self.prefix


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    rules: list[Rule]


def parse_rules(text: str) -> tuple[list[Rule], list[FieldError]]:
    """The rules in a policy document, or every fault that it has."""
    try:
        document = msgspec.json.decode(text)
        json.loads(text, object_pairs_hook=_refuse_twice)
    except (msgspec.MsgspecError, RecursionError) as exc:
        return [], [FieldError("", f"is not JSON: {exc}")]
    except ValueError as exc:
        return [], [FieldError("", str(exc))]
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
            faults += [FieldError(at + fault.pointer, fault.detail) for fault in _rule_faults(parsed[-1])]
    return parsed, faults


def _refuse_twice(members: list[tuple[str, Any]]) -> None:
    """Raise for an object that has two members of one name, of which decoders take the last without a word."""
    names = [name for name, _ in members]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"has an object with two members of the name {name}")


def _rule_faults(rule: Rule) -> Iterator[FieldError]:
    """What is wrong with the values of `rule`, beyond what their types say."""
    known = [*OPERATIONS, *GROUPS]
    for index, name in enumerate(rule.operations):
        if name not in known:
            yield FieldError(pointer("operations", index), f"must be one of {', '.join(known)}")
    if fault := template_fault(rule.bucket) or bucket_fault(without_claims(rule.bucket)):
        yield FieldError("/bucket", fault)
    # A prefix that no key can begin with would never match.
    if fault := prefix_template_fault(rule.prefix) or key_fault(f"{without_claims(rule.prefix)}x"):
        yield FieldError("/prefix", fault)
    for name in rule.when:
        if fault := claim_name_fault(name):
            yield FieldError(pointer("when", name), fault)
    for index, pattern in enumerate(rule.content_types or ()):
        if fault := content_type_pattern_fault(pattern):
            yield FieldError(pointer("content_types", index), fault)
