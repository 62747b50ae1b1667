"""`presign.authorize`: nothing is allowed unless a rule says so."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presign.authorize.decision import Mismatch, Policy
from presign.authorize.rules import parse_rules
from presign.model.invocation import Caller, Principal
from presign.model.operations import OPERATIONS
from presign.model.operations.objects import PutObject
from presign.model.outcomes import Grant
from presign.model.part_sizes import MIN_PART_BYTES, max_part_bytes
from presign.model.request import Request
from presign.problems import AccessDenied, InvalidRequest, LimitExceeded
from presign.read.parser import RequestParser

MULTIPART = {
    "create_multipart_upload",
    "upload_part",
    "complete_multipart_upload",
    "abort_multipart_upload",
    "list_parts",
    "list_multipart_uploads",
}
BRACES = "must hold braces only as {name}, the name of a claim in lower-case letters, digits, _ and -"
PARSER = RequestParser(default_bucket="b", max_expires_in=604800, virtual_hosted=False)
REQUIRED = {"key": "k", "source_key": "k", "prefix": "k/", "upload_id": "u", "part_number": 1}


def policy(*rules: dict[str, Any]) -> Policy:
    """A policy of these rules, each for everything in the bucket `b` where it does not say."""
    every = {"operations": ["*"], "bucket": "b", "prefix": ""}
    parsed, errors = parse_rules(json.dumps({"rules": [{**every, **rule} for rule in rules]}))
    assert not errors
    return Policy(parsed, default_expires_in=3600)


def authorize(
    decider: Policy,
    operation: str = "get_object",
    *,
    caller: Caller = "gateway",
    claims: Mapping[str, str] | None = None,
    **members: Any,
) -> Grant:
    """The grant; the key is `k` unless `members` say otherwise."""
    required = {name: value for name, value in REQUIRED.items() if name in OPERATIONS[operation].__struct_fields__}
    request = PARSER.parse({"operation": operation, **required, **members})
    return decider.authorize(request, Principal(caller, claims or {}))


def asked(grant: Grant) -> Any:
    """The operation of a grant, with its options."""
    return grant.request.operation


def allows(decider: Policy, operation: str = "get_object", **how: Any) -> bool:
    try:
        authorize(decider, operation, **how)
    except AccessDenied:
        return False
    return True


def exceeded(decider: Policy, operation: str, **how: Any) -> dict[str, str]:
    """Pointer and sentence of each limit that a request goes beyond."""
    with pytest.raises(LimitExceeded) as caught:
        authorize(decider, operation, **how)
    return {fault.pointer: fault.detail for fault in caught.value.errors}


def errors(document: Any) -> dict[str, str]:
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
            (["write"], {"put_object", "post_object", *MULTIPART}),
            (["multipart"], MULTIPART),
            (["read", "delete_object"], {"get_object", "head_object", "delete_object"}),
            (["list_objects_v2"], {"list_objects_v2"}),
            (["copy_object", "read"], {"copy_object", "get_object", "head_object"}),
            (["*"], set(OPERATIONS) - {"get_prefix"}),
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


class TestClaims:
    """A caller's claims decide where the caller may go."""

    OWN = policy({"prefix": "users/{sub}/"})

    def test_the_claim_stands_in_the_prefix(self) -> None:
        assert allows(self.OWN, key="users/alice/a", claims={"sub": "alice"})
        assert allows(self.OWN, key="users/é b/a", claims={"sub": "é b"})

    @pytest.mark.parametrize("key", ["users/alice", "users/alic/e", "users/Alice/a", "users/alice2/a", "users//a"])
    def test_other_callers_keys_are_refused(self, key: str) -> None:
        assert not allows(self.OWN, key=key, claims={"sub": "alice"})

    @pytest.mark.parametrize(
        "sub", ["", ".", "..", "../bob", "alice/", "/", "a/b", "a\0", "a\nb", "\x7f", "\x85", "a" * 5000, "{sub}"]
    )
    def test_a_claim_that_would_lead_elsewhere_does_not_match(self, sub: str) -> None:
        for key in ("users/a", "users/bob/a", "users/alice/a", "users/a/b/c", "users/alice//a"):
            assert not allows(self.OWN, key=key, claims={"sub": sub})

    def test_a_claim_that_is_missing_does_not_match(self) -> None:
        assert not allows(self.OWN, key="users//a")
        assert not allows(self.OWN, key="users/alice/a", claims={"name": "alice"})

    def test_a_direct_invocation_has_no_claims(self) -> None:
        assert not allows(self.OWN, key="users/alice/a", caller="invoke")

    def test_a_claim_may_name_the_bucket(self) -> None:
        decider = policy({"bucket": "{tenant}-files"})
        assert allows(decider, bucket="acme-files", claims={"tenant": "acme"})
        assert not allows(decider, bucket="acme-files", claims={"tenant": "ac"})
        assert not allows(decider, bucket="acme-files")

    def test_several_claims(self) -> None:
        decider = policy({"prefix": "{tenant}/x-{sub}.d/"})
        claims = {"tenant": "t", "sub": "s"}
        assert allows(decider, key="t/x-s.d/a", claims=claims)
        assert not allows(decider, key="t/x-s/a", claims=claims)
        assert not allows(decider, key="t/x-s.d/a", claims={"tenant": "t"})

    def test_the_value_of_a_claim_is_no_template(self) -> None:
        decider = policy({"prefix": "{tenant}/{sub}/"})
        assert not allows(decider, key="a/a/k", claims={"tenant": "{sub}", "sub": "a"})
        assert allows(decider, key="{sub}/a/k", claims={"tenant": "{sub}", "sub": "a"})


class TestWhen:
    """A rule may be for those callers only whose claims have certain values."""

    DECIDER = policy({"when": {"groups": ["editor", "admin"]}})

    @pytest.mark.parametrize(
        "groups", ["editor", "admin", "viewer admin", '["viewer","editor"]', '[ "admin" ]', "admin viewer"]
    )
    def test_one_of_the_values_is_enough(self, groups: str) -> None:
        assert allows(self.DECIDER, claims={"groups": groups})

    @pytest.mark.parametrize(
        "groups", ["", "Editor", "editors", "viewer", "[editor]", '["viewer"]', '["editor"', '[["editor"]]', "a,editor"]
    )
    def test_any_other_value_is_not(self, groups: str) -> None:
        assert not allows(self.DECIDER, claims={"groups": groups})

    def test_the_claim_must_be_there(self) -> None:
        assert not allows(self.DECIDER, claims={"sub": "editor"})

    def test_a_value_with_a_space_is_found_whole(self) -> None:
        assert allows(policy({"when": {"team": ["field sales"]}}), claims={"team": "field sales"})

    def test_every_claim_that_is_named_must_fit(self) -> None:
        decider = policy({"when": {"groups": ["admin"], "tenant": ["acme"]}})
        assert allows(decider, claims={"groups": "admin", "tenant": "acme"})
        assert not allows(decider, claims={"groups": "admin", "tenant": "other"})
        assert not allows(decider, claims={"groups": "admin"})


class TestIssuers:
    """Two issuers may give one `sub` to different users, so the rules of docs/policy.md keep them apart."""

    RULES: ClassVar = [
        {"prefix": "staff/{sub}/", "when": {"iss": ["https://staff.example.com/"]}},
        {"prefix": "partners/{sub}/", "when": {"iss": ["https://partners.example.com/"]}},
    ]

    @pytest.mark.parametrize(("own", "other"), [("staff", "partners"), ("partners", "staff")])
    def test_each_alice_has_her_own_files(self, own: str, other: str) -> None:
        alice = {"sub": "alice", "iss": f"https://{own}.example.com/"}
        assert allows(policy(*self.RULES), key=f"{own}/alice/a", claims=alice)
        assert not allows(policy(*self.RULES), key=f"{other}/alice/a", claims=alice)
        assert not allows(policy(*self.RULES), key=f"{own}/alice/a", claims={"sub": "alice"})

    def test_an_issuer_can_not_stand_in_a_prefix(self) -> None:
        claims = {"iss": "https://staff.example.com/"}
        assert not allows(policy({"prefix": "{iss}/"}), key="https://staff.example.com//a", claims=claims)


class TestExpiry:
    """The default and the most that a rule allows."""

    def test_the_default_where_the_request_does_not_say(self) -> None:
        assert authorize(policy({})).expires_in == 3600
        assert authorize(policy({"max_expires_in": 7200})).expires_in == 3600

    def test_the_smaller_of_default_and_maximum(self) -> None:
        assert authorize(policy({"max_expires_in": 900})).expires_in == 900

    def test_what_is_asked_for_up_to_the_maximum(self) -> None:
        assert authorize(policy({"max_expires_in": 900}), expires_in=900).expires_in == 900
        assert exceeded(policy({"max_expires_in": 900}), "get_object", expires_in=901) == {
            "/expires_in": "must be at most 900"
        }


class TestLength:
    """No object may become larger than a rule allows."""

    DECIDER = policy({"max_content_length": 100})

    def test_the_length_of_a_put_must_be_given(self) -> None:
        assert exceeded(self.DECIDER, "put_object") == {"/content_length": "is required, and must be at most 100"}

    def test_the_length_of_a_put_has_a_maximum(self) -> None:
        assert asked(authorize(self.DECIDER, "put_object", content_length=100)).content_length == 100
        assert exceeded(self.DECIDER, "put_object", content_length=101) == {"/content_length": "must be at most 100"}

    def test_nothing_may_be_uploaded_where_it_is_zero(self) -> None:
        decider = policy({"max_content_length": 0})
        assert allows(decider, "put_object", content_length=0)
        assert asked(authorize(decider, "post_object")).content_length_range() == (0, 0)
        assert exceeded(decider, "put_object", content_length=1) == {"/content_length": "must be at most 0"}
        assert exceeded(decider, "upload_part", content_length=0) == {
            "/part_number": "is beyond the parts that an object of the greatest length has"
        }

    def test_a_form_has_the_maximum_in_its_policy(self) -> None:
        assert asked(authorize(self.DECIDER, "post_object")).content_length_range() == (0, 100)
        assert asked(authorize(self.DECIDER, "post_object", min_content_length=5)).content_length_range() == (5, 100)
        assert asked(authorize(self.DECIDER, "post_object", max_content_length=9)).content_length_range() == (0, 9)
        assert exceeded(self.DECIDER, "post_object", max_content_length=101) == {
            "/max_content_length": "must be at most 100"
        }
        assert exceeded(self.DECIDER, "post_object", min_content_length=101) == {
            "/min_content_length": "must be at most 100"
        }

    def test_the_parts_of_an_upload_together_have_the_maximum(self) -> None:
        most = 12 * 1024**2
        decider = policy({"max_content_length": most})
        for part_number, part in [(1, MIN_PART_BYTES), (2, MIN_PART_BYTES), (3, most - 2 * MIN_PART_BYTES)]:
            assert allows(decider, "upload_part", part_number=part_number, content_length=part)
            assert exceeded(decider, "upload_part", part_number=part_number, content_length=part + 1) == {
                "/content_length": f"must be at most {part}"
            }
        assert "/part_number" in exceeded(decider, "upload_part", part_number=4, content_length=0)
        assert exceeded(decider, "upload_part", part_number=1) == {
            "/content_length": f"is required, and must be at most {MIN_PART_BYTES}"
        }

    @settings(deadline=None)
    @given(st.integers(0, 10 * 1024**4))
    def test_no_parts_come_to_more(self, most: int) -> None:
        sizes = [max_part_bytes(number, most) for number in range(1, 10_001)]
        assert sum(sizes) == most

    @settings(deadline=None)
    @given(st.integers(1, 48 * 1024**4 // 1000), st.data())
    def test_parts_as_uppy_makes_them_fit(self, size: int, data: st.DataObject) -> None:
        """5 MiB, or so large that 10,000 are enough, for any object that is not too large itself."""
        part = max(MIN_PART_BYTES, -(-size // 10_000))
        number = data.draw(st.integers(1, -(-size // part)))
        most = data.draw(st.integers(size, 10 * 1024**4))
        assert min(part, size - (number - 1) * part) <= max_part_bytes(number, most)

    def test_what_has_no_content_is_not_limited(self) -> None:
        for operation in ("get_object", "head_object", "delete_object", *MULTIPART - {"upload_part"}):
            assert allows(self.DECIDER, operation)


class TestType:
    """Only media types that a rule names may be uploaded."""

    DECIDER = policy({"content_types": ["image/*", "application/pdf"]})
    UPLOADS = ("put_object", "post_object", "create_multipart_upload")

    @pytest.mark.parametrize("operation", UPLOADS)
    @pytest.mark.parametrize("media_type", ["image/png", "IMAGE/PNG", "application/pdf", "application/pdf; a=b"])
    def test_one_that_is_named(self, operation: str, media_type: str) -> None:
        assert allows(self.DECIDER, operation, content_type=media_type)

    @pytest.mark.parametrize("operation", UPLOADS)
    @pytest.mark.parametrize("media_type", ["text/html", "images/png", "application/pdfx", 'text/x; a="image/png"'])
    def test_another(self, operation: str, media_type: str) -> None:
        assert exceeded(self.DECIDER, operation, content_type=media_type) == {
            "/content_type": "must be one of image/*, application/pdf"
        }

    @pytest.mark.parametrize("operation", UPLOADS)
    def test_it_must_be_given(self, operation: str) -> None:
        assert exceeded(self.DECIDER, operation) == {
            "/content_type": "is required, and must be one of image/*, application/pdf"
        }

    def test_any_type_must_still_be_given(self) -> None:
        decider = policy({"content_types": ["*/*"]})
        assert allows(decider, "put_object", content_type="x/y")
        assert "/content_type" in exceeded(decider, "put_object")

    @pytest.mark.parametrize("operation", UPLOADS)
    @pytest.mark.parametrize(
        "media_type",
        ["image/svg+xml", "IMAGE/SVG+XML; charset=utf-8", "image/x+xml", "image/xhtml+xml", "image/X+Xml ;a=b"],
    )
    def test_a_type_that_runs_scripts_must_be_named(self, operation: str, media_type: str) -> None:
        assert exceeded(self.DECIDER, operation, content_type=media_type) == {
            "/content_type": "must be one of image/*, application/pdf"
        }
        named = media_type.partition(";")[0].strip().lower()
        assert allows(policy({"content_types": ["image/*", named]}), operation, content_type=media_type)
        assert allows(policy({"content_types": ["*/*"]}), operation, content_type=media_type)

    @pytest.mark.parametrize("range_", ["video", "application", "text", "model"])
    def test_no_range_has_xml_of_any_kind(self, range_: str) -> None:
        decider = policy({"content_types": [f"{range_}/*"]})
        assert allows(decider, "put_object", content_type=f"{range_}/xml-dtd")
        for subtype in ("x+xml", "xml", "XML; charset=utf-8"):
            assert "/content_type" in exceeded(decider, "put_object", content_type=f"{range_}/{subtype}")
        assert allows(policy({"content_types": [f"{range_}/xml"]}), "put_object", content_type=f"{range_}/xml")

    @pytest.mark.parametrize("operation", UPLOADS)
    @pytest.mark.parametrize("media_type", ["image/*", "*/*", "IMAGE/*; a=b"])
    def test_a_range_is_no_type(self, operation: str, media_type: str) -> None:
        assert "/content_type" in exceeded(self.DECIDER, operation, content_type=media_type)

    def test_what_is_not_an_upload_is_not_limited(self) -> None:
        for operation in ("get_object", "delete_object", "upload_part", "complete_multipart_upload"):
            assert allows(self.DECIDER, operation)


class TestResponseOverrides:
    """A reader can't make a browser show an upload as another type than the one that was allowed."""

    DECIDER = policy({})
    REFUSED = "is not allowed by the rule's response_overrides"

    @pytest.mark.parametrize(
        "option",
        [
            {"response_content_type": "text/html"},
            {"response_content_encoding": "gzip"},
            {"response_content_disposition": "inline"},
            {"response_content_disposition": 'inline; filename="attachment"'},
            {"response_content_disposition": "attachments"},
        ],
    )
    @pytest.mark.parametrize("operation", ["get_object", "head_object"])
    def test_by_default_no_type_can_be_chosen(self, operation: str, option: dict[str, str]) -> None:
        [name] = option
        assert exceeded(self.DECIDER, operation, **option) == {f"/{name}": self.REFUSED}
        assert allows(policy({"response_overrides": "any"}), operation, **option)

    @pytest.mark.parametrize(
        "option",
        [
            {"download_as": "a.txt"},
            {"response_cache_control": "no-store"},
            {"response_content_language": "de"},
            {"response_expires": "2030-01-01T00:00:00Z"},
            {"response_content_disposition": "attachment"},
            {"response_content_disposition": 'Attachment ; filename="a.txt"'},
        ],
    )
    def test_by_default_all_else_can(self, option: dict[str, str]) -> None:
        [name] = option
        assert allows(self.DECIDER, **option)
        assert exceeded(policy({"response_overrides": "none"}), "get_object", **option) == {f"/{name}": self.REFUSED}

    def test_none_allows_a_plain_download(self) -> None:
        assert allows(policy({"response_overrides": "none"}), version_id="v1")


class TestPar:
    """A pre-authenticated request binds the object and the verb, so a rule with `via: par` gives nothing else."""

    DECIDER = policy({"via": "par"})

    @pytest.mark.parametrize("operation", ["get_object", "head_object", "put_object", "get_prefix"])
    def test_the_grant_tells_how_access_is_given(self, operation: str) -> None:
        assert authorize(self.DECIDER, operation).via == "par"
        assert authorize(self.DECIDER, operation, via="par").via == "par"

    @pytest.mark.parametrize(
        "operation", sorted(set(OPERATIONS) - {"get_object", "head_object", "put_object", "get_prefix"})
    )
    def test_another_operation_is_told_apart_from_one_that_is_not_allowed(self, operation: str) -> None:
        with pytest.raises(InvalidRequest) as caught:
            authorize(self.DECIDER, operation)
        assert [error.pointer for error in caught.value.errors] == ["/operation"]

    @pytest.mark.parametrize(
        ("operation", "option"),
        [
            ("get_object", {"version_id": "v"}),
            ("put_object", {"content_length": 1}),
            ("put_object", {"content_md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}),
            ("put_object", {"checksum_sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}),
        ],
    )
    def test_an_option_that_can_not_be_bound(self, operation: str, option: dict[str, Any]) -> None:
        with pytest.raises(InvalidRequest) as caught:
            authorize(self.DECIDER, operation, **option)
        assert [error.pointer for error in caught.value.errors] == [f"/{name}" for name in option]

    def test_another_rule_may_grant_it(self) -> None:
        assert authorize(policy({"via": "par"}, {}), version_id="v").via == "s3"
        assert authorize(policy({"via": "par"}, {}), "delete_object").rule == 1

    def test_the_caller_may_ask_for_one_or_the_other(self) -> None:
        both = policy({}, {"via": "par"})
        assert [authorize(both, via=via).rule for via in ("s3", "par")] == [0, 1]
        assert not allows(policy({}), via="par")
        assert not allows(self.DECIDER, via="s3")

    def test_a_folder_is_never_given_by_a_presigned_url(self) -> None:
        assert not allows(policy({}), "get_prefix")

    def test_a_folder_must_be_within_the_prefix(self) -> None:
        decider = policy({"via": "par", "prefix": "users/{sub}/"})
        assert allows(decider, "get_prefix", prefix="users/a/", claims={"sub": "a"})
        assert allows(decider, "get_prefix", prefix="users/a/b/", claims={"sub": "a"})
        assert not allows(decider, "get_prefix", prefix="users/", claims={"sub": "a"})
        assert not allows(decider, "get_prefix", prefix="users/ab/", claims={"sub": "a"})

    def test_all_overrides_are_the_holders_choice(self) -> None:
        assert allows(self.DECIDER, response_content_type="text/html")

    @pytest.mark.parametrize(
        ("operation", "members", "bucket_size", "at"),
        [
            # Of 3,500 bytes, 300 are kept for the other parts. An ü has 6 bytes in a URL.
            ("get_object", {"key": "ü" * 512}, 3200 - 3072, "/key"),
            ("get_prefix", {"prefix": "ü" * 511 + "/"}, 3200 - 3067, "/prefix"),
            # A parameter has 20 bytes besides its value and its name, which has 22.
            ("get_object", {"key": "ü" * 500, "response_cache_control": "a" * 58}, 3200 - 3000 - 100, "/key"),
        ],
    )
    def test_the_longest_request(self, operation: str, members: dict[str, Any], bucket_size: int, at: str) -> None:
        decider = policy({"via": "par", "bucket": "{tenant}"})
        bucket = "b" * bucket_size
        assert authorize(decider, operation, bucket=bucket, claims={"tenant": bucket}, **members).via == "par"
        with pytest.raises(InvalidRequest) as caught:
            authorize(decider, operation, bucket=f"{bucket}b", claims={"tenant": f"{bucket}b"}, **members)
        assert [(error.pointer, error.detail) for error in caught.value.errors] == [
            (at, "is too long for a PAR, whose request may have 3500 bytes")
        ]

    def test_a_name_that_is_too_long(self) -> None:
        assert allows(self.DECIDER, key="ü" * 500)
        with pytest.raises(InvalidRequest) as caught:
            authorize(self.DECIDER, key="ü" * 500, download_as="a" * 255)
        assert [error.pointer for error in caught.value.errors] == ["/key"]

    def test_the_longest_time(self) -> None:
        rules, _ = parse_rules(json.dumps({"rules": [self.RULE, {**self.RULE, "via": "s3"}]}))
        decider = Policy(rules, default_expires_in=3600, par_max_expires_in=60)
        assert authorize(decider, via="s3").expires_in == 3600
        decider = Policy(rules[:1], default_expires_in=3600, par_max_expires_in=60)
        assert authorize(decider).expires_in == 60
        with pytest.raises(InvalidRequest) as caught:
            authorize(decider, expires_in=61)
        assert [(error.pointer, error.detail) for error in caught.value.errors] == [
            ("/expires_in", "must be at most 60 for a PAR")
        ]

    RULE: ClassVar = {"operations": ["*"], "bucket": "b", "prefix": "", "via": "par"}

    @pytest.mark.parametrize(
        ("members", "pointer"),
        [
            ({"max_content_length": 1}, "/max_content_length"),
            ({"content_types": ["image/*"]}, "/content_types"),
            ({"create_only": True}, "/create_only"),
            ({"response_overrides": "download"}, "/response_overrides"),
            ({"single_use": True, "operations": ["read"]}, "/single_use"),
            ({"operations": ["delete_object"]}, "/operations"),
            ({"via": "s3", "single_use": True}, "/single_use"),
            ({"via": "s3", "operations": ["read", "get_prefix"]}, "/operations/1"),
        ],
    )
    def test_a_rule_that_a_par_can_not_keep(self, members: dict[str, Any], pointer: str) -> None:
        assert list(errors({"rules": [{**self.RULE, **members}]})) == [f"/rules/0{pointer}"]

    def test_all_objects_of_a_prefix_need_a_par(self) -> None:
        rule = {**self.RULE, "via": "s3", "operations": ["read", "get_prefix"]}
        assert errors({"rules": [rule]}) == {"/rules/0/operations/1": "needs a rule with via: par"}

    def test_the_objects_whose_uploads_are_closed(self) -> None:
        decider = policy({"via": "par", "prefix": "users/{sub}/in/", "single_use": True})
        assert decider.is_single_use("b", "users/alice/in/a")
        for bucket, key in (("c", "users/alice/in/a"), ("b", "users/a/b/in/a"), ("b", "users//in/a"), ("b", "users/a")):
            assert not decider.is_single_use(bucket, key)


class TestList:
    """A listing tells the names of all objects below a prefix, which must be within the rule's."""

    DECIDER = policy({"operations": ["list_objects_v2", "list_multipart_uploads"], "prefix": "users/{sub}/"})

    @pytest.mark.parametrize("operation", ["list_objects_v2", "list_multipart_uploads"])
    def test_the_prefix(self, operation: str) -> None:
        alice = {"sub": "alice"}
        assert allows(self.DECIDER, operation, prefix="users/alice/", claims=alice)
        assert allows(self.DECIDER, operation, prefix="users/alice/a", claims=alice)
        for prefix in (None, "users/", "users/alice", "users/bob/", "users/alicea/"):
            assert not allows(self.DECIDER, operation, prefix=prefix, claims=alice)

    def test_a_rule_for_the_whole_bucket(self) -> None:
        assert allows(policy({}), "list_objects_v2", prefix=None)


class TestCopy:
    """A copy reads one object and writes another, so one rule must grant each."""

    OWN: ClassVar = {"operations": ["copy_object", "get_object"], "prefix": "users/{sub}/"}
    DECIDER = policy(OWN, {"operations": ["read"], "bucket": "public"})
    ALICE: ClassVar = {"sub": "alice"}

    def copy(self, decider: Policy = DECIDER, **members: Any) -> bool:
        return allows(decider, "copy_object", **{"key": "users/alice/b", "claims": self.ALICE, **members})

    def test_both_sides_are_granted(self) -> None:
        assert self.copy(source_key="users/alice/a")
        assert self.copy(source_bucket="public", source_key="a")

    def test_a_source_that_may_not_be_read(self) -> None:
        assert not self.copy(source_key="users/bob/a")
        assert not self.copy(source_bucket="private", source_key="users/alice/a")
        assert not self.copy(policy({"operations": ["copy_object"]}), key="b", source_key="a")

    @pytest.mark.parametrize(
        ("members", "pointer", "detail"),
        [
            (
                {"source_version_id": "v"},
                "/source_version_id",
                "can't be given, as a PAR binds only the object and the verb",
            ),
            ({"source_key": "ü" * 511}, "/source_key", "is too long for a PAR, whose request may have 3500 bytes"),
            ({"expires_in": 61}, "/expires_in", "must be at most 60 for a PAR"),
        ],
    )
    def test_a_source_that_may_be_read_by_pars_only(self, members: dict[str, Any], pointer: str, detail: str) -> None:
        every = {"bucket": "b", "prefix": ""}
        reading = {**every, "operations": ["read"], "bucket": "p" * 200, "via": "par"}
        rules, _ = parse_rules(json.dumps({"rules": [{**every, "operations": ["copy_object"]}, reading]}))
        decider = Policy(rules, default_expires_in=60, par_max_expires_in=60)
        source = {"source_bucket": "p" * 200, "source_key": "a"}
        assert self.copy(decider, **source)
        with pytest.raises(InvalidRequest) as caught:
            self.copy(decider, **{**source, **members})
        assert [(error.pointer, error.detail) for error in caught.value.errors] == [(pointer, detail)]

    def test_a_target_that_may_not_be_written(self) -> None:
        assert not self.copy(key="users/bob/b", source_key="users/alice/a")
        assert not self.copy(bucket="public", key="b", source_bucket="public", source_key="a")

    def test_a_source_that_may_be_read_for_a_shorter_time(self) -> None:
        decider = policy(self.OWN, {"operations": ["read"], "bucket": "public", "max_expires_in": 60})
        how: dict[str, Any] = {
            "key": "users/alice/b",
            "source_bucket": "public",
            "source_key": "a",
            "claims": self.ALICE,
        }
        assert authorize(decider, "copy_object", **how).expires_in == 60
        assert exceeded(decider, "copy_object", **how, expires_in=61) == {"/expires_in": "must be at most 60"}

    @pytest.mark.parametrize(
        "limit",
        [{"max_content_length": 1}, {"content_types": ["*/*"]}, {"create_only": True}],
        ids=lambda limit: next(iter(limit)),
    )
    def test_limits_that_a_copy_can_not_keep(self, limit: dict[str, Any]) -> None:
        [name] = limit
        assert exceeded(policy(limit), "copy_object") == {
            "/operation": f"must be another, as a copy can't keep the rule's {name}"
        }

    def test_all_limits_that_a_copy_can_not_keep_are_told(self) -> None:
        assert exceeded(policy({"max_content_length": 1, "create_only": True}), "copy_object") == {
            "/operation": "must be another, as a copy can't keep the rule's max_content_length, create_only"
        }


class TestCreateOnly:
    """An upload may not replace an object."""

    DECIDER = policy({"create_only": True})

    @pytest.mark.parametrize("operation", ["put_object", "complete_multipart_upload"])
    def test_the_condition_is_added_and_signed(self, operation: str) -> None:
        assert asked(authorize(self.DECIDER, operation)).headers() == {"If-None-Match": "*"}

    def test_the_condition_is_added_where_readers_may_choose_every_header(self) -> None:
        decider = policy({"create_only": True, "response_overrides": "any"})
        assert asked(authorize(decider, "put_object")).headers() == {"If-None-Match": "*"}

    def test_a_form_can_not_be_conditional(self) -> None:
        assert exceeded(self.DECIDER, "post_object") == {
            "/operation": "must be another, as a form could replace an object"
        }

    def test_the_request_itself_stays_as_it_was(self) -> None:
        request = PARSER.parse({"operation": "put_object", "key": "k"})
        self.DECIDER.authorize(request, Principal("gateway"))
        assert request == PARSER.parse({"operation": "put_object", "key": "k"})


class TestOrder:
    """The first rule that allows a request with all its limits decides."""

    def test_a_later_rule_grants_what_an_earlier_one_limits(self) -> None:
        decider = policy({"max_expires_in": 60}, {"max_expires_in": 600})
        assert authorize(decider, expires_in=600).expires_in == 600
        assert authorize(decider).expires_in == 60

    def test_the_limits_told_are_those_of_the_first_rule_that_is_for_such_requests(self) -> None:
        decider = policy({"bucket": "other"}, {"max_expires_in": 60, "max_content_length": 1}, {"max_expires_in": 600})
        assert exceeded(decider, "put_object", expires_in=601) == {
            "/expires_in": "must be at most 60",
            "/content_length": "is required, and must be at most 1",
        }


class TestFaults:
    """A faulty policy is told rule by rule, with a JSON pointer."""

    @pytest.mark.parametrize(
        ("text", "cause"),
        [
            ("", "is empty"),
            ("{", "ends too early: a bracket, a brace or a quotation mark is missing"),
            ("rules", "is malformed: invalid character (byte 0)"),
            ("[" * 50_000, "is nested too deeply"),  # newer versions of Python take 10,000
            ('{"rules": "\\ud800"}', "has a lone surrogate, such as \\ud800, which is no character"),
            ("\ud800", "is not UTF-8 (byte 0)"),
        ],
    )
    def test_not_json(self, text: str, cause: str) -> None:
        assert errors(text) == {"": f"is not JSON: it {cause}"}

    def test_nested_about_as_deeply_as_python_can_read(self) -> None:
        told = {errors("[" * levels + "]" * levels)[""] for levels in range(800, 1001)}
        expected = {"must be a JSON object", "is not JSON: it is nested too deeply"}
        assert told <= expected
        assert sys.version_info >= (3, 12) or told == expected  # newer versions take more than 1000

    def test_a_byte_order_mark_is_skipped(self) -> None:
        rule = {"operations": ["read"], "bucket": "b", "prefix": ""}
        rules, found = parse_rules("\ufeff" + json.dumps({"rules": [rule]}))
        assert ([rule.bucket for rule in rules], found) == (["b"], [])

    def test_an_unknown_name_with_the_nearest(self) -> None:
        rule = {"operations": ["getObject", "*"], "bucket": "b", "prefix": ""}
        assert errors({"rules": [rule]})["/rules/0/operations/0"].endswith("; did you mean get_object?")
        assert errors({"rules": [{**rule, "operations": ["read"], "maxExpiresIn": 60}]}) == {
            "/rules/0/maxExpiresIn": "is not a field of this object; did you mean max_expires_in?"
        }

    @pytest.mark.parametrize("character", ["\ufffe", "\uffff"])
    def test_a_prefix_that_no_list_can_show(self, character: str) -> None:
        assert errors({"rules": [{"operations": ["read"], "bucket": "b", "prefix": f"a{character}/"}]}) == {
            "/rules/0/prefix": "must not hold U+FFFE or U+FFFF, with which no list could be read"
        }

    def test_two_members_of_one_name(self) -> None:
        rule = '{"operations": ["*"], "bucket": "b", "prefix": "", "create_only": true, "create_only": false}'
        assert errors(f'{{"rules": [{rule}]}}') == {"": "has an object with two members of the name create_only"}

    def test_not_an_object(self) -> None:
        assert errors([]) == {"": "must be a JSON object"}

    def test_no_rules(self) -> None:
        assert errors({}) == {"/rules": "is required"}
        assert errors({"rules": {}}) == {"/rules": "must be an array, not an object"}

    def test_every_fault_of_every_rule(self) -> None:
        assert errors(
            {
                "version": 1,
                "rules": [
                    {"operations": ["read", "fly"], "bucket": "a b", "prefix": "/a"},
                    {"operations": "read", "bucket": 1, "effect": "deny"},
                    {"operations": [], "bucket": "b", "prefix": "a/../", "callers": []},
                    {"operations": ["read"], "bucket": "b", "prefix": "users/{sub}/", "callers": ["world"]},
                    {"operations": ["read"], "bucket": "b", "prefix": "users/{Sub}/"},
                    "read",
                ],
            }
        ) == {
            "/version": "is not a field of this object",
            "/rules/0/operations/1": (
                "must be one of get_object, head_object, put_object, delete_object, copy_object, post_object, "
                "create_multipart_upload, upload_part, complete_multipart_upload, abort_multipart_upload, list_parts, "
                "list_multipart_uploads, list_objects_v2, get_prefix, read, write, multipart, *"
            ),
            "/rules/0/bucket": "must be 1 to 256 letters, digits, hyphens, underscores and periods",
            "/rules/0/prefix": "must not begin with a slash",
            "/rules/1/operations": "must be an array, not a text",
            "/rules/1/bucket": "must be a text, not a whole number",
            "/rules/1/effect": "is not a field of this object",
            "/rules/1/prefix": "is required",
            "/rules/2/operations": "must not be empty",
            "/rules/2/callers": "must not be empty",
            "/rules/3/callers/0": "must be one of gateway, invoke",
            "/rules/4/prefix": BRACES,
            "/rules/5": "must be a JSON object",
        }

    @pytest.mark.parametrize("prefix", ["{", "}", "{}/", "{a b}/", "{{sub}}/", "{sub}/}", "{Sub}/"])
    def test_braces_that_name_no_claim(self, prefix: str) -> None:
        assert errors({"rules": [{"operations": ["*"], "bucket": "b", "prefix": prefix}]}) == {
            "/rules/0/prefix": BRACES
        }

    @pytest.mark.parametrize("prefix", ["{sub}", "users/{sub}", "users/{sub}-", "{tenant}/{sub}"])
    def test_a_claim_without_a_slash_after_it(self, prefix: str) -> None:
        """With `users/{sub}` the caller `al` could read what is `alice`'s."""
        assert errors({"rules": [{"operations": ["*"], "bucket": "b", "prefix": prefix}]}) == {
            "/rules/0/prefix": (
                "must have a slash after the claim, as other callers' values could begin with the same letters"
            )
        }

    @pytest.mark.parametrize("name", ["bucket", "prefix"])
    def test_two_claims_that_run_into_each_other(self, name: str) -> None:
        """With `{a}{b}` the claims `x` and `yz` would be the same as `xy` and `z`."""
        rule = {"operations": ["*"], "bucket": "b", "prefix": "", name: "{a}-{b}" + "/" * (name == "prefix")}
        assert errors({"rules": [rule]}) == {
            f"/rules/0/{name}": (
                "must not hold two claims without a slash between them, as other callers' values could come to the same"
            )
        }

    @pytest.mark.parametrize(
        ("name", "least", "most"), [("max_expires_in", 1, 604_800), ("max_content_length", 0, 10 * 1024**4)]
    )
    def test_the_bounds_of_limits(self, name: str, least: int, most: int) -> None:
        rule = {"operations": ["*"], "bucket": "b", "prefix": ""}
        for value in (least, most):
            assert errors({"rules": [{**rule, name: value}]}) == {}
        assert errors({"rules": [{**rule, name: least - 1}]}) == {f"/rules/0/{name}": f"must be at least {least}"}
        assert errors({"rules": [{**rule, name: most + 1}]}) == {f"/rules/0/{name}": f"must be at most {most}"}

    def test_faulty_limits(self) -> None:
        rule = {
            "operations": ["*"],
            "bucket": "b",
            "prefix": "",
            "when": {"groups": "a", "tenant": []},
            "max_expires_in": 604801,
            "max_content_length": -1,
            "content_types": ["image", "image/*", "*/png", "Image/png"],
            "create_only": "yes",
        }
        pattern = "must be such as image/png, image/* or */*, in lower case"
        assert errors({"rules": [rule]}) == {
            "/rules/0/when/groups": "must be an array, not a text",
            "/rules/0/when/tenant": "must not be empty",
            "/rules/0/max_expires_in": "must be at most 604800",
            "/rules/0/max_content_length": "must be at least 0",
            "/rules/0/create_only": "must be true or false, not a text",
        }
        fitting = {"operations": ["*"], "bucket": "b", "prefix": "", "content_types": rule["content_types"]}
        assert errors({"rules": [{**fitting, "when": {"Groups": ["a"]}}]}) == {
            "/rules/0/when/Groups": "must be the name of a claim in lower-case letters, digits, _ and -",
            **{f"/rules/0/content_types/{index}": pattern for index in (0, 2, 3)},
        }


class TestExplaining:
    """Each rule tells by itself what it does with a request."""

    def test_all_rules_are_asked(self) -> None:
        decider = policy({"bucket": "other"}, {"operations": ["put_object"]}, {"prefix": "k", "via": "par"}, {})
        outcomes = decider.explain(PARSER.parse({"key": "k"}), Principal("gateway", {"sub": "alice"}))
        assert [str(outcome) for outcome in outcomes if isinstance(outcome, Mismatch)] == [
            "the rule is for another bucket",
            "the rule does not list this operation",
        ]
        assert [(outcome.rule, outcome.via) for outcome in outcomes if isinstance(outcome, Grant)] == [
            (2, "par"),
            (3, "s3"),
        ]

    def test_each_limit_is_told(self) -> None:
        decider = policy({"max_expires_in": 60, "response_overrides": "none"})
        request = PARSER.parse({"key": "k", "expires_in": 61, "response_expires": "2026-01-01T00:00:00Z"})
        [outcome] = decider.explain(request, Principal("invoke"))
        assert str(outcome) == (
            "/expires_in: must be at most 60; /response_expires: is not allowed by the rule's response_overrides"
        )

    def test_claims_are_those_of_the_caller(self) -> None:
        decider = policy({"prefix": "users/{sub}/"})
        request = PARSER.parse({"key": "users/alice/a"})
        assert isinstance(decider.explain(request, Principal("gateway", {"sub": "alice"}))[0], Grant)
        assert isinstance(decider.explain(request, Principal("gateway", {"sub": "bob"}))[0], Mismatch)


class TestFormLengths:
    """The bounds of a form's length, to the byte."""

    @pytest.mark.parametrize("options", [{"max_content_length": 10}, {"min_content_length": 10}, {}])
    def test_just_the_greatest_length(self, options: dict[str, Any]) -> None:
        grant = authorize(policy({"max_content_length": 10}), "post_object", **options)
        assert grant.max_content_length == 10

    def test_where_the_least_is_possible(self) -> None:
        assert authorize(policy({"max_content_length": 1}), "post_object").max_content_length == 1


@pytest.mark.parametrize(
    ("pattern", "sent", "allowed"),
    [
        ("*/*", "image/png", True),
        ("*/*", "image/*", True),
        ("image/*", "image/png", True),
        ("image/*", "image/x/y", True),
        ("image/*", "image/*", False),
    ],
)
def test_types_that_no_request_can_have_either(pattern: str, sent: str, allowed: bool) -> None:
    """The rule decides by itself, though the parser lets only media types by."""
    request = Request(PutObject(key="k", content_type=sent), "b")
    [outcome] = policy({"content_types": [pattern]}).explain(request, Principal("invoke"))
    assert isinstance(outcome, Grant) == allowed


def test_a_pattern_of_three_parts_is_no_pattern() -> None:
    document = {"rules": [{"operations": ["*"], "bucket": "b", "prefix": "", "content_types": ["image/x/*"]}]}
    assert errors(document) == {
        "/rules/0/content_types/0": "must be such as image/png, image/* or */*, in lower case",
    }
