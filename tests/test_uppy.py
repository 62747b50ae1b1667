"""Uppy as published, with the lines of the README, against the whole system and from a third origin."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page
from werkzeug.wrappers import Request, Response

from browsers import NODE_PROJECT, chromium, make_file, node_tools, open_page, sha256
from conftest import Running
from local.server import Server

README = Path(__file__).parent.parent / "README.md"
MULTIPART_FROM_BYTES = 100 * 2**20  # Uppy's own limit
HTML = "<!doctype html><title>Uppy</title><input type=file multiple><script src=bundle.js></script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def mapping() -> str:
    """The lines of the README that set Uppy up."""
    (block,) = [block for block in re.findall(r"```js\n(.*?)```", README.read_text(), re.DOTALL) if "@uppy" in block]
    return block


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of a page with Uppy."""
    command = [node_tools() / "esbuild", "--bundle", "--format=iife", "--loader=js"]
    source = f"{mapping()}\nglobalThis.uppy = uppy;\n"
    bundle = subprocess.run(  # noqa: S603
        command, cwd=NODE_PROJECT, input=source, capture_output=True, text=True, check=True
    ).stdout

    def answer(request: Request) -> Response:
        if request.path == "/bundle.js":
            return Response(bundle, content_type="text/javascript")
        return Response(HTML, content_type="text/html")

    with Server(answer) as server:
        yield server.url


@pytest.fixture
def page(browser: Browser, site: str, running: Running) -> Page:
    page = open_page(browser, site)
    page.evaluate(
        "([url, token]) => Object.assign(globalThis, { endpoint: url, token })",
        [f"{running.stack.url}/v1/presign", running.stack.token()],
    )
    return page


def upload(page: Page, path: Path) -> str:
    """Let Uppy upload a file; the key that it has then."""
    page.set_input_files("input", path)
    page.evaluate("""() => {
        const [file] = document.querySelector("input").files;
        uppy.addFile({ name: file.name, data: file });
    }""")
    result = page.evaluate("async () => JSON.parse(JSON.stringify(await uppy.upload()))")
    assert result["failed"] == []
    return str(result["successful"][0]["response"]["body"]["key"])


def download(running: Running, key: str, path: Path) -> Path:
    """The object as the store has it."""
    path.write_bytes(requests.get(running.ask(key=key).json()["url"], timeout=30).content)
    return path


def test_the_mapping_has_at_most_ten_lines() -> None:
    body = mapping().partition("async signRequest(")[2].partition("\n  },")[0]
    assert 1 < len(body.splitlines()[1:]) <= 10


@pytest.mark.parametrize("size", [1000, MULTIPART_FROM_BYTES + 1], ids=["one PUT", "in parts"])
def test_a_file_is_uploaded_as_it_is(page: Page, running: Running, tmp_path: Path, size: int) -> None:
    operations_before = running.log().count('"operation":"upload_part"')
    path = make_file(tmp_path / "holiday.png", size)
    key = upload(page, path)
    assert re.fullmatch(r"inbox/[0-9a-f-]{36}/holiday\.png", key)
    assert sha256(download(running, key, tmp_path / "downloaded")) == sha256(path)
    parts = running.log().count('"operation":"upload_part"') - operations_before
    assert parts == (21 if size > MULTIPART_FROM_BYTES else 0)
    head = requests.head(running.ask(operation="head_object", key=key).json()["url"], timeout=10)
    assert head.headers["Content-Type"] == "image/png"
