"""`clients/js/src` and the files of real users: they change, vanish, have odd types, and meet slow lines."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Download, Page
from werkzeug.wrappers import Request, Response

from local.server import Server
from local.stack import BUCKET
from support.browsers import NODE_PROJECT, TIMEOUT_MS, make_file, node_tools, open_page, wait_for
from support.cable import Cable
from support.sites import SOURCES, begin_upload, bundled_site, end_upload, failure, sign_in, site, upload
from support.systems import Running

MIB = 2**20
OLDEST_BROWSERS = "chrome98,firefox97,safari15.4"
STALL_MS = 60_000


@pytest.fixture(scope="module")
def connected(connect: Callable[..., tuple[Running, Cable]]) -> tuple[Running, Cable]:
    """A system by both of whose store's APIs a page may do all, without the store route."""
    rules = [{"operations": ["*"], "bucket": BUCKET, "prefix": "", "via": via} for via in ("s3", "par")]
    return connect(by_route=False, s3_cors=True, STORE_ROUTE="", POLICY=json.dumps({"rules": rules}))


@pytest.fixture(params=["s3", "par"])
def via(request: pytest.FixtureRequest, page: Page, running: Running) -> str:
    """The API that the page's client uses."""
    sign_in(page, running, via=request.param)
    return str(request.param)


def stored(running: Running, key: str) -> requests.Response:
    return requests.get(running.ask(key=key, via="s3").json()["url"], timeout=30)


class TestMediaTypes:
    """A file's type is what a browser or a page says; the API takes media types only."""

    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            ("image/png", "image/png"),
            ("video/webm;codecs=vp8,opus", 'video/webm;codecs="vp8,opus"'),
            ("video/webm; codecs=vp8", "video/webm;codecs=vp8"),
            ('text/plain; charset="utf-8" ; a=b', 'text/plain;charset="utf-8";a=b'),
            ('a/b;c="x;y,\\"z\\""', 'a/b;c="x;y,\\"z\\""'),
            ("a/b;c=d\\e", 'a/b;c="d\\\\e"'),
            ("video/mp4; codecs=avc1 mp4a", 'video/mp4;codecs="avc1 mp4a"'),
            ("text/plain;", "text/plain"),
            ("text/plain; charset", "text/plain"),
            ('text/plain; charset="utf-8', "text/plain"),
            ("pdf", "application/octet-stream"),
            ("application/", "application/octet-stream"),
            ("/png", "application/octet-stream"),
            ("", "application/octet-stream"),
            ("text/plain\n", "application/octet-stream"),
            ("text/plän", "application/octet-stream"),
            ("text plain/x", "application/octet-stream"),
        ],
    )
    def test_the_type_that_is_meant(self, page: Page, running: Running, given: str, sent: str) -> None:
        assert page.evaluate("async (type) => (await import('./presign/media_type.js')).mediaType(type)", given) == sent
        assert running.ask(operation="put_object", key="a", content_type=sent).status_code == 200

    @pytest.mark.parametrize("given", ["video/webm;codecs=vp8,opus", "pdf", "application/"])
    def test_a_file_of_an_odd_type_is_stored(self, page: Page, running: Running, via: str, given: str) -> None:
        key = f"odd/{via}"
        page.evaluate("([type, key]) => files.upload(new File(['x'], 'f', { type }), key)", [given, key])
        page.evaluate("([type, key]) => files.upload(new Blob(['x']), key, { contentType: type })", [given, key])
        assert stored(running, key).text == "x"

    def test_a_recording_is_stored(self, page: Page, running: Running, via: str) -> None:
        """`MediaRecorder` gives several codecs, with a comma between them and no quotes."""
        kind = page.evaluate(
            """async (key) => {
                const context = new AudioContext();
                const { stream } = context.createMediaStreamDestination();
                const canvas = document.createElement("canvas");
                canvas.getContext("2d").fillRect(0, 0, 9, 9);
                stream.addTrack(canvas.captureStream().getTracks()[0]);
                const recorder = new MediaRecorder(stream, { mimeType: "video/webm;codecs=vp8,opus" });
                const recorded = new Promise((resolve) => (recorder.ondataavailable = resolve));
                recorder.start();
                recorder.stop();  // a machine without sound never tells that it has started
                const { data } = await recorded;
                await files.upload(data, key);
                return data.type;
            }""",
            f"recorded/{via}",
        )
        assert kind == "video/webm;codecs=vp8,opus"
        assert stored(running, f"recorded/{via}").headers["Content-Type"] == 'video/webm;codecs="vp8,opus"'


class TestFilesThatCanNotBeRead:
    """A browser gives a page no other content than that of the moment when the file was chosen."""

    @pytest.mark.parametrize("size", [1000, 20 * MIB], ids=["one PUT", "in parts"])
    @pytest.mark.parametrize("change", ["written", "deleted"])
    def test_a_file_that_has_changed(self, page: Page, via: str, tmp_path: Path, size: int, change: str) -> None:
        path = make_file(tmp_path / "file.bin", size)
        page.set_input_files("input", path)
        # The browser notes a moment later how the file is; once it has read of it, it has.
        page.evaluate("async () => { await document.querySelector('input').files[0].slice(0, 1).arrayBuffer() }")
        assert via in ("s3", "par")
        if change == "written":
            path.write_bytes(b"other")
        else:
            path.unlink()
        begin_upload(page, "changed.bin")
        assert end_upload(page) == "unreadable_file"
        assert page.evaluate("progress.filter(({ waiting }) => waiting)") == []

    @pytest.mark.parametrize("size", [15 * MIB, 40 * MIB], ids=["one PUT", "in parts"])
    def test_a_file_that_changes_on_the_way(
        self, page: Page, via: str, cable: Cable, tmp_path: Path, size: int
    ) -> None:
        path = make_file(tmp_path / "file.bin", size)
        page.set_input_files("input", path)
        cable.hold_after(MIB)
        begin_upload(page, f"changing-{via}.bin")
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        with path.open("ab") as file:
            file.write(b"more")
        cable.release()
        assert end_upload(page) == "unreadable_file"
        assert page.evaluate("progress.filter(({ waiting }) => waiting)") == []

    def test_a_folder(self, page: Page, tmp_path: Path) -> None:
        """A page gets one when a user drops it."""
        session = page.context.new_cdp_session(page)
        document = session.send("DOM.getDocument")["root"]["nodeId"]
        node = session.send("DOM.querySelector", {"nodeId": document, "selector": "input"})["nodeId"]
        session.send("DOM.setFileInputFiles", {"nodeId": node, "files": [str(tmp_path)]})
        begin_upload(page, "folder")
        assert end_upload(page) == "unreadable_file"


class TestResults:
    """An upload tells what was stored, and takes what people set."""

    @pytest.mark.parametrize("size", [0, 1000, 16 * MIB])
    def test_an_upload_tells_what_was_stored(self, page: Page, running: Running, via: str, size: int) -> None:
        key = f"result/{via}/{size}"
        result = page.evaluate("([size, key]) => files.upload(new Blob([new Uint8Array(size)]), key)", [size, key])
        head = requests.head(running.ask(operation="head_object", key=key, via=via).json()["url"], timeout=30)
        assert result == {"key": key, "size": size, "etag": head.headers["ETag"].strip('"')}
        assert head.headers["Content-Type"] == "application/octet-stream"

    @pytest.mark.parametrize("size", [1000, 16 * MIB], ids=["one PUT", "in parts"])
    def test_an_object_that_must_be_new(self, page: Page, running: Running, via: str, size: int) -> None:
        key = f"new/{via}/{size}"
        script = "([size, key, createOnly]) => files.upload(new Blob([new Uint8Array(size)]), key, { createOnly })"
        page.evaluate(script, [size, key, True])
        code = failure(page, script, [size, key, True])
        assert code == ("PreconditionFailed" if via == "s3" else "IfNoneMatchFailed")
        page.evaluate(script, [size, key, False])

    @pytest.mark.parametrize("size", [1000, 16 * MIB], ids=["one PUT", "in parts"])
    def test_how_long_caches_may_keep_an_object(self, page: Page, running: Running, via: str, size: int) -> None:
        script = "([size, key, cacheControl]) => files.upload(new Blob([new Uint8Array(size)]), key, { cacheControl })"
        page.evaluate(script, [size, f"cached/{via}", "max-age=60"])
        assert stored(running, f"cached/{via}").headers["Cache-Control"] == "max-age=60"

    def test_the_progress_of_an_empty_file_is_a_number(self, page: Page, via: str) -> None:
        last = page.evaluate(
            """async (key) => {
                let last;
                await files.upload(new Blob([]), key, { onProgress: (progress) => (last = progress) });
                return last;
            }""",
            f"empty/{via}",
        )
        assert last == {"loaded": 0, "total": 0, "fraction": 1, "waiting": False}

    @pytest.mark.parametrize("size", [1000, 16 * MIB], ids=["one PUT", "in parts"])
    def test_an_error_of_the_one_who_sees_the_progress(self, page: Page, via: str, size: int) -> None:
        """The file is stored all the same, and the page learns of its error as of any other."""
        found = page.evaluate(
            """async ([size, key]) => {
                const errors = new Set();
                addEventListener("error", (event) => errors.add(event.message));
                const onProgress = () => null.show;
                const { etag } = await files.upload(new Blob([new Uint8Array(size)]), key, { onProgress });
                return [typeof etag, errors.size];
            }""",
            [size, f"seen/{via}/{size}"],
        )
        assert found == ["string", 1]

    def test_a_file_of_another_window(self, page: Page, running: Running) -> None:
        page.evaluate(
            """async () => {
                const frame = document.body.appendChild(document.createElement("iframe"));
                await files.upload(new frame.contentWindow.File(["framed"], "a"), "framed.txt");
            }"""
        )
        assert stored(running, "framed.txt").text == "framed"


class TestLists:
    """All pages of a list have one order, which is the store's."""

    KEYS = ("list/a", "list/ab", "list/é", "list/全", "list/\ue000/", "list/😀", "list/😁/")

    @pytest.mark.parametrize("delimiter", [None, "/"])
    def test_keys_are_in_the_order_of_their_characters(
        self, page: Page, running: Running, via: str, delimiter: str | None
    ) -> None:
        for key in self.KEYS:
            running.stack.storage.put_object(BUCKET, key + "file" * key.endswith("/"), b"x")
        script = """async (delimiter) => {
            const keys = [];
            for await (const { key } of files.list("list/", { delimiter })) keys.push(key.replace("/file", "/"));
            return keys;
        }"""
        assert page.evaluate(script, delimiter) == list(self.KEYS)


class TestDownloads:
    """The page stays, whatever the store answers."""

    @pytest.fixture
    def saved(self, page: Page) -> list[Download]:
        """The file that the browser saves."""
        saved: list[Download] = []
        page.on("download", lambda download: saved.append(download))
        return saved

    @pytest.mark.parametrize(
        ("key", "name"),
        [
            ("down/a\\b.txt", "a_b.txt"),
            ("down/a b ü.txt", "a b ü.txt"),
            ("down/folder/", "folder"),
            ("down/gpj.\u202eexe", "gpj._exe"),
            ("down/" + "x" * 300, "x" * 255),
        ],
    )
    def test_the_name_of_the_file(
        self, page: Page, running: Running, via: str, key: str, name: str, tmp_path: Path
    ) -> None:
        running.stack.storage.put_object(BUCKET, key, b"hello")
        with page.expect_download() as download:
            page.evaluate("(key) => files.download(key)", key)
        # A browser shortens long names to what its file system takes.
        assert name.startswith(download.value.suggested_filename[:200])
        assert download.value.path().read_bytes() == b"hello"

    def test_a_name_of_the_callers(self, page: Page, running: Running, via: str) -> None:
        running.stack.storage.put_object(BUCKET, "down/named", b"hello")
        with page.expect_download() as download:
            page.evaluate("() => files.download('down/named', { saveAs: '../a/b\\\\c\\n.txt' })")
        assert download.value.suggested_filename == "b_c_.txt"

    def test_a_missing_object_is_an_error(self, page: Page, via: str, saved: list[Download]) -> None:
        page.evaluate("globalThis.mark = 1")
        code = failure(page, "() => files.download('down/missing.txt')")
        assert code == ("NoSuchKey" if via == "s3" else "ObjectNotFound")
        assert page.evaluate("[mark, location.pathname]") == [1, "/"]
        assert saved == []

    def test_a_missing_object_of_a_store_without_cors(
        self, browser: Browser, address: str, start: Callable[..., Running]
    ) -> None:
        """Nobody can tell the page. It stays, and so do its uploads."""
        page = open_page(browser, address)
        sign_in(page, start({"STORE_ROUTE": ""}))
        page.evaluate("globalThis.mark = 1")
        with page.expect_response(lambda response: response.frame != page.main_frame):
            page.evaluate("files.download('missing.txt')")
        assert page.evaluate("[mark, location.pathname]") == [1, "/"]
        page.close()

    def test_a_refusal_is_an_error(self, page: Page) -> None:
        assert failure(page, "() => files.download('../a')") == "invalid_request"
        assert failure(page, "() => files.download('')") == "invalid_request"

    def test_many_at_once_are_all_saved(self, page: Page, running: Running, via: str, saved: list[Download]) -> None:
        names = [f"{number}.txt" for number in range(8)]
        for name in names:
            running.stack.storage.put_object(BUCKET, f"many/{name}", name.encode())
        page.evaluate("(names) => Promise.all(names.map((name) => files.download(`many/${name}`)))", names)
        wait_for(page, lambda: len(saved) == len(names))
        assert [download.path().read_text(encoding="utf-8") for download in saved] == names

    def test_a_failed_one_does_not_stop_the_next(self, page: Page, running: Running, saved: list[Download]) -> None:
        running.stack.storage.put_object(BUCKET, "down/next.txt", b"hello")
        codes = page.evaluate(
            """() => Promise.all(["down/none.txt", "down/next.txt"].map(
                (key) => files.download(key).then(() => "", ({ code }) => code),
            ))"""
        )
        assert codes == ["NoSuchKey", ""]
        wait_for(page, lambda: len(saved) == 1)


class TestSlowLines:
    """A connection counts as lost when nothing happens, as far as a page can know it."""

    @pytest.fixture
    def with_service_worker(self, browser: Browser, running: Running) -> Iterator[Page]:
        """A page whose requests go through a service worker, which hides the progress of uploads."""
        worker = b"addEventListener('activate', (event) => event.waitUntil(clients.claim()));" + (
            b"addEventListener('fetch', (event) => event.respondWith(fetch(event.request)));"
        )
        with site(worker=worker) as url:
            page = open_page(browser, url)
            page.evaluate(
                """async () => {
                    const controlled = new Promise((resolve) => (navigator.serviceWorker.oncontrollerchange = resolve));
                    await navigator.serviceWorker.register("/worker.js");
                    await controlled;
                }"""
            )
            sign_in(page, running)
            yield page
            page.close()

    def waits(self, page: Page) -> int:
        return int(page.evaluate("progress.filter(({ waiting }) => waiting).length"))

    def test_a_service_worker_hides_the_progress(
        self, with_service_worker: Page, running: Running, cable: Cable
    ) -> None:
        """5 MiB at 70 kB a second take 75 seconds."""
        page = with_service_worker
        page.clock.install()
        page.evaluate("globalThis.chosen = new File([new Uint8Array(5 * 2 ** 20)], 'a')")
        self.begin_and_hold(page, cable, "hidden.bin")
        page.clock.run_for(2 * STALL_MS)
        assert self.waits(page) == 0
        cable.release()
        assert end_upload(page) == ""
        assert len(stored(running, "hidden.bin").content) == 5 * MIB
        assert page.evaluate("progress.slice(0, -1).filter(({ loaded }) => loaded)") == []

    def test_a_connection_that_is_lost_behind_a_service_worker(self, with_service_worker: Page, cable: Cable) -> None:
        page = with_service_worker
        page.clock.install()
        page.evaluate("globalThis.chosen = new File([new Uint8Array(2 ** 20)], 'a')")
        self.begin_and_hold(page, cable, "lost.bin")
        page.clock.run_for(5 * STALL_MS)
        assert self.waits(page) > 0
        cable.release()
        page.clock.run_for(STALL_MS)
        assert end_upload(page) == ""

    def test_a_proxy_takes_all_at_once_and_sends_it_on_slowly(self, page: Page, cable: Cable) -> None:
        """The buffers of this machine are such a proxy for a file of 1 MiB."""
        page.clock.install()
        page.evaluate("globalThis.chosen = new File([new Uint8Array(2 ** 20)], 'a')")
        self.begin_and_hold(page, cable, "buffered.bin")
        page.wait_for_function("progress.at(-1)?.loaded === 2 ** 20")
        page.clock.run_for(2 * STALL_MS)
        assert self.waits(page) == 0
        cable.release()
        assert end_upload(page) == ""

    def test_a_connection_whose_progress_ends_is_lost_after_a_minute(self, page: Page, cable: Cable) -> None:
        page.clock.install()
        page.evaluate("globalThis.chosen = new File([new Uint8Array(15 * 2 ** 20)], 'a')")
        self.begin_and_hold(page, cable, "stalled.bin")
        page.wait_for_function("progress.at(-1)?.loaded > 0")
        page.clock.run_for(STALL_MS + 1000)
        assert self.waits(page) == 1
        cable.release()
        page.clock.run_for(STALL_MS)
        assert end_upload(page) == ""

    def begin_and_hold(self, page: Page, cable: Cable, key: str) -> None:
        """Begin to upload the page's `chosen` file, and wait until the cable holds the rest of it."""
        cable.hold_after(100_000)
        page.evaluate(
            """(key) => {
                globalThis.progress = [];
                const onProgress = (one) => progress.push(one);
                globalThis.end = files.upload(chosen, key, { onProgress }).then(() => "", ({ code }) => code);
            }""",
            key,
        )
        assert cable.holding.wait(TIMEOUT_MS / 1000)


class TestSandboxes:
    """A frame with the attribute `sandbox` has no origin: the browser refuses it locks, caches and storage."""

    def test_files_are_uploaded(self, browser: Browser, running: Running) -> None:
        html = """<!doctype html><iframe sandbox="allow-scripts" srcdoc='<script src="/page.js"></script>'></iframe>"""
        lines = 'import { PresignClient } from "./index.js"; globalThis.PresignClient = PresignClient;'
        with bundled_site(html, lines) as url:
            page = open_page(browser, url)
            _, frame = page.frames
            frame.wait_for_function("globalThis.PresignClient !== undefined")
            sizes = frame.evaluate(
                """async ([endpoint, token]) => {
                    const files = new PresignClient({ endpoint, getToken: () => token });
                    const sizes = [];
                    for (const size of [1, 17 * 2 ** 20]) {
                        sizes.push((await files.upload(new Blob([new Uint8Array(size)]), `sandbox/${size}`)).size);
                    }
                    return [...sizes, (await files.unfinished()).length];
                }""",
                [f"{running.stack.url}/v1/presign", running.stack.token()],
            )
            page.close()
        assert sizes == [1, 17 * MIB, 0]
        assert stored(running, "sandbox/1").content == b"\0"


class TestWorkers:
    """The module runs outside a page too."""

    USE = """
        import { PresignClient } from "./presign/index.js";

        globalThis.onmessage = async ({ data: { endpoint, token, script }, ports: [port] }) => {
            const files = new PresignClient({ endpoint, getToken: () => token });
            const told = await eval(script).catch(({ code }) => code);
            port.postMessage(told);
        };
    """
    ASK = """async ([kind, options]) => {
        const channel = new MessageChannel();
        const told = new Promise((resolve) => (channel.port1.onmessage = ({ data }) => resolve(data)));
        let worker;
        if (kind === "worker") worker = new Worker("/worker.js", { type: "module" });
        else {
            await navigator.serviceWorker.register("/worker.js", { type: "module" });
            ({ active: worker } = await navigator.serviceWorker.ready);
        }
        worker.postMessage(options, [channel.port2]);
        return told;
    }"""
    UPLOAD = "files.upload(new Blob([new Uint8Array(17 * 2 ** 20)]), 'worker.bin', { integrity: true })"

    @pytest.fixture(params=["worker", "service worker"])
    def ask(self, request: pytest.FixtureRequest, browser: Browser) -> Iterator[Callable[..., Any]]:
        """Lets a worker use the module."""
        with site(worker=self.USE.encode()) as url:
            page = open_page(browser, url)
            yield lambda **options: page.evaluate(self.ASK, [request.param, options])
            page.close()

    def test_a_file_is_uploaded_in_parts(self, ask: Callable[..., Any], running: Running) -> None:
        options = {"endpoint": f"{running.stack.url}/v1/presign", "token": running.stack.token()}
        assert ask(script=self.UPLOAD, **options)["size"] == 17 * MIB
        assert len(stored(running, "worker.bin").content) == 17 * MIB

    def test_only_a_page_can_save_a_file(self, ask: Callable[..., Any], running: Running) -> None:
        options = {"endpoint": f"{running.stack.url}/v1/presign", "token": running.stack.token()}
        assert ask(script="files.download('worker.bin')", **options) == "no_page"

    def test_a_redirect_of_the_store_is_refused(self, ask: Callable[..., Any]) -> None:
        cors = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}

        def answer(request: Request) -> Response:
            if request.path == "/a":
                return Response(status=307, headers={**cors, "Location": "/elsewhere"})
            given = {"url": f"{request.host_url}a", "method": "GET", "headers": {}, "expires_in": 60}
            return Response(json.dumps(given), headers=cors, mimetype="application/json")

        with Server(answer) as server:
            assert ask(script="files.delete('a')", endpoint=f"{server.url}/v1/presign", token="") == "redirected"


class TestStorage:
    """Where the browser keeps nothing, the page does."""

    @pytest.mark.parametrize(
        "script",
        [
            "{ get() { throw new DOMException('', 'SecurityError'); } }",
            "{ get: () => null }",
            # So it is in Firefox, if the file of the storage is damaged.
            "{ get: () => new Proxy({}, { get() { throw new DOMException('', 'NS_ERROR_FILE_CORRUPTED'); } }) }",
        ],
        ids=["forbidden", "none", "damaged"],
    )
    def test_an_upload_goes_on_in_the_same_page(
        self, browser: Browser, address: str, running: Running, cable: Cable, tmp_path: Path, script: str
    ) -> None:
        context = browser.new_context()
        context.add_init_script(f"Object.defineProperty(globalThis, 'localStorage', {script});")
        page = context.new_page()
        page.goto(address)
        sign_in(page, running)
        page.set_input_files("input", make_file(tmp_path / "kept.bin", 20 * MIB))
        cable.hold_after(12 * MIB)
        begin_upload(page, "kept.bin")
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        page.evaluate("controller.abort(PAUSE)")
        assert end_upload(page) == "paused"
        cable.release()
        assert [unfinished["key"] for unfinished in page.evaluate("files.unfinished()")] == ["kept.bin"]
        upload(page, "kept.bin")
        assert page.evaluate("files.unfinished()") == []
        context.close()


class TestOldBrowsers:
    """The documentation names the oldest ones."""

    def test_no_newer_function_is_needed(
        self, browser: Browser, address: str, running: Running, tmp_path: Path
    ) -> None:
        context = browser.new_context()
        context.add_init_script(
            """
            for (const name of ["any", "timeout"]) delete AbortSignal[name];
            delete AbortSignal.prototype.throwIfAborted;
            for (const name of ["findLast", "findLastIndex", "toSorted", "toReversed", "with", "toSpliced"]) {
                delete Array.prototype[name];
            }
            for (const name of ["withResolvers", "try"]) delete Promise[name];
            for (const name of ["groupBy"]) delete Object[name];
            for (const name of ["fromAsync"]) delete Array[name];
            for (const name of ["isWellFormed", "toWellFormed"]) delete String.prototype[name];
            """
        )
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(address)
        assert page.evaluate("[typeof AbortSignal.any, typeof AbortSignal.timeout]") == ["undefined", "undefined"]
        sign_in(page, running)
        page.set_input_files("input", make_file(tmp_path / "old.bin", 20 * MIB))
        upload(page, "old/parts.bin", integrity=True)
        page.evaluate("files.upload(new Blob(['x']), 'old/small.txt')")
        found = page.evaluate(
            """async () => {
                const found = [];
                const { signal } = new AbortController();
                for await (const { key } of files.list("old/", { signal })) found.push(key);
                return found;
            }"""
        )
        assert found == ["old/parts.bin", "old/small.txt"]
        assert page.evaluate("files.size('old/parts.bin', new AbortController().signal)") == 20 * MIB
        with page.expect_download():
            page.evaluate("files.download('old/small.txt')")
        begin_upload(page, "old/canceled.bin")
        page.evaluate("controller.abort()")
        assert end_upload(page) == "canceled"
        context.close()

    def test_no_newer_syntax_is_used(self) -> None:
        def compiled(target: str) -> str:
            command: list[str | Path] = [node_tools() / "esbuild", SOURCES / "index.js", "--bundle", "--format=esm"]
            done = subprocess.run(  # noqa: S603
                [*command, f"--target={target}"], cwd=NODE_PROJECT, capture_output=True, encoding="utf-8", check=True
            )
            return done.stdout

        assert compiled(OLDEST_BROWSERS) == compiled("esnext")
