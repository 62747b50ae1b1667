"""Pre-authenticated requests, against the whole system: given, used, revoked, closed, swept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from local.api import Fault
from local.object_storage.preauthenticated_requests import PreauthenticatedRequest
from local.stack import BUCKET, CONTENT, OBJECT
from presign.settings import function_tag
from support.systems import Running

POLICY: dict[str, Any] = {
    "rules": [
        {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/", "via": "par"},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "once/{sub}/", "via": "par", "single_use": True},
        {"operations": ["read"], "bucket": BUCKET, "prefix": "", "via": "par", "callers": ["invoke"]},
        {"operations": ["delete_object"], "bucket": BUCKET, "prefix": "users/{sub}/"},
    ]
}


@pytest.fixture(scope="module")
def pars(start: Callable[..., Running]) -> Running:
    """A system that gives access by pre-authenticated requests."""
    return start({"POLICY": json.dumps(POLICY)})


def existing(running: Running) -> list[PreauthenticatedRequest]:
    """The pre-authenticated requests of the bucket."""
    return running.stack.storage.pars.list(BUCKET, object_name_prefix="", after=0, limit=1000)[0]


def put(answer: dict[str, Any], content: bytes) -> requests.Response:
    return requests.put(answer["url"], content, headers=answer["headers"], timeout=10)


def get(answer: dict[str, Any], name: str = "") -> requests.Response:
    return requests.get(answer["url"] + name, timeout=10)


def revoke(running: Running, answer: dict[str, Any], sub: str = "alice") -> requests.Response:
    body = {"bucket": answer["bucket"], "id": answer["id"]}
    return running.post("/v1/presign/revoke", json=body, headers=running.authorization(sub=sub))


def event(key: str, *, at: datetime, kind: str = "createobject") -> dict[str, Any]:
    return {
        "eventType": f"com.oraclecloud.objectstorage.{kind}",
        "eventTime": at.isoformat(),
        "data": {"resourceName": key, "additionalDetails": {"bucketName": BUCKET}},
    }


class TestGiven:
    """The answer has the URL of Object Storage, and says how it may be used."""

    def test_an_upload_and_a_download(self, pars: Running) -> None:
        key = "users/alice/ü b+c.txt"
        upload = pars.ask(operation="put_object", key=key, content_type="text/plain", metadata={"Author": "ada"}).json()
        assert (upload["via"], upload["bound"], upload["method"], upload["key"]) == ("par", False, "PUT", key)
        assert upload["headers"] == {"Content-Type": "text/plain", "opc-meta-author": "ada"}
        assert put(upload, b"hello").status_code == 200
        found = get(pars.ask(key=key).json())
        assert (found.content, found.headers["Content-Type"], found.headers["opc-meta-author"]) == (
            b"hello",
            "text/plain",
            "ada",
        )

    def test_the_expiry_is_exact(self, pars: Running) -> None:
        answer = pars.ask(key="users/alice/a", expires_in=90).json()
        created = datetime.fromisoformat(answer["expires_at"]) - timedelta(seconds=90)
        assert abs((datetime.now(UTC) - created).total_seconds()) < 5
        [par] = [par for par in existing(pars) if par.id == answer["id"]]
        assert par.details.time_expires == datetime.fromisoformat(answer["expires_at"])

    def test_the_options_of_a_download(self, pars: Running) -> None:
        put(pars.ask(operation="put_object", key="users/alice/d").json(), b"x")
        answer = pars.ask(key="users/alice/d", download_as="ü.txt", response_content_type="text/css").json()
        found = get(answer)
        assert found.headers["Content-Type"] == "text/css"
        assert found.headers["Content-Disposition"].startswith("attachment; filename=")

    def test_a_folder(self, pars: Running) -> None:
        for name in ("1.ts", "deep/2.ts"):
            put(pars.ask(operation="put_object", key=f"users/alice/video/{name}").json(), name.encode())
        answer = pars.ask(operation="get_prefix", prefix="users/alice/video/").json()
        assert (answer["prefix"], answer["operation"]) == ("users/alice/video/", "get_prefix")
        assert "key" not in answer
        assert [get(answer, name).content for name in ("1.ts", "deep/2.ts")] == [b"1.ts", b"deep/2.ts"]
        assert get(answer, "../../../" + OBJECT).status_code in (401, 404)
        assert requests.get(answer["url"].partition("/o/")[0] + "/o/", timeout=10).status_code == 404

    def test_a_folder_that_may_be_listed(self, pars: Running) -> None:
        put(pars.ask(operation="put_object", key="users/alice/list/a").json(), b"x")
        answer = pars.ask(operation="get_prefix", prefix="users/alice/list/", listing=True).json()
        listing = requests.get(
            answer["url"].partition("/o/")[0] + "/o/", params={"prefix": "users/alice/list/"}, timeout=10
        )
        assert [found["name"] for found in listing.json()["objects"]] == ["users/alice/list/a"]

    def test_no_secret_is_needed_where_every_rule_gives_pars(self, start: Callable[..., Running]) -> None:
        rules = [rule for rule in POLICY["rules"] if rule.get("via") == "par"]
        running = start({"POLICY": json.dumps({"rules": rules}), "SECRET_OCID": ""})
        assert running.ask(key="users/alice/a").json()["via"] == "par"
        assert running.stack.vault.requests == 0

    def test_both_ways_in_one_batch(self, pars: Running) -> None:
        items = [
            {"key": "users/alice/a"},
            {"operation": "delete_object", "key": "users/alice/a"},
            {"key": "users/bob/a"},
        ]
        results = pars.post("/v1/presign/batch", json={"requests": items}).json()["results"]
        assert [result.get("via") for result in results] == ["par", "s3", None]


class TestRefused:
    """A request that no PAR can give is told why; nothing is created for it."""

    @pytest.mark.parametrize(
        ("request_", "pointer"),
        [
            ({"operation": "put_object", "key": "users/alice/a", "content_length": 5}, "/content_length"),
            ({"key": "users/alice/a", "version_id": "v"}, "/version_id"),
            ({"operation": "list_parts", "key": "users/alice/a", "upload_id": "u"}, "/operation"),
            ({"operation": "get_prefix", "prefix": "users/alice"}, "/prefix"),
            ({"operation": "get_prefix", "prefix": "users/alice/", "via": "s3"}, "/via"),
        ],
    )
    def test_with_the_pointer(self, pars: Running, request_: dict[str, Any], pointer: str) -> None:
        response = pars.ask(**request_)
        assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
        assert [error["pointer"] for error in response.json()["errors"]] == [pointer]

    def test_more_than_twenty_in_a_call(self, pars: Running) -> None:
        before = len(existing(pars))
        items = [{"key": f"users/alice/{number}"} for number in range(21)]
        response = pars.post("/v1/presign/batch", json={"requests": items})
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/requests")
        assert len(existing(pars)) == before
        assert "problem" not in str(pars.post("/v1/presign/batch", json={"requests": items[:20]}).json())

    def test_longer_than_the_setting_allows(self, start: Callable[..., Running]) -> None:
        running = start({"POLICY": json.dumps(POLICY), "PAR_MAX_EXPIRES_IN": "60"})
        assert running.ask(key="users/alice/a").json()["expires_in"] == 60
        assert running.ask(key="users/alice/a", expires_in=61).json()["errors"] == [
            {"pointer": "/expires_in", "detail": "must be at most 60 for a PAR"}
        ]


class TestFailures:
    """Object Storage fails, and the caller gets an honest answer in time."""

    def test_the_permission_is_missing(self, start: Callable[..., Running]) -> None:
        running = start({"POLICY": json.dumps(POLICY)})
        running.stack.storage.native.may_manage_pars = False
        response = running.ask(key="users/alice/a")
        assert (response.status_code, response.json()["code"]) == (503, "secret_unavailable")
        assert response.headers["Retry-After"]
        assert (
            "allow dynamic-group <the function's> to manage buckets in compartment <the bucket's> where all "
            f"{{request.permission = 'PAR_MANAGE', target.bucket.name = '{BUCKET}'}}"
        ) in running.log()

    def test_it_is_down(self, start: Callable[..., Running]) -> None:
        running = start({"POLICY": json.dumps(POLICY)})
        running.stack.storage.fault = Fault(status=500, api="native")
        response = running.ask(key="users/alice/a")
        assert (response.status_code, response.json()["code"]) == (503, "secret_unavailable")
        assert response.headers["Retry-After"] == "2"

    def test_it_is_slow(self, start: Callable[..., Running]) -> None:
        running = start({"POLICY": json.dumps(POLICY)})
        assert running.ask(key="users/alice/a").status_code == 200  # it knows the namespace then
        running.stack.storage.fault = Fault(delay_seconds=4, api="native")
        asked_at = time.monotonic()
        response = running.ask(key="users/alice/a")
        assert (response.status_code, response.json()["code"]) == (503, "secret_unavailable")
        assert time.monotonic() - asked_at < 20


class TestRevoke:
    """A URL is taken back by the caller to whom it was given, or by a direct invocation; by nobody else."""

    def test_it_stops_working_at_once(self, pars: Running) -> None:
        put(pars.ask(operation="put_object", key="users/alice/r").json(), b"x")
        answer = pars.ask(key="users/alice/r").json()
        other = pars.ask(key="users/alice/r").json()
        assert get(answer).content == b"x"
        response = revoke(pars, answer)
        assert response.json() == {
            "bucket": BUCKET,
            "id": answer["id"],
            "key": "users/alice/r",
            "expires_at": answer["expires_at"],
        }
        assert get(answer).status_code == 401
        assert get(other).content == b"x"
        assert revoke(pars, answer).status_code == 404

    def test_another_caller_and_an_unknown_id_look_alike(self, pars: Running) -> None:
        answer = pars.ask(key="users/alice/r").json()
        unknown = {**answer, "id": "unknown"}
        refusals = [revoke(pars, answer, sub="bob"), revoke(pars, unknown), revoke(pars, {**answer, "bucket": "other"})]
        assert [(refusal.status_code, refusal.json()["code"]) for refusal in refusals] == [(404, "not_found")] * 3
        assert len({refusal.json()["detail"] for refusal in refusals}) == 1
        assert get(answer).status_code in (200, 404)

    def test_a_direct_invocation_may_revoke_any(self, pars: Running) -> None:
        answer = pars.ask(key="users/alice/r").json()
        _, document = pars.invoke(bucket=BUCKET, id=answer["id"])
        assert document["id"] == answer["id"]
        assert get(answer).status_code == 401

    def test_a_direct_invocations_own_is_not_for_callers_of_the_gateway(self, pars: Running) -> None:
        _, answer = pars.invoke(key=OBJECT)
        assert get(answer).content == CONTENT
        assert revoke(pars, answer).status_code == 404
        assert get(answer).content == CONTENT

    @pytest.mark.parametrize(
        ("body", "pointers"),
        [
            ({}, {"/id"}),  # the bucket may be left out
            ({"bucket": "a/b", "id": "."}, {"/bucket", "/id"}),
            ({"bucket": "b", "id": "..", "x": 1}, {"/x"}),
        ],
    )
    def test_a_request_that_is_not_valid(self, pars: Running, body: dict[str, Any], pointers: set[str]) -> None:
        response = pars.post("/v1/presign/revoke", json=body)
        assert response.status_code == 400
        assert {error["pointer"] for error in response.json()["errors"]} == pointers

    def test_the_audit_record(self, pars: Running) -> None:
        answer = pars.ask(key="users/alice/audited").json()
        revoke(pars, answer)
        [record] = [
            json.loads(line) for line in pars.log().splitlines() if '"event":"revoke"' in line and "audited" in line
        ]
        assert (record["subject"], record["id"], record["key"], record["outcome"]) == (
            "alice",
            answer["id"],
            "users/alice/audited",
            "granted",
        )


class TestSingleUse:
    """An event of the object closes the uploads that were open before it."""

    def test_an_upload_is_closed_by_its_event(self, pars: Running) -> None:
        upload = pars.ask(operation="put_object", key="once/alice/a").json()
        other = pars.ask(operation="put_object", key="once/alice/ab").json()
        assert put(upload, b"x").status_code == 200
        pars.invoke(**event("once/alice/a", at=datetime.now(UTC)))
        assert put(upload, b"y").status_code == 401
        assert put(other, b"y").status_code == 200

    def test_a_late_event_does_not_close_a_new_one(self, pars: Running) -> None:
        written_at = datetime.now(UTC) - timedelta(seconds=2)
        upload = pars.ask(operation="put_object", key="once/alice/late").json()
        pars.invoke(**event("once/alice/late", at=written_at, kind="updateobject"))
        assert put(upload, b"y").status_code == 200

    def test_rules_without_it_are_left_alone(self, pars: Running) -> None:
        upload = pars.ask(operation="put_object", key="users/alice/many").json()
        pars.invoke(**event("users/alice/many", at=datetime.now(UTC)))
        assert put(upload, b"y").status_code == 200


class TestSweep:
    """Expired ones are deleted, so that they do not pile up."""

    def test_only_expired_ones_of_this_function(self, pars: Running) -> None:
        ends = [pars.ask(key="users/alice/s", expires_in=4).json() for _ in range(3)]
        stays = pars.ask(key="users/alice/s", expires_in=600).json()
        ends_at = datetime.fromisoformat(ends[-1]["expires_at"])
        while datetime.now(UTC) <= ends_at + timedelta(seconds=1):
            time.sleep(0.1)
        _, document = pars.invoke(sweep={"bucket": BUCKET})
        assert (document["deleted"], document["done"]) == (3, True)
        left = {par.id for par in existing(pars)}
        assert stays["id"] in left
        assert left.isdisjoint(answer["id"] for answer in ends)

    def test_the_bucket_must_be_named(self, pars: Running) -> None:
        _, document = pars.invoke(sweep={})
        assert document["errors"] == [{"pointer": "/sweep/bucket", "detail": "is required"}]


def test_two_functions_have_two_tags() -> None:
    assert function_tag("ocid1.fnfunc.oc1.fra.a") != function_tag("ocid1.fnfunc.oc1.fra.b")
