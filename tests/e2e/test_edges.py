"""The edges of what the function accepts: sizes, lifetimes and rights, against the whole system."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from local.api import Fault
from local.functions.fn_agent import Answer, invoke_http
from local.stack import BUCKET, OBJECT
from support.systems import Running
from support.waiting import wait_until

EVENT: dict[str, Any] = {
    "eventType": "com.oraclecloud.objectstorage.createobject",
    "data": {"resourceName": OBJECT, "additionalDetails": {"bucketName": BUCKET}},
}


def records(running: Running, call_id: str) -> list[dict[str, Any]]:
    """The audit records of one call."""
    lines = [json.loads(line) for line in running.log().splitlines() if line.startswith('{"event":"presign"')]
    return [record for record in lines if record["call_id"] == call_id]


def invoke(running: Running, requests_: list[dict[str, Any]]) -> tuple[Answer, Any]:
    """Send a batch in UTF-8, where `Running.invoke` would escape it."""
    answer = running.stack.invoke(json.dumps({"requests": requests_}, ensure_ascii=False).encode())
    return answer, json.loads(answer.body)


@pytest.fixture(scope="module")
def images(start: Callable[..., Running]) -> Running:
    """A system where only images may be uploaded."""
    rule = {"operations": ["read", "put_object"], "bucket": BUCKET, "prefix": "", "content_types": ["image/*"]}
    return start({"POLICY": json.dumps({"rules": [rule]})})


class TestStoredType:
    """A page can't be uploaded as an image and then be shown as a page."""

    def test_the_type_cannot_be_overridden(self, images: Running) -> None:
        upload = images.ask(operation="put_object", key="a.png", content_type="image/png").json()
        assert requests.put(upload["url"], b"<script>", headers=upload["headers"], timeout=10).status_code == 200
        for option in ({"response_content_type": "text/html"}, {"response_content_disposition": "inline"}):
            request: dict[str, Any] = {"key": "a.png", **option}
            response = images.ask(**request)
            assert (response.status_code, response.json()["code"]) == (403, "limit_exceeded")
            assert [error["pointer"] for error in response.json()["errors"]] == [f"/{name}" for name in option]
        saved = requests.get(images.ask(key="a.png", download_as="a.png").json()["url"], timeout=10)
        assert saved.headers["Content-Type"] == "image/png"

    def test_an_image_that_runs_scripts(self, images: Running) -> None:
        response = images.ask(operation="put_object", key="a.svg", content_type="image/svg+xml")
        assert (response.status_code, response.json()["code"]) == (403, "limit_exceeded")


class TestSizes:
    """A call and its answer stay within the sizes that OCI carries."""

    def test_a_batch_whose_answer_would_be_too_large_is_refused_as_a_whole(self, running: Running) -> None:
        forms = [{"operation": "post_object", "key": "ü" * 490 + str(number)} for number in range(980)]
        answer, document = invoke(running, forms)
        assert (document["status"], document["code"]) == (413, "payload_too_large")
        assert document["detail"].startswith("The answer would be larger than 6000000 bytes; the first ")
        assert len(answer.body) < 1000
        assert [record["outcome"] for record in records(running, document["request_id"])] == ["refused"]

    def test_a_url_that_is_too_long_fails_its_item_alone(self, running: Running) -> None:
        texts = dict.fromkeys(["version_id", "response_cache_control", "response_content_language"], "/" * 1024)
        _, document = invoke(running, [{"key": "a"}, {"key": "a", **texts}])
        assert document["results"][0]["url"]
        problem = document["results"][1]["problem"]
        assert (problem["status"], problem["code"]) == (400, "invalid_request")
        assert [error["pointer"] for error in problem["errors"]] == ["/requests/1"]
        assert problem["errors"][0]["detail"].endswith("; it must have less than 8000")

    def test_the_largest_batch_that_fits(self, running: Running) -> None:
        answer, document = invoke(running, [{"key": "ü" * 500} for _ in range(1000)])
        assert len(document["results"]) == 1000
        assert 4_000_000 < len(answer.body) <= 6_000_000

    def test_an_event_may_have_64_kib(self, running: Running) -> None:
        empty = len(json.dumps({**EVENT, "x": ""}))
        assert "url" in running.invoke(**EVENT, x="x" * (64 * 1024 - empty))[1]
        assert running.invoke(**EVENT, x="x" * (64 * 1024 - empty + 1))[1]["code"] == "payload_too_large"

    def test_a_list_of_events_may_have_1_mib(self, running: Running) -> None:
        body = json.dumps([EVENT]).encode()
        fitting = body + b" " * (1024 * 1024 - len(body))
        assert "url" in json.loads(running.stack.invoke(fitting).body)["results"][0]
        answer = running.stack.invoke(fitting + b" ")
        assert json.loads(answer.body)["status"] == 413


class TestOptionsOfAnEvent:
    """An event has no options; one that stands beside it is refused, not dropped."""

    @pytest.mark.parametrize(
        "option", [{"expires_in": 60}, {"download_as": "a"}, {"key": "a"}, {"operation": "head_object"}]
    )
    def test_an_option_beside_it(self, running: Running, option: dict[str, Any]) -> None:
        _, document = running.invoke(**EVENT, **option)
        [name] = option
        assert document["errors"] == [
            {"pointer": f"/{name}", "detail": "can't be given with an event, which has no options"}
        ]

    def test_a_member_of_the_event_itself(self, running: Running) -> None:
        assert "url" in running.invoke(**EVENT, eventID="1", extensions={}, anything=1)[1]


class TestGatewaySecret:
    """A direct invocation can't pass for a call of API Gateway."""

    @pytest.mark.parametrize("headers", [{}, {"X-Claim-Sub": "alice"}, {"X-Claim-Sub": f"{'0' * 32}:alice:"}])
    def test_http_without_the_secret(self, running: Running, headers: dict[str, str]) -> None:
        for target, body in (("/v1/presign", {"key": OBJECT}), ("/v1/presign/batch", {"requests": [{"key": OBJECT}]})):
            answer = invoke_http(
                running.stack.socket_path,
                method="POST",
                target=target,
                headers=headers.items(),
                body=json.dumps(body).encode(),
            )
            assert (answer.status, json.loads(answer.body)["code"]) == (403, "access_denied")

    def test_the_document_is_for_everybody(self, running: Running) -> None:
        answer = invoke_http(running.stack.socket_path, method="GET", target="/v1/openapi.json", headers=(), body=b"")
        assert answer.status == 200

    def test_either_of_two(self, start: Callable[..., Running]) -> None:
        running = start({"CLAIMS_KEY": f"{'a' * 32},{'b' * 32}"})
        for secret, status in (("a" * 32, 200), ("b" * 32, 200), ("c" * 32, 403)):
            headers = {"X-Claim-Sub": f"{secret}:alice:"}
            assert running.call(headers=headers, body=json.dumps({"key": OBJECT}).encode()).status == status


class TestRevokedKey:
    """A secret that was deleted or taken away ends signing within `SECRET_TTL`, though the key is still cached."""

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_a_refusal(self, start: Callable[..., Running], status: int) -> None:
        running = start({"SECRET_TTL": "2", "SECRET_MAX_STALE": "3600"})
        assert running.ask(key=OBJECT).status_code == 200
        running.stack.vault.fault = Fault(status=status)
        ends_at = time.monotonic() + 2
        is_over, response = False, running.ask(key=OBJECT)
        while not is_over:
            is_over, response = time.monotonic() > ends_at, running.ask(key=OBJECT)
        assert (response.status_code, response.json()["code"]) == (503, "secret_unavailable")
        running.stack.vault.fault = None
        wait_until(lambda: running.ask(key=OBJECT).status_code == 200)

    def test_a_container_that_was_idle_asks_before_it_signs(self, start: Callable[..., Running]) -> None:
        running = start({"SECRET_TTL": "1", "SECRET_MAX_STALE": "3600"})
        assert running.ask(key=OBJECT).status_code == 200
        running.stack.vault.fault = Fault(status=404)
        ends_at = time.monotonic() + 1
        wait_until(lambda: time.monotonic() > ends_at)
        response = running.ask(key=OBJECT)
        assert (response.status_code, response.json()["code"]) == (503, "secret_unavailable")


class TestAudit:
    """The audit record tells which data the URL gives access to, and which rule granted it."""

    def test_the_options_of_the_request(self, running: Running) -> None:
        _, document = running.invoke(
            requests=[
                {"key": OBJECT, "version_id": "v1", "response_content_type": "text/plain", "download_as": "a.txt"},
                {"operation": "upload_part", "key": "a", "upload_id": "u", "part_number": 3, "content_length": 5},
                {"operation": "put_object", "key": "a", "metadata": {"a": "b"}},
                {"operation": "delete_object", "key": "a", "bucket": "other", "version_id": "v2"},
            ]
        )
        [call_id] = {result["problem"]["request_id"] for result in document["results"] if "problem" in result}
        found = records(running, call_id)
        assert [record.get("rule") for record in found] == [0, 0, 0, None]
        assert [record.get("options") for record in found] == [
            {"version_id": "v1", "response_content_type": "text/plain", "download_as": "a.txt"},
            {"upload_id": "u", "part_number": 3, "content_length": 5},
            None,
            {"version_id": "v2"},
        ]
