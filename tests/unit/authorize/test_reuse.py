"""`reuse_for` in a rule: which requests get a URL that is given again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from presign.authorize.decision import Policy
from presign.authorize.rules import parse_rules
from presign.model.invocation import Principal
from presign.model.outcomes import Grant
from presign.read.parser import RequestParser

PARSER = RequestParser(default_bucket="b", max_expires_in=604_800, virtual_hosted=False)
RULE = {"operations": ["*"], "bucket": "b", "prefix": "", "reuse_for": 600}


def granted(rule: dict[str, Any] = RULE, **document: Any) -> Grant:
    parsed, errors = parse_rules(json.dumps({"rules": [rule]}))
    assert not errors
    return Policy(parsed, default_expires_in=3600).authorize(
        PARSER.parse({"key": "k", **document}), Principal("invoke")
    )


def refused(rule: dict[str, Any], default_expires_in: int = 3600) -> list[tuple[str, str]]:
    errors = parse_rules(json.dumps({"rules": [{**RULE, **rule}]}), default_expires_in=default_expires_in)[1]
    return [(error.pointer, error.detail) for error in errors]


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
def test_reads(operation: str) -> None:
    assert granted(operation=operation).reuse_for == 600


@pytest.mark.parametrize("operation", ["put_object", "delete_object", "post_object"])
def test_nothing_else(operation: str) -> None:
    assert granted(operation=operation).reuse_for is None


def test_a_life_of_twice_the_window_suffices() -> None:
    assert granted(expires_in=1200).reuse_for == 600
    assert granted(expires_in=1199).reuse_for is None


class TestCaching:
    """A fresh object has no freshness of its own, so the URL tells for how long it may be cached."""

    def test_by_browsers_alone(self) -> None:
        headers = dict(granted().request.operation.query())
        assert headers == {"response-cache-control": "private, max-age=600"}

    def test_the_requests_own_choice_stays(self) -> None:
        rule = {**RULE, "response_overrides": "any"}
        headers = dict(granted(rule, response_cache_control="no-store").request.operation.query())
        assert headers == {"response-cache-control": "no-store"}

    def test_a_rule_that_lets_readers_set_none(self) -> None:
        headers = dict(granted({**RULE, "response_overrides": "none"}).request.operation.query())
        assert headers == {"response-cache-control": "private, max-age=600"}

    def test_a_url_that_is_not_given_again_says_nothing(self) -> None:
        assert granted(expires_in=60).request.operation.query() == []


class TestErrors:
    """A rule is refused that could not keep it."""

    def test_half_of_the_time_by_default(self) -> None:
        half = "must be at most 1800, half of the seconds that a URL is valid by default"
        assert refused({"reuse_for": 1800}) == []
        assert refused({"reuse_for": 1801}) == [("/rules/0/reuse_for", half)]

    def test_half_of_the_rules_own_time(self) -> None:
        half = "must be at most 50, half of the seconds that a URL is valid by default"
        assert refused({"reuse_for": 51, "max_expires_in": 101}) == [("/rules/0/reuse_for", half)]
        assert refused({"reuse_for": 50, "max_expires_in": 101}) == []

    def test_half_of_the_setting(self) -> None:
        half = "must be at most 30, half of the seconds that a URL is valid by default"
        assert refused({"reuse_for": 31}, default_expires_in=60) == [("/rules/0/reuse_for", half)]
        assert refused({"reuse_for": 30}, default_expires_in=60) == []

    def test_pre_authenticated_requests(self) -> None:
        told = "needs a rule with via: s3, as each PAR has a URL of its own"
        assert refused({"via": "par"}) == [("/rules/0/reuse_for", told)]

    def test_no_reads(self) -> None:
        told = "needs get_object or head_object among the operations"
        assert refused({"operations": ["put_object"]}) == [("/rules/0/reuse_for", told)]

    @pytest.mark.parametrize("value", [0, -1])
    def test_no_time(self, value: int) -> None:
        assert refused({"reuse_for": value}) == [("/rules/0/reuse_for", "must be at least 1")]
