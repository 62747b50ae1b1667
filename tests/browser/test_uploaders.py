"""FilePond and Dropzone as published, with the lines of docs/clients-javascript.md, from a page of a third origin."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from conftest import Running
from local.stack import BUCKET
from support.browser_docs import lines_with
from support.browsers import TIMEOUT_MS, make_file, open_page, sha256
from support.sites import bundled_site

MIB = 2**20
BOUND_TO_A_SIZE = "    request.content_length = file.size;\n"
HTML = """<!doctype html>
<meta charset="utf-8">
<title>Uploads</title>
<input type="file" multiple>
<div id="drop" style="height: 100px">Drop files here</div>
<script>
  globalThis.token = "TOKEN";
  globalThis.endpoint = "ENDPOINT";
</script>
<script type="module" src="/page.js"></script>
"""


@pytest.fixture(scope="module", params=["s3", "par"])
def via(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def running(start: Callable[..., Running], via: str) -> Running:
    """A system whose pages can read the answers of the store: by pre-authenticated requests, or with CORS headers."""
    rule = {"operations": ["*"], "bucket": BUCKET, "prefix": "inbox/", "via": via}
    return start({"POLICY": json.dumps({"rules": [rule]})}, s3_cors=via == "s3")


@pytest.fixture
def open_with(browser: Browser, running: Running) -> Iterator[Callable[[str], Page]]:
    """Opens a page that runs these lines."""
    pages: list[Page] = []

    def open_one(lines: str) -> Page:
        html = HTML.replace("ENDPOINT", f"{running.stack.url}/v1/presign").replace("TOKEN", running.stack.token())
        pages.append(open_page(browser, sites.enter_context(bundled_site(html, lines))))
        return pages[-1]

    with ExitStack() as sites:
        yield open_one
        for page in pages:
            page.close()


def is_stored(running: Running, key: str, path: Path) -> None:
    answer = requests.get(running.ask(key=key).json()["url"], timeout=30)
    assert key.endswith(f"/{path.name}")
    assert answer.headers["Content-Type"] == "image/png"
    copy = path.with_name("copy")
    copy.write_bytes(answer.content)
    assert sha256(copy) == sha256(path)


class TestFilePond:
    """It sends files by the browser module, of any size and by either kind of URL."""

    @pytest.fixture
    def page(self, open_with: Callable[[str], Page]) -> Page:
        page = open_with(f"{lines_with('filepond')}\nObject.assign(globalThis, {{ pond }});\n")
        page.wait_for_function("globalThis.pond !== undefined")
        return page

    @pytest.mark.parametrize("size", [1000, 20 * MIB], ids=["one PUT", "in parts"])
    def test_a_file_is_uploaded_as_it_is(self, page: Page, running: Running, tmp_path: Path, size: int) -> None:
        path = make_file(tmp_path / "holiday.png", size)
        page.set_input_files(".filepond--root input[type=file]", path)
        page.wait_for_function("pond.getFiles()[0]?.serverId")
        is_stored(running, page.evaluate("pond.getFiles()[0].serverId"), path)

    def test_a_refusal_is_shown(self, page: Page, tmp_path: Path) -> None:
        page.evaluate("globalThis.token = 'none'; pond.on('error', ({ body }) => (globalThis.message = body))")
        page.set_input_files(".filepond--root input[type=file]", make_file(tmp_path / "refused.png", 10))
        page.wait_for_function("globalThis.message")
        assert page.evaluate("message") == "The token is missing, expired or not valid: get a new one."

    @pytest.mark.parametrize("via", ["s3"], indirect=True, scope="module")
    def test_a_removed_file_is_deleted(self, page: Page, running: Running, tmp_path: Path) -> None:
        page.set_input_files(".filepond--root input[type=file]", make_file(tmp_path / "removed.png", 10))
        page.wait_for_function("pond.getFiles()[0]?.serverId")
        key = page.evaluate("pond.getFiles()[0].serverId")
        page.evaluate("pond.removeFile({ revert: true })")
        page.wait_for_function("pond.getFiles().length === 0")
        # FilePond forgets the file before the store has answered.
        url, ends_at = running.ask(key=key).json()["url"], time.monotonic() + TIMEOUT_MS / 1000
        while requests.get(url, timeout=10).status_code != 404:
            assert time.monotonic() < ends_at
            time.sleep(0.1)


class TestDropzone:
    """It sends each file in one request."""

    @pytest.fixture
    def page(self, open_with: Callable[[str], Page], via: str) -> Page:
        lines = lines_with('from "dropzone"', without=BOUND_TO_A_SIZE if via == "par" else "")
        page = open_with(f"{lines}\nObject.assign(globalThis, {{ dropzone }});\n")
        page.wait_for_function("globalThis.dropzone !== undefined")
        return page

    def test_files_are_uploaded_as_they_are(self, page: Page, running: Running, tmp_path: Path) -> None:
        paths = [make_file(tmp_path / "a b.png", 1000), make_file(tmp_path / "ü.png", 20 * MIB)]
        page.set_input_files(".dz-hidden-input", paths)
        page.wait_for_function("dropzone.getFilesWithStatus('success').length === 2")
        keys = page.evaluate("dropzone.files.map(({ signed }) => signed.key)")
        for key, path in zip(keys, paths, strict=True):
            is_stored(running, key, path)

    def test_a_refusal_is_shown(self, page: Page, tmp_path: Path) -> None:
        page.evaluate("globalThis.token = 'none'")
        # Of a picture Dropzone would show that it is broken, in the same place.
        page.set_input_files(".dz-hidden-input", make_file(tmp_path / "refused.bin", 10))
        expect(page.locator(".dz-error-message")).to_have_text("Unauthorized")
