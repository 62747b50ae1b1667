"""The local store accepts a presigned URL from every client, however the client encodes it again."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import urllib3

from support.store import Store, refused, send

KEYS = ["a b+c&d=e", "ü/日本 (1).txt", "a%2Fb%41", "100%", "$!'*,;:@~", "#?[]", "folder/"]
DISPOSITION = "attachment; filename=\"a+b %41/ü.txt\"; filename*=UTF-8''%C3%BC"
NODE = "fetch(process.argv[1]).then(a => a.text()).then(t => process.stdout.write(t))"


def with_requests(url: str) -> bytes:
    return requests.get(url, timeout=10).content


def with_httpx(url: str) -> bytes:
    return httpx.get(url, trust_env=False).content


def with_urllib3(url: str) -> bytes:
    with urllib3.PoolManager() as pool:
        return pool.request("GET", url).data


def with_aiohttp(url: str) -> bytes:
    """The URL is a plain string, which aiohttp decodes and encodes again."""

    async def get() -> bytes:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.read()

    return asyncio.run(get())


def with_node(url: str) -> bytes:
    return subprocess.check_output(["node", "-e", NODE, url], timeout=30)  # noqa: S603, S607


def with_curl(url: str) -> bytes:
    return subprocess.check_output(["curl", "--silent", "--globoff", url], timeout=30)  # noqa: S603, S607


CLIENTS = [
    with_requests,
    with_httpx,
    with_urllib3,
    with_aiohttp,
    pytest.param(with_node, marks=pytest.mark.needs("node")),
    pytest.param(with_curl, marks=pytest.mark.needs("curl")),
]


@pytest.fixture(scope="module", autouse=True)
def _objects(store: Store) -> None:
    """Each key has an object that tells its name."""
    for key in KEYS:
        assert store.do("PUT", "put_object", json.dumps(key).encode(), Key=key)[0] == 200


@pytest.mark.parametrize("get", CLIENTS)
def test_a_client_downloads_every_key(store: Store, get: Callable[[str], bytes]) -> None:
    found = [json.loads(get(store.presign("get_object", Key=key))) for key in KEYS]
    assert found == KEYS


@pytest.mark.parametrize("get", CLIENTS)
def test_a_client_may_encode_a_response_option_again(store: Store, get: Callable[[str], bytes]) -> None:
    options: dict[str, Any] = {
        "ResponseContentDisposition": DISPOSITION,
        "ResponseContentType": "text/plain; charset=utf-8",
    }
    assert json.loads(get(store.presign("get_object", Key="100%", **options))) == "100%"


@pytest.mark.parametrize(
    ("signed", "sent"),
    [("/a%20b%2Bc", "/%61%20b+c"), ("%2Feu-frankfurt-1%2Fs3", "/eu-frankfurt-1/s3"), ("X-Amz-Date", "X-Amz-D%61te")],
)
def test_an_equivalent_url_is_accepted(store: Store, signed: str, sent: str) -> None:
    url = store.presign("get_object", Key="a b+c&d=e")
    assert signed in url
    assert send("GET", url.replace(signed, sent, 1)) == (200, b'"a b+c&d=e"')


@pytest.mark.parametrize(
    ("signed", "sent"),
    [("/a%20b%2Bc", "/a+b%2Bc"), ("/a%20b%2Bc", "/a%2520b%2Bc"), ("attachment", "Attachment"), ("%2B", "+")],
)
def test_another_url_is_refused(store: Store, signed: str, sent: str) -> None:
    url = store.presign("get_object", Key="a b+c&d=e", ResponseContentDisposition="attachment; filename=a+b")
    changed = sent.join(url.rsplit(signed, 1))
    assert changed != url
    assert refused(send("GET", changed)) == (403, "SignatureDoesNotMatch")


def test_bytes_that_are_no_utf_8_are_refused(store: Store) -> None:
    url = store.presign("get_object", Key="100%")
    for changed in (url.replace("100%25", "100%FF"), f"{url}&a=%FF"):
        assert refused(send("GET", changed)) == (400, "InvalidURI")
