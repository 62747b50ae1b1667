"""`clients/js/src` by PARs, from a page of a third origin, while the S3 API sends no CORS headers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, Route

from local.api import Fault
from local.stack import BUCKET
from support.browsers import TIMEOUT_MS, make_file, sha256
from support.cable import Cable
from support.sites import begin_upload, end_upload, failure, sign_in, upload
from support.systems import Running

MIB = 2**20
SIZE = 64 * MIB + 1000
PART_BYTES = 10 * MIB
PARTS_AT_ONCE = 4
POLICY = {"rules": [{"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/", "via": "par"}]}

LIST = "async () => { for await (const one of files.list('users/alice/')) void one; }"
CHOOSE = """(byte) => {
    const bytes = new Uint8Array(64 * 2 ** 20 + 1000);
    bytes[12 * 2 ** 20] = byte;
    const chosen = new DataTransfer();
    chosen.items.add(new File([bytes], "same.bin", { lastModified: 1_700_000_000_000 }));
    document.querySelector("input").files = chosen.files;
}"""
RECORD_A_VIDEO = """async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
    const context = canvas.getContext("2d");
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm; codecs=vp8" });
    const segments = [];
    recorder.ondataavailable = ({ data }) => segments.push(data);
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start(200);
    for (let frame = 0; segments.filter(({ size }) => size).length < 3; frame++) {
        context.fillStyle = `hsl(${frame * 20} 80% 50%)`;
        context.fillRect(0, 0, 64, 64);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    recorder.stop();
    await stopped;
    const filled = segments.filter(({ size }) => size);
    for (const [index, segment] of filled.entries()) {
        await files.upload(new File([segment], "segment.webm"), `users/alice/video/${index}.webm`);
    }
    return filled.length;
}"""
PLAY_A_VIDEO = """async ([folder, count]) => {
    const video = document.querySelector("video");
    const source = new MediaSource();
    video.src = URL.createObjectURL(source);
    await new Promise((resolve) => source.addEventListener("sourceopen", resolve, { once: true }));
    const buffer = source.addSourceBuffer("video/webm; codecs=vp8");
    for (let index = 0; index < count; index++) {
        const answer = await fetch(`${folder}${index}.webm`);
        buffer.appendBuffer(await answer.arrayBuffer());
        await new Promise((resolve) => buffer.addEventListener("updateend", resolve, { once: true }));
    }
    source.endOfStream();
    const ended = new Promise((resolve, reject) => {
        video.onended = () => resolve(video.currentTime);
        video.onerror = () => reject(new Error(video.error.message));
    });
    await video.play();
    return await ended;
}"""


@pytest.fixture(scope="module")
def connected(connect: Callable[..., tuple[Running, Cable]]) -> tuple[Running, Cable]:
    return connect(by_route=False, POLICY=json.dumps(POLICY))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return make_file(tmp_path / "film.mp4", SIZE)


def stored_digest(running: Running, key: str, path: Path) -> str:
    """The SHA-256 of the object, which is written to `path`."""
    with requests.get(running.ask(key=key).json()["url"], timeout=120, stream=True) as answer, path.open("wb") as copy:
        for chunk in answer.iter_content(MIB):
            copy.write(chunk)
    return sha256(path)


def operations(running: Running, since: int) -> list[str]:
    """The operations that the function has given URLs for, in order."""
    lines = running.log()[since:].splitlines()
    return [json.loads(line)["operation"] for line in lines if line.startswith('{"event":"presign"')]


def interrupt_and_reload(page: Page, running: Running, cable: Cable, key: str, *, at_bytes: int) -> None:
    """Begin the upload of the page's file, and reload the page when so many bytes have gone."""
    cable.hold_after(at_bytes)
    begin_upload(page, key)
    assert cable.holding.wait(TIMEOUT_MS / 1000 * 10)
    page.reload()
    cable.release()
    sign_in(page, running)


class TestUploads:
    """One pre-authenticated request serves for all parts."""

    @pytest.mark.parametrize("size", [0, 1000, 20 * MIB])
    def test_files_of_any_size(self, page: Page, running: Running, tmp_path: Path, size: int) -> None:
        path = make_file(tmp_path / "ü & b.png", size)
        page.set_input_files("input", path)
        key = f"users/alice/{size} ü+b.png"
        upload(page, key, metadata={"album": "May"}, integrity=True)
        head = requests.head(running.ask(operation="head_object", key=key).json()["url"], timeout=10)
        assert (head.headers["Content-Type"], head.headers["opc-meta-album"]) == ("image/png", "May")
        assert stored_digest(running, key, tmp_path / "copy") == sha256(path)

    def test_no_further_url_is_asked_for(self, page: Page, running: Running, file: Path, tmp_path: Path) -> None:
        page.set_input_files("input", file)
        sign_in(page, running, via="par")
        since = len(running.log())
        upload(page, "users/alice/one.mp4")
        assert operations(running, since) == ["put_object"]
        assert stored_digest(running, "users/alice/one.mp4", tmp_path / "copy") == sha256(file)

    @pytest.mark.parametrize("size", [SIZE, pytest.param(1024 * MIB, marks=pytest.mark.slow)], ids=["64 MiB", "1 GiB"])
    def test_an_interrupted_upload_goes_on(
        self, page: Page, running: Running, cable: Cable, tmp_path: Path, size: int
    ) -> None:
        path = make_file(tmp_path / "film.mp4", size)
        page.set_input_files("input", path)
        key, sent_before = f"users/alice/{size}.mp4", cable.sent_bytes
        interrupt_and_reload(page, running, cable, key, at_bytes=size * 4 // 5)
        page.set_input_files("input", path)
        since = len(running.log())
        page.set_default_timeout(10 * TIMEOUT_MS)
        upload(page, key)
        assert operations(running, since) == []
        assert cable.sent_bytes - sent_before < size + PARTS_AT_ONCE * PART_BYTES + MIB
        assert stored_digest(running, key, tmp_path / "copy") == sha256(path)
        assert page.evaluate("localStorage.length") == 0

    def test_the_connection_breaks(
        self, page: Page, running: Running, cable: Cable, file: Path, tmp_path: Path
    ) -> None:
        page.set_input_files("input", file)
        sent_before = cable.sent_bytes
        cable.hold_after(SIZE // 2)
        begin_upload(page, "users/alice/broken.mp4")
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        cable.pull_out()
        page.wait_for_function("progress.at(-1).waiting")
        cable.plug_in()
        assert end_upload(page) == ""
        assert cable.sent_bytes - sent_before < SIZE + PARTS_AT_ONCE * PART_BYTES + MIB
        assert stored_digest(running, "users/alice/broken.mp4", tmp_path / "copy") == sha256(file)

    def test_errors_of_the_store_that_pass(self, page: Page, running: Running, file: Path, tmp_path: Path) -> None:
        page.set_input_files("input", file)
        running.stack.storage.fault = Fault(status=503, method="PUT", api="par")
        begin_upload(page, "users/alice/faults.mp4")
        page.wait_for_function("progress.at(-1)?.waiting")
        running.stack.storage.fault = None
        assert end_upload(page) == ""
        assert stored_digest(running, "users/alice/faults.mp4", tmp_path / "copy") == sha256(file)

    def test_the_answer_to_the_completion_is_lost(
        self, page: Page, running: Running, file: Path, tmp_path: Path
    ) -> None:
        page.set_input_files("input", file)
        lost: list[Any] = []

        def lose(route: Route) -> None:
            if route.request.method == "POST" and not lost:
                lost.append(route.fetch().status)
                route.abort()
            else:
                route.continue_()

        page.route("**/u/users/alice/committed.mp4/id/**", lose)
        begin_upload(page, "users/alice/committed.mp4")
        assert end_upload(page) == ""
        assert lost == [200]
        assert stored_digest(running, "users/alice/committed.mp4", tmp_path / "copy") == sha256(file)

    def test_an_upload_that_the_store_has_dropped_begins_anew(
        self, page: Page, running: Running, cable: Cable, file: Path, tmp_path: Path
    ) -> None:
        page.set_input_files("input", file)
        interrupt_and_reload(page, running, cable, "users/alice/gone.mp4", at_bytes=SIZE * 4 // 5)
        (state,) = [json.loads(value) for value in page.evaluate("Object.values(localStorage)")]
        requests.delete(state["accessUrl"], timeout=10).raise_for_status()
        page.set_input_files("input", file)
        upload(page, "users/alice/gone.mp4")
        assert stored_digest(running, "users/alice/gone.mp4", tmp_path / "copy") == sha256(file)

    def test_a_storage_that_gets_full(self, page: Page, running: Running, cable: Cable, file: Path) -> None:
        """The digests of the parts that come then are kept in the page."""
        page.set_input_files("input", file)
        cable.hold_after(MIB)
        begin_upload(page, "users/alice/full.mp4")
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        page.evaluate(
            """() => {
                for (const length of [2 ** 20, 1000, 1]) {
                    try {
                        for (let number = 0; ; number++) localStorage[`${length} ${number}`] = "x".repeat(length);
                    } catch {
                        // There is no room for another one.
                    }
                }
            }"""
        )
        cable.release(hold_after=SIZE * 4 // 5)
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        page.evaluate("controller.abort(PAUSE)")
        assert end_upload(page) == "paused"
        cable.release()
        [unfinished] = page.evaluate("files.unfinished()")
        assert unfinished["loaded"] > SIZE // 3
        sent_before = cable.sent_bytes
        upload(page, "users/alice/full.mp4")
        assert cable.sent_bytes - sent_before < SIZE * 2 // 3
        assert page.evaluate("files.unfinished()") == []
        page.evaluate("localStorage.clear()")

    def test_to_cancel_deletes_the_parts(self, page: Page, running: Running, cable: Cable, file: Path) -> None:
        page.set_input_files("input", file)
        cable.hold_after(SIZE // 2)
        begin_upload(page, "users/alice/canceled.mp4")
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        (state,) = [json.loads(value) for value in page.evaluate("Object.values(localStorage)")]
        cable.release()
        page.evaluate("controller.abort()")
        assert end_upload(page) == "canceled"
        assert requests.put(f"{state['accessUrl']}1", b"x", timeout=10).status_code == 404
        assert page.evaluate("localStorage.length") == 0

    def test_a_file_that_changed_in_its_middle(
        self, page: Page, running: Running, cable: Cable, tmp_path: Path
    ) -> None:
        """The store does not list the parts, so the page compares them with the digests that it has kept."""
        page.evaluate(CHOOSE, 0)
        cable.hold_after(SIZE * 4 // 5)
        begin_upload(page, "users/alice/middle.bin")
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        page.evaluate("controller.abort(PAUSE)")
        assert end_upload(page) == "paused"
        cable.release()
        sent_before = cable.sent_bytes
        page.evaluate(CHOOSE, 7)
        upload(page, "users/alice/middle.bin")
        assert cable.sent_bytes - sent_before < SIZE
        changed = bytearray(SIZE)
        changed[12 * MIB] = 7
        stored = tmp_path / "stored"
        stored_digest(running, "users/alice/middle.bin", stored)
        assert stored.read_bytes() == changed

    def test_no_part_begins_after_a_cancellation(self, page: Page, file: Path) -> None:
        """With digests, a part is read before it is sent, and the cancellation comes in between."""
        page.set_input_files("input", file)
        page.evaluate(
            """() => {
                globalThis.late = 0;
                const { send } = XMLHttpRequest.prototype;
                XMLHttpRequest.prototype.send = function (body) {
                    if (controller.signal.aborted && body) late++;
                    // The upload is begun by a request without a body.
                    if (!body) this.addEventListener("loadend", () => setTimeout(() => controller.abort()));
                    return send.call(this, body);
                };
            }"""
        )
        begin_upload(page, "users/alice/late.mp4", integrity=True)
        assert end_upload(page) == "canceled"
        assert page.evaluate("late") == 0


class TestFolders:
    """One URL reads everything below a prefix."""

    def test_a_video_with_segments_plays_from_a_folder_url(self, page: Page) -> None:
        count = page.evaluate(RECORD_A_VIDEO)
        folder = page.evaluate("files.shareFolder('users/alice/video/').then(({ url }) => url)")
        assert folder.endswith("/o/users/alice/video/")
        assert count >= 3
        assert page.evaluate(PLAY_A_VIDEO, [folder, count]) > 0.3

    def test_all_pages_of_a_list(self, page: Page, running: Running) -> None:
        for number in range(1001):
            running.stack.storage.put_object(BUCKET, f"users/alice/many/{number:04}", b"x")
        found = page.evaluate("""async () => {
            const found = [];
            for await (const { key, size } of files.list("users/alice/many/")) found.push([key, size]);
            return found;
        }""")
        assert found == [[f"users/alice/many/{number:04}", 1] for number in range(1001)]

    @pytest.mark.parametrize("via", [None, "par"])
    def test_the_token_is_asked_for_once_for_each_request_and_once_for_the_user(
        self, page: Page, running: Running, via: str | None
    ) -> None:
        running.stack.storage.put_object(BUCKET, "users/alice/counted/a", b"x")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        script = """async ([endpoint, token, via]) => {
            const tokens = [];
            const getToken = () => (tokens.push(token), token);
            const counted = new PresignClient({ endpoint, getToken, via: via ?? undefined });
            const counts = [];
            for (let round = 0; round < 2; round++) {
                for await (const { key } of counted.list("users/alice/counted/")) void key;
                counts.push(tokens.length);
            }
            return counts;
        }"""
        endpoint = f"{running.stack.url}/v1/presign"
        first, second = page.evaluate(script, [endpoint, running.stack.token(), via])
        requests_of_api = [url for url in asked if url.endswith("/v1/presign")]
        assert (first, second) == (len(requests_of_api) + 1, len(requests_of_api) + 2)

    def test_folders_in_a_list(self, page: Page, running: Running) -> None:
        for name in ("a & b.txt", "sub/1", "sub/2", "z"):
            running.stack.storage.put_object(BUCKET, f"users/alice/tree/{name}", b"xy")
        found = page.evaluate("""async () => {
            const found = [];
            for await (const { key, isPrefix } of files.list("users/alice/tree/", { delimiter: "/" })) {
                found.push([key, isPrefix]);
            }
            return found;
        }""")
        assert found == [
            ["users/alice/tree/a & b.txt", False],
            ["users/alice/tree/sub/", True],
            ["users/alice/tree/z", False],
        ]

    def test_a_listed_object_has_a_url_that_shows_it(self, page: Page, running: Running) -> None:
        running.stack.storage.put_object(BUCKET, "users/alice/shown/a ü?.txt", b"hello")
        text = page.evaluate("""async () => {
            for await (const { url } of files.list("users/alice/shown/")) return (await fetch(url)).text();
        }""")
        assert text == "hello"

    def test_a_client_for_presigned_urls_asks_for_no_par(self, page: Page, running: Running) -> None:
        sign_in(page, running, via="s3")
        since = len(running.log())
        assert failure(page, LIST) == "access_denied"
        assert operations(running, since) == ["list_objects_v2"]

    def test_the_list_of_another_user_is_refused(self, page: Page) -> None:
        assert failure(page, LIST.replace("alice", "bob")) == "access_denied"


class TestRevocation:
    """A URL by a pre-authenticated request can be taken back."""

    def test_a_revoked_link_stops_working(self, page: Page, running: Running) -> None:
        running.stack.storage.put_object(BUCKET, "users/alice/secret.txt", b"hello")
        script = """async () => {
            const share = await files.share("users/alice/secret.txt");
            const status = async () => (await fetch(share.url, { cache: "no-store" })).status;
            const before = await status();
            await files.revoke(share);
            return [before, await status()];
        }"""
        assert page.evaluate(script) == [200, 401]

    def test_the_id_of_a_link_is_enough(self, page: Page, running: Running) -> None:
        running.stack.storage.put_object(BUCKET, "users/alice/secret.txt", b"hello")
        [share] = page.evaluate("files.links(['users/alice/secret.txt'])")
        page.evaluate("(id) => files.revoke(id)", share["id"])
        assert requests.get(share["url"], timeout=10).status_code == 401
        assert failure(page, "(url) => files.revoke(url)", share["url"]) == "invalid_argument"

    def test_the_link_of_another_user_can_not_be_revoked(self, page: Page, running: Running) -> None:
        running.stack.storage.put_object(BUCKET, "users/alice/mine.txt", b"hello")
        share = page.evaluate("files.share('users/alice/mine.txt')")
        sign_in(page, running, sub="bob")
        assert failure(page, "(share) => files.revoke(share)", share) == "not_found"
        assert requests.get(share["url"], timeout=10).status_code == 200

    def test_a_presigned_url_has_no_id(self, page: Page) -> None:
        for share in ("{ bucket: 'b' }", "undefined", "''"):
            assert failure(page, f"() => files.revoke({share})") == "not_revocable"
        told = page.evaluate("files.revoke({ bucket: 'b' }).catch(({ message }) => message)")
        assert told == 'A presigned URL can\'t be taken back; one that was asked for with via: "par" can.'
