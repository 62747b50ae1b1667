"""What the README shows is right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from conftest import Running
from local.server import Server, headers, target
from local.stack import FUNCTION_OCID, OBJECT
from presign.policy import parse_rules
from presign.settings import Settings

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_policies_have_no_faults() -> None:
    inline = re.findall(r"POLICY '(\{.*?\})'", README)
    policies = [block for block in blocks("json") if block.startswith('{"rules"')] + inline
    assert len(policies) >= 2
    assert [parse_rules(policy)[1] for policy in policies] == [[] for _ in policies]


def test_every_setting_is_there() -> None:
    """And no other: the table names what the code reads."""
    table = README.partition("### Settings")[2].partition("###")[0]
    named = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    source = Path(Settings.__module__.replace(".", "/") + ".py").read_text("utf-8")
    read = set(re.findall(r'"([A-Z][A-Z_]+)"', source))
    assert named == read - {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "OCI_RESOURCE_PRINCIPAL_REGION"}


@pytest.fixture
def invoke_endpoint(running: Running) -> Iterator[str]:
    """The Functions API, as far as it invokes the function, for callers that sign as the function's own identity."""

    def answer(request: Request) -> Response:
        received = {name.lower(): value for name, value in headers(request)}
        running.stack.identity.verify(
            method=request.method, target=target(request), headers=received, body=request.get_data()
        )
        assert re.fullmatch(rf"/\d+/functions/{FUNCTION_OCID}/actions/invoke", target(request))
        return Response(running.stack.invoke(request.get_data()).body, content_type="application/octet-stream")

    with Server(answer) as server:
        yield server.url


def test_a_function_calls_another(running: Running, invoke_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in running.stack.identity.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PRESIGN_INVOKE_ENDPOINT", invoke_endpoint)
    monkeypatch.setenv("PRESIGN_FUNCTION_OCID", FUNCTION_OCID)
    [example] = [block for block in blocks("python") if "FunctionsInvokeClient" in block]
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - the README's own lines
    answer = names["presign"](key=OBJECT, expires_in=300)
    assert (answer["key"], answer["expires_in"]) == (OBJECT, 300)
    with pytest.raises(RuntimeError, match="access_denied: The policy does not allow this request"):
        names["presign"](key=OBJECT, bucket="other")


def test_the_problem_is_one_that_the_function_gives(running: Running) -> None:
    [example] = [json.loads(block) for block in blocks("json") if block.startswith('{"type"')]
    problem = running.ask(key="a", expires_in=604801).json()
    assert {**problem, "request_id": "01H…"} == {**example, "errors": problem["errors"]}
