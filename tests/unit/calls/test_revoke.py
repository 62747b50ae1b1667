"""`presign.calls.revoke`: the name of a PAR decides who may revoke it, and no rule is asked."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from local.api import Fault
from support.in_process import FUNCTION_OCID, InProcess
from support.native_storage import NativeStorage
from support.store import BUCKET
from support.waiting import wait_until

RULE = {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/", "via": "par", "max_expires_in": 3600}
ALICE, BOB = {"sub": "alice"}, {"sub": "bob"}
ALICE_OF_A = {"sub": "alice", "iss": "https://a.example"}
ALICE_OF_B = {"sub": "alice", "iss": "https://b.example"}
NOT_FOUND = {
    "type": "about:blank",
    "title": "Not Found",
    "status": 404,
    "detail": "There is no such pre-authenticated request.",
    "code": "not_found",
    "message": "There is no such pre-authenticated request.",
    "request_id": "1",
}
STATEMENT = (
    "this IAM policy statement is likely missing: allow dynamic-group <the function's> to manage buckets in "
    f"compartment <the bucket's> where all {{request.permission = 'PAR_MANAGE', target.bucket.name = '{BUCKET}'}}"
)


@pytest.fixture
def function(native: NativeStorage) -> Iterator[InProcess]:
    with InProcess(native, RULE) as it:
        yield it


def given(function: InProcess, claims: dict[str, str] = ALICE, **options: Any) -> str:
    """The id of a PAR that was given to a caller with these claims."""
    document = {"operation": "put_object", "key": f"users/{claims['sub']}/a"}
    status, answer = function.post("/v1/presign", document, claims=claims, **options)
    assert status == 200
    return str(answer["id"])


def revoke(function: InProcess, par_id: str, claims: dict[str, str] = ALICE, **options: Any) -> tuple[int, Any]:
    return function.post("/v1/presign/revoke", {"bucket": BUCKET, "id": par_id}, claims=claims, **options)


def revoke_directly(function: InProcess, par_id: str, **options: Any) -> tuple[int, Any]:
    return function.invoke({"bucket": BUCKET, "id": par_id}, **options)


@pytest.mark.parametrize("par_id", [" ", "\t\n", "\u3000"])
def test_an_id_without_a_character_is_refused(function: InProcess, par_id: str) -> None:
    for status, problem in (revoke(function, par_id), revoke_directly(function, par_id)):
        assert (status, problem["errors"]) == (400, [{"pointer": "/id", "detail": "must not be blank"}])


class TestWho:
    """The caller to whom it was given, or a direct invocation."""

    def test_a_direct_invocation_though_no_rule_is_for_it(self, function: InProcess) -> None:
        par_id = given(function)
        assert revoke_directly(function, par_id)[0] == 200
        assert function.live() == []

    @pytest.mark.parametrize("rules", [[], [{**RULE, "callers": ["invoke"]}], [{**RULE, "bucket": "other"}]])
    def test_after_the_rule_was_removed(self, function: InProcess, rules: list[Any]) -> None:
        ids = [given(function), given(function)]
        without = function.another(POLICY=json.dumps({"rules": rules}))
        assert revoke(function, ids[0], app=without)[0] == 200
        assert revoke_directly(function, ids[1], app=without)[0] == 200
        assert function.live() == []

    def test_two_issuers_with_one_subject(self, function: InProcess) -> None:
        par_id = given(function, ALICE_OF_A)
        assert revoke(function, par_id, ALICE_OF_B) == (404, NOT_FOUND)
        assert revoke(function, par_id, ALICE) == (404, NOT_FOUND)
        assert len(function.live()) == 1
        assert revoke(function, par_id, ALICE_OF_A)[0] == 200

    def test_one_that_was_given_before_the_gateway_passed_the_issuer(self, function: InProcess) -> None:
        assert revoke(function, given(function, ALICE), ALICE_OF_A)[0] == 200

    def test_a_call_id_with_colons(self, function: InProcess) -> None:
        assert revoke(function, given(function, call_id="01:A:B"))[0] == 200

    def test_after_the_function_was_replaced(self, function: InProcess) -> None:
        """Its tag keeps its PARs, and what it gave without a tag stays its own."""
        before = given(function)
        tagged = function.another(FUNCTION_TAG="team-a")
        assert revoke(function, before, app=tagged)[0] == 200
        ids = [given(function, app=tagged), given(function, app=tagged)]
        replaced = function.another(FUNCTION_TAG="team-a", FN_FN_ID=f"{FUNCTION_OCID}y")
        assert revoke(function, ids[0], app=replaced)[0] == 200
        assert revoke_directly(function, ids[1], app=replaced)[0] == 200


class TestBucket:
    """It may be left out, as in a request for a URL."""

    def test_the_default_one(self, function: InProcess) -> None:
        ids = [given(function), given(function)]
        status, answer = function.post("/v1/presign/revoke", {"id": ids[0]}, claims=ALICE)
        assert (status, answer["bucket"]) == (200, BUCKET)
        assert function.invoke({"id": ids[1]})[0] == 200
        assert function.live() == []

    def test_there_is_none(self, function: InProcess) -> None:
        par_id = given(function)
        without = function.another(DEFAULT_BUCKET="")
        status, answer = function.post("/v1/presign/revoke", {"id": par_id}, claims=ALICE, app=without)
        assert (status, answer["errors"]) == (
            400,
            [{"pointer": "/bucket", "detail": "is required, as there is no default bucket"}],
        )
        assert len(function.live()) == 1

    @pytest.mark.parametrize(("member", "value"), [("bucket", "a/b"), ("bucket", 1), ("id", ".."), ("id", None)])
    def test_a_value_that_is_none(self, function: InProcess, member: str, value: Any) -> None:
        status, answer = function.invoke({"bucket": BUCKET, "id": "a", member: value})
        assert (status, [error["pointer"] for error in answer["errors"]]) == (400, [f"/{member}"])


class TestNotFound:
    """All ids but the caller's own look alike."""

    @pytest.mark.parametrize("status", [None, 401, 403, 404])
    def test_whatever_the_store_answers(
        self, function: InProcess, status: int | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        [foreign] = function.make_pars(1, tag="another-function")
        ids = [given(function, BOB), foreign, "unknown", "a/b?c"]
        function.storage.fault = None if status is None else Fault(status=status, api="native")
        with caplog.at_level(logging.ERROR):
            answers = [revoke(function, par_id) for par_id in ids]
        assert answers == [(404, NOT_FOUND)] * 4
        assert len([message for message in caplog.messages if message.endswith(STATEMENT)]) == (4 if status else 0)
        assert len(function.live()) == 2

    def test_a_direct_invocation_gets_it_for_what_this_function_did_not_make(self, function: InProcess) -> None:
        [foreign] = function.make_pars(1, tag="another-function")
        assert revoke_directly(function, foreign) == (404, NOT_FOUND)
        assert revoke_directly(function, "unknown") == (404, NOT_FOUND)
        assert len(function.live()) == 1


class TestWithoutTheRight:
    """The log says so, and an operator is told that the PAR may live."""

    @pytest.mark.parametrize("status", [401, 403, 404])
    @pytest.mark.parametrize("method", [None, "GET", "DELETE"])
    def test_a_direct_invocation(
        self, function: InProcess, status: int, method: str | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        par_id = given(function)
        function.storage.fault = Fault(status=status, api="native", method=method)
        answer_status, answer = revoke_directly(function, par_id)
        assert (answer_status, answer["code"]) == (503, "secret_unavailable")
        assert any(message.endswith(STATEMENT) for message in caplog.messages)
        assert len(function.live()) == 1

    def test_the_owner_is_told_that_it_was_not_deleted(self, function: InProcess) -> None:
        par_id = given(function)
        function.storage.fault = Fault(status=404, api="native", method="DELETE")
        assert revoke(function, par_id)[0] == 503

    def test_one_that_is_gone_when_it_is_deleted(self, function: InProcess) -> None:
        """The answer is 404, and a list shows that it is true."""
        par_id = given(function)
        function.storage.fault = Fault(status=404, api="native", method="DELETE", is_carried_out=True)
        assert revoke(function, par_id)[0] == 200

    @pytest.mark.parametrize("status", [429, 500])
    def test_an_outage_is_none(self, function: InProcess, status: int) -> None:
        function.storage.fault = Fault(status=status, api="native")
        assert revoke(function, "unknown")[0] == 503
        assert revoke_directly(function, "unknown")[0] == 503

    def test_a_wrong_clock_is_no_missing_right(self, function: InProcess) -> None:
        [foreign] = function.make_pars(1, tag="another-function")
        function.storage.fault = Fault(api="native", clock_ahead_seconds=400)
        assert revoke(function, foreign)[0] == 503
        assert revoke_directly(function, foreign)[0] == 503
        function.storage.fault = Fault(api="native", clock_ahead_seconds=200)
        assert revoke(function, foreign) == (404, NOT_FOUND)


def test_the_records_have_the_id(function: InProcess) -> None:
    par_id = given(function)
    revoke(function, par_id, BOB)
    revoke(function, par_id)
    revoke(function, "unknown")
    told = [(record["event"], record["id"], record["outcome"]) for record in function.records]
    assert told == [
        ("presign", par_id, "granted"),
        ("revoke", par_id, "refused"),
        ("revoke", par_id, "granted"),
        ("revoke", "unknown", "refused"),
    ]


class TestCreating:
    """A PAR is asked for once."""

    @pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=503), Fault(delay_seconds=2.5)])
    def test_no_second_try_leaves_another(self, function: InProcess, fault: Fault) -> None:
        """Object Storage makes it, and only the answer is lost."""
        function.storage.fault = replace(fault, api="native", method="POST", is_carried_out=True)
        status, _ = function.post("/v1/presign", {"operation": "put_object", "key": "users/alice/a"}, claims=ALICE)
        assert status == 503
        wait_until(lambda: len(function.live()) == 1)
        assert function.storage.requests == 1
