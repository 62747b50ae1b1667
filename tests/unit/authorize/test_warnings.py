"""`presign.authorize.warnings`: what is legal in a policy, and surely not meant."""

from __future__ import annotations

import json
from typing import Any

import pytest

from presign.authorize.rules import parse_rules
from presign.authorize.warnings import warnings_of

OWN = {"operations": ["read", "put_object"], "prefix": "users/{sub}/"}
ASTERISK = "has an asterisk, which stands for itself: a prefix is for all keys that begin with it"


def warnings(*rules: dict[str, Any]) -> list[str]:
    """The warnings of rules for reads in the bucket `b`, where they do not say."""
    every = {"operations": ["read"], "bucket": "b", "prefix": ""}
    parsed, errors = parse_rules(json.dumps({"rules": [{**every, **rule} for rule in rules]}))
    assert not errors
    return [str(warning) for warning in warnings_of(parsed)]


class TestPrefix:
    """Texts of other policy languages, which stand for themselves here."""

    @pytest.mark.parametrize(
        ("prefix", "detail"),
        [
            ("public/*", ASTERISK),
            ("*", ASTERISK),
            ("users/${sub}/", "has a dollar before a claim, which stands for itself: write {name}"),
            ("users/%7Bsub%7D/", "has an encoded brace, which stands for itself: write {name}"),
            ("users/%7bsub%7d/", "has an encoded brace, which stands for itself: write {name}"),
        ],
    )
    def test_surely_not_meant(self, prefix: str, detail: str) -> None:
        assert warnings({"prefix": prefix}) == [f"/rules/0/prefix: {detail}"]

    def test_an_issuer_is_a_url(self) -> None:
        detail = (
            "has the claim iss, but no claim with a slash can stand here: if issuers are URLs, ask for them in when"
        )
        assert warnings({"prefix": "{iss}/", "bucket": "b-{iss}", "callers": ["gateway"]}) == [
            f"/rules/0/bucket: {detail}",
            f"/rules/0/prefix: {detail}",
        ]

    @pytest.mark.parametrize("prefix", ["", "users/{sub}/", "100%25/", "$5/", "a+b/"])
    def test_as_it_should_be(self, prefix: str) -> None:
        assert warnings({"prefix": prefix}) == []


class TestNeverFits:
    """A direct invocation has no claims."""

    @pytest.mark.parametrize("members", [{"prefix": "{sub}/"}, {"bucket": "{sub}"}, {"when": {"groups": ["a"]}}])
    def test_a_rule_for_claims_of_direct_invocations(self, members: dict[str, Any]) -> None:
        assert warnings({**members, "callers": ["invoke"]}) == [
            "/rules/0/callers: never fits, as a direct invocation has no claims"
        ]
        assert warnings({**members, "callers": ["invoke", "gateway"]}) == []


class TestHidden:
    """A rule that an earlier one always hides never decides."""

    HIDDEN = "/rules/1: never decides, as rule 0 grants all that it could grant"

    @pytest.mark.parametrize(
        ("earlier", "later"),
        [
            ({}, {}),
            ({}, {"prefix": "a/"}),
            ({"prefix": "a/"}, {"prefix": "a/b/"}),
            ({"operations": ["*"]}, {"operations": ["get_object"]}),
            ({}, {"prefix": "users/{sub}/"}),
            ({"prefix": "users/{sub}/"}, {"prefix": "users/{sub}/x/"}),
            ({}, {"callers": ["invoke"]}),
            ({"callers": ["gateway"]}, {"prefix": "{sub}/", "callers": ["gateway", "invoke"]}),
            ({}, {"when": {"groups": ["a"]}}),
            ({"when": {"groups": ["a"]}}, {"when": {"groups": ["a"]}}),
            ({"when": {"groups": ["a", "b"]}}, {"when": {"groups": ["a"], "tenant": ["t"]}}),
            ({"max_expires_in": 60}, {"max_expires_in": 60}),
            ({}, {"max_expires_in": 60}),
            ({}, {"response_overrides": "none"}),
            ({"response_overrides": "any"}, {}),
            ({"operations": ["write"], "max_content_length": 9}, {"operations": ["write"], "max_content_length": 9}),
            (
                {"operations": ["write"], "content_types": ["a/b", "c/*"]},
                {"operations": ["write"], "content_types": ["c/*"]},
            ),
            ({"operations": ["write"], "create_only": True}, {"operations": ["write"], "create_only": True}),
            ({"via": "par"}, {"via": "par", "operations": ["get_object", "delete_object"]}),
            ({"via": "par"}, {"via": "par", "response_overrides": "any"}),
        ],
    )
    def test_told(self, earlier: dict[str, Any], later: dict[str, Any]) -> None:
        assert warnings(earlier, later) == [self.HIDDEN]

    @pytest.mark.parametrize(
        ("earlier", "later"),
        [
            ({"prefix": "a/"}, {}),
            ({"prefix": "a/"}, {"prefix": "b/"}),
            ({"bucket": "c"}, {}),
            ({"bucket": "{tenant}"}, {}),
            ({"operations": ["get_object"]}, {}),
            ({"callers": ["gateway"]}, {}),
            ({"when": {"groups": ["a"]}}, {}),
            ({"when": {"groups": ["a"]}}, {"when": {"groups": ["a", "b"]}}),
            ({"when": {"tenant": ["a"]}}, {"when": {"groups": ["a"]}}),
            ({"max_expires_in": 60}, {}),
            ({"max_expires_in": 60}, {"max_expires_in": 61}),
            ({"response_overrides": "none"}, {}),
            ({}, {"response_overrides": "any"}),
            ({"operations": ["write"], "max_content_length": 9}, {"operations": ["write"], "max_content_length": 10}),
            ({"operations": ["write"], "content_types": ["a/b"]}, {"operations": ["write"], "content_types": ["a/*"]}),
            ({"via": "par"}, {}),
            ({}, {"via": "par"}),
            (
                {"via": "par", "operations": ["put_object"]},
                {"via": "par", "operations": ["put_object"], "single_use": True},
            ),
        ],
    )
    def test_a_rule_that_may_decide(self, earlier: dict[str, Any], later: dict[str, Any]) -> None:
        assert warnings(earlier, later) == []


class TestUndone:
    """Limits that the same callers can get around in the same place."""

    @pytest.mark.parametrize(
        ("limits", "name"),
        [
            ({"max_content_length": 9}, "max_content_length"),
            ({"content_types": ["image/*"]}, "content_types"),
            ({"create_only": True}, "create_only"),
        ],
    )
    @pytest.mark.parametrize(
        ("other", "way"),
        [
            ({"via": "par", "operations": ["put_object"]}, "gives uploads by PARs, which keep no limit"),
            ({"operations": ["put_object"]}, "gives uploads without a limit"),
            ({"operations": ["post_object"]}, "gives uploads without a limit"),
            ({"operations": ["copy_object"]}, "gives uploads without a limit"),
            ({"operations": ["multipart"]}, "gives uploads without a limit"),
        ],
    )
    @pytest.mark.parametrize("prefix", ["", "users/", "users/{sub}/", "users/{sub}/x/"])
    def test_by_an_upload(
        self, limits: dict[str, Any], name: str, other: dict[str, Any], way: str, prefix: str
    ) -> None:
        limited, unlimited = {**OWN, **limits}, {**other, "prefix": prefix}
        assert warnings(limited, unlimited) == [f"/rules/0/{name}: is undone, as rule 1 {way}"]
        assert f"/rules/1/{name}: is undone, as rule 0 {way}" in warnings(unlimited, limited)

    @pytest.mark.parametrize(
        ("limits", "operation"),
        [({"max_content_length": 9}, "upload_part"), ({"content_types": ["image/*"]}, "create_multipart_upload")],
    )
    def test_by_a_step_of_an_upload_in_parts(self, limits: dict[str, Any], operation: str) -> None:
        [name] = limits
        limited = {"operations": ["write"], **limits}
        assert warnings(limited, {"operations": [operation]}) == [
            f"/rules/0/{name}: is undone, as rule 1 gives uploads without a limit"
        ]
        assert warnings(limited, {"operations": ["complete_multipart_upload"]}) == []

    def test_create_only_not_by_uploads_that_its_rule_takes_first(self) -> None:
        """The rule refuses none of them: `If-None-Match` is added."""
        limited = {"operations": ["put_object"], "prefix": "a/", "create_only": True}
        unlimited = {"operations": ["put_object"]}
        assert warnings(limited, unlimited) == []
        told = "/rules/1/create_only: is undone, as rule 0 gives uploads without a limit"
        assert told in warnings(unlimited, limited)

    @pytest.mark.parametrize(
        ("member", "other"),
        [
            ({"callers": ["gateway"]}, {}),
            ({"max_expires_in": 60}, {}),
            ({"max_expires_in": 60}, {"max_expires_in": 61}),
            ({"max_content_length": 9}, {"max_content_length": 9}),
            ({}, {"operations": ["put_object", "post_object"]}),
            ({}, {"operations": ["put_object", "copy_object"]}),
            ({}, {"operations": ["put_object", "multipart"]}),
        ],
    )
    def test_create_only_by_uploads_that_its_rule_does_not_take(
        self, member: dict[str, Any], other: dict[str, Any]
    ) -> None:
        limited = {"operations": ["put_object"], "prefix": "a/", "create_only": True, **member}
        [told] = warnings(limited, {"operations": ["put_object"], **other})
        assert told.startswith("/rules/0/create_only: is undone, as rule 1 gives uploads without ")

    def test_create_only_by_deleting_first(self) -> None:
        way = "lets the same callers delete an object first"
        limited = {**OWN, "create_only": True}
        assert warnings(limited, {"operations": ["delete_object"]}) == [
            f"/rules/0/create_only: is undone, as rule 1 {way}"
        ]
        assert warnings({**limited, "operations": ["*"]}) == [f"/rules/0/create_only: is undone, as rule 0 {way}"]
        assert warnings({**OWN, "max_content_length": 9}, {"operations": ["delete_object"]}) == []

    def test_one_way_around_create_only_is_enough_to_be_told(self) -> None:
        told = ["/rules/0/create_only: is undone, as rule 1 gives uploads without a limit"]
        assert warnings({**OWN, "create_only": True}, {**OWN, "operations": ["put_object", "delete_object"]}) == told

    @pytest.mark.parametrize(
        ("limits", "other"),
        [
            ({"max_content_length": 9}, {"content_types": ["*/*"]}),
            ({"content_types": ["image/*"]}, {"create_only": True}),
            ({"create_only": True}, {"max_content_length": 9}),
        ],
    )
    def test_by_an_upload_with_other_limits(self, limits: dict[str, Any], other: dict[str, Any]) -> None:
        [name], [other_name] = limits, other
        assert warnings({**OWN, **limits}, {**OWN, **other}) == [
            f"/rules/0/{name}: is undone, as rule 1 gives uploads without this limit",
            f"/rules/1/{other_name}: is undone, as rule 0 gives uploads without this limit",
        ]

    @pytest.mark.parametrize("operations", [["get_object"], ["get_object", "head_object"], ["get_prefix"]])
    def test_types_by_reads_whose_holder_chooses_them(self, operations: list[str]) -> None:
        way = "gives reads by PARs, whose holder chooses the type that a browser sees"
        par = {"via": "par", "operations": operations}
        assert warnings({**OWN, "content_types": ["image/*"]}, par) == [
            f"/rules/0/content_types: is undone, as rule 1 {way}"
        ]
        for overrides in ("none", "download"):
            assert warnings({"response_overrides": overrides}, par) == [
                f"/rules/0/response_overrides: is undone, as rule 1 {way}"
            ]
        assert warnings({"response_overrides": "any"}, par) == []
        assert warnings({**OWN, "max_content_length": 9}, par) == []

    @pytest.mark.parametrize(
        "other",
        [
            {"callers": ["invoke"]},
            {"when": {"groups": ["admin"]}},
            {"bucket": "c"},
            {"prefix": "incoming/"},
            {"operations": ["read"]},
            {"operations": ["abort_multipart_upload", "list_parts"]},
            {"operations": ["put_object"], "max_content_length": 99},
        ],
    )
    def test_not_by_other_callers_or_elsewhere(self, other: dict[str, Any]) -> None:
        limited = {"operations": ["put_object"], "prefix": "users/{sub}/", "max_content_length": 9}
        assert warnings(limited, {"operations": ["*"], **other}) == []

    def test_by_a_rule_for_the_same_claim(self) -> None:
        limited = {**OWN, "create_only": True, "when": {"groups": ["a"]}}
        told = ["/rules/0/create_only: is undone, as rule 1 gives uploads without a limit"]
        assert warnings(limited, {"operations": ["put_object"], "when": {"groups": ["a", "b"]}}) == told
        assert warnings(limited, {"operations": ["put_object"], "when": {"groups": ["b"]}}) == []


def test_a_par_for_the_headers_alone() -> None:
    assert warnings({"operations": ["head_object"], "via": "par"}) == [
        "/rules/0/operations: has head_object without get_object, but a PAR for it gives the content too"
    ]
    assert warnings({"operations": ["read"], "via": "par"}) == []
    assert warnings({"operations": ["head_object"]}) == []


def test_a_rule_for_more_operations_than_the_one_before_it_is_not_hidden() -> None:
    assert warnings({"operations": ["get_object"]}, {"operations": ["get_object", "delete_object"]}) == []


def test_the_same_types_are_no_fewer() -> None:
    types = {"operations": ["put_object"], "content_types": ["image/png"]}
    assert len(warnings(types, types)) == 1
