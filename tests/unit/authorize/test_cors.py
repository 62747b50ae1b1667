"""`cors` in a request: only rules whose URLs serve a page of another origin are asked, and none grants more for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presign.authorize.decision import Policy
from presign.authorize.rules import parse_rules
from presign.model.invocation import Principal
from presign.model.operations import OPERATIONS
from presign.model.outcomes import Grant
from presign.problems import AccessDenied, InvalidRequest, LimitExceeded, Problem
from presign.read.parser import RequestParser

PARSER = RequestParser(default_bucket="b", max_expires_in=604_800, virtual_hosted=False)
MIB = 1024 * 1024
S3 = {"operations": ["*"], "bucket": "b", "prefix": ""}
PAR = {**S3, "via": "par"}
NO_CORS = "needs a rule with via: par, or the setting STORE_ROUTE, as the store lets no page of another origin read"


def authorize(*rules: dict[str, Any], route: bool = True, **document: Any) -> Grant:
    parsed, errors = parse_rules(json.dumps({"rules": rules}))
    assert not errors
    policy = Policy(parsed, default_expires_in=3600, has_store_route=route)
    return policy.authorize(PARSER.parse(document), Principal("invoke"))


def refusal(kind: type[Problem], *rules: dict[str, Any], route: bool = True, **document: Any) -> list[tuple[str, str]]:
    with pytest.raises(kind) as caught:
        authorize(*rules, route=route, **document)
    return [(error.pointer, error.detail) for error in caught.value.errors]


def test_without_a_store_route_a_rule_by_s3_is_passed_over() -> None:
    assert authorize(S3, PAR, route=False, key="k", cors=True).via == "par"
    assert authorize(S3, PAR, route=False, key="k", cors=False).via == "s3"


def test_with_a_store_route_it_is_not() -> None:
    assert authorize(S3, PAR, key="k", cors=True).rule == 0


def test_the_refusal_names_both_ways_out() -> None:
    assert refusal(InvalidRequest, S3, route=False, key="k", cors=True) == [("/cors", NO_CORS)]


def test_a_rule_that_does_not_match_says_nothing_of_it() -> None:
    assert refusal(AccessDenied, {**S3, "bucket": "other"}, route=False, key="k", cors=True) == []
    assert refusal(AccessDenied, S3, route=False, key="k", cors=True, via="par") == []


@pytest.mark.parametrize("value", ["true", 1, 0, "", {}, []])
def test_it_is_true_or_false(value: Any) -> None:
    [(place, detail)] = refusal(InvalidRequest, S3, key="k", cors=value)
    assert place == "/cors"
    assert detail.startswith("must be true or false, not ")


def test_a_form_ignores_it() -> None:
    assert authorize(S3, route=False, operation="post_object", key="k", cors=True).via == "s3"


class TestLengthByTheStoreRoute:
    """API Gateway takes bodies of 20 MiB, so the URL holds the upload to a length up to that."""

    PARTS = "must be at most 20971520, the most that the store route takes"

    @pytest.mark.parametrize("length", [0, 1, 20 * MIB])
    def test_it_fits(self, length: int) -> None:
        assert authorize(S3, operation="put_object", key="k", content_length=length, cors=True).via == "s3"
        part: dict[str, Any] = {"operation": "upload_part", "upload_id": "u", "part_number": 1}
        assert authorize(S3, **part, key="k", content_length=length, cors=True).via == "s3"

    def test_an_object_that_is_too_large(self) -> None:
        document: dict[str, Any] = {"operation": "put_object", "key": "k", "content_length": 20 * MIB + 1, "cors": True}
        told = ("/content_length", f"{self.PARTS}; upload a larger file in parts")
        assert refusal(LimitExceeded, S3, **document) == [told]
        assert authorize(S3, **{**document, "cors": False}).via == "s3"

    def test_a_part_that_is_too_large(self) -> None:
        part: dict[str, Any] = {
            "operation": "upload_part",
            "upload_id": "u",
            "part_number": 1,
            "content_length": 20 * MIB + 1,
        }
        assert refusal(LimitExceeded, S3, **part, key="k", cors=True) == [("/content_length", self.PARTS)]

    def test_no_length(self) -> None:
        told = ("/content_length", f"is required, and {self.PARTS}; upload a larger file in parts")
        assert refusal(LimitExceeded, S3, operation="put_object", key="k", cors=True) == [told]

    def test_the_rules_own_limit_is_told_first(self) -> None:
        rule = {**S3, "max_content_length": 5}
        told = refusal(LimitExceeded, rule, operation="put_object", key="k", content_length=30 * MIB, cors=True)
        assert told == [("/content_length", "must be at most 5")]

    def test_a_later_rule_may_still_grant_it(self) -> None:
        assert authorize(S3, PAR, operation="put_object", key="k", cors=True).rule == 1

    def test_parts_that_would_be_too_large(self) -> None:
        document: dict[str, Any] = {"operation": "create_multipart_upload", "key": "k", "cors": True}
        assert authorize({**S3, "max_content_length": 10_000 * 20 * MIB}, **document).via == "s3"
        told = (
            "can't be given, as the rule's max_content_length makes parts of more than 20971520 bytes, the most that "
        )
        rule = {**S3, "max_content_length": 10_000 * 20 * MIB + 1}
        assert refusal(LimitExceeded, rule, **document) == [("/cors", f"{told}the store route takes")]
        assert authorize(rule, **{**document, "cors": False}).via == "s3"

    def test_a_pre_authenticated_request_needs_no_length(self) -> None:
        assert authorize(PAR, operation="put_object", key="k", cors=True).via == "par"


RULES = st.fixed_dictionaries(
    {
        "operations": st.lists(st.sampled_from([*OPERATIONS, "read", "write", "*"]), min_size=1, max_size=3),
        "bucket": st.just("b"),
        "prefix": st.sampled_from(["", "users/"]),
        "via": st.sampled_from(["s3", "par"]),
    },
    optional={"max_expires_in": st.sampled_from([60, 3600])},
).filter(lambda rule: not parse_rules(json.dumps({"rules": [rule]}))[1])
REQUESTS = st.fixed_dictionaries(
    {"operation": st.sampled_from(["get_object", "put_object", "delete_object", "post_object", "get_prefix"])},
    optional={
        "content_length": st.sampled_from([0, 20 * MIB, 20 * MIB + 1]),
        "expires_in": st.sampled_from([60, 4000]),
    },
)


@settings(deadline=None)
@given(st.lists(RULES, max_size=4), REQUESTS, st.sampled_from(["k", "users/k"]), st.booleans())
def test_what_it_grants_the_same_request_gets_without_it_by_the_same_way(
    rules: list[dict[str, Any]], request: dict[str, Any], name: str, route: bool
) -> None:
    is_prefix = request["operation"] == "get_prefix"
    target = {"prefix": f"{name}/"} if is_prefix else {"key": name}
    if request["operation"] != "put_object":
        request = {member: value for member, value in request.items() if member != "content_length"}
    try:
        grant = authorize(*rules, route=route, **request, **target, cors=True)
    except Problem:
        return
    assert isinstance(authorize(*rules, route=route, **request, **target, via=grant.via), Grant)
