"""`clients/js/src`, when the caller's signal is aborted: at once, for good, and with nothing left in the store."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page, Route

from local.stack import BUCKET
from support.browsers import TIMEOUT_MS, wait_for
from support.cable import Cable
from support.sites import sign_in
from support.systems import Running

MIB = 2**20
SOON_MS = 1000
"""Far less than any wait of the module."""


@pytest.fixture(scope="module")
def connected(connect: Callable[..., tuple[Running, Cable]]) -> tuple[Running, Cable]:
    rules = [{"operations": ["*"], "bucket": BUCKET, "prefix": "", "via": via} for via in ("s3", "par")]
    return connect(POLICY=json.dumps({"rules": rules}))


def uploads_under_way(running: Running, key: str) -> int:
    url = running.ask(operation="list_multipart_uploads", prefix=key, via="s3").json()["url"]
    return requests.get(url, timeout=30).text.count("<UploadId>")


@pytest.fixture
def asked(page: Page) -> list[str]:
    """The requests that the page sends from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url.partition('?')[0]}"))
    return asked


@pytest.mark.parametrize("via", ["s3", "par"])
@pytest.mark.parametrize("reason", ["undefined", "PAUSE"], ids=["cancel", "pause"])
def test_an_upload_that_is_aborted_while_it_begins(page: Page, running: Running, via: str, reason: str) -> None:
    """The store has begun it, and its name is in the answer that is still on its way."""
    sign_in(page, running, via=via)
    key = f"begins/{via}/{reason}.bin"
    found = page.evaluate(
        f"""async (key) => {{
            const controller = new AbortController();
            const {{ send }} = XMLHttpRequest.prototype;
            XMLHttpRequest.prototype.send = function (body) {{
                send.call(this, body);
                if (!controller.signal.aborted) controller.abort({reason});
            }};
            const bytes = new Uint8Array(17 * 2 ** 20);
            globalThis.chosen = new File([bytes], "begins.bin", {{ lastModified: 1_700_000_000_000 }});
            const code = await files.upload(chosen, key, {{ signal: controller.signal }}).catch(({{ code }}) => code);
            XMLHttpRequest.prototype.send = send;
            return [code, (await files.unfinished()).length];
        }}""",
        key,
    )
    if reason == "PAUSE":
        assert found == ["paused", 1]
        page.evaluate("(key) => files.upload(chosen, key)", key)
    else:
        assert found == ["canceled", 0]
    assert uploads_under_way(running, key) == 0
    assert page.evaluate("files.unfinished()") == []


def test_an_answer_that_does_not_come_is_not_waited_for(page: Page) -> None:
    begun: list[Route] = []
    page.clock.install()
    page.route("**/silent.bin?*uploads*", lambda route: begun.append(route))
    page.evaluate(
        """() => {
            globalThis.controller = new AbortController();
            const { signal } = controller;
            globalThis.end = files.upload(new Blob([new Uint8Array(17 * 2 ** 20)]), "silent.bin", { signal });
            end.catch(() => {});
        }"""
    )
    wait_for(page, lambda: len(begun) == 1)
    page.evaluate("controller.abort()")
    page.clock.run_for(5000)
    assert page.evaluate("end.catch(({ code }) => code)") == "canceled"


def test_an_upload_that_waits_for_the_others(page: Page, cable: Cable) -> None:
    """It is canceled while its digest is computed, when four others are under way."""
    cable.hold_after(1000)
    page.evaluate(
        """() => {
            const others = new AbortController();
            globalThis.others = others;
            for (let number = 0; number < 4; number++) {
                const body = new Blob([number, new Uint8Array(2 ** 20)]);
                files.upload(body, `busy/${number}`, { signal: others.signal }).catch(() => {});
            }
        }"""
    )
    assert cable.holding.wait(TIMEOUT_MS / 1000)
    script = """async (soon) => {
        const controller = new AbortController();
        const { digest } = crypto.subtle;
        crypto.subtle.digest = function (name, bytes) {
            if (bytes.byteLength > 2 * 2 ** 20) controller.abort(); // and not yet with the digest of both ends
            return digest.call(crypto.subtle, name, bytes);
        };
        const { signal } = controller;
        const body = new Blob([new Uint8Array(3 * 2 ** 20)]);
        const ended = files.upload(body, "busy/late", { signal, integrity: true }).catch(({ code }) => code);
        const code = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, soon, "late"))]);
        others.abort();
        return code;
    }"""
    assert page.evaluate(script, SOON_MS) == "canceled"


def test_an_upload_whose_object_is_compared(page: Page) -> None:
    """The store has joined the parts, its answer is lost, and the digest of the whole file is computed."""
    answers: list[Route] = []

    def lose(route: Route) -> None:
        if route.request.method != "POST" or "uploadId=" not in route.request.url:
            return route.continue_()
        answers.append(route)
        if len(answers) == 1:
            route.fetch()
            return route.abort()
        gone = "<Error><Code>NoSuchUpload</Code></Error>"
        return route.fulfill(status=404, body=gone, headers={"Access-Control-Allow-Origin": "*"})

    page.route("**/compared.bin*", lose)
    code = page.evaluate(
        """() => {
            const controller = new AbortController();
            const { open } = XMLHttpRequest.prototype;
            XMLHttpRequest.prototype.open = function (method, url) {
                if (method === "HEAD") this.addEventListener("loadend", () => setTimeout(() => controller.abort()));
                return open.call(this, method, url);
            };
            const body = new Blob([new Uint8Array(40 * 2 ** 20)]);
            return files.upload(body, "compared.bin", { signal: controller.signal }).then(() => "", ({ code }) => code);
        }"""
    )
    assert code == "canceled"
    assert len(answers) == 2


def test_no_request_looks_for_the_cause_of_an_abort(page: Page, asked: list[str]) -> None:
    """A search that is aborted with each letter that a user types never reaches the API."""
    page.route("**/v1/presign", lambda _: None)
    script = """async () => {
        const codes = [];
        for (let letters = 0; letters < 5; letters++) {
            const controller = new AbortController();
            const ended = files.link("a", { signal: controller.signal }).catch(({ code }) => code);
            await new Promise((resolve) => setTimeout(resolve, 20));
            controller.abort();
            codes.push(await ended);
        }
        return codes;
    }"""
    assert page.evaluate(script) == ["canceled"] * 5
    assert {line.partition(" ")[0] for line in asked} <= {"POST", "OPTIONS"}


def test_no_answer_in_time_is_no_wrong_endpoint(page: Page, asked: list[str]) -> None:
    """A function may take over a minute to start."""
    page.clock.install()
    page.route("**/v1/presign", lambda _: None)
    page.evaluate("() => { globalThis.end = files.link('a').catch(({ code }) => code); }")

    def is_tried_for_the_fifth_time() -> bool:
        page.clock.run_for(10_000)
        return sum(line.startswith("POST") for line in asked) == 5

    wait_for(page, is_tried_for_the_fifth_time)
    assert page.evaluate("Promise.race([end, 'tries'])") == "tries"
    assert [line for line in asked if line.startswith("GET")] == []


def test_an_abort_by_the_one_who_sees_the_progress(page: Page) -> None:
    """It ends the pause that was to follow."""
    page.route("**/v1/presign", lambda route: route.abort())
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    page.evaluate(
        """() => {
            const controller = new AbortController();
            const onProgress = ({ waiting }) => waiting && controller.abort();
            const { signal } = controller;
            globalThis.end = files.upload(new Blob(["x"]), "a", { signal, onProgress }).catch(({ code }) => code);
        }"""
    )
    wait_for(page, lambda: page.evaluate("Promise.race([end, null])") == "canceled")


def test_no_token_is_asked_for_after_an_abort(page: Page, running: Running) -> None:
    """And a sign-in that fails then is no error that nobody handles."""
    found = page.evaluate(
        """async (endpoint) => {
            let asked = 0;
            const unhandled = [];
            addEventListener("unhandledrejection", ({ reason }) => unhandled.push(`${reason}`));
            const getToken = async () => {
                asked++;
                throw new Error("no");
            };
            const controller = new AbortController();
            const client = new PresignClient({ endpoint, getToken });
            const body = new Blob([new Uint8Array(2 ** 20)]);
            const ended = client.upload(body, "a", { signal: controller.signal }).catch(({ code }) => code);
            controller.abort();
            const code = await ended;
            await new Promise((resolve) => setTimeout(resolve, 50));
            return [code, asked, unhandled];
        }""",
        f"{running.stack.url}/v1/presign",
    )
    assert found == ["canceled", 0, []]


def test_a_download_that_waits_for_another(page: Page, running: Running) -> None:
    """It can be canceled, and lets none overtake the first one."""
    for name in ("first.txt", "third.txt"):
        running.stack.storage.put_object(BUCKET, name, b"x")
    saved: list[str] = []
    page.on("download", lambda download: saved.append(download.suggested_filename))
    code = page.evaluate(
        """async ([endpoint, token]) => {
            let asked = 0;
            const signedIn = new Promise((resolve) => (globalThis.signIn = () => resolve(token)));
            const client = new PresignClient({ endpoint, getToken: () => (asked++ ? token : signedIn) });
            const controller = new AbortController();
            client.download("first.txt");
            const second = client.download("second.txt", { signal: controller.signal }).catch(({ code }) => code);
            globalThis.third = client.download("third.txt");
            controller.abort();
            return second;
        }""",
        [f"{running.stack.url}/v1/presign", running.stack.token()],
    )
    assert code == "canceled"
    page.evaluate("() => { signIn(); return third; }")
    wait_for(page, lambda: len(saved) == 2)
    assert saved == ["first.txt", "third.txt"]
