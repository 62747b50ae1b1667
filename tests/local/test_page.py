"""The page's own answers hold a token and URLs: they are for a page that was opened by this machine's name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from werkzeug.wrappers import Request, Response

from local.page.page import Page
from local.server import Server


def gateway(request: Request) -> Response:
    """Stands for the gateway."""
    return Response("the gateway's")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A page that runs."""
    page = Page(gateway, prefix="users/alice/", token=lambda: "the token", messages=lambda: ["a URL"])
    with Server(page) as it:
        yield it


def get(server: Server, path: str, host: str) -> requests.Response:
    """The answer to a browser that takes `host` for the name of the server."""
    return requests.get(f"{server.url}{path}", headers={"Host": host.replace("PORT", str(server.port))}, timeout=10)


@pytest.mark.parametrize("path", ["/session", "/messages"])
@pytest.mark.parametrize("host", ["127.0.0.1:PORT", "localhost:PORT", "LocalHost:PORT"])
def test_its_own_host(server: Server, path: str, host: str) -> None:
    answer = get(server, path, host)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/session", "/messages"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "host",
    [
        *(
            "rebound.example",
            "rebound.example:PORT",
            "localhost.rebound.example:PORT",
            "127.0.0.1.rebound.example:PORT",
        ),
        *("127.0.0.1", "127.0.0.1:1", "127.0.0.1:PORT.rebound.example", "127.0.0.1:PORT, rebound.example"),
        "0.0.0.0:PORT",
    ],
)
def test_another_host(server: Server, path: str, method: str, host: str) -> None:
    headers = {"Host": host.replace("PORT", str(server.port))}
    answer = requests.request(method, f"{server.url}{path}", headers=headers, timeout=10)
    assert answer.status_code == 421
    assert "the token" not in answer.text


def test_the_gateway_answers_under_every_name(server: Server) -> None:
    assert get(server, "/v1/object", "api.example.com").text == "the gateway's"
