"""The first lines of the documentation by the store route, from a page of another origin: the store sends no CORS."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page

from local.__main__ import POLICY
from local.stack import BUCKET
from support.browsers import make_file, open_page, sha256, wait_for
from support.pages import javascript_with
from support.sites import begin_upload, end_upload, failure, importing_from, sign_in
from support.systems import Running

MIB = 2**20
KEY = "users/alice/ü +%2F.bin"
PNG_BASE64 = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SHOW_AND_READ = """async ([shown, read]) => {
    const picture = new Image();
    picture.src = shown;
    await picture.decode();
    return (await (await fetch(read)).blob()).size;
}"""


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    """The system of `make run`."""
    return start({"POLICY": json.dumps(POLICY)}, deliver_to="queue", events=True)


def upload(page: Page, key: str, content: str, media_type: str = "text/plain") -> None:
    page.evaluate(
        "([key, content, type]) => files.upload(new Blob([content], { type }), key)", [key, content, media_type]
    )


def listed(page: Page) -> list[str]:
    return list(
        page.evaluate(
            """async () => {
                const keys = [];
                for await (const { key } of files.list("users/alice/")) keys.push(key);
                return keys;
            }"""
        )
    )


def test_the_first_lines_of_the_docs(browser: Browser, address: str, running: Running) -> None:
    page = open_page(browser, address)
    lines = importing_from("/presign/index.js", javascript_with("await files.upload(file, `inbox/${file.name}`"))
    lines = lines.replace("https://…/v1/presign", f"{running.stack.url}/v1/presign")
    page.evaluate(
        """(token) => Object.assign(globalThis, {
            token,
            controller: new AbortController(),
            file: new File(["From the docs."], "hello.txt"),
            shown: [],
            show: (fraction) => shown.push(fraction),
        })""",
        running.stack.token(),
    )
    with page.expect_download() as downloaded:
        page.add_script_tag(type="module", content=lines)
    assert downloaded.value.path().read_text(encoding="utf-8") == "From the docs."
    assert page.evaluate("shown.at(-1)") == 1
    page.close()


def test_a_file_goes_up_is_listed_copied_and_deleted(page: Page) -> None:
    upload(page, KEY, "Hello")
    assert page.evaluate("(key) => files.size(key)", KEY) == 5
    assert page.evaluate("(key) => files.copy(key, 'users/alice/copy.txt')", KEY) == "8b1a9953c4611296a827abf8c47804d7"
    assert listed(page) == ["users/alice/copy.txt", KEY]
    for key in (KEY, "users/alice/copy.txt"):
        page.evaluate("(key) => files.delete(key)", key)
        assert page.evaluate("(key) => files.size(key)", key) is None


def test_40_mib_are_paused_and_go_on_after_a_reload(page: Page, running: Running, tmp_path: Path) -> None:
    key, path = "users/alice/large.bin", make_file(tmp_path / "large.bin", 40 * MIB)
    page.set_input_files("input", path)
    page.route(re.compile("partNumber=[567]&"), lambda _: None)  # they never leave
    begin_upload(page, key)
    wait_for(page, lambda: [upload["loaded"] for upload in page.evaluate("files.unfinished()")] == [25 * MIB])
    assert page.evaluate("progress.some(({ fraction }) => fraction > 0 && fraction < 1)")
    page.evaluate("controller.abort(PAUSE)")
    assert end_upload(page) == "paused"
    page.unroute_all(behavior="ignoreErrors")
    page.reload()
    sign_in(page, running)
    page.set_input_files("input", path)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
    begin_upload(page, key)
    assert end_upload(page) == ""
    assert len(sent) == 3
    assert {url.partition("?")[0] for url in sent} == {f"{running.stack.url}/store/{BUCKET}/{key}"}
    copy = tmp_path / "copy"
    copy.write_bytes(requests.get(running.ask(key=key).json()["url"], timeout=30).content)
    assert sha256(copy) == sha256(path)
    page.evaluate("(key) => files.delete(key)", key)
    assert page.evaluate("(key) => files.size(key)", key) is None


def test_a_url_for_a_tab_is_the_stores_own(page: Page, running: Running) -> None:
    upload(page, "users/alice/a.txt", "Hello")
    url = page.evaluate("() => files.link('users/alice/a.txt')")
    assert url.startswith(f"{running.stack.storage_url}/{BUCKET}/users/alice/a.txt?")


@pytest.mark.parametrize("cors", [False, True], ids=["the store's own URL", "the URL by the route"])
def test_a_picture_that_was_shown_can_be_read_by_a_script(page: Page, running: Running, cors: bool) -> None:
    """The answer that the browser has in its cache for an image came without CORS headers."""
    upload_picture = """([key, content]) => files.upload(
        new Blob([Uint8Array.from(atob(content), (char) => char.charCodeAt(0))], { type: "image/png" }), key)"""
    page.evaluate(upload_picture, ["users/alice/shown.png", PNG_BASE64])
    urls = [running.ask(key="users/alice/shown.png", cors=by_route).json()["url"] for by_route in (cors, True)]
    assert page.evaluate(SHOW_AND_READ, urls) == 70


def test_a_refusal_of_the_policy_is_a_sentence(browser: Browser, address: str, start: Callable[..., Running]) -> None:
    rule = {
        "operations": ["put_object", "multipart"],
        "bucket": BUCKET,
        "prefix": "users/{sub}/",
        "max_content_length": 30 * MIB,
        "content_types": ["image/*"],
    }
    page = open_page(browser, address)
    sign_in(page, start({"POLICY": json.dumps({"rules": [rule]})}))
    failed = """([size, type]) => files.upload(new Blob([new Uint8Array(size)], { type }), "users/alice/a").then(
        () => "stored", ({ message }) => message)"""
    too_large = "The file is too large: its size must be at most 30 MiB."
    assert page.evaluate(failed, [31 * MIB, "image/png"]) == too_large
    assert page.evaluate(failed, [30 * MIB, "image/png"]) == "stored"
    assert page.evaluate(failed, [1, "text/html"]).startswith("Files of this type are not allowed: the type must be")
    page.close()


def test_to_download_a_missing_file_is_an_error(page: Page) -> None:
    assert failure(page, "() => files.download('users/alice/missing.txt')") == "NoSuchKey"
