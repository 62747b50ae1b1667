"""A header is a claim only if it carries the gateway secret."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import pytest

from presign.model.invocation import Caller, Invocation, Principal
from presign.problems import AccessDenied
from presign.read.claims import claims_of, principal_of

KEY = "0123456789abcdef0123456789abcdef"


def test_claims_by_their_names_in_lower_case() -> None:
    headers = {"content-type": f"{KEY}:x:", "X-Claim-Sub": f"{KEY}:alice:", "x-claim-groups": f'{KEY}:["a:b","c"]:'}
    assert claims_of(headers, gateway_secrets=[KEY]) == {"sub": "alice", "groups": '["a:b","c"]'}


@pytest.mark.parametrize(
    "value",
    [
        "alice:",
        ":alice:",
        f"{KEY[:-1]}:alice:",
        f"{KEY}x:alice:",
        f"{KEY.upper()}:alice:",
        f"{KEY} alice:",
        f" {KEY}:alice:",
        "ключ:alice:",
        "\udce9:alice:",
        [f"{KEY}:alice:", f"{KEY}:bob:"],
        ["alice", f"{KEY}:bob:"],
    ],
)
def test_a_header_without_the_gateway_secret_is_no_claim(value: str | list[str]) -> None:
    assert claims_of({"x-claim-sub": value}, gateway_secrets=[KEY]) == {}


@pytest.mark.parametrize("value", [f"{KEY}:alice", f"{KEY}:alice: ", f"{KEY}:", KEY])
def test_a_header_without_its_end_is_no_claim(value: str) -> None:
    assert claims_of({"x-claim-sub": value}, gateway_secrets=[KEY]) == {}


@pytest.mark.parametrize("sub", ["alice ", " alice", ":alice", "alice:", ":"])
def test_a_claim_is_taken_as_it_is(sub: str) -> None:
    assert claims_of({"x-claim-sub": f"{KEY}:{sub}:"}, gateway_secrets=[KEY]) == {"sub": sub}


def test_a_claim_that_the_token_does_not_have() -> None:
    assert claims_of({"x-claim-sub": f"{KEY}::"}, gateway_secrets=[KEY]) == {}


def test_without_a_gateway_secret_there_are_no_claims() -> None:
    assert claims_of({"x-claim-sub": ":alice:"}, gateway_secrets=[]) == {}


def test_either_of_two_gateway_secrets_will_do() -> None:
    for secret in (KEY, "f" * 32):
        assert claims_of({"x-claim-sub": f"{secret}:alice:"}, gateway_secrets=[KEY, "f" * 32]) == {"sub": "alice"}
    assert claims_of({"x-claim-sub": f"{'0' * 32}:alice:"}, gateway_secrets=[KEY, "f" * 32]) == {}


class TestPrincipal:
    """The caller of a call is known by how it came, and by claims that carry the gateway secret."""

    def principal(self, headers: Mapping[str, str | list[str]], caller: Caller = "gateway") -> Principal:
        invocation = Invocation(call_id="01CALL", caller=caller, headers=headers, body=b"")
        return principal_of(invocation, gateway_secrets=[KEY])

    def test_a_direct_invocation_has_no_claims(self) -> None:
        assert self.principal({"x-claim-sub": f"{KEY}:alice:"}, "invoke") == Principal("invoke", {})

    @pytest.mark.parametrize("headers", [{}, {"x-claim-sub": "alice"}, {"x-claim-sub": f"{'0' * 32}:alice:"}])
    def test_http_without_a_claim_that_carries_the_secret_is_refused(self, headers: dict[str, str | list[str]]) -> None:
        with pytest.raises(AccessDenied) as caught:
            self.principal(headers)
        assert caught.value.reason == "no claim carries the gateway secret"

    def test_a_claim_of_printable_ascii_is_taken_and_the_log_says_nothing(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert self.principal({"x-claim-sub": f"{KEY}:alice:"}) == Principal("gateway", {"sub": "alice"})
        assert caplog.messages == []

    @pytest.mark.parametrize("sub", ["ali\u0107e", "alic\xe9", "a\tb", "a\x7fb"])
    def test_a_claim_that_is_not_printable_ascii_is_ignored_and_the_log_says_so_once(
        self, sub: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        headers = {"x-claim-sub": f"{KEY}:{sub}:", "x-claim-tenant": f"{KEY}:{sub}:", "x-claim-scope": f"{KEY}:read:"}
        with caplog.at_level(logging.WARNING):
            assert self.principal(headers) == Principal("gateway", {"scope": "read"})
        assert [record.getMessage() for record in caplog.records] == [
            "01CALL: claims ignored, as they are not printable ASCII: sub, tenant"
        ]
