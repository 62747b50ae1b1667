"""Uppy as published, with the lines of docs/clients-javascript.md, against the whole system and from a third origin."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page

from local.stack import BUCKET
from support.browsers import TIMEOUT_MS, make_file, open_page, sha256, wait_for
from support.cable import Cable
from support.pages import javascript_with
from support.sites import bundled_site
from support.systems import Running

MIB = 2**20
MOST_BYTES_BY_PUT = 20 * MIB
HTML = "<!doctype html><title>Uppy</title><input type=file multiple><script type=module src=page.js></script>"
PARTS_AT_ONCE_BYTES = 6 * 5 * MIB
EXPORT = "\nglobalThis.uppy = uppy;\n"


def mapping() -> str:
    """The lines of the page that set Uppy up."""
    return javascript_with("@uppy")


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
    """A system by whose store route a page may do all."""
    return start()


@pytest.fixture(scope="module")
def connected(connect: Callable[..., tuple[Running, Cable]]) -> tuple[Running, Cable]:
    return connect()


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


@pytest.mark.parametrize(("size", "parts"), [(1000, 0), (MOST_BYTES_BY_PUT, 0), (MOST_BYTES_BY_PUT + 1, 5)])
def test_a_file_is_uploaded_as_it_is(
    open_uppy: Callable[[Running], Page], running: Running, tmp_path: Path, size: int, parts: int
) -> None:
    page = open_uppy(running)
    parts_before = running.log().count('"operation":"upload_part"')
    path = make_file(tmp_path / "holiday.png", size)
    begin(page, path)
    key = end(page)
    assert re.fullmatch(r"inbox/[0-9a-f-]{36}/holiday\.png", key)
    assert sha256(download(running, key, tmp_path / "downloaded")) == sha256(path)
    assert running.log().count('"operation":"upload_part"') - parts_before == parts
    head = requests.head(running.ask(operation="head_object", key=key).json()["url"], timeout=10)
    assert head.headers["Content-Type"] == "image/png"


def test_the_console_has_no_complaint(open_uppy: Callable[[Running], Page], running: Running, tmp_path: Path) -> None:
    """A browser lets no page set the length of a body."""
    page = open_uppy(running)
    told: list[str] = []
    page.on("console", lambda message: told.append(f"{message.type}: {message.text}"))
    for name, size in (("small.png", 1000), ("large.png", MOST_BYTES_BY_PUT + 1)):
        begin(page, make_file(tmp_path / name, size))
        end(page)
    assert [line for line in told if line.startswith(("error", "warning"))] == []


def test_the_network_is_cut_in_the_middle_of_a_part(
    open_uppy: Callable[[Running], Page], connected: tuple[Running, Cable], tmp_path: Path
) -> None:
    running, cable = connected
    page = open_uppy(running)
    path = make_file(tmp_path / "film.mp4", 40 * MIB)
    sent_before = cable.sent_bytes
    cable.hold_after(30 * MIB)
    begin(page, path)
    assert cable.holding.wait(TIMEOUT_MS / 1000)
    cable.pull_out()
    cable.plug_in()
    assert sha256(download(running, end(page), tmp_path / "downloaded")) == sha256(path)
    assert cable.sent_bytes - sent_before < 40 * MIB + PARTS_AT_ONCE_BYTES + MIB


def test_a_removed_file_is_aborted_in_the_store(
    open_uppy: Callable[[Running], Page], connected: tuple[Running, Cable], tmp_path: Path
) -> None:
    running, cable = connected
    page = open_uppy(running)
    cable.hold_after(15 * MIB)
    begin(page, make_file(tmp_path / "removed.mp4", 40 * MIB))
    assert cable.holding.wait(TIMEOUT_MS / 1000)
    (key,) = page.evaluate("uppy.getFiles().map(({ meta }) => meta.key)")
    uploads = running.ask(operation="list_multipart_uploads", prefix=key).json()["url"]
    assert requests.get(uploads, timeout=10).text.count("<UploadId>") == 1
    page.evaluate("uppy.removeFile(uppy.getFiles()[0].id)")
    cable.release()
    wait_for(page, lambda: requests.get(uploads, timeout=10).text.count("<UploadId>") == 0)


def test_a_removed_file_is_deleted(open_uppy: Callable[[Running], Page], running: Running, tmp_path: Path) -> None:
    page = open_uppy(running)
    begin(page, make_file(tmp_path / "removed.png", 1000))
    url = running.ask(key=end(page)).json()["url"]
    assert requests.get(url, timeout=10).status_code == 200
    page.evaluate("uppy.removeFile(uppy.getFiles()[0].id)")
    wait_for(page, lambda: requests.get(url, timeout=10).status_code == 404)


def test_a_file_over_the_limit_of_the_policy(
    open_uppy: Callable[[Running], Page], start: Callable[..., Running], tmp_path: Path
) -> None:
    rule = {"operations": ["write"], "bucket": BUCKET, "prefix": "inbox/", "max_content_length": 1000}
    page = open_uppy(start({"POLICY": json.dumps({"rules": [rule]})}))
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
    running = start({"POLICY": json.dumps({"rules": [rule]}), "STORE_ROUTE": ""})
    lines = javascript_with("@uppy", without=', content_length: method === "PUT" ? length : undefined')
    lines = lines.partition("uppy.on(")[0].replace("({ size }) => (size ?? 0) > 20 * 2 ** 20", "false")
    with bundled_site(HTML, lines + EXPORT) as address:
        page = open_page(browser, address)
        page.evaluate(
            "([endpoint, token]) => Object.assign(globalThis, { endpoint, token })",
            [f"{running.stack.url}/v1/presign", running.stack.token()],
        )
        path = make_file(tmp_path / "holiday.png", 2 * MOST_BYTES_BY_PUT)
        begin(page, path)
        assert sha256(download(running, end(page), tmp_path / "downloaded")) == sha256(path)
        page.close()
