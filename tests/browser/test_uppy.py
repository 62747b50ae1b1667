"""Uppy as published, with the lines of docs/clients-javascript.md, against the whole system and from a third origin."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page

from conftest import Running
from local.stack import BUCKET
from support.browser_docs import lines_with
from support.browsers import TIMEOUT_MS, make_file, open_page, sha256
from support.cable import Cable
from support.sites import bundled_site

MULTIPART_FROM_BYTES = 100 * 2**20  # Uppy's own limit
HTML = "<!doctype html><title>Uppy</title><input type=file multiple><script type=module src=page.js></script>"
EXPORT = "\nglobalThis.uppy = uppy;\n"


def mapping() -> str:
    """The lines of the page that set Uppy up."""
    return lines_with("@uppy")


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of a page with Uppy."""
    with bundled_site(HTML, mapping() + EXPORT) as url:
        yield url


@pytest.fixture
def open_uppy(browser: Browser, site: str) -> Callable[[Running], Page]:
    """Opens a page that uses a system."""

    def open_one(running: Running) -> Page:
        page = open_page(browser, site)
        page.evaluate(
            "([endpoint, token]) => Object.assign(globalThis, { endpoint, token })",
            [f"{running.stack.url}/v1/presign", running.stack.token()],
        )
        return page

    return open_one


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    """A system whose S3 API sends CORS headers."""
    return start(s3_cors=True)


def begin(page: Page, path: Path) -> None:
    """Let Uppy begin to upload a file."""
    page.set_input_files("input", path)
    page.evaluate("""() => {
        const [file] = document.querySelector("input").files;
        uppy.addFile({ name: file.name, data: file });
        globalThis.end = uppy.upload();
    }""")


def end(page: Page) -> str:
    """The key of the file that is uploaded now."""
    result = page.evaluate("async () => JSON.parse(JSON.stringify(await end))")
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
def test_a_file_is_uploaded_as_it_is(
    open_uppy: Callable[[Running], Page], running: Running, tmp_path: Path, size: int
) -> None:
    page = open_uppy(running)
    parts_before = running.log().count('"operation":"upload_part"')
    path = make_file(tmp_path / "holiday.png", size)
    begin(page, path)
    key = end(page)
    assert re.fullmatch(r"inbox/[0-9a-f-]{36}/holiday\.png", key)
    assert sha256(download(running, key, tmp_path / "downloaded")) == sha256(path)
    parts = running.log().count('"operation":"upload_part"') - parts_before
    assert parts == (21 if size > MULTIPART_FROM_BYTES else 0)
    head = requests.head(running.ask(operation="head_object", key=key).json()["url"], timeout=10)
    assert head.headers["Content-Type"] == "image/png"


def test_the_network_is_cut_in_the_middle_of_a_part(
    open_uppy: Callable[[Running], Page], start: Callable[..., Running], tmp_path: Path
) -> None:
    cable = Cable()
    running = start({"STORAGE_ENDPOINT": cable.url}, s3_cors=True)
    cable.target_port = int(running.stack.storage_url.rpartition(":")[2])
    page = open_uppy(running)
    path = make_file(tmp_path / "film.mp4", 64 * 2**20)
    page.evaluate("uppy.getPlugin('AwsS3').setOptions({ shouldUseMultipart: true })")
    cable.hold_after(30 * 2**20)
    begin(page, path)
    assert cable.holding.wait(TIMEOUT_MS / 1000)
    cable.pull_out()
    cable.plug_in()
    assert sha256(download(running, end(page), tmp_path / "downloaded")) == sha256(path)
    assert cable.sent_bytes < 64 * 2**20 + 5 * 2**20 + 2**20
    cable.close()


def test_a_file_over_the_limit_of_the_policy(
    open_uppy: Callable[[Running], Page], start: Callable[..., Running], tmp_path: Path
) -> None:
    rule = {"operations": ["write"], "bucket": BUCKET, "prefix": "inbox/", "max_content_length": 1000}
    page = open_uppy(start({"POLICY": json.dumps({"rules": [rule]})}, s3_cors=True))
    begin(page, make_file(tmp_path / "fits.txt", 1000))
    end(page)
    begin(page, make_file(tmp_path / "large.txt", 1001))
    failed = page.evaluate("async () => JSON.parse(JSON.stringify(await end)).failed")
    assert [file["error"] for file in failed] == [
        "The request exceeds a limit of the policy: /content_length must be at most 1000."
    ]


def test_by_pre_authenticated_requests(browser: Browser, start: Callable[..., Running], tmp_path: Path) -> None:
    """The store needs no CORS headers on its S3 API; the page of the docs says which lines change."""
    rule = {"operations": ["*"], "bucket": BUCKET, "prefix": "inbox/", "via": "par"}
    running = start({"POLICY": json.dumps({"rules": [rule]})})
    bound = '    if (method === "PUT") request.content_length = length;\n'
    lines = lines_with("@uppy", without=bound).replace(
        ".use(AwsS3, {", ".use(AwsS3, {\n  shouldUseMultipart: false,", 1
    )
    with bundled_site(HTML, lines + EXPORT) as address:
        page = open_page(browser, address)
        page.evaluate(
            "([endpoint, token]) => Object.assign(globalThis, { endpoint, token })",
            [f"{running.stack.url}/v1/presign", running.stack.token()],
        )
        path = make_file(tmp_path / "holiday.png", MULTIPART_FROM_BYTES + 1)
        begin(page, path)
        assert sha256(download(running, end(page), tmp_path / "downloaded")) == sha256(path)
        page.close()
