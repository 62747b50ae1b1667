"""Clients that get a method, a URL and headers, and send them as they are."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import requests
import urllib3
import yarl
from werkzeug.wrappers import Response

from local.server import Server
from support.browsers import chromium
from support.interoperability.cases import Case
from support.programs import needs

FOLDER = Path(__file__).parent
Answer = tuple[int, str]
"""Status and body."""


def with_requests(cases: Sequence[Case]) -> list[Answer]:
    """requests of Python."""
    with requests.Session() as session:
        return [
            (answer.status_code, answer.content.decode())
            for case in cases
            for answer in [session.request(case.method, case.url, headers=case.headers, data=_bytes(case), timeout=30)]
        ]


def with_httpx(cases: Sequence[Case]) -> list[Answer]:
    """httpx of Python."""
    with httpx.Client(trust_env=False) as client:
        return [
            (answer.status_code, answer.text)
            for case in cases
            for answer in [client.request(case.method, case.url, headers=dict(case.headers), content=_bytes(case))]
        ]


def with_urllib3(cases: Sequence[Case]) -> list[Answer]:
    """urllib3 of Python."""
    with urllib3.PoolManager() as pool:
        return [
            (answer.status, answer.data.decode())
            for case in cases
            for answer in [pool.request(case.method, case.url, headers=dict(case.headers), body=_bytes(case))]
        ]


def with_aiohttp(cases: Sequence[Case]) -> list[Answer]:
    """aiohttp of Python, which decodes the URL and encodes it again in its own way."""
    return asyncio.run(_aiohttp(cases, str))


def with_aiohttp_encoded(cases: Sequence[Case]) -> list[Answer]:
    """aiohttp of Python, told by `yarl.URL(url, encoded=True)` that the URL is encoded."""
    return asyncio.run(_aiohttp(cases, lambda url: yarl.URL(url, encoded=True)))


async def _aiohttp(cases: Sequence[Case], url: Callable[[str], str | yarl.URL]) -> list[Answer]:
    answers = []
    async with aiohttp.ClientSession() as session:
        for case in cases:
            async with session.request(case.method, url(case.url), headers=case.headers, data=_bytes(case)) as answer:
                answers.append((answer.status, await answer.text()))
    return answers


def with_curl(cases: Sequence[Case]) -> list[Answer]:
    """curl."""
    needs("curl")
    answers = []
    for case in cases:
        headers = [option for name, value in case.headers.items() for option in ("-H", f"{name}: {value}")]
        method = ["--head"] if case.method == "HEAD" else ["-X", case.method]
        body = ["--data-binary", "@-"] if case.body is not None else []
        done = subprocess.run(  # noqa: S603
            ["curl", "-sS", *method, *headers, *body, "-w", "\n%{http_code}", case.url],  # noqa: S607
            input=_bytes(case),
            capture_output=True,
            check=True,
        )
        content, _, status = done.stdout.decode().rpartition("\n")
        answers.append((int(status), "" if case.method == "HEAD" else content))
    return answers


def with_node(cases: Sequence[Case]) -> list[Answer]:
    """The `fetch` of Node."""
    return [(status, content) for status, content in node("fetch", _browser_cases(cases))]


def with_chromium(cases: Sequence[Case]) -> list[Answer]:
    """The `fetch` of a page in Chromium. The bucket must let its origin read answers."""
    script = """async (cases) => {
      const answers = [];
      for (const { method, url, headers, body } of cases) {
        const answer = await fetch(url, { method, headers, body });
        answers.push([answer.status, await answer.text()]);
      }
      return answers;
    }"""
    with Server(lambda _: Response("page", content_type="text/html")) as server, chromium() as browser:
        page = browser.new_page()
        page.goto(server.url)
        answers: list[Any] = page.evaluate(script, _browser_cases(cases))
    return [(status, content) for status, content in answers]


URL_CLIENTS: dict[str, Callable[[Sequence[Case]], list[Answer]]] = {
    "requests (Python)": with_requests,
    "httpx (Python)": with_httpx,
    "urllib3 (Python)": with_urllib3,
    "aiohttp (Python)": with_aiohttp,
    "aiohttp with `yarl.URL(url, encoded=True)`": with_aiohttp_encoded,
    "curl": with_curl,
    "Node's `fetch`": with_node,
    "Chromium's `fetch`": with_chromium,
}


def node(program: str, document: Any) -> Any:
    """The answer of a program of `node.mjs`."""
    needs("node")
    command: list[str | Path] = ["node", FOLDER / "node.mjs", program]
    done = subprocess.run(command, input=json.dumps(document), capture_output=True, encoding="utf-8")  # noqa: S603
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def _bytes(case: Case) -> bytes | None:
    return None if case.body is None else case.body.encode()


def _browser_cases(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """The requests without the length, which `fetch` sends by itself."""
    return [
        {
            "method": case.method,
            "url": case.url,
            "headers": {name: value for name, value in case.headers.items() if name != "Content-Length"},
            "body": case.body,
        }
        for case in cases
    ]
