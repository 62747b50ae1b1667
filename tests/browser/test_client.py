"""`clients/js/src` by the store route, from a page of a third origin: uploads that go on, and their proof."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Page, Route

from local.stack import BUCKET
from support.browsers import TIMEOUT_MS, make_file, open_page, wait_for
from support.cable import Cable
from support.sites import begin_upload, end_upload, failure, sign_in, upload
from support.systems import Running

MIB = 2**20
SIZE = 32 * MIB
PARTS = 7
PART_BYTES = 5 * MIB
HALF_BYTES = 15 * MIB
CHANGE_THE_MIDDLE = """async () => {
    const input = document.querySelector("input");
    const [{ name, lastModified }] = input.files;
    const bytes = new Uint8Array(await input.files[0].arrayBuffer());
    bytes[2 * 2 ** 20] = bytes[8 * 2 ** 20] = 7;
    const chosen = new DataTransfer();
    chosen.items.add(new File([bytes], name, { lastModified }));
    input.files = chosen.files;
}"""
RULE = {"bucket": BUCKET, "prefix": "", "operations": ["*"]}


@pytest.fixture(scope="module")
def connected(connect: Callable[..., tuple[Running, Cable]]) -> tuple[Running, Cable]:
    rules = [{**RULE, "prefix": "new/", "create_only": True}, {**RULE, "prefix": "old/"}]
    reading = {**RULE, "operations": ["read"]}
    return connect(POLICY=json.dumps({"rules": [*rules, reading]}))


@pytest.fixture(scope="module")
def without_route(start: Callable[..., Running]) -> Running:
    return start({"STORE_ROUTE": ""})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return make_file(tmp_path / "film.mp4", SIZE)


def stored(running: Running, key: str) -> bytes:
    return requests.get(running.ask(key=key).json()["url"], timeout=30).content


def uploads_under_way(running: Running, key: str) -> int:
    """How many uploads in parts the store knows for an object."""
    url = running.ask(operation="list_multipart_uploads", prefix=key).json()["url"]
    return requests.get(url, timeout=30).text.count("<UploadId>")


def pause_half_way(page: Page, cable: Cable, key: str) -> None:
    """Begin the upload of the page's file, and pause it."""
    cable.hold_after(HALF_BYTES)
    begin_upload(page, key)
    assert cable.holding.wait(TIMEOUT_MS / 1000)
    page.evaluate("controller.abort(PAUSE)")
    assert end_upload(page) == "paused"
    cable.release()


def unfinished_keys(page: Page) -> list[str]:
    return list(page.evaluate("files.unfinished().then((all) => all.map(({ key }) => key))"))


def choose_at(page: Page, size: int, first_byte: int) -> None:
    """Give the page's input a file of zeros after the first byte. Name, size and time are always the same."""
    page.evaluate(
        """([size, byte]) => {
            const bytes = new Uint8Array(size);
            bytes[0] = byte;
            const chosen = new DataTransfer();
            chosen.items.add(new File([bytes], "same.bin", { lastModified: 1_700_000_000_000 }));
            document.querySelector("input").files = chosen.files;
        }""",
        [size, first_byte],
    )


def locks(page: Page) -> tuple[int, int]:
    """How many uploads go on in the tabs of the page's browser, and how many wait for them."""
    held, pending = page.evaluate("navigator.locks.query().then(({ held, pending }) => [held.length, pending.length])")
    return held, pending


class TestTheSameFile:
    """An upload goes on with the same user's same file only."""

    def test_a_file_of_the_same_name_size_and_time_begins_anew(
        self, page: Page, running: Running, cable: Cable
    ) -> None:
        """Parts of two files would make an object that is neither."""
        choose_at(page, SIZE, 1)
        pause_half_way(page, cable, "old/same.bin")
        choose_at(page, SIZE, 2)
        upload(page, "old/same.bin")
        assert stored(running, "old/same.bin") == b"\2" + bytes(SIZE - 1)
        assert unfinished_keys(page) == ["old/same.bin"]
        choose_at(page, SIZE, 1)
        sent_before = cable.sent_bytes
        upload(page, "old/same.bin")
        assert cable.sent_bytes - sent_before < SIZE
        assert stored(running, "old/same.bin") == b"\1" + bytes(SIZE - 1)
        assert unfinished_keys(page) == []

    @pytest.mark.parametrize("integrity", [False, True])
    def test_a_file_that_changed_in_its_middle(
        self, page: Page, running: Running, cable: Cable, integrity: bool
    ) -> None:
        """Its size, its time and its ends are the same, so only the digests of its parts tell."""
        choose_at(page, SIZE, 1)
        pause_half_way(page, cable, "old/middle.bin")
        page.evaluate(CHANGE_THE_MIDDLE)
        upload(page, "old/middle.bin", integrity=integrity)
        changed = bytearray(SIZE)
        changed[0], changed[2 * MIB], changed[8 * MIB] = 1, 7, 7
        assert stored(running, "old/middle.bin") == changed

    @pytest.mark.parametrize("size", [1000, SIZE], ids=["one PUT", "in parts"])
    @pytest.mark.parametrize("tabs", [2, 3])
    def test_the_tabs_of_one_user_send_a_file_once(
        self, browser: Browser, address: str, running: Running, cable: Cable, tmp_path: Path, size: int, tabs: int
    ) -> None:
        """The rule lets nobody replace an object, so only one of them can succeed by itself."""
        path = make_file(tmp_path / "film.mp4", size)
        context = browser.new_context()
        pages = [context.new_page() for _ in range(tabs)]
        for page in pages:
            page.set_default_timeout(TIMEOUT_MS)
            page.goto(address)
            sign_in(page, running)
            page.set_input_files("input", path)
        cable.hold_after(500)
        for page in pages:
            begin_upload(page, f"new/{size}-{tabs}.mp4")
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        wait_for(pages[0], lambda: locks(pages[0]) == (1, tabs - 1))
        cable.release()
        assert [end_upload(page) for page in pages] == [""] * tabs
        assert stored(running, f"new/{size}-{tabs}.mp4") == path.read_bytes()
        assert pages[0].evaluate("caches.keys()") == []
        context.close()

    def test_a_tab_takes_over_when_the_other_one_is_canceled(
        self, browser: Browser, address: str, running: Running, cable: Cable, file: Path
    ) -> None:
        context = browser.new_context()
        pages = [context.new_page() for _ in range(2)]
        for page in pages:
            page.set_default_timeout(TIMEOUT_MS)
            page.goto(address)
            sign_in(page, running)
            page.set_input_files("input", file)
        cable.hold_after(HALF_BYTES)
        begin_upload(pages[0], "new/taken-over.mp4")
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        begin_upload(pages[1], "new/taken-over.mp4")
        wait_for(pages[0], lambda: locks(pages[0]) == (1, 1))
        pages[0].evaluate("controller.abort()")
        cable.release()
        assert [end_upload(page) for page in pages] == ["canceled", ""]
        assert stored(running, "new/taken-over.mp4") == file.read_bytes()
        context.close()

    def test_another_user_of_the_browser_sees_nothing_of_it(
        self, page: Page, running: Running, cable: Cable, file: Path
    ) -> None:
        page.set_input_files("input", file)
        pause_half_way(page, cable, "old/private.mp4")
        sign_in(page, running, sub="bob")
        assert unfinished_keys(page) == []
        sent_before = cable.sent_bytes
        upload(page, "old/private.mp4")
        assert cable.sent_bytes - sent_before > SIZE
        sign_in(page, running, sub="alice")
        assert unfinished_keys(page) == ["old/private.mp4"]

    def test_the_option_user_takes_the_place_of_the_claim(
        self, page: Page, running: Running, cable: Cable, file: Path
    ) -> None:
        """A token that is no JWT has no claim `sub`."""
        sign_in(page, running, user="carol")
        page.set_input_files("input", file)
        pause_half_way(page, cable, "old/option.mp4")
        assert unfinished_keys(page) == ["old/option.mp4"]
        sign_in(page, running, user="dave")
        assert unfinished_keys(page) == []

    def test_a_policy_that_lets_nobody_list_the_parts(
        self, browser: Browser, address: str, connect: Callable[..., tuple[Running, Cable]], file: Path
    ) -> None:
        """So nobody knows which parts the store has. The upload begins anew."""
        operations = ["put_object", "create_multipart_upload", "upload_part", "complete_multipart_upload"]
        rule = {"operations": [*operations, "get_object"], "bucket": BUCKET, "prefix": ""}
        running, cable = connect(POLICY=json.dumps({"rules": [rule]}))
        page = open_page(browser, address)
        sign_in(page, running)
        page.set_input_files("input", file)
        pause_half_way(page, cable, "unlisted.mp4")
        upload(page, "unlisted.mp4")
        assert stored(running, "unlisted.mp4") == file.read_bytes()
        assert unfinished_keys(page) == []
        page.close()


class TestCancel:
    """A canceled upload leaves nothing in the store."""

    def test_the_store_drops_the_parts(self, page: Page, running: Running, cable: Cable, file: Path) -> None:
        page.set_input_files("input", file)
        cable.hold_after(HALF_BYTES)
        begin_upload(page, "old/canceled.mp4")
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        cable.release()
        page.evaluate("controller.abort()")
        assert end_upload(page) == "canceled"
        assert uploads_under_way(running, "old/canceled.mp4") == 0
        assert unfinished_keys(page) == []

    def test_without_a_connection_it_is_remembered(
        self, page: Page, running: Running, cable: Cable, file: Path
    ) -> None:
        """The user does not wait, and the parts can be dropped later."""
        page.set_input_files("input", file)
        page.clock.install()
        cable.hold_after(HALF_BYTES)
        begin_upload(page, "old/offline.mp4")
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        cable.pull_out()
        page.evaluate("controller.abort()")
        page.clock.run_for(10_500)
        assert end_upload(page) == "canceled"
        cable.plug_in()
        assert unfinished_keys(page) == ["old/offline.mp4"]
        page.evaluate("files.unfinished().then(([upload]) => files.discard(upload, upload.key))")
        assert uploads_under_way(running, "old/offline.mp4") == 0
        assert unfinished_keys(page) == []


class TestProof:
    """A refusal after a retry is a success only if the object in the way is this file."""

    def test_another_object_of_the_same_size_is_in_the_way(self, page: Page, running: Running, tmp_path: Path) -> None:
        page.set_input_files("input", make_file(tmp_path / "mine.bin", 1000))
        once = [True]

        def lose(route: Route) -> None:
            if route.request.method == "PUT" and once:
                once.clear()
                running.stack.storage.put_object(BUCKET, "new/other.bin", b"x" * 1000)
                route.abort()
            else:
                route.continue_()

        page.route("**/new/other.bin*", lose)
        begin_upload(page, "new/other.bin")
        assert end_upload(page) == "PreconditionFailed"
        assert stored(running, "new/other.bin") == b"x" * 1000

    def test_another_object_of_the_same_size_is_in_the_way_of_parts(
        self, page: Page, running: Running, file: Path
    ) -> None:
        page.set_input_files("input", file)
        once = [True]

        def lose(route: Route) -> None:
            if route.request.method == "POST" and "uploadId=" in route.request.url and once:
                once.clear()
                running.stack.storage.put_object(BUCKET, "new/parts.bin", b"x" * SIZE)
                route.abort()
            else:
                route.continue_()

        page.route("**/new/parts.bin*", lose)
        begin_upload(page, "new/parts.bin")
        assert end_upload(page) == "PreconditionFailed"
        assert stored(running, "new/parts.bin") == b"x" * SIZE
        assert unfinished_keys(page) == []

    def test_the_object_in_the_way_is_this_file(self, page: Page, running: Running, file: Path) -> None:
        """The store has joined the parts, and its answer is lost."""
        page.set_input_files("input", file)
        lost: list[Any] = []

        def lose(route: Route) -> None:
            if route.request.method == "POST" and "uploadId=" in route.request.url and not lost:
                lost.append(route.fetch().status)
                route.abort()
            else:
                route.continue_()

        page.route("**/new/mine.bin*", lose)
        begin_upload(page, "new/mine.bin")
        assert end_upload(page) == ""
        assert lost == [200]
        assert stored(running, "new/mine.bin") == file.read_bytes()


class TestIntegrity:
    """With `integrity` the store checks the digest of all that it gets."""

    def test_each_part_is_sent_with_its_digest(self, page: Page, running: Running, file: Path) -> None:
        sent: list[str | None] = []
        page.on(
            "request",
            lambda request: (
                sent.append(request.headers.get("x-amz-checksum-sha256")) if request.method == "PUT" else None
            ),
        )
        page.set_input_files("input", file)
        upload(page, "old/checked.bin", integrity=True)
        assert len(sent) == PARTS
        assert None not in sent
        assert stored(running, "old/checked.bin") == file.read_bytes()

    @pytest.mark.parametrize("size", [1000, SIZE], ids=["one PUT", "in parts"])
    def test_a_body_that_arrives_damaged_is_refused_and_sent_again(
        self, page: Page, running: Running, tmp_path: Path, size: int
    ) -> None:
        path = make_file(tmp_path / "fragile.bin", size)
        damaged: list[Any] = []
        refused: list[Any] = []

        def damage(route: Route) -> None:
            if route.request.method != "PUT" or damaged:
                return route.continue_()
            damaged.append(route.request.url)
            (number,) = parse_qs(urlsplit(route.request.url).query).get("partNumber", ["1"])
            content = bytearray(path.read_bytes()[(int(number) - 1) * PART_BYTES : int(number) * PART_BYTES])
            content[-1] ^= 1
            answer = route.fetch(post_data=bytes(content))
            refused.append((answer.status, "<Code>BadDigest</Code>" in answer.text()))
            return route.fulfill(response=answer)

        page.route(f"**/old/fragile-{size}.bin*", damage)
        page.set_input_files("input", path)
        upload(page, f"old/fragile-{size}.bin", integrity=True)
        assert refused == [(400, True)]
        assert stored(running, f"old/fragile-{size}.bin") == path.read_bytes()


class TestLists:
    """Where no rule gives pre-authenticated requests, the list comes from the S3 API."""

    def test_all_pages_of_a_list(self, page: Page, running: Running) -> None:
        for number in range(1001):
            running.stack.storage.put_object(BUCKET, f"old/many/{number:04}", b"x")
        found = page.evaluate("""async () => {
            const found = [];
            for await (const { key, size } of files.list("old/many/")) found.push([key, size]);
            return found;
        }""")
        assert found == [[f"old/many/{number:04}", 1] for number in range(1001)]

    def test_folders(self, page: Page, running: Running) -> None:
        for name in ("a & b.txt", "sub/1", "sub/2", "z"):
            running.stack.storage.put_object(BUCKET, f"old/tree/{name}", b"xy")
        found = page.evaluate("""async () => {
            const found = [];
            const listed = files.list("old/tree/", { delimiter: "/" });
            for await (const { key, isPrefix } of listed) found.push([key, isPrefix]);
            return found;
        }""")
        assert found == [["old/tree/a & b.txt", False], ["old/tree/sub/", True], ["old/tree/z", False]]


class TestWithoutAStoreRoute:
    """The function refuses `cors`, so the module asks for the store's own URLs."""

    UPLOAD = "() => files.upload(new Blob([new Uint8Array(17 * 2 ** 20)]), 'parts.bin')"
    LIST = "async () => { for await (const one of files.list('')) void one; }"

    def test_a_store_that_sends_cors_headers(
        self, browser: Browser, address: str, start: Callable[..., Running]
    ) -> None:
        page = open_page(browser, address)
        running = start({"STORE_ROUTE": ""}, s3_cors=True)
        sign_in(page, running)
        page.evaluate("files.upload(new Blob(['x']), 'small.bin')")
        assert page.evaluate(self.UPLOAD)["size"] == 17 * MIB
        assert len(stored(running, "parts.bin")) == 17 * MIB
        page.evaluate("files.delete('parts.bin')")
        assert page.evaluate("files.size('parts.bin')") is None
        assert failure(page, self.LIST) == ""
        page.close()

    @pytest.mark.parametrize(
        "script", [LIST, UPLOAD, "() => files.upload(new Blob(['x']), 'small.bin')", "() => files.size('small.bin')"]
    )
    def test_a_store_that_sends_none_is_told_at_once(
        self, browser: Browser, address: str, without_route: Running, script: str
    ) -> None:
        """The clock of the page stands still, so that nothing is tried again."""
        page = open_page(browser, address)
        sign_in(page, without_route)
        page.clock.install()
        page.clock.pause_at(page.evaluate("Date.now() + 1000"))
        page.evaluate(f"() => {{ globalThis.end = ({script})().catch((error) => error); }}")
        wait_for(page, lambda: page.evaluate("Promise.race([end, null])") is not None)
        assert page.evaluate("end.then(({ code }) => code)") == "cors"
        page.close()

    def test_a_rule_for_pars_is_found_behind_one_that_can_not_serve(
        self, browser: Browser, address: str, start: Callable[..., Running]
    ) -> None:
        rules = [RULE, {**RULE, "via": "par"}]
        rules[1]["prefix"] = "folder/"
        page = open_page(browser, address)
        running = start({"STORE_ROUTE": "", "POLICY": json.dumps({"rules": rules})})
        sign_in(page, running)
        page.evaluate("files.upload(new Blob(['x']), 'folder/small.bin')")
        listed = "async () => { for await (const { key } of files.list('folder/')) return key; }"
        assert page.evaluate(listed) == "folder/small.bin"
        page.close()
