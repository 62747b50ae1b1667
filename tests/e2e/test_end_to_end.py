"""The real FDK process running `func.py`, through the gateway and directly."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
import requests

from local.api import Fault
from local.functions.fn_agent import Answer
from local.object_storage.s3_target import VIRTUAL_HOSTED_DOMAIN
from local.stack import BUCKET, CONTENT, NAMESPACE, OBJECT, REGION, SECRET_NAME, SECRET_OCID, VAULT_OCID, Stack
from support.systems import Running
from support.waiting import wait_until

PROBLEM = "application/problem+json"


def audit_records(running: Running, call_id: str | None = None) -> list[dict[str, Any]]:
    """The audit lines that the function has written, all or those of one call."""
    records = [json.loads(line) for line in running.log().splitlines() if line.startswith('{"event":"presign"')]
    return [record for record in records if call_id in (None, record["call_id"])]


class TestAnswers:
    """JSON in, URL out."""

    def test_through_the_gateway(self, running: Running) -> None:
        asked_at = datetime.now(UTC)
        response = running.ask(key=OBJECT)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "no-store"
        answer = response.json()
        expires_at = datetime.fromisoformat(answer.pop("expires_at"))
        assert 3598 <= (expires_at - asked_at).total_seconds() <= 3605
        url = answer.pop("url")
        assert answer == {
            "method": "GET",
            "headers": {},
            "expires_in": 3600,
            "operation": "get_object",
            "bucket": BUCKET,
            "key": OBJECT,
            "via": "s3",
        }
        assert requests.get(url, timeout=10).content == CONTENT

    def test_a_direct_invocation(self, running: Running) -> None:
        answer, document = running.invoke(operation="get_object", bucket=BUCKET, key=OBJECT, expires_in=60)
        assert answer.status == 200
        assert requests.get(document["url"], timeout=10).content == CONTENT
        assert document["expires_in"] == 60

    def test_a_refused_direct_invocation_tells_by_its_body(self, running: Running) -> None:
        answer, document = running.invoke(bucket="other", key="a")
        assert answer.status == 200
        assert (document["status"], document["code"]) == (403, "access_denied")
        assert "url" not in document

    def test_the_default_bucket(self, running: Running) -> None:
        assert running.ask(key="a").json()["bucket"] == BUCKET

    def test_a_path_prefix_of_the_deployment_and_a_query_do_not_matter(self, running: Running) -> None:
        answer = running.call("/presigner/v1/presign?a=b", body=b'{"key": "a"}')
        assert answer.status == 200

    def test_the_media_type_of_the_request_does_not_matter(self, running: Running) -> None:
        answer = running.call(headers={"Content-Type": "text/plain"}, body=b'{"key": "a"}')
        assert answer.status == 200


class TestBatch:
    """Many requests in one call, each with its own answer, in their order."""

    def batch(self, running: Running, *items: Any) -> list[Any]:
        response = running.post("/v1/presign/batch", json={"requests": items})
        assert response.status_code == 200
        results: list[Any] = response.json()["results"]
        assert len(results) == len(items)
        return results

    def test_urls_and_problems_in_the_order_of_the_requests(self, running: Running) -> None:
        results = self.batch(
            running,
            {"key": OBJECT},
            {"key": "a", "bucket": "other"},
            {"operation": "upload_part", "key": "a", "upload_id": "u", "part_number": 10_001},
            {"operation": "put_object", "key": "b"},
            7,
            {"requests": [{"key": OBJECT}]},
        )
        assert requests.get(results[0]["url"], timeout=10).content == CONTENT
        assert results[1]["problem"]["code"] == "access_denied"
        assert results[2]["problem"]["errors"] == [
            {"pointer": "/requests/2/part_number", "detail": "must be at most 10000"}
        ]
        assert requests.put(results[3]["url"], data=b"x", timeout=10).status_code == 200
        assert results[4]["problem"]["errors"] == [{"pointer": "/requests/4", "detail": "must be a JSON object"}]
        assert {error["pointer"] for error in results[5]["problem"]["errors"]} == {
            "/requests/5/requests",
            "/requests/5/key",
        }
        call_id = results[1]["problem"]["request_id"]
        assert [(record["index"], record["outcome"]) for record in audit_records(running, call_id)] == [
            (0, "granted"),
            (1, "refused"),
            (2, "refused"),
            (3, "granted"),
            (4, "refused"),
            (5, "refused"),
        ]

    def test_a_thousand_requests(self, running: Running) -> None:
        results = self.batch(running, *({"key": f"{number}"} for number in range(1000)))
        assert [result["key"] for result in results] == [f"{number}" for number in range(1000)]

    def test_directly(self, running: Running) -> None:
        _, document = running.invoke(requests=[{"key": OBJECT}])
        assert requests.get(document["results"][0]["url"], timeout=10).content == CONTENT

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"requests": []}, "/requests"),
            ({"requests": [{"key": "a"}] * 1001}, "/requests"),
            ({"requests": {"key": "a"}}, "/requests"),
            ({}, "/requests"),
            ({"requests": [{"key": "a"}], "key": "a"}, "/key"),
            ([], ""),
        ],
    )
    def test_a_batch_that_is_none(self, running: Running, body: Any, pointer: str) -> None:
        response = running.post("/v1/presign/batch", json=body)
        assert response.status_code == 400
        assert [error["pointer"] for error in response.json()["errors"]] == [pointer]

    def test_a_large_batch(self, running: Running) -> None:
        body = b'{"requests": [{"key": "a"}]' + b" " * (1024 * 1024 - 28) + b"}"
        for extra, status in ((b"", 200), (b" ", 413)):
            assert running.call("/v1/presign/batch", body=body + extra).status == status

    def test_every_fault_is_told_by_its_place_in_the_batch(self, start: Callable[..., Running]) -> None:
        rule = {"operations": ["*"], "bucket": BUCKET, "prefix": "", "max_expires_in": 60, "max_content_length": 5}
        results = self.batch(
            start({"POLICY": json.dumps({"rules": [rule]})}),
            {"key": "a", "expires_in": 60},
            {"key": "a", "expires_in": 61},
            {"operation": "put_object", "key": "a"},
            {"key": "../a"},
        )
        assert "url" in results[0]
        assert [[error["pointer"] for error in result["problem"]["errors"]] for result in results[1:]] == [
            ["/requests/1/expires_in"],
            ["/requests/2/content_length"],
            ["/requests/3/key"],
        ]

    def test_no_key_for_any(self, start: Callable[..., Running]) -> None:
        """A refusal stays a refusal, and the log tells its cause once."""
        running = start({"SECRET_OCID": "ocid1.vaultsecret.oc1.none"})
        results = self.batch(running, {"key": "a"}, {"key": "../a"}, {"key": "b"})
        assert [result["problem"]["code"] for result in results] == [
            "secret_unavailable",
            "invalid_request",
            "secret_unavailable",
        ]
        assert running.log().count("Vault did not give") == 1


class TestEvents:
    """An event of Object Storage is answered with a URL for the object that it is about."""

    EVENT: ClassVar[dict[str, Any]] = {
        "eventType": "com.oraclecloud.objectstorage.createobject",
        "cloudEventsVersion": "0.1",
        "eventTypeVersion": "2.0",
        "source": "ObjectStorage",
        "eventTime": "2026-11-24T03:00:00Z",
        "contentType": "application/json",
        "data": {
            "compartmentId": "ocid1.compartment.oc1..local",
            "compartmentName": "objects",
            "resourceName": OBJECT,
            "resourceId": f"/n/{NAMESPACE}/b/{BUCKET}/o/{OBJECT}",
            "availabilityDomain": "all",
            "additionalDetails": {
                "bucketName": BUCKET,
                "versionId": "",
                "archivalState": "Available",
                "namespace": NAMESPACE,
                "bucketId": "ocid1.bucket.oc1..local",
                "eTag": "0",
            },
        },
        "eventID": "dead-beef-abcd-1234",
        "extensions": {"compartmentId": "ocid1.compartment.oc1..local"},
    }

    @pytest.mark.parametrize("kind", ["createobject", "updateobject"])
    def test_an_object_that_was_written(self, running: Running, kind: str) -> None:
        _, document = running.invoke(**{**self.EVENT, "eventType": f"com.oraclecloud.objectstorage.{kind}"})
        assert document["operation"] == "get_object"
        assert requests.get(document["url"], timeout=10).content == CONTENT

    def test_the_policy_decides_as_it_does_for_every_request(self, start: Callable[..., Running]) -> None:
        rule = {"operations": ["read"], "bucket": BUCKET, "prefix": "", "callers": ["gateway"]}
        _, document = start({"POLICY": json.dumps({"rules": [rule]})}).invoke(**self.EVENT)
        assert document["code"] == "access_denied"

    def test_another_event(self, running: Running) -> None:
        _, document = running.invoke(**{**self.EVENT, "eventType": "com.oraclecloud.objectstorage.deleteobject"})
        assert document["errors"] == [
            {
                "pointer": "/eventType",
                "detail": "must be one of com.oraclecloud.objectstorage.createobject, "
                "com.oraclecloud.objectstorage.updateobject",
            }
        ]

    def test_an_event_without_an_object(self, running: Running) -> None:
        _, document = running.invoke(eventType=1, data={"resourceName": "../a", "additionalDetails": []})
        assert {error["pointer"] for error in document["errors"]} == {
            "/eventType",
            "/data/resourceName",
            "/data/additionalDetails/bucketName",
        }

    def test_the_gateway_takes_no_events(self, running: Running) -> None:
        assert running.ask(**self.EVENT).status_code == 400


class TestProblems:
    """Every refusal is problem details with its own status and code."""

    def check(self, response: requests.Response, status: int, code: str) -> dict[str, Any]:
        answer = Answer(response.status_code, list(response.headers.items()), response.content)
        return self.check_answer(answer, status, code)

    def check_answer(self, answer: Answer, status: int, code: str) -> dict[str, Any]:
        assert answer.status == status
        headers = {name.lower(): value for name, value in answer.headers}
        assert headers["content-type"] == PROBLEM
        assert headers["cache-control"] == "no-store"
        problem: dict[str, Any] = json.loads(answer.body)
        assert problem["type"] == "about:blank"
        assert problem["title"]
        assert problem["status"] == status
        assert problem["code"] == code
        assert problem["message"] == problem["detail"]
        assert re.fullmatch("[0-9A-F]{32}", problem["request_id"])
        assert "url" not in problem
        return problem

    def test_not_json(self, running: Running) -> None:
        problem = self.check_answer(running.call(body=b"key=a"), 400, "invalid_json")
        assert problem["errors"] == [{"pointer": "", "detail": "is malformed: invalid character (byte 0)"}]

    def test_an_empty_body(self, running: Running) -> None:
        assert self.check_answer(running.call(body=b""), 400, "invalid_json")["errors"] == [
            {"pointer": "", "detail": "is empty"}
        ]

    def test_every_fault_with_its_pointer(self, running: Running) -> None:
        problem = self.check(running.ask(key="../a", expires_in=0, colour="red"), 400, "invalid_request")
        assert {error["pointer"] for error in problem["errors"]} == {"/key", "/expires_in", "/colour"}

    def test_not_allowed(self, running: Running) -> None:
        self.check(running.ask(bucket="elsewhere", key="a"), 403, "access_denied")

    @pytest.mark.parametrize(
        "path", ["/", "/v1", "/v1/presign/", "/v1/presign/batches", "/v2/presign", "/v1/presigned"]
    )
    def test_another_path(self, running: Running, path: str) -> None:
        self.check_answer(running.call(path, body=b'{"key": "a"}'), 404, "not_found")

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
    def test_another_method(self, running: Running, method: str) -> None:
        answer = running.call(method=method, body=b'{"key": "a"}')
        self.check_answer(answer, 405, "method_not_allowed")
        assert [value for name, value in answer.headers if name.lower() == "allow"] == ["POST"]

    def test_a_large_body(self, running: Running) -> None:
        response = running.ask(key="a", version_id="v" * 65536)
        self.check(response, 413, "payload_too_large")

    def test_a_header_that_takes_the_place_of_the_intent(self, running: Running) -> None:
        """The FDK lets a client's `Fn-Intent` hide that the call came through the gateway."""
        for value in ("x", "httprequest"):
            answer = running.call(headers={"Fn-Intent": value}, body=b'{"key": "../a"}')
            problem = self.check_answer(answer, 400, "invalid_request")
            assert audit_records(running, problem["request_id"])[0]["caller"] == "gateway"

    def test_a_request_line_that_no_url_parser_takes(self, running: Running) -> None:
        assert running.call("//[", body=b"{}").status == 404


class TestSettings:
    """Settings that are wrong are told in the log, not to the caller."""

    def test_not_configured(self, start: Callable[..., Running]) -> None:
        running = start({"SECRET_OCID": "", "SIGNER": "minio", "POLICY": '{"rules": [{}]}'})
        response = running.ask(key=OBJECT)
        assert response.status_code == 500
        assert response.json()["code"] == "not_configured"
        assert "errors" not in response.json()
        log = running.log()
        assert "/SECRET_OCID: is required, or both VAULT_OCID and SECRET_NAME" in log
        assert "/SIGNER: must be one of sigv4, boto3" in log
        assert "/POLICY/rules/0/bucket: is required" in log

    def test_without_a_policy_everything_is_refused(self, start: Callable[..., Running]) -> None:
        running = start({"POLICY": ""})
        assert running.ask(key=OBJECT).json()["code"] == "access_denied"
        assert running.stack.vault.requests == 0

    def test_the_namespace_is_asked_for_once(self, start: Callable[..., Running]) -> None:
        running = start({"STORAGE_ENDPOINT": "https://{namespace}.compat.objectstorage.{region}.oraclecloud.com"})
        urls = [running.ask(key=OBJECT).json()["url"] for _ in range(3)]
        assert {urlsplit(url).netloc for url in urls} == {f"{NAMESPACE}.compat.objectstorage.{REGION}.oraclecloud.com"}
        assert (running.stack.vault.requests, running.stack.storage.requests) == (1, 1)

    @pytest.mark.parametrize(
        ("region", "host"),
        [
            ("us-ashburn-1", "ns.compat.objectstorage.us-ashburn-1.oraclecloud.com"),
            ("eu-frankfurt-2", "ns.compat.objectstorage.eu-frankfurt-2.oraclecloud.eu"),
            ("us-gov-ashburn-1", "ns.compat.objectstorage.us-gov-ashburn-1.oraclegovcloud.com"),
        ],
    )
    def test_the_endpoint_of_the_region_and_its_realm(
        self, start: Callable[..., Running], region: str, host: str
    ) -> None:
        running = start({"STORAGE_ENDPOINT": "", "NAMESPACE": "ns", "REGION": region})
        url = urlsplit(running.ask(key="a b").json()["url"])
        assert (url.scheme, url.netloc, url.path) == ("https", host, f"/{BUCKET}/a%20b")
        assert f"%2F{region}%2Fs3%2Faws4_request" in url.query

    def test_virtual_hosted_style(self, start: Callable[..., Running], running: Running) -> None:
        """The bucket is part of the host name, and the store finds it there."""
        store = urlsplit(running.stack.storage_url)
        virtual = start(
            {
                "STORAGE_ENDPOINT": f"http://{{bucket}}.{VIRTUAL_HOSTED_DOMAIN}:{store.port}",
                "DEFAULT_BUCKET": "",
                "POLICY": '{"rules": [{"operations": ["*"], "bucket": "lower-case", "prefix": ""}]}',
            }
        )
        virtual.put_key(*running.stack.credentials)
        running.stack.storage.create_bucket("lower-case")
        running.stack.storage.put_object("lower-case", "a/ü b", CONTENT)
        assert virtual.ask(bucket="PresignedBlog", key="a/ü b").json()["errors"][0]["pointer"] == "/bucket"
        url = urlsplit(virtual.ask(bucket="lower-case", key="a/ü b").json()["url"])
        assert url.netloc == f"lower-case.{VIRTUAL_HOSTED_DOMAIN}:{store.port}"
        assert url.path == "/a/%C3%BC%20b"
        address = url._replace(netloc=store.netloc).geturl()  # names below localhost are not resolved everywhere
        assert requests.get(address, headers={"Host": url.netloc}, timeout=10).content == CONTENT
        assert requests.get(address, timeout=10).status_code == 403


class TestVault:
    """The secret is fetched once, and what goes wrong with it is told in the log alone."""

    @pytest.fixture
    def fresh(self, start: Callable[..., Running]) -> Running:
        return start()

    def check_unavailable(self, running: Running) -> str:
        """Ask, get a 503, and give back what the log says."""
        response = running.ask(key=OBJECT)
        assert response.status_code == 503
        assert response.json()["code"] == "secret_unavailable"
        assert int(response.headers["Retry-After"]) > 0
        assert "errors" not in response.json()
        assert "ocid1" not in response.text
        return running.log()

    def test_one_fetch_for_many_requests(self, fresh: Running) -> None:
        with ThreadPoolExecutor(16) as pool:
            responses = list(pool.map(lambda _: fresh.ask(key=OBJECT), range(64)))
        assert {response.status_code for response in responses} == {200}
        assert fresh.stack.vault.requests == 1

    def test_no_fetch_for_what_is_refused(self, fresh: Running) -> None:
        fresh.ask(key="../a")
        fresh.ask(bucket="other", key="a")
        fresh.ask()
        assert fresh.stack.vault.requests == 0

    def test_a_secret_by_name(self, start: Callable[..., Running]) -> None:
        running = start({"SECRET_OCID": "", "VAULT_OCID": VAULT_OCID, "SECRET_NAME": SECRET_NAME})
        assert requests.get(running.ask(key=OBJECT).json()["url"], timeout=10).content == CONTENT

    def test_a_new_version_is_used_when_the_old_is_no_longer_fresh(self, start: Callable[..., Running]) -> None:
        running = start({"SECRET_TTL": "1"})
        running.ask(key=OBJECT)
        running.stack.storage.add_key("second", "another-secret")
        running.stack.put_secret('{"access_key_id": "second", "secret_access_key": "another-secret"}')
        ends_at = time.monotonic() + 20
        url = ""  # the old one serves once more, while the new one is fetched
        while "X-Amz-Credential=second%2F" not in url:
            assert time.monotonic() < ends_at
            url = running.ask(key=OBJECT).json()["url"]
        assert requests.get(url, timeout=10).content == CONTENT

    def test_a_secret_that_does_not_exist(self, start: Callable[..., Running]) -> None:
        log = self.check_unavailable(start({"SECRET_OCID": "ocid1.vaultsecret.oc1.none"}))
        assert "Vault did not give ocid1.vaultsecret.oc1.none: 404 NotAuthorizedOrNotFound" in log
        assert "allow dynamic-group <the function's> to read secret-bundles in compartment <the secret's>" in log

    def test_a_resource_principal_that_is_not_accepted(self, fresh: Running) -> None:
        fresh.stack.vault.fault = Fault(status=401)
        log = self.check_unavailable(fresh)
        assert f"Vault did not give {SECRET_OCID}: 401 " in log
        assert "allow dynamic-group <the function's> to read secret-bundles in compartment <the secret's>" in log

    def test_no_resource_principal_at_all(self, start: Callable[..., Running]) -> None:
        log = self.check_unavailable(start({"OCI_RESOURCE_PRINCIPAL_VERSION": ""}))
        assert f"Vault did not give {SECRET_OCID}: " in log

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "hunter2",
            '"hunter2"',
            "[]",
            "{}",
            '{"access_key_id": "hunter2"}',
            '{"secret_access_key": "hunter2"}',
            '{"access_key_id": "hunter2", "secret_access_key": ""}',
            '{"access_key_id": "hunter2", "secret_access_key": "hunter2\\n"}',
            '{"access_key_id": 1, "secret_access_key": "hunter2"}',
        ],
    )
    def test_a_secret_that_holds_no_key(self, fresh: Running, content: str) -> None:
        fresh.stack.put_secret(content)
        log = self.check_unavailable(fresh)
        assert f"The content of {SECRET_OCID} is not a JSON object with the texts access_key_id and" in log
        assert "hunter2" not in log

    @pytest.mark.parametrize("content", ["hunter2", '{"access_key_id": "hunter2"}'])
    def test_a_secret_that_holds_no_key_while_one_is_cached(self, start: Callable[..., Running], content: str) -> None:
        running = start({"SECRET_TTL": "1"})
        assert running.ask(key=OBJECT).status_code == 200
        running.stack.put_secret(content)
        wait_until(lambda: running.ask(key=OBJECT).status_code != 200 or "using the cached value" in running.log())
        assert requests.get(running.ask(key=OBJECT).json()["url"], timeout=10).content == CONTENT
        assert f"The content of {SECRET_OCID} is not a JSON object" in running.log()
        assert "hunter2" not in running.log()

    def test_one_more_try_after_a_fault(self, fresh: Running) -> None:
        fresh.stack.vault.fault = Fault(status=500)
        self.check_unavailable(fresh)
        assert fresh.stack.vault.requests == 2

    def test_no_other_try_where_vault_asks_for_patience(self, fresh: Running) -> None:
        fresh.stack.vault.fault = Fault(status=429)
        self.check_unavailable(fresh)
        assert fresh.stack.vault.requests == 1

    def test_no_storm_while_vault_is_down(self, fresh: Running) -> None:
        fresh.stack.vault.fault = Fault(status=503)
        for _ in range(10):
            self.check_unavailable(fresh)
        assert fresh.stack.vault.requests <= 4  # 2 but where the 10 calls take longer than the pause
        fresh.stack.vault.fault = None
        wait_until(lambda: fresh.ask(key=OBJECT).status_code == 200)

    def test_a_vault_that_does_not_answer(self, fresh: Running) -> None:
        fresh.stack.vault.fault = Fault(delay_seconds=30)
        began = time.monotonic()
        log = self.check_unavailable(fresh)
        assert time.monotonic() - began < 15
        assert fresh.stack.vault.requests == 2
        assert "timed out" in log.lower() or "timeout" in log.lower()

    def test_the_cached_key_signs_while_vault_is_down(self, start: Callable[..., Running]) -> None:
        running = start({"SECRET_TTL": "1", "SECRET_MAX_STALE": "6"})
        running.ask(key=OBJECT)
        running.stack.vault.fault = Fault(status=500)
        time.sleep(1.1)
        assert running.ask(key=OBJECT).status_code == 200
        wait_until(lambda: running.ask(key=OBJECT).status_code != 200)
        self.check_unavailable(running)

    def test_a_resource_principal_that_is_renewed(self, start: Callable[..., Running]) -> None:
        running = start({"SECRET_TTL": "1", "SECRET_MAX_STALE": "0"})
        assert running.ask(key=OBJECT).status_code == 200
        running.stack.principal.renew()
        time.sleep(1.1)
        assert running.ask(key=OBJECT).status_code == 200


class TestLog:
    """One line of JSON for each decision, and nothing that opens a door."""

    def test_a_url_that_was_given(self, running: Running) -> None:
        running.invoke(operation="put_object", key="a\u2028b", expires_in=60)
        record = audit_records(running)[-1]
        assert record.pop("call_id")
        assert record == {
            "event": "presign",
            "caller": "invoke",
            "operation": "put_object",
            "bucket": BUCKET,
            "key": "a\u2028b",
            "expires_in": 60,
            "rule": 0,
            "via": "s3",
            "outcome": "granted",
            "code": None,
        }

    def test_a_request_that_was_refused(self, running: Running) -> None:
        response = running.ask(bucket="other", key="a")
        assert audit_records(running, response.json()["request_id"]) == [
            {
                "event": "presign",
                "call_id": response.json()["request_id"],
                "caller": "gateway",
                "subject": "alice",
                "operation": "get_object",
                "bucket": "other",
                "key": "a",
                "expires_in": None,
                "outcome": "refused",
                "code": "access_denied",
                "reason": "rule 0: the rule is for another bucket",
            }
        ]
        assert "reason" not in response.json()

    def test_no_url_without_its_line(self) -> None:
        with Path("/dev/full").open("wb") as log, Stack(config={}, log=log) as stack:
            for request in ({"key": OBJECT}, {"requests": [{"key": OBJECT}]}):
                answer = json.loads(stack.invoke(json.dumps(request).encode()).body)
                assert answer["code"] == "internal_error"
                assert "results" not in answer

    @pytest.mark.parametrize("signer", ["sigv4", "boto3"])
    def test_no_url_signature_or_key_even_at_debug(self, start: Callable[..., Running], signer: str) -> None:
        running = start({"LOG_LEVEL": "DEBUG", "SIGNER": signer})
        url = running.ask(key=OBJECT, response_content_type="text/plain").json()["url"]
        running.ask(operation="put_object", key=OBJECT, metadata={"a": "b"})
        running.ask(key="../a")
        log = running.log()
        signature = url.rpartition("X-Amz-Signature=")[2]
        assert len(signature) == 64
        for secret in (signature, "X-Amz-", "AWS4", *running.stack.credentials, "ST$", "PRIVATE KEY"):
            assert secret not in log


class TestProcess:
    """The function's process may die; the next one answers."""

    def test_it_is_started_again(self, start: Callable[..., Running]) -> None:
        running = start()
        assert running.ask(key=OBJECT).status_code == 200
        first = running.stack.function.pid
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: running.stack.function.pid != first)
        assert running.ask(key=OBJECT).status_code == 200
