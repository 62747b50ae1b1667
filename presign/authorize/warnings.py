"""Warnings: what is legal in a policy, and surely not meant. Only `python -m presign check` asks for them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from presign.authorize.rules import GROUPS, PAR_OPERATIONS, Rule, upload_limits
from presign.model.field_errors import pointer
from presign.problems import FieldError

_WHOLE_UPLOADS = {"put_object", "post_object", "copy_object"}
_UPLOADS = {
    "max_content_length": {*_WHOLE_UPLOADS, "upload_part"},
    "content_types": {*_WHOLE_UPLOADS, "create_multipart_upload"},
    "create_only": {*_WHOLE_UPLOADS, "complete_multipart_upload"},
}
"""For each limit, the operations that it binds."""
_READS = PAR_OPERATIONS - _WHOLE_UPLOADS
"""The operations whose PARs read objects: none is for the headers alone."""
_OVERRIDES = ("none", "download", "any")
"""The values of `response_overrides`, the strictest first."""

_MISTAKEN = {
    "*": "has an asterisk, which stands for itself: a prefix is for all keys that begin with it",
    "${": "has a dollar before a claim, which stands for itself: write {name}",
    "%7b": "has an encoded brace, which stands for itself: write {name}",
    "{iss}": "has the claim iss, but no claim with a slash can stand here: if issuers are URLs, ask for them in when",
}


def warnings_of(rules: Sequence[Rule]) -> Iterator[FieldError]:
    """A warning for each mistake in `rules`, which have no validation errors but are surely not meant so."""
    for number, rule in enumerate(rules):
        for name, template in (("bucket", rule.bucket), ("prefix", rule.prefix)):
            for text, detail in _MISTAKEN.items():
                if text in template.lower():
                    yield FieldError(pointer("rules", number, name), detail)
        if not _callers(rule):
            yield FieldError(pointer("rules", number, "callers"), "never fits, as a direct invocation has no claims")
        if rule.via == "par" and rule.granted & GROUPS["read"] == {"head_object"}:
            detail = "has head_object without get_object, but a PAR for it gives the content too"
            yield FieldError(pointer("rules", number, "operations"), detail)
        yield from _undone_limits(rules, number, number)
    for outer, inner in _nested(rules):
        if outer < inner and _hides(rules[outer], rules[inner]):
            yield FieldError(pointer("rules", inner), f"never decides, as rule {outer} grants all that it could grant")
        yield from _undone_limits(rules, outer, inner)
        yield from _undone_limits(rules, inner, outer)


def _nested(rules: Sequence[Rule]) -> Iterator[tuple[int, int]]:
    """Pairs of rules for one bucket, where the prefix of the second begins with that of the first."""
    places = defaultdict(list)
    for number, rule in enumerate(rules):
        places[rule.bucket, rule.prefix].append(number)
    for number, rule in enumerate(rules):
        for length in range(len(rule.prefix) + 1):
            for outer in places.get((rule.bucket, rule.prefix[:length]), ()):
                # Of two rules for one place, the earlier one is the outer.
                if outer < number or length < len(rule.prefix):
                    yield outer, number


def _hides(outer: Rule, inner: Rule) -> bool:
    """Whether `outer`, the earlier rule, grants each request that `inner` could grant."""
    operations = inner.granted & PAR_OPERATIONS if inner.via == "par" else inner.granted
    return (
        outer.via == inner.via
        and bool(_callers(inner))
        and operations <= outer.granted
        and _callers(inner) <= _callers(outer)
        and _is_for_callers_of(outer, inner)
        and (outer.single_use or not inner.single_use)
        and _at_most(inner.max_expires_in, outer.max_expires_in)
        and _at_most(inner.max_content_length, outer.max_content_length)
        and (inner.create_only or not outer.create_only)
        and _is_subset(inner.content_types, outer.content_types)
        and _OVERRIDES.index(inner.allowed_overrides) <= _OVERRIDES.index(outer.allowed_overrides)
    )


def _undone_limits(rules: Sequence[Rule], number: int, other_number: int) -> Iterator[FieldError]:
    """The limits of a rule that its callers get around by another one in the same place."""
    rule, other = rules[number], rules[other_number]
    if _callers(rule).isdisjoint(_callers(other)) or not _is_for_callers_of(other, rule):
        return
    limits, others = upload_limits(rule), upload_limits(other)
    undoing = []
    if other.via == "par":
        if "put_object" in other.granted:
            undoing.append(("gives uploads by PARs, which keep no limit", limits))
        if not other.granted.isdisjoint(_READS):
            reads = ["response_overrides"] if rule.response_overrides in ("none", "download") else []
            reads += [name for name in limits if name == "content_types"]
            undoing.append(("gives reads by PARs, whose holder chooses the type that a browser sees", reads))
    else:
        lacking = [name for name in limits if name not in others and not other.granted.isdisjoint(_UPLOADS[name])]
        if number < other_number and _takes_uploads_of(other, rule):
            lacking = []
        way = "gives uploads without this limit" if others else "gives uploads without a limit"
        undoing.append((way, lacking))
        if rule.create_only and "delete_object" in other.granted and "create_only" not in lacking:
            undoing.append(("lets the same callers delete an object first", ["create_only"]))
    for way, names in undoing:
        for name in names:
            yield FieldError(pointer("rules", number, name), f"is undone, as rule {other_number} {way}")


def _takes_uploads_of(other: Rule, rule: Rule) -> bool:
    """Whether `rule`, the earlier one, itself grants all uploads to its place that `other` could grant.

    Of the limits `create_only` alone refuses nothing: the policy adds it to the request.
    """
    return (
        upload_limits(rule) == ["create_only"]
        and other.granted & _UPLOADS["create_only"] <= rule.granted & {"put_object", "complete_multipart_upload"}
        and "{" not in rule.bucket + rule.prefix
        and _callers(other) <= _callers(rule)
        and _is_for_callers_of(rule, other)
        and _at_most(other.max_expires_in, rule.max_expires_in)
    )


def _callers(rule: Rule) -> set[str]:
    """The ways of calling by which a request can match; a direct invocation has no claims."""
    return {caller for caller in rule.callers if caller == "gateway" or not rule.needs_claims}


def _is_for_callers_of(rule: Rule, other: Rule) -> bool:
    """Whether the claims of every caller that `other` is for fulfil the conditions of `rule` too."""
    return all(name in other.when and set(other.when[name]) <= set(values) for name, values in rule.when.items())


def _at_most(number: int | None, most: int | None) -> bool:
    return most is None or (number is not None and number <= most)


def _is_subset(types: Sequence[str] | None, allowed: Sequence[str] | None) -> bool:
    return allowed is None or (types is not None and set(types) <= set(allowed))
