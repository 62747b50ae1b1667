"""The browser module by the store route, from a page of another origin: the store itself sends no CORS headers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from conftest import Running
from local.__main__ import POLICY
from local.stack import BUCKET
from support.browsers import chromium, open_page
from support.sites import SOURCES, site

PAGE = b"<!doctype html><title>A page</title><script type=module src=/page.js></script>"
KEY = "users/alice/\u00fc +%2F.bin"


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    return start({"POLICY": json.dumps(POLICY)})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def page(browser: Browser, running: Running) -> Iterator[Page]:
    options = {"endpoint": f"{running.stack.url}/v1/presign", "cors": True}
    script = f"""
        import {{ PresignClient }} from "/presign/index.js";
        const getToken = () => {json.dumps(running.stack.token())};
        globalThis.files = new PresignClient({{ ...{json.dumps(options)}, getToken }});
    """
    modules = {f"/presign/{file.name}": (file.read_bytes(), "text/javascript") for file in SOURCES.glob("*.js")}
    with site({**modules, "/": (PAGE, "text/html"), "/page.js": (script.encode(), "text/javascript")}) as url:
        opened = open_page(browser, url)
        opened.wait_for_function("globalThis.files !== undefined")
        yield opened


def upload(page: Page, key: str, mebibytes: int) -> Any:
    return page.evaluate(
        "([key, size]) => files.upload(new Blob([new Uint8Array(size).fill(7)]), key)", [key, mebibytes * 2**20]
    )


def test_a_small_file_and_one_in_parts(page: Page, running: Running) -> None:
    upload(page, KEY, 1)
    assert page.evaluate("(key) => files.size(key)", KEY) == 2**20
    upload(page, "users/alice/large.bin", 40)
    assert page.evaluate("() => files.size('users/alice/large.bin')") == 40 * 2**20
    listed = page.evaluate(
        """async () => {
            const keys = [];
            for await (const { key } of files.list("users/alice/")) keys.push(key);
            return keys;
        }"""
    )
    assert listed == ["users/alice/large.bin", KEY]
    page.evaluate("(key) => files.delete(key)", KEY)
    assert page.evaluate("(key) => files.size(key)", KEY) is None


def test_a_url_for_a_tab_is_the_stores_own(page: Page, running: Running) -> None:
    upload(page, "users/alice/a.bin", 1)
    url = page.evaluate("() => files.link('users/alice/a.bin')")
    assert not url.startswith(running.stack.url)
    assert f"/{BUCKET}/users/alice/a.bin?" in url
