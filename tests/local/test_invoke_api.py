"""The OCI SDK calls the function through the local invoke endpoint."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from oci.circuit_breaker import NoCircuitBreakerStrategy
from oci.exceptions import ServiceError
from oci.functions import FunctionsInvokeClient
from oci.retry import NoneRetryStrategy

from local.functions.function import Function
from local.functions.invoke_api import InvokeApi
from local.server import Server
from support.signed_requests import check_authentication, post, principal
from support.waiting import wait_until

FUNCTION_OCID = "ocid1.fnfunc.oc1.eu-frankfurt-1.x"
TARGET = f"/20181201/functions/{FUNCTION_OCID}/actions/invoke"
HANDLER = """
import json, os, time
from fdk.response import Response

def handler(ctx, data):
    body = json.loads(data.getvalue())
    while (gate := body.get("wait_for")) and not os.path.exists(gate):
        time.sleep(0.01)
    headers = {name: value for name, value in ctx.Headers().items() if name in ("fn-intent", "content-type")}
    text = json.dumps({"got": body, "headers": headers})
    return Response(ctx, text, {"Content-Type": "application/json"}, body.get("status", 200))
"""
"""It waits for a file, and answers with a status, if the body says so."""


class Running:
    """A function and its invoke endpoint."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, socket_path: Path) -> None:
        identity, self.signer = principal(directory / "one", monkeypatch)
        (directory / "func.py").write_text(HANDLER, encoding="utf-8")
        self.function = Function(root=directory, environment={}, socket_path=socket_path)
        self.api = InvokeApi(identity, function_id=FUNCTION_OCID, socket_path=socket_path)
        self.server = Server(self.api)

    def invoke(self, body: Any, *, function_id: str = FUNCTION_OCID, **options: Any) -> Any:
        client = FunctionsInvokeClient(
            {},
            signer=self.signer,
            service_endpoint=self.server.url,
            retry_strategy=NoneRetryStrategy(),
            circuit_breaker_strategy=NoCircuitBreakerStrategy(),
        )
        return client.invoke_function(function_id, invoke_function_body=body, **options)

    def stop(self) -> None:
        self.server.stop()
        self.function.stop()
        self.api.stop()


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="invoke-") as directory:
        it = Running(tmp_path, monkeypatch, Path(directory) / "function.sock")
        yield it
        it.stop()


# The SDK signs a `str` in UTF-8 but sends it in Latin-1, so that other texts than ASCII must be given as bytes.
@pytest.mark.parametrize("body", ['{"a": "\\u00e9"}', '{"a": "é"}'.encode(), BytesIO('{"a": "é"}'.encode())])
def test_the_functions_answer(running: Running, body: Any) -> None:
    answer = running.invoke(body)
    assert answer.status == 200
    assert json.loads(answer.data.content)["got"] == {"a": "é"}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["opc-request-id"]


@pytest.mark.parametrize("version", ["20181201", "20260325"])
def test_versions_of_the_api(running: Running, version: str) -> None:
    target = TARGET.replace("20181201", version)
    assert post(running.server, target, b"{}", signer=running.signer).json()["got"] == {}


def test_the_intent_is_passed_on(running: Running) -> None:
    headers = json.loads(running.invoke("{}", fn_intent="cloudevent").data.content)["headers"]
    assert headers["fn-intent"] == "cloudevent"


def test_a_failure_of_the_function_is_one_of_the_call(running: Running) -> None:
    with pytest.raises(ServiceError) as caught:
        running.invoke('{"status": 502}')
    assert caught.value.status == 502


def test_a_function_that_does_not_answer(running: Running) -> None:
    running.invoke("{}")
    with pytest.raises(ServiceError) as caught:
        # Its answer is no answer.
        running.invoke("no JSON")
    assert caught.value.status == 502


def test_a_dry_run_does_not_call_the_function(running: Running) -> None:
    answer = running.invoke("no JSON", is_dry_run=True)
    assert (answer.status, answer.data.content) == (200, b"")


def test_a_detached_call_is_answered_before_the_function_ran(running: Running, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    answer = running.invoke(json.dumps({"wait_for": str(gate)}), fn_invoke_type="detached")
    assert (answer.status, answer.data.content) == (202, b"")
    assert len(running.api.detached_answers) == 0
    gate.touch()
    wait_until(lambda: len(running.api.detached_answers) == 1)
    assert json.loads(running.api.detached_answers[0].body)["got"] == {"wait_for": str(gate)}


def test_an_unknown_function(running: Running) -> None:
    with pytest.raises(ServiceError) as caught:
        running.invoke("{}", function_id="ocid1.fnfunc.oc1..other")
    assert (caught.value.status, caught.value.code) == (404, "NotAuthorizedOrNotFound")


def test_a_body_that_is_too_large(running: Running) -> None:
    with pytest.raises(ServiceError) as caught:
        running.invoke(b"1" * 6_000_001)
    assert caught.value.status == 413


def test_only_signed_requests_are_answered(running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, other = principal(tmp_path / "other", monkeypatch)
    check_authentication(running.api, running.server, TARGET, b"{}", signer=running.signer, other=other)
