"""The policy document: its rules, and every validation error in them."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from presign.authorize.templates import claim_name_error, last_segment_error, template_error, without_claims
from presign.model.field_errors import field_errors, nearest, pointer
from presign.model.invocation import Caller
from presign.model.json_text import decode
from presign.model.object_names import bucket_error, key_error
from presign.model.operation import DEFAULT_EXPIRES_IN, Seconds, Via
from presign.model.operations import MULTIPART, OPERATIONS
from presign.model.operations.objects import GetObject, HeadObject, PutObject
from presign.model.operations.prefixes import GetPrefix
from presign.problems import FieldError, InvalidJson

MAX_OBJECT_BYTES = 10 * 1024**4
"""Bytes: the largest object that OCI Object Storage holds."""

ResponseOverrides = Literal["download", "any", "none"]

GROUPS = {
    "read": frozenset({"get_object", "head_object"}),
    "write": frozenset({"put_object", "post_object", *MULTIPART}),
    "multipart": MULTIPART,
    "*": frozenset(OPERATIONS),
}
"""Names that stand for several operations."""
_NAMES = (*OPERATIONS, *GROUPS)

PAR_OPERATIONS = frozenset({GetObject.name, HeadObject.name, PutObject.name, GetPrefix.name})
"""The operations that a pre-authenticated request can give."""

_media_range = re.compile(r"\*/\*|[a-z0-9!#$&^_.+-]+/(?:\*|[a-z0-9!#$&^_.+-]+)")
"""A media type or a range of them (RFC 9110, 12.5.1)."""


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Leave for some callers to do some things to the objects of one bucket whose keys begin with one prefix.

    Args:
        operations: names of operations or groups.
        bucket: the bucket's name; `{name}` in it stands for a claim.
        prefix: the key must begin with it; empty for every object of the bucket; `{name}` stands for a claim.
        callers: the ways of calling that the rule is for.
        when: for each of these claims, the values of which the caller must have one.
        max_expires_in: seconds, the longest that a URL may be valid.
        max_content_length: bytes, the largest object that may be uploaded.
        content_types: media types that may be uploaded; `image/*` stands for all image types.
        create_only: whether an upload may not replace an object.
        response_overrides: the `response_…` options that a reader may set: `any`, `none`, or `download` for those that
            can't make a browser show the object as another type. By default `download`; with `via: par` always `any`,
            since the holder of a PAR chooses them.
        reuse_for: seconds in which reads of one object with the same options get the same URL, so that browsers and
            CDNs cache the object; at most half of the time that its URLs are valid by default.
        single_use: with `via: par`, whether a PAR for an upload is deleted as soon as an event tells that its object
            was written.
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
    response_overrides: ResponseOverrides | None = None
    via: Via = "s3"
    single_use: bool = False
    reuse_for: Annotated[int, msgspec.Meta(ge=1)] | None = None

    @property
    def granted(self) -> frozenset[str]:
        """The names of all operations that it lists by themselves or by their groups, and that it can give."""
        return _granted(tuple(self.operations), self.via)

    @property
    def allowed_overrides(self) -> ResponseOverrides:
        """`response_overrides`, or its default where the rule does not say."""
        return self.response_overrides or ("any" if self.via == "par" else "download")

    @property
    def answers_events(self) -> bool:
        """Whether an event may be answered by it: with a URL to read the object, for a caller without claims."""
        return GetObject.name in self.granted and not self.needs_claims

    @property
    def needs_claims(self) -> bool:
        """Whether the gateway secret must prove that the caller has certain claims, or came through API Gateway."""
        return bool(self.when) or "{" in self.bucket + self.prefix or "invoke" not in self.callers


@lru_cache(maxsize=256)  # the rules of a large policy list the same few
def _granted(names: tuple[str, ...], via: Via) -> frozenset[str]:
    operations = frozenset[str]().union(*(GROUPS.get(name, {name}) for name in names))
    return operations if via == "par" else operations - {GetPrefix.name}


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    rules: list[Rule]


class _Outline(msgspec.Struct):
    rules: list[Any]


def upload_limits(rule: Rule) -> list[str]:
    """The names of the limits that `rule` has for uploads."""
    limits = {name: getattr(rule, name) for name in ("max_content_length", "content_types", "create_only")}
    return [name for name, limit in limits.items() if limit is not None and limit is not False]


def parse_rules(text: str, *, default_expires_in: int = DEFAULT_EXPIRES_IN) -> tuple[list[Rule], list[FieldError]]:
    """The rules in a policy document, and every validation error in it.

    `default_expires_in` is the setting DEFAULT_EXPIRES_IN, in seconds.
    """
    try:
        document = decode(text.encode("utf-8", "surrogatepass"))
        json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_refuse_twice)
    except InvalidJson as exc:
        return [], [FieldError("", f"is not JSON: it {exc.errors[0].detail}")]
    except RecursionError:  # msgspec takes a few levels more than the standard library
        return [], [FieldError("", "is not JSON: it is nested too deeply")]
    except ValueError as exc:
        return [], [FieldError("", str(exc))]
    errors: list[FieldError] = []
    try:
        rules = dict(enumerate(msgspec.convert(document, _Document).rules))
    except msgspec.ValidationError:
        errors += field_errors(document, _Outline)
        rules = dict(_rules_without_errors(document, errors))
    for number, rule in rules.items():
        errors += [
            FieldError(pointer("rules", number) + error.pointer, error.detail)
            for error in _rule_errors(rule, default_expires_in)
        ]
    return [*rules.values()], errors


def _rules_without_errors(document: Any, errors: list[FieldError]) -> Iterator[tuple[int, Rule]]:
    """Those rules, with their numbers, whose members have the right types; appends what is wrong with the others."""
    rules = document.get("rules") if isinstance(document, dict) else None
    for number, rule in enumerate(rules if isinstance(rules, list) else []):
        if wrong_types := list(field_errors(rule, Rule, at=pointer("rules", number))):
            errors += wrong_types
        else:
            yield number, msgspec.convert(rule, Rule)


def _refuse_twice(members: list[tuple[str, Any]]) -> None:
    """Raise for an object that has two members of one name, of which decoders take the last without a word."""
    if len(dict(members)) < len(members):
        [(name, _), *_] = Counter(name for name, _ in members).most_common(1)
        raise ValueError(f"has an object with two members of the name {name}")


def _rule_errors(rule: Rule, default_expires_in: int) -> Iterator[FieldError]:
    """The errors of `rule` that the types of its members can't express."""
    for index, name in enumerate(rule.operations):
        if name not in _NAMES:
            detail = f"must be one of {', '.join(_NAMES)}{nearest(name, _NAMES)}"
            yield FieldError(pointer("operations", index), detail)
        if name == GetPrefix.name and rule.via == "s3":
            yield FieldError(pointer("operations", index), "needs a rule with via: par")
    if error := _bucket_error(rule.bucket):
        yield FieldError("/bucket", error)
    # A prefix that no key can begin with would never match.
    prefix = rule.prefix
    if error := template_error(prefix) or last_segment_error(prefix) or key_error(f"{without_claims(prefix)}x"):
        yield FieldError("/prefix", error)
    for name in rule.when:
        if error := claim_name_error(name):
            yield FieldError(pointer("when", name), error)
    for index, pattern in enumerate(rule.content_types or ()):
        if not _media_range.fullmatch(pattern):
            at = pointer("content_types", index)
            yield FieldError(at, "must be such as image/png, image/* or */*, in lower case")
    if rule.reuse_for is not None:
        yield from _reuse_errors(rule, default_expires_in)
    if rule.via == "par":
        yield from _par_errors(rule)
    elif rule.single_use:
        yield FieldError("/single_use", "needs a rule with via: par")


def _reuse_errors(rule: Rule, default_expires_in: int) -> Iterator[FieldError]:
    """A URL that is given again must leave its receiver at least half of the time that was granted."""
    most = min(default_expires_in, rule.max_expires_in or default_expires_in) // 2
    if rule.via == "par":
        yield FieldError("/reuse_for", "needs a rule with via: s3, as each PAR has a URL of its own")
    elif rule.granted.isdisjoint(GROUPS["read"]):
        yield FieldError("/reuse_for", "needs get_object or head_object among the operations")
    elif rule.reuse_for is not None and rule.reuse_for > most:
        yield FieldError("/reuse_for", f"must be at most {most}, half of the seconds that a URL is valid by default")


@lru_cache(maxsize=256)  # the rules of a large policy are for the same few
def _bucket_error(template: str) -> str:
    return template_error(template) or bucket_error(without_claims(template))


def _par_errors(rule: Rule) -> Iterator[FieldError]:
    """A PAR binds the object and the verb only, so a rule can't promise more."""
    for name in upload_limits(rule):
        yield FieldError(pointer(name), "can't be kept by a PAR: use via: s3")
    if rule.response_overrides not in (None, "any"):
        yield FieldError("/response_overrides", "must be any, as the holder of a PAR chooses them")
    if rule.single_use and PutObject.name not in rule.granted:
        yield FieldError("/single_use", "needs put_object among the operations")
    if rule.granted.isdisjoint(PAR_OPERATIONS):
        yield FieldError("/operations", f"must have one that a PAR can give: {', '.join(sorted(PAR_OPERATIONS))}")
