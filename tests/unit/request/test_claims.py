"""Claims are taken from what API Gateway has marked, and from nothing else."""

from __future__ import annotations

import pytest

from presign.request.claims import claims_from

KEY = "0123456789abcdef0123456789abcdef"


def test_claims_by_their_names_in_lower_case() -> None:
    headers = {"X-Claim-Sub": f"{KEY}:alice:", "x-claim-groups": f'{KEY}:["a:b","c"]:', "content-type": f"{KEY}:x:"}
    assert claims_from(headers, key=KEY) == {"sub": "alice", "groups": '["a:b","c"]'}


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
def test_what_is_not_marked_is_no_claim(value: str | list[str]) -> None:
    assert claims_from({"x-claim-sub": value}, key=KEY) == {}


@pytest.mark.parametrize("value", [f"{KEY}:alice", f"{KEY}:alice: ", f"{KEY}:", KEY])
def test_what_has_lost_its_end_is_no_claim(value: str) -> None:
    assert claims_from({"x-claim-sub": value}, key=KEY) == {}


@pytest.mark.parametrize("sub", ["alice ", " alice", ":alice", "alice:", ":"])
def test_a_claim_is_taken_as_it_is(sub: str) -> None:
    assert claims_from({"x-claim-sub": f"{KEY}:{sub}:"}, key=KEY) == {"sub": sub}


def test_a_claim_that_the_token_does_not_have() -> None:
    assert claims_from({"x-claim-sub": f"{KEY}::"}, key=KEY) == {}


def test_without_a_key_there_are_no_claims() -> None:
    assert claims_from({"x-claim-sub": ":alice:"}, key="") == {}
