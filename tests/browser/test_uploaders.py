"""FilePond and Dropzone as published, with the lines of docs/clients-javascript.md, from a page of a third origin."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from local.stack import BUCKET
from support.browsers import NODE_PROJECT, make_file, node_tools, open_page, sha256, wait_for
from support.pages import javascript_with
from support.sites import SOURCES, bundled_site, importing_from
from support.systems import Running

MIB = 2**20
BOUND_TO_A_SIZE = ", content_length: file.size"
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
    """A system whose pages can read the answers of the store: by the store route, or by pre-authenticated requests."""
    rule = {"operations": ["*"], "bucket": BUCKET, "prefix": "inbox/", "via": via}
    settings = {"POLICY": json.dumps({"rules": [rule]})}
    return start(settings if via == "s3" else {**settings, "STORE_ROUTE": ""})


@pytest.fixture
def open_with(browser: Browser, running: Running) -> Iterator[Callable[[str], Page]]:
    """Opens a page that runs these lines."""
    pages: list[Page] = []
    told: list[str] = []

    def open_one(lines: str) -> Page:
        html = HTML.replace("ENDPOINT", f"{running.stack.url}/v1/presign").replace("TOKEN", running.stack.token())
        page = open_page(browser, sites.enter_context(bundled_site(html, lines)))
        page.on("console", lambda message: told.append(message.text))
        pages.append(page)
        return page

    with ExitStack() as sites:
        yield open_one
        for page in pages:
            page.close()
    # A browser lets no page set some headers, and says so.
    assert [line for line in told if "unsafe header" in line] == []


def is_stored(running: Running, key: str, path: Path) -> None:
    answer = requests.get(running.ask(key=key).json()["url"], timeout=30)
    assert key.endswith(f"/{path.name}")
    assert answer.headers["Content-Type"] == "image/png"
    copy = path.with_name("copy")
    copy.write_bytes(answer.content)
    assert sha256(copy) == sha256(path)


def is_missing(running: Running, key: str) -> bool:
    return requests.get(running.ask(key=key).json()["url"], timeout=10).status_code == 404


def uploads_under_way(running: Running) -> int:
    url = running.ask(operation="list_multipart_uploads", prefix="inbox/").json()["url"]
    return requests.get(url, timeout=10).text.count("<UploadId>")


def test_the_recipes_fit_the_types_of_the_libraries(tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(NODE_PROJECT / "node_modules")
    for name in ("@uppy/core", "filepond", "dropzone"):
        lines = importing_from(str(SOURCES / "index.js"), javascript_with(f'from "{name}"'))
        (tmp_path / f"{name[-4:]}.js").write_text(lines, encoding="utf-8")
    (tmp_path / "page.d.ts").write_text("declare const endpoint: string, token: string;", encoding="utf-8")
    options = ["--allowJs", "--checkJs", "--strict", "--noEmit", "--skipLibCheck", "--types", "", "--target", "es2023"]
    libraries = ["--lib", "es2023,dom,dom.iterable,dom.asynciterable", "--module", "esnext"]
    command: list[str | Path] = [node_tools() / "tsc", *options, *libraries, "--moduleResolution", "bundler"]
    done = subprocess.run([*command, *tmp_path.glob("*.*s")], capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    assert (done.stdout, done.returncode) == ("", 0)


class TestFilePond:
    """It sends files by the browser module, of any size and by either kind of URL."""

    @pytest.fixture
    def page(self, open_with: Callable[[str], Page]) -> Page:
        page = open_with(f"{javascript_with('filepond')}\nObject.assign(globalThis, {{ pond }});\n")
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
        wait_for(page, lambda: is_missing(running, key))

    @pytest.mark.parametrize("via", ["s3"], indirect=True, scope="module")
    def test_a_canceled_file_leaves_nothing(self, page: Page, running: Running, tmp_path: Path) -> None:
        page.set_input_files(".filepond--root input[type=file]", make_file(tmp_path / "canceled.png", 40 * MIB))
        wait_for(page, lambda: uploads_under_way(running) == 1)
        page.evaluate("pond.removeFile()")
        wait_for(page, lambda: uploads_under_way(running) == 0)
        assert page.evaluate("pond.getFiles().length") == 0


class TestDropzone:
    """It sends each file in one request."""

    @pytest.fixture
    def page(self, open_with: Callable[[str], Page], via: str) -> Page:
        lines = javascript_with('from "dropzone"', without=BOUND_TO_A_SIZE if via == "par" else "")
        if via == "par":
            lines = lines.partition('dropzone.on("removedfile"')[0]
        page = open_with(f"{lines}\nObject.assign(globalThis, {{ dropzone, uploads }});\n")
        page.wait_for_function("globalThis.dropzone !== undefined")
        return page

    def test_files_are_uploaded_as_they_are(self, page: Page, running: Running, tmp_path: Path) -> None:
        paths = [make_file(tmp_path / "a b.png", 1000), make_file(tmp_path / "ü.png", 20 * MIB)]
        page.set_input_files(".dz-hidden-input", paths)
        page.wait_for_function("dropzone.getFilesWithStatus('success').length === 2")
        keys = page.evaluate("dropzone.files.map((file) => uploads.get(file).key)")
        for key, path in zip(keys, paths, strict=True):
            is_stored(running, key, path)

    @pytest.mark.parametrize("via", ["s3"], indirect=True, scope="module")
    def test_a_removed_file_is_deleted(self, page: Page, running: Running, tmp_path: Path) -> None:
        page.set_input_files(".dz-hidden-input", make_file(tmp_path / "removed.png", 10))
        page.wait_for_function("dropzone.getFilesWithStatus('success').length === 1")
        key = page.evaluate("uploads.get(dropzone.files[0]).key")
        assert not is_missing(running, key)
        page.evaluate("dropzone.removeFile(dropzone.files[0])")
        wait_for(page, lambda: is_missing(running, key))

    def test_a_file_that_the_route_does_not_take(self, page: Page, tmp_path: Path) -> None:
        page.set_input_files(".dz-hidden-input", make_file(tmp_path / "large.bin", 20 * MIB + 1))
        expect(page.locator(".dz-error-message")).to_have_text("File is too big (20MiB). Max filesize: 20MiB.")

    def test_a_refusal_is_shown(self, page: Page, tmp_path: Path) -> None:
        page.evaluate("globalThis.token = 'none'")
        # Of a picture Dropzone would show that it is broken, in the same place.
        page.set_input_files(".dz-hidden-input", make_file(tmp_path / "refused.bin", 10))
        expect(page.locator(".dz-error-message")).to_have_text("Unauthorized")
