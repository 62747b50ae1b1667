"""`presign.authorize.index`: the rules that are found give the decisions of a plain loop over all rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presign.authorize import decision
from presign.authorize.decision import Mismatch, Policy
from presign.authorize.index import RuleIndex
from presign.authorize.rules import Rule
from presign.model.invocation import Principal
from presign.model.operations.objects import GetObject, PutObject
from presign.model.outcomes import Grant
from presign.model.request import Request
from presign.problems import AccessDenied, FieldError, InvalidRequest, LimitExceeded
from presign.read.parser import RequestParser

PARSER = RequestParser(default_bucket="b", max_expires_in=604800, virtual_hosted=False)


def rule(**members: Any) -> Rule:
    """A rule for reads of everything in the bucket `b`, where it does not say."""
    return Rule(**{"operations": ["read"], "bucket": "b", "prefix": "", **members})


def reads(key: str, bucket: str = "b") -> Request:
    return Request(GetObject(key=key), bucket)


class TestCandidates:
    """A rule is found if its operation, its bucket and the beginning of its prefix fit."""

    INDEX = RuleIndex(
        [
            rule(prefix="a/"),
            rule(prefix="a/b/"),
            rule(),
            rule(prefix="a/{sub}/"),
            rule(prefix="c/", operations=["*"]),
            rule(bucket="other"),
            rule(bucket="{tenant}", prefix="a/"),
            rule(operations=["put_object"]),
            rule(prefix="a/a"),
        ]
    )

    @pytest.mark.parametrize(
        ("request_", "numbers"),
        [
            (reads("a/b/c"), [0, 1, 2, 3, 6]),
            (reads("a/"), [0, 2, 3, 6]),
            (reads("a"), [2]),
            (reads("a/aa"), [0, 2, 3, 6, 8]),
            (reads("a/az/b"), [0, 2, 3, 6, 8]),
            (reads("b"), [2]),
            (reads("c/d"), [2, 4]),
            (reads("0"), [2]),
            (reads("z"), [2]),
            (reads("a/b/c", "other"), [5, 6]),
            (reads("x", "third"), []),
            (Request(PutObject(key="c/d"), "b"), [4, 7]),
        ],
    )
    def test_found_in_their_order(self, request_: Request, numbers: list[int]) -> None:
        assert self.INDEX.candidates(request_) == numbers

    def test_no_rules(self) -> None:
        assert RuleIndex([]).candidates(reads("a")) == []
        assert RuleIndex([]).nearest(reads("a")) is None

    @pytest.mark.parametrize(
        ("rules", "nearest"),
        [
            ([rule(bucket="c"), rule(prefix="x/"), rule(prefix="y/")], 1),
            ([rule(bucket="c"), rule(bucket="{t}", prefix="x/")], 1),
            ([rule(operations=["put_object"]), rule(bucket="d"), rule(bucket="c")], 1),
            ([rule(operations=["put_object"])], None),
        ],
    )
    def test_the_nearest_of_those_that_are_not_found(self, rules: list[Rule], nearest: int | None) -> None:
        index = RuleIndex(rules)
        assert index.candidates(reads("a")) == []
        assert index.nearest(reads("a")) == nearest


def plain_loop(policy: Policy, request: Request, principal: Principal) -> Any:
    """The decision of a loop over all rules: a grant, or the errors that the caller is told."""
    outcomes = policy.explain(request, principal)
    for outcome in outcomes:
        if isinstance(outcome, Grant):
            return outcome
    mismatches = [outcome for outcome in outcomes if isinstance(outcome, Mismatch)]
    exceeded = [mismatch.exceeded for mismatch in mismatches if mismatch.exceeded]
    unfit = [mismatch.unfit for mismatch in mismatches if mismatch.unfit]
    return (LimitExceeded, exceeded[0]) if exceeded else (InvalidRequest, unfit[0]) if unfit else (AccessDenied, [])


def decided(policy: Policy, request: Request, principal: Principal) -> Grant | tuple[type, list[FieldError]]:
    try:
        return policy.authorize(request, principal)
    except (AccessDenied, InvalidRequest, LimitExceeded) as exc:
        return type(exc), exc.errors


PIECES = ("", "a", "a/", "a/b", "ab/", "b/", "x/", "{sub}/", "a/{sub}/", "{sub}/a/{tenant}/")
NAMES = ("a", "b", "ab", "x")
rules_of = st.builds(
    rule,
    operations=st.lists(
        st.sampled_from(["read", "get_object", "put_object", "list_objects_v2", "get_prefix", "*"]), min_size=1
    ),
    bucket=st.sampled_from(["b", "c", "{tenant}", "{sub}-x"]),
    prefix=st.builds("".join, st.lists(st.sampled_from(PIECES), max_size=2)).filter(lambda text: "}{" not in text),
    callers=st.sampled_from([("gateway", "invoke"), ("gateway",), ("invoke",)]),
    when=st.sampled_from([{}, {}, {"sub": ["a", "b"]}, {"groups": ["x"]}]),
    max_expires_in=st.sampled_from([None, 60, 600]),
    create_only=st.booleans(),
    max_content_length=st.sampled_from([None, None, 10]),
    via=st.sampled_from(["s3", "s3", "par"]),
)
keys = st.builds("".join, st.lists(st.sampled_from(["a", "b", "x", "/"]), min_size=1, max_size=6)).filter(
    lambda key: key[0] != "/"
)
documents = st.fixed_dictionaries(
    {
        "operation": st.sampled_from(["get_object", "put_object"]),
        "key": keys,
        "bucket": st.sampled_from(["b", "c", "a-x"]),
    },
    optional={
        "expires_in": st.sampled_from([60, 61, 601]),
        "via": st.sampled_from(["s3", "par"]),
        "cors": st.booleans(),
    },
) | st.fixed_dictionaries(
    {"operation": st.sampled_from(["list_objects_v2", "get_prefix"]), "prefix": keys.map(lambda key: f"{key}/")}
)
principals = st.builds(
    Principal,
    st.sampled_from(["gateway", "invoke"]),
    st.dictionaries(st.sampled_from(["sub", "tenant", "groups"]), st.sampled_from(NAMES)),
)


class TestPlainLoop:
    """Grants, and the limits and mismatches that are told, are those of a loop over all rules."""

    @settings(deadline=None, max_examples=3 * settings().max_examples)
    @given(st.lists(rules_of, max_size=12), st.lists(documents, min_size=1, max_size=4), principals, st.booleans())
    def test_the_same_decision(
        self, rules: list[Rule], documents: list[Any], principal: Principal, has_store_route: bool
    ) -> None:
        policy = Policy(rules, default_expires_in=300, par_max_expires_in=500, has_store_route=has_store_route)
        for document in documents:
            request = PARSER.parse(document)
            assert decided(policy, request, principal) == plain_loop(policy, request, principal)

    @settings(deadline=None, max_examples=3 * settings().max_examples)
    @given(st.lists(keys, max_size=30), keys)
    def test_all_beginnings_of_a_key_are_found(self, prefixes: list[str], key: str) -> None:
        index = RuleIndex([rule(prefix=prefix) for prefix in prefixes])
        found = [number for number, prefix in enumerate(prefixes) if key.startswith(prefix)]
        assert index.candidates(reads(key)) == found


class TestGrowth:
    """A decision asks only the rules that are found, however many there are."""

    def test_ten_thousand_rules(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rules = [rule(prefix=f"teams/{number}/") for number in range(9_990)]
        rules += [rule(prefix="x/", when={"groups": [f"g{number}"]}) for number in range(10)]
        asked: list[int] = []

        class Counted(decision._CompiledRule):
            def decide(self, request: Request, principal: Principal) -> Grant | Mismatch:
                asked.append(self._number)
                return super().decide(request, principal)

        monkeypatch.setattr(decision, "_CompiledRule", Counted)
        policy = Policy(rules, default_expires_in=60)
        assert policy.authorize(reads("teams/77/a"), Principal("gateway")).rule == 77
        assert asked == [77]
        with pytest.raises(AccessDenied):
            policy.authorize(reads("x/a"), Principal("gateway"))
        assert asked[1:] == list(range(9_990, 10_000))


class TestReason:
    """The audit record tells of the rule that came nearest, and no value of a claim."""

    def reason(self, rules: list[Rule], request: Request, **claims: str) -> str:
        with pytest.raises(AccessDenied) as caught:
            Policy(rules, default_expires_in=60).authorize(request, Principal("gateway", claims))
        return caught.value.reason

    def test_the_rule_of_which_most_conditions_are_fulfilled(self) -> None:
        rules = [
            rule(callers=["invoke"]),
            rule(bucket="{tenant}"),
            rule(prefix="{sub}/"),
            rule(when={"groups": ["admin"]}),
            rule(when={"groups": ["editor"]}),
        ]
        request = reads("bob/a")
        assert self.reason(rules, request, sub="alice", groups="secret") == (
            "rule 3: the claim groups is missing or has none of the rule's values"
        )
        assert self.reason(rules[:3], request, sub="alice") == "rule 2: the key does not begin with the rule's prefix"
        assert self.reason(rules[:3], request) == (
            "rule 2: the rule's prefix needs a claim that is missing or can't be part of a key"
        )
        assert self.reason(rules[:2], request, tenant="c") == "rule 1: the rule is for another bucket"
        assert self.reason(rules[:2], request) == (
            "rule 1: the rule's bucket needs a claim that is missing or can't be part of a name"
        )
        assert self.reason(rules[:1], request) == "rule 0: the rule does not list this way of calling"

    @pytest.mark.parametrize(
        ("farther", "nearer", "told"),
        [
            (rule(via="par"), rule(bucket="{tenant}"), "the rule is for another bucket"),
            (rule(prefix="{group}/"), rule(prefix="{sub}/"), "the key does not begin with the rule's prefix"),
        ],
    )
    def test_one_condition_more(self, farther: Rule, nearer: Rule, told: str) -> None:
        request = Request(GetObject(key="bob/a", via="s3"), "b")
        assert self.reason([farther, nearer], request, sub="alice", tenant="c") == f"rule 1: {told}"

    def test_a_way_of_access(self) -> None:
        rules = [rule(callers=["invoke"]), rule(via="par")]
        request = PARSER.parse({"key": "a", "via": "s3"})
        assert self.reason(rules, request) == "rule 1: the rule gives access via par"

    def test_a_rule_that_is_not_found(self) -> None:
        rules = [rule(bucket="c"), rule(prefix="users/")]
        assert self.reason(rules, reads("a")) == "rule 1: the key does not begin with the rule's prefix"
        assert self.reason(rules[:1], reads("a")) == "rule 0: the rule is for another bucket"
        assert self.reason(rules, Request(PutObject(key="a"), "b")) == "no rule lists this operation"
        assert self.reason([], reads("a")) == "no rule lists this operation"

    def test_the_source_of_a_copy(self) -> None:
        request = PARSER.parse({"operation": "copy_object", "key": "a", "source_bucket": "c", "source_key": "k"})
        rules = [rule(operations=["copy_object", "read"])]
        assert self.reason(rules, request) == "for the source, rule 0: the rule is for another bucket"
