"""`presign.authorize`: what a rule with `via: par` can't promise, and what a request can't have from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from presign.authorize.decision import Mismatch, Policy
from presign.authorize.rules import parse_rules
from presign.authorize.warnings import warnings_of
from presign.model.invocation import Principal
from presign.model.outcomes import Grant
from presign.problems import InvalidRequest
from presign.read.parser import RequestParser

PARSER = RequestParser(default_bucket="b", max_expires_in=604_800, virtual_hosted=False)
RULE = {"operations": ["*"], "bucket": "b", "prefix": "", "via": "par"}


def policy(*rules: dict[str, Any], most: int = 604_800) -> Policy:
    """A policy of these rules, whose PARs may be valid for `most` seconds."""
    parsed, errors = parse_rules(json.dumps({"rules": [{**RULE, **rule} for rule in rules]}))
    assert not errors
    return Policy(parsed, default_expires_in=60, par_max_expires_in=most)


def errors_of(**rule: Any) -> list[tuple[str, str]]:
    """The errors of one rule."""
    _, errors = parse_rules(json.dumps({"rules": [{**RULE, **rule}]}))
    return [(error.pointer.removeprefix("/rules/0"), error.detail) for error in errors]


def refusals(decider: Policy, **request: Any) -> list[tuple[str, str]]:
    """Why no PAR can give the request."""
    with pytest.raises(InvalidRequest) as caught:
        decider.authorize(PARSER.parse(request), Principal("invoke"))
    return [(error.pointer, error.detail) for error in caught.value.errors]


class TestRules:
    """A rule is refused when it is read."""

    @pytest.mark.parametrize(
        ("limit", "value"), [("max_content_length", 5), ("content_types", ["image/png"]), ("create_only", True)]
    )
    def test_limits_of_uploads(self, limit: str, value: Any) -> None:
        assert errors_of(**{limit: value}) == [(f"/{limit}", "can't be kept by a PAR: use via: s3")]

    @pytest.mark.parametrize("value", ["none", "download"])
    def test_response_overrides(self, value: str) -> None:
        detail = "must be any, as the holder of a PAR chooses them"
        assert errors_of(response_overrides=value) == [("/response_overrides", detail)]

    def test_response_overrides_that_a_par_has(self) -> None:
        assert errors_of(response_overrides="any") == []

    def test_single_use_without_uploads(self) -> None:
        detail = "needs put_object among the operations"
        assert errors_of(operations=["get_object"], single_use=True) == [("/single_use", detail)]

    def test_operations_of_which_no_par_is_for_any(self) -> None:
        detail = "must have one that a PAR can give: get_object, get_prefix, head_object, put_object"
        assert errors_of(operations=["delete_object", "copy_object"]) == [("/operations", detail)]


class TestRequests:
    """A request that a rule matches is refused if no PAR can give it."""

    def test_another_operation(self) -> None:
        detail = "must be one that a PAR can give: get_object, get_prefix, head_object, put_object"
        assert refusals(policy({}), operation="delete_object", key="k") == [("/operation", detail)]

    @pytest.mark.parametrize(
        ("operation", "option", "value"),
        [
            ("put_object", "content_length", 5),
            ("put_object", "content_md5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
            ("get_object", "version_id", "v"),
        ],
    )
    def test_an_option_that_it_does_not_bind(self, operation: str, option: str, value: Any) -> None:
        told = refusals(policy({}), operation=operation, key="k", **{option: value})
        assert told == [(f"/{option}", "can't be given, as a PAR binds only the object and the verb")]

    def test_a_longer_life_than_pars_have(self) -> None:
        decider = policy({}, most=600)
        assert refusals(decider, key="k", expires_in=601) == [("/expires_in", "must be at most 600 for a PAR")]
        assert decider.authorize(PARSER.parse({"key": "k", "expires_in": 600}), Principal("invoke")).expires_in == 600


class TestExplaining:
    """Each rule tells by itself what it does with a request."""

    def test_all_rules_are_asked(self) -> None:
        decider = policy({"bucket": "other"}, {"operations": ["put_object"]}, {"prefix": "k"}, {"via": "s3"})
        outcomes = decider.explain(PARSER.parse({"key": "k"}), Principal("gateway", {"sub": "alice"}))
        assert [str(outcome) for outcome in outcomes if isinstance(outcome, Mismatch)] == [
            "the rule is for another bucket",
            "the rule does not list this operation",
        ]
        assert [(outcome.rule, outcome.via) for outcome in outcomes if isinstance(outcome, Grant)] == [
            (2, "par"),
            (3, "s3"),
        ]

    def test_claims_are_those_of_the_caller(self) -> None:
        decider = policy({"prefix": "users/{sub}/"})
        request = PARSER.parse({"key": "users/alice/a"})
        assert isinstance(decider.explain(request, Principal("gateway", {"sub": "alice"}))[0], Grant)
        assert isinstance(decider.explain(request, Principal("gateway", {"sub": "bob"}))[0], Mismatch)


class TestLengths:
    """The bounds of a length, to the byte."""

    def form(self, **options: Any) -> dict[str, Any]:
        return {"operation": "post_object", "key": "k", **options}

    def test_a_form_of_just_the_greatest_length(self) -> None:
        decider = policy({"via": "s3", "max_content_length": 10})
        for options in ({"max_content_length": 10}, {"min_content_length": 10}, {}):
            grant = decider.authorize(PARSER.parse(self.form(**options)), Principal("invoke"))
            assert grant.max_content_length == 10

    def test_a_form_where_the_least_is_possible(self) -> None:
        decider = policy({"via": "s3", "max_content_length": 1})
        assert decider.authorize(PARSER.parse(self.form()), Principal("invoke")).max_content_length == 1


@pytest.mark.parametrize(
    ("pattern", "sent", "allowed"),
    [
        ("*/*", "image/png", True),
        ("*/*", "image/*", True),
        ("image/*", "image/png", True),
        ("image/*", "image/x/y", True),
        ("image/x/*", "image/x/y", False),
        ("image/*", "image/*", False),
    ],
)
def test_types(pattern: str, sent: str, allowed: bool) -> None:
    parsed, errors = parse_rules(json.dumps({"rules": [{**RULE, "via": "s3", "content_types": [pattern]}]}))
    if errors:
        assert not allowed
        return
    decider = Policy(parsed, default_expires_in=60)
    request = PARSER.parse({"operation": "put_object", "key": "k", "content_type": "image/png"})
    operation = type(request.operation)(key="k", content_type=sent)  # type: ignore[call-arg] # more than a parser lets by
    asked = type(request)(operation, "b")
    outcome = decider.explain(asked, Principal("invoke"))[0]
    assert isinstance(outcome, Grant) == allowed


class TestWarnings:
    """A rule that an earlier one hides, by what each really gives."""

    def warned(self, *rules: dict[str, Any]) -> list[str]:
        parsed, errors = parse_rules(json.dumps({"rules": [{**RULE, **rule} for rule in rules]}))
        assert not errors
        return [str(warning) for warning in warnings_of(parsed)]

    def test_a_rule_for_more_operations_than_pars_have_is_not_hidden(self) -> None:
        by_url = {"via": "s3", "operations": ["get_object", "delete_object"]}
        assert self.warned({"via": "s3", "operations": ["get_object"]}, by_url) == []

    def test_the_same_types_are_no_fewer(self) -> None:
        types = {"via": "s3", "operations": ["put_object"], "content_types": ["image/png"]}
        assert len(self.warned(types, types)) == 1
