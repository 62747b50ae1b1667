"""A page of another origin uses presigned URLs by the store route, in Chromium, with the lines of the documentation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.wrappers import Response

from local.__main__ import POLICY
from local.server import Server
from local.stack import BUCKET
from support.browsers import open_page
from support.pages import javascript_with
from support.sites import site
from support.systems import Running

HTML = b"<!doctype html><title>A page</title><script type=module src=/page.js></script>"
RUNS = "<!doctype html><title>quiet</title><script>document.title = 'It runs'</script>"


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    """The system that `make run` starts: the S3 API sends no CORS headers."""
    return start({"POLICY": json.dumps(POLICY)})


@pytest.fixture(scope="module")
def page(browser: Browser, running: Running) -> Iterator[Page]:
    """A page of another origin, with the functions of the documentation, and alice's token."""
    lines = javascript_with("async function presign(ask, token)")
    lines = lines.replace("https://<hostname>/presigner", running.stack.url)
    script = f"{lines}\nObject.assign(globalThis, {{ presign, upload, token: {json.dumps(running.stack.token())} }});\n"
    with site({"/": (HTML, "text/html"), "/page.js": (script.encode(), "text/javascript")}) as url:
        page = open_page(browser, url)
        page.wait_for_function("globalThis.presign !== undefined")
        yield page


def ask(page: Page, **request: Any) -> Any:
    """The status, the text, and a header of the store's answer, as the page reads them."""
    return page.evaluate(
        """async (ask) => {
            const { url, ...request } = await presign(ask, token);
            const answer = await fetch(url, { ...request, cache: "no-store" });
            return { url, status: answer.status, text: await answer.text(), etag: answer.headers.get("etag") };
        }""",
        request,
    )


def upload(page: Page, key: str, content: str, media_type: str) -> None:
    page.evaluate(
        "([key, content, type]) => upload(key, new Blob([content], { type }), token)", [key, content, media_type]
    )


def test_up_listed_shown_and_deleted(page: Page, running: Running) -> None:
    key = "users/alice/ü +%2F.txt"
    upload(page, key, "Hello", "text/plain")
    found = ask(page, key=key)
    assert (found["status"], found["text"], found["etag"]) == (200, "Hello", '"8b1a9953c4611296a827abf8c47804d7"')
    assert found["url"].startswith(f"{running.stack.url}/store/{BUCKET}/")
    listed = ask(page, operation="list_objects_v2", prefix="users/alice/")
    assert f"<Key>{key}</Key>" in listed["text"]
    assert ask(page, operation="delete_object", key=key)["status"] == 204
    assert ask(page, key=key)["status"] == 404


def test_without_cors_the_page_reads_nothing(page: Page) -> None:
    """So it is on OCI: the request fails, and the page does not learn why."""
    upload(page, "users/alice/direct.txt", "Hello", "text/plain")
    error = page.evaluate(
        """() => presign({ key: "users/alice/direct.txt", cors: false }, token)
            .then(({ url, ...request }) => fetch(url, request)).then(() => "read", (error) => error.name)"""
    )
    assert error == "TypeError"


def test_an_altered_url_is_refused_and_the_page_reads_why(page: Page) -> None:
    upload(page, "users/alice/a.txt", "Hello", "text/plain")
    read = """async (change) => {
        const { url } = await presign({ key: "users/alice/a.txt" }, token);
        const answer = await fetch(url.replace(...change));
        return [answer.status, await answer.text()];
    }"""
    status, text = page.evaluate(read, ["users/alice/a.txt", "users/bob/a.txt"])
    assert (status, "<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)
    assert page.evaluate(read, ["X-Amz-Signature", "X-Signature"]) == [400, '{"code": 400, "message": "Bad Request"}']


def test_a_file_of_more_than_20_mib_is_told_the_way_out(page: Page) -> None:
    message = page.evaluate(
        """() => upload("users/alice/large", new Blob([new Uint8Array(20 * 2 ** 20 + 1)]), token)
            .then(() => "stored", ({ message }) => message)"""
    )
    assert message == (
        "The request exceeds a limit of the policy: /content_length must be at most 20971520, the most that the store "
        "route takes; upload a larger file in parts."
    )


def test_an_uploaded_page_runs_no_script_by_the_route(page: Page, browser: Browser) -> None:
    upload(page, "users/alice/page.html", RUNS, "text/html")
    url = ask(page, key="users/alice/page.html")["url"]
    opened = browser.new_page()
    opened.goto(url)
    assert opened.title() == "quiet"
    # The same page from a server without the header runs, so the title does tell.
    with Server(lambda _: Response(RUNS, content_type="text/html")) as server:
        opened.goto(server.url)
        assert opened.title() == "It runs"
    opened.close()
