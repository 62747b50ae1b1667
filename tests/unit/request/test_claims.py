"""A header is a claim only if it carries the gateway secret."""

from __future__ import annotations

import pytest

from presign.request.claims import claims_of

KEY = "0123456789abcdef0123456789abcdef"


def test_claims_by_their_names_in_lower_case() -> None:
    headers = {"X-Claim-Sub": f"{KEY}:alice:", "x-claim-groups": f'{KEY}:["a:b","c"]:', "content-type": f"{KEY}:x:"}
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
