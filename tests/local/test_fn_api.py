"""The requests of the Fn project's CLI (0.6.63), as recorded: `echo '{"key": "a"}' | fn invoke presign presign`."""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from local.functions.fn_api import FnApi
from local.functions.function import Function
from local.server import Server

FUNCTION_OCID = "ocid1.fnfunc.oc1.eu-frankfurt-1.x"
HANDLER = """
import json
from fdk.response import Response

def handler(ctx, data):
    got, media_type = data.getvalue().decode(), ctx.Headers().get("content-type")
    text = json.dumps({"got": got, "type": media_type, "call": ctx.CallID()})
    return Response(ctx, text, {"Content-Type": "application/json"}, 502 if got == "fail" else 200)
"""
HOST = "Host: 127.0.0.1:PORT\r\nUser-Agent: Go-http-client/1.1\r\n"
ACCEPTED = "Accept: application/json\r\nAccept-Encoding: gzip\r\n"
APPS = f"GET /v2/apps?name=presign HTTP/1.1\r\n{HOST}{ACCEPTED}\r\n"
FUNCTIONS = f"GET /v2/fns?app_id=APP&name=presign HTTP/1.1\r\n{HOST}{ACCEPTED}\r\n"
BODY = '{"key": "a"}\n'
CALL = (
    f"POST PATH HTTP/1.1\r\n{HOST}Content-Length: 13\r\nContent-Type: text/plain\r\nAccept-Encoding: gzip\r\n\r\n{BODY}"
)


class Answer(NamedTuple):
    """Of the server."""

    status: int
    headers: dict[str, str]
    body: Any


class Running:
    """The API of a function, and its server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.url = server.url

    def send(self, request: str, **places: str) -> Answer:
        """Send a request byte for byte, with its places filled, on a connection of its own."""
        for place, text in {"PORT": str(self._server.port), **places}.items():
            request = request.replace(place, text)
        with socket.create_connection(("127.0.0.1", self._server.port), timeout=30) as connection:
            connection.sendall(request.encode())
            connection.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        head, _, body = received.partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return Answer(int(first.split()[1]), headers, json.loads(body))

    def endpoint(self) -> str:
        """Where the function is called, as the CLI learns it."""
        [app] = self.send(APPS).body["items"]
        [function] = self.send(FUNCTIONS, APP=app["id"]).body["items"]
        assert (app["name"], function["name"]) == ("presign", "presign")
        return str(function["annotations"]["fnproject.io/fn/invokeEndpoint"])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A function, and the API that finds it."""
    folder = tmp_path_factory.mktemp("function")
    (folder / "func.py").write_text(HANDLER, encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="fn-") as directory:
        path = Path(directory) / "function.sock"
        api = FnApi(name="presign", function_id=FUNCTION_OCID, socket_path=path)
        with Function(root=folder, environment={}, socket_path=path), Server(api) as server:
            yield Running(server)


def test_the_cli_finds_the_function_and_calls_it(running: Running) -> None:
    endpoint = running.endpoint()
    assert endpoint.startswith(f"{running.url}/")
    answer = running.send(CALL, PATH=endpoint.removeprefix(running.url))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body == {"got": '{"key": "a"}\n', "type": "text/plain", "call": answer.headers["fn-call-id"]}


@pytest.mark.parametrize("query", ["", "?per_page=30"])
def test_all_apps_and_functions(running: Running, query: str) -> None:
    """`fn list apps` asks for no name."""
    for path in ("/v2/apps", "/v2/fns"):
        [one] = requests.get(f"{running.url}{path}{query}", timeout=10).json()["items"]
        assert one["name"] == "presign"


@pytest.mark.parametrize(
    "target", ["/v2/apps?name=other", "/v2/fns?app_id=other&name=presign", "/v2/fns?name=other", "/v2/apps?name="]
)
def test_another_name(running: Running, target: str) -> None:
    """The CLI then says *app other not found*, or *function other not found*."""
    assert requests.get(f"{running.url}{target}", timeout=10).json() == {"items": []}


def test_a_failure_of_the_function(running: Running) -> None:
    assert requests.post(running.endpoint(), b"fail", timeout=10).status_code == 502


def test_a_body_that_is_too_large(running: Running) -> None:
    answer = requests.post(running.endpoint(), b"1" * 6_000_001, timeout=10)
    assert (answer.status_code, answer.json()["message"]) == (413, "The body has more than 6,000,000 bytes.")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v2/apps"), ("GET", "/v2/triggers"), ("GET", "/"), ("POST", "/invoke/other"), ("GET", "ENDPOINT")],
)
def test_nothing_else_is_there(running: Running, method: str, path: str) -> None:
    path = path.replace("ENDPOINT", running.endpoint().removeprefix(running.url))
    answer = requests.request(method, f"{running.url}{path}", timeout=10)
    assert (answer.status_code, answer.json()["message"]) == (404, "This server has only what `fn invoke` needs.")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://page.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:PORT"},
        {"Origin": ""},
        {"Host": "rebound.example:PORT"},
        {"Host": "rebound.example"},
    ],
)
def test_a_web_page_is_refused(running: Running, headers: dict[str, str]) -> None:
    """Its browser tells an origin, or the page's own name as the host (DNS rebinding)."""
    endpoint = running.endpoint()
    sent = {name: value.replace("PORT", running.url.rpartition(":")[2]) for name, value in headers.items()}
    for method, url in (("GET", f"{running.url}/v2/apps"), ("POST", endpoint), ("OPTIONS", endpoint)):
        answer = requests.request(method, url, headers=sent, data=BODY, timeout=10)
        assert answer.status_code == 403
        assert answer.json()["message"] == "This address is for programs on this machine, not for web pages."
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
