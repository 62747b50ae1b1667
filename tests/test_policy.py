"""`presign.policy`: nothing is allowed unless a rule says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from presign.model import ObjectRequest
from presign.operations import OPERATIONS
from presign.policy import Caller, Policy, parse_rules
from presign.problems import AccessDenied


def policy(*rules: dict[str, Any]) -> Policy:
    parsed, faults = parse_rules(json.dumps({"rules": rules}))
    assert not faults
    return Policy(parsed)


def allows(decider: Policy, operation: str, *, bucket: str = "b", key: str = "k", caller: Caller = "gateway") -> bool:
    request = ObjectRequest(operation=operation, method="", bucket=bucket, key=key, query=[], headers={}, expires_in=60)
    try:
        decider.authorize(request, caller)
    except AccessDenied:
        return False
    return True


def faults(document: Any) -> dict[str, str]:
    text = document if isinstance(document, str) else json.dumps(document)
    return {fault.pointer: fault.detail for fault in parse_rules(text)[1]}


class TestDecision:
    """A request is allowed by the first rule whose every part fits."""

    def test_without_rules_everything_is_refused(self) -> None:
        assert not any(allows(policy(), operation) for operation in OPERATIONS)

    @pytest.mark.parametrize(
        ("named", "allowed"),
        [
            (["get_object"], {"get_object"}),
            (["read"], {"get_object", "head_object"}),
            (["write"], {"put_object"}),
            (["read", "delete_object"], {"get_object", "head_object", "delete_object"}),
            (["*"], {"get_object", "head_object", "put_object", "delete_object"}),
        ],
    )
    def test_operations_and_groups(self, named: list[str], allowed: set[str]) -> None:
        decider = policy({"operations": named, "bucket": "b", "prefix": ""})
        assert {operation for operation in OPERATIONS if allows(decider, operation)} == allowed

    def test_another_bucket_is_refused(self) -> None:
        decider = policy({"operations": ["*"], "bucket": "b", "prefix": ""})
        assert not allows(decider, "get_object", bucket="B")
        assert not allows(decider, "get_object", bucket="bb")

    @pytest.mark.parametrize(
        "key", ["users/alice", "users/al", "Users/alice/a", "other/users/alice/a", "users//alice/a"]
    )
    def test_a_key_outside_the_prefix_is_refused(self, key: str) -> None:
        decider = policy({"operations": ["*"], "bucket": "b", "prefix": "users/alice/"})
        assert allows(decider, "get_object", key="users/alice/a")
        assert not allows(decider, "get_object", key=key)

    def test_callers(self) -> None:
        decider = policy({"operations": ["*"], "bucket": "b", "prefix": "", "callers": ["invoke"]})
        assert allows(decider, "get_object", caller="invoke")
        assert not allows(decider, "get_object", caller="gateway")

    def test_both_callers_unless_the_rule_says_otherwise(self) -> None:
        decider = policy({"operations": ["*"], "bucket": "b", "prefix": ""})
        assert allows(decider, "get_object", caller="invoke")
        assert allows(decider, "get_object", caller="gateway")

    def test_parts_of_different_rules_do_not_add_up(self) -> None:
        decider = policy(
            {"operations": ["read"], "bucket": "a", "prefix": ""},
            {"operations": ["write"], "bucket": "b", "prefix": ""},
        )
        assert allows(decider, "get_object", bucket="a")
        assert allows(decider, "put_object", bucket="b")
        assert not allows(decider, "get_object", bucket="b")
        assert not allows(decider, "put_object", bucket="a")


class TestFaults:
    """A faulty policy is told rule by rule, with a JSON pointer."""

    @pytest.mark.parametrize("text", ["", "{", "rules", "[" * 5000])
    def test_not_json(self, text: str) -> None:
        assert faults(text)[""].startswith("is not JSON: ")

    def test_not_an_object(self) -> None:
        assert faults([]) == {"": "must be a JSON object"}

    def test_no_rules(self) -> None:
        assert faults({}) == {"/rules": "is required"}
        assert faults({"rules": {}}) == {"/rules": "Expected `array`, got `object`"}

    def test_every_fault_of_every_rule(self) -> None:
        assert faults(
            {
                "version": 1,
                "rules": [
                    {"operations": ["read", "fly"], "bucket": "a b", "prefix": "/a"},
                    {"operations": "read", "bucket": 1, "effect": "deny"},
                    {"operations": [], "bucket": "b", "prefix": "a/../", "callers": []},
                    {"operations": ["read"], "bucket": "b", "prefix": "users/{sub}/", "callers": ["world"]},
                    {"operations": ["read"], "bucket": "b", "prefix": "users/{sub}/"},
                    "read",
                ],
            }
        ) == {
            "/version": "is not a field of this object",
            "/rules/0/operations/1": (
                "must be one of get_object, head_object, put_object, delete_object, read, write, *"
            ),
            "/rules/0/bucket": "must be 1 to 256 letters, digits, hyphens, underscores and periods",
            "/rules/0/prefix": "must not begin with a slash",
            "/rules/1/operations": "Expected `array`, got `str`",
            "/rules/1/bucket": "Expected `str`, got `int`",
            "/rules/1/effect": "is not a field of this object",
            "/rules/1/prefix": "is required",
            "/rules/2/operations": "Expected `array` of length >= 1",
            "/rules/2/callers": "Expected `array` of length >= 1",
            "/rules/3/callers/0": "Invalid enum value 'world'",
            "/rules/4/prefix": "must not hold braces",
            "/rules/5": "must be a JSON object",
        }
