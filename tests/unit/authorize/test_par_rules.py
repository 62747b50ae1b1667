"""`presign.authorize`: what a rule with `via: par` can't promise, and what a request can't have from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from presign.authorize.decision import Policy
from presign.authorize.rules import parse_rules
from presign.model.invocation import Principal
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
