"""What the README shows is right."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug.wrappers import Request, Response

from conftest import Running
from gateway.fill import PLACEHOLDERS
from local.server import Server, headers, target
from local.stack import FUNCTION_OCID, OBJECT
from presign.policy import parse_rules
from presign.settings import Settings

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


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


def test_every_placeholder_of_the_deployment_is_filled() -> None:
    [command] = [found for found in re.findall(r"```console\n(.*?)```", README, re.DOTALL) if "gateway.fill" in found]
    assert set(re.findall(r"([A-Z_]+)=", command)) == set(PLACEHOLDERS)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node to run the page's code with")
def test_a_web_page_uploads_a_file(running: Running, tmp_path: Path) -> None:
    [example] = [block for block in blocks("js") if "async function presign" in block]
    script = tmp_path / "page.mjs"
    script.write_text(
        example.replace("https://<hostname>/presigner", running.stack.url)
        + 'await upload("users/alice/a b.txt", new Blob(["hello"], { type: "text/plain" }), process.argv[2]);\n'
        + 'await presign({ key: "../a" }, process.argv[2]).catch((error) => console.log(error.message));\n'
    )
    node = subprocess.run(  # noqa: S603
        [shutil.which("node") or "", script, running.stack.token()],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert node.stdout == "The request is not valid; see errors.\n"
    _, answer = running.invoke(key="users/alice/a b.txt")
    stored = requests.get(answer["url"], timeout=10)
    assert (stored.text, stored.headers["Content-Type"]) == ("hello", "text/plain")


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
