"""The page of `python -m local`, and so `clients/js/src`, in a real browser, by the store route of another origin."""

from __future__ import annotations

import base64
import html
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, Route, expect

from local.__main__ import POLICY
from local.api import Fault
from local.stack import BUCKET
from support.browsers import NODE_PROJECT, TIMEOUT_MS, make_file, node_tools, open_page, sha256, wait_for
from support.cable import Cable
from support.systems import Running

MIB = 2**20
BIG_BYTES = 44 * MIB + 1000
LAST_PART_BYTES = 4 * MIB + 1000
HALF_BYTES = 22 * MIB
PARTS_AT_ONCE_BYTES = 4 * 5 * MIB
TRANSFERRED = """performance.getEntriesByType("resource")
    .filter(({ initiatorType }) => initiatorType === "img").map(({ transferSize }) => transferSize)"""

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

STOPPED = re.compile(r"Stopped at [1-9]\d? %\. Choose the same file again to go on\.")

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_file(tmp_path_factory.mktemp("files") / "film.mp4", BIG_BYTES)


@pytest.fixture(scope="module")
def connected(connect: Callable[..., tuple[Running, Cable]]) -> tuple[Running, Cable]:
    return connect()


@pytest.fixture(scope="module")
def limited(connect: Callable[..., tuple[Running, Cable]]) -> tuple[Running, Cable]:
    rule = {"bucket": BUCKET, "prefix": "users/alice/", "max_content_length": 20 * MIB, "content_types": ["image/*"]}
    rules = [
        {**rule, "operations": ["write"], "create_only": True},
        {**rule, "operations": ["read", "list_objects_v2"]},
    ]
    return connect(POLICY=json.dumps({"rules": rules}))


@pytest.fixture(scope="module")
def as_it_runs(start: Callable[..., Running]) -> Running:
    """The system of `make run`."""
    return start({"POLICY": json.dumps(POLICY)}, deliver_to="queue", events=True)


@pytest.fixture
def page(browser: Browser, running: Running, cable: Cable) -> Iterator[Page]:
    delete_all(running)
    page = open_page(browser, running.stack.url)
    yield page
    page.close()


def delete_all(running: Running) -> None:
    """Delete alice's files, since the page shows all that the store has."""
    for key in keys(running):
        url = running.ask(operation="delete_object", key=key).json()["url"]
        requests.delete(url, timeout=10).raise_for_status()


def keys(running: Running) -> list[str]:
    """The keys of alice's files."""
    listing = running.ask(operation="list_objects_v2", prefix="users/alice/").json()["url"]
    return [html.unescape(key) for key in re.findall("<Key>(.*?)</Key>", requests.get(listing, timeout=10).text)]


def key_whose_window_lasts(running: Running) -> str:
    """A key whose URL stays the same for a minute."""
    for number in range(1000):
        key = f"users/alice/{number}.png"
        if running.ask(key=key).json()["expires_in"] > 3600 - 900 + 60:
            return key
    raise AssertionError("the windows of all keys end at once")


def store_picture(running: Running, key: str) -> None:
    url = running.ask(operation="put_object", key=key, content_type="image/png").json()["url"]
    requests.put(url, base64.b64decode(PNG), headers={"Content-Type": "image/png"}, timeout=10).raise_for_status()


def drop(page: Page, *paths: Path) -> None:
    """Drop files and folders from outside of the browser on the page."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 200, "data": data})


def choose(page: Page, *paths: Path) -> None:
    page.get_by_label("Choose files").set_input_files(paths)


def is_uploaded(page: Page, name: str) -> None:
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(page.get_by_role("progressbar", name=f"Progress of {name}")).to_have_count(0)


def download(page: Page, name: str) -> Path:
    with page.expect_download() as download:
        page.get_by_role("link", name=name, exact=True).click()
    assert download.value.suggested_filename == name
    return download.value.path()


def operations(running: Running, since: int = 0) -> list[str]:
    """The operations that the function has given URLs for, in order, without those of the page's list."""
    lines = running.log()[since:].splitlines()
    found = [json.loads(line)["operation"] for line in lines if line.startswith('{"event":"presign"')]
    return [operation for operation in found if operation != "list_objects_v2"]


def statuses(page: Page, wanted: int) -> list[str]:
    """The requests that are answered with a status, as they come."""
    found: list[str] = []
    page.on("response", lambda response: found.append(response.url) if response.status == wanted else None)
    return found


def unfinished(page: Page) -> list[str]:
    """The uploads that the page remembers."""
    return list(
        page.evaluate(
            "Object.entries(localStorage).filter(([name]) => name.startsWith('presign ')).map(([, it]) => it)"
        )
    )


class TestUploads:
    """A file comes down as it went up."""

    def test_small_and_empty_files(self, page: Page, tmp_path: Path) -> None:
        small = make_file(tmp_path / "notes “1” ü.txt", 1000)
        empty = make_file(tmp_path / "empty.bin", 0)
        choose(page, small, empty)
        for path in (small, empty):
            is_uploaded(page, path.name)
            assert sha256(download(page, path.name)) == sha256(path)

    def test_a_large_file_goes_up_in_parts(
        self, page: Page, big: Path, connected: tuple[Running, Cable], tmp_path: Path
    ) -> None:
        running, cable = connected
        since, sent_before = len(running.log()), cable.sent_bytes
        choose(page, big)
        is_uploaded(page, big.name)
        assert sha256(download(page, big.name)) == sha256(big)
        signed = operations(running, since)
        assert signed.count("upload_part") == 9
        # The store route takes less in one request, so the second one asks for the policy's limit.
        assert signed[:3] == ["put_object", "put_object", "create_multipart_upload"]
        assert BIG_BYTES < cable.sent_bytes - sent_before < BIG_BYTES + MIB
        assert unfinished(page) == []

    def test_the_list_is_there_again_after_a_reload(self, page: Page, tmp_path: Path) -> None:
        path = make_file(tmp_path / "again.bin", 10)
        choose(page, path)
        is_uploaded(page, path.name)
        page.reload()
        assert sha256(download(page, path.name)) == sha256(path)

    def test_a_file_is_chosen_before_the_page_knows_its_user(
        self, browser: Browser, connected: tuple[Running, Cable], tmp_path: Path
    ) -> None:
        page = browser.new_page()
        held: list[Route] = []
        page.route("**/session", lambda route: held.append(route))
        with page.expect_request("**/session"):
            page.goto(connected[0].stack.url)
        path = make_file(tmp_path / "early.bin", 10)
        choose(page, path)
        assert held
        for route in held:
            route.continue_()
        is_uploaded(page, path.name)
        page.close()

    def test_with_the_keyboard_alone(self, page: Page, tmp_path: Path) -> None:
        path = make_file(tmp_path / "keys.bin", 10)
        # Set up long before the key is pressed, or else the browser may open a dialog of its own.
        page.on("filechooser", lambda chooser: None)
        expect(page.locator("#empty")).not_to_have_text("Loading the list…")
        page.keyboard.press("Tab")
        expect(page.get_by_label("Choose files")).to_be_focused()
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Space")
        chooser.value.set_files(path)
        expect(page.get_by_role("status")).to_have_text("keys.bin is uploaded.")
        page.keyboard.press("Tab")
        expect(page.get_by_label("Choose a folder")).to_be_focused()
        page.keyboard.press("Tab")
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        assert sha256(download.value.path()) == sha256(path)


class TestBreaks:
    """An upload survives what happens to it, and sends nothing twice that the store has."""

    def test_the_network_is_cut_in_the_middle_of_a_part_and_comes_back(
        self, page: Page, cable: Cable, big: Path
    ) -> None:
        sent_before = cable.sent_bytes
        cable.hold_after(HALF_BYTES)
        choose(page, big)
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        cable.pull_out()
        expect(page.locator(".upload .state")).to_contain_text("The connection was lost; trying again")
        cable.plug_in()
        is_uploaded(page, big.name)
        assert sha256(download(page, big.name)) == sha256(big)
        assert cable.sent_bytes - sent_before < BIG_BYTES + PARTS_AT_ONCE_BYTES + MIB

    def test_the_tab_is_reloaded_half_way(self, page: Page, cable: Cable, big: Path) -> None:
        sent_before = cable.sent_bytes
        cable.hold_after(HALF_BYTES)
        choose(page, big)
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        page.reload()
        cable.release()
        expect(page.locator(".upload .state")).to_have_text(STOPPED)
        choose(page, big)
        is_uploaded(page, big.name)
        assert sha256(download(page, big.name)) == sha256(big)
        assert cable.sent_bytes - sent_before < BIG_BYTES + PARTS_AT_ONCE_BYTES + MIB

    def test_pause_and_resume(self, page: Page, cable: Cable, big: Path) -> None:
        sent_before = cable.sent_bytes
        cable.hold_after(HALF_BYTES)
        choose(page, big)
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        page.get_by_role("button", name=f"Pause: {big.name}").click()
        expect(page.locator(".upload .state")).to_have_text(re.compile(r"Paused at \d+ %\."))
        cable.release()
        page.get_by_role("button", name=f"Resume: {big.name}").click()
        is_uploaded(page, big.name)
        assert sha256(download(page, big.name)) == sha256(big)
        assert cable.sent_bytes - sent_before < BIG_BYTES + PARTS_AT_ONCE_BYTES + MIB

    @pytest.mark.parametrize("paused", [False, True], ids=["while it runs", "while it is paused"])
    def test_to_cancel_deletes_the_parts(
        self, page: Page, connected: tuple[Running, Cable], big: Path, paused: bool
    ) -> None:
        running, cable = connected
        cable.hold_after(HALF_BYTES)
        choose(page, big)
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        (upload,) = [json.loads(value) for value in unfinished(page)]
        parts = running.ask(operation="list_parts", key=upload["key"], upload_id=upload["uploadId"]).json()["url"]
        assert requests.get(parts, timeout=10).status_code == 200
        if paused:
            page.get_by_role("button", name=f"Pause: {big.name}").click()
        cable.release()
        page.get_by_role("button", name=f"Cancel: {big.name}").click()
        expect(page.get_by_role("status")).to_have_text(f"{big.name} was canceled.")
        assert requests.get(parts, timeout=10).status_code == 404
        assert unfinished(page) == []

    def test_errors_of_the_store_that_pass(self, page: Page, connected: tuple[Running, Cable], big: Path) -> None:
        storage = connected[0].stack.storage
        faulted_before = storage.faulted
        storage.fault = Fault(status=503, method="PUT")
        choose(page, big)
        expect(page.locator(".upload .state")).to_contain_text("trying again")
        storage.fault = None
        is_uploaded(page, big.name)
        assert storage.faulted > faulted_before
        assert sha256(download(page, big.name)) == sha256(big)

    def test_the_answer_to_a_put_is_lost(
        self, browser: Browser, limited: tuple[Running, Cable], tmp_path: Path
    ) -> None:
        """It is sent again, and refused, as the object must be new; but then it is this very object."""
        page = open_page(browser, limited[0].stack.url)
        refused = statuses(page, 412)
        path = make_file(tmp_path / "lost.png", 10 * MIB)
        limited[1].lose_answer_after(10 * MIB)
        choose(page, path)
        is_uploaded(page, path.name)
        assert len(refused) == 1
        assert sha256(download(page, path.name)) == sha256(path)
        page.close()

    @pytest.mark.parametrize("reloaded", [False, True], ids=["the page waits", "the page is reloaded"])
    def test_the_answer_to_the_completion_is_lost(
        self, page: Page, cable: Cable, tmp_path: Path, reloaded: bool
    ) -> None:
        """It is not begun anew, though the store knows no such upload any more."""
        path = make_file(tmp_path / "lost.bin", 20 * MIB)
        sent_before = cable.sent_bytes
        answers: list[int] = []

        def lose(route: Route) -> None:
            if route.request.method != "POST":
                route.fallback()
            elif answers:
                headers = {"Access-Control-Allow-Origin": "*"}
                route.fulfill(status=404, headers=headers, body="<Error><Code>NoSuchUpload</Code></Error>")
            else:
                answers.append(route.fetch().status)
                route.abort("connectionreset")

        page.route(re.compile("uploadId="), lose)
        choose(page, path)
        if reloaded:
            expect(page.locator(".upload .state")).to_contain_text("The connection was lost; trying again")
            page.reload()
            choose(page, path)
        is_uploaded(page, path.name)
        assert answers == [200]
        assert sha256(download(page, path.name)) == sha256(path)
        assert cable.sent_bytes - sent_before < 20 * MIB + MIB

    def test_the_store_tells_of_the_parts_on_several_pages(self, page: Page, cable: Cable, big: Path) -> None:
        sent_before = cable.sent_bytes
        cable.hold_after(42 * MIB)  # when five parts are there, as the last four may lack something
        choose(page, big)
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        page.reload()
        cable.release()
        lists = []

        def ask_for_few(route: Route) -> None:
            request: dict[str, Any] = json.loads(route.request.post_data or "")
            if request["operation"] == "list_parts":
                lists.append(request.get("part_number_marker"))
                request["max_parts"] = 2
            route.continue_(post_data=request)

        page.route("**/v1/presign", ask_for_few)
        choose(page, big)
        is_uploaded(page, big.name)
        assert len(lists) >= 3
        assert lists[0] is None
        assert sha256(download(page, big.name)) == sha256(big)
        assert cable.sent_bytes - sent_before < BIG_BYTES + PARTS_AT_ONCE_BYTES + MIB

    def test_the_gateway_fails_for_a_while(self, page: Page, tmp_path: Path) -> None:
        answers = [
            {"status": 429, "json": {"code": 429, "message": "Too Many Requests"}},
            {"status": 502, "body": "Oops"},
        ]
        page.route("**/v1/presign", lambda route: route.fulfill(**answers.pop()) if answers else route.continue_())
        path = make_file(tmp_path / "patience.bin", 10)
        choose(page, path)
        is_uploaded(page, path.name)
        assert answers == []

    def test_what_answers_is_not_the_gateway(self, page: Page, tmp_path: Path) -> None:
        page.route("**/v1/presign", lambda route: route.fulfill(status=200, body="<h1>Log in to the network</h1>"))
        path = make_file(tmp_path / "hotel.bin", 10)
        choose(page, path)
        expect(page.locator(".upload .state")).to_have_text(
            "An answer of status 200 is not one of the API: a proxy or a firewall may have given it."
        )
        page.unroute_all()
        page.get_by_role("button", name=f"Try again: {path.name}").click()
        is_uploaded(page, path.name)

    def test_the_token_has_expired(self, page: Page, connected: tuple[Running, Cable], tmp_path: Path) -> None:
        sessions = [{"prefix": "users/alice/", "token": connected[0].stack.token(lifetime_seconds=-100)}]
        page.route("**/session", lambda route: route.fulfill(json=sessions.pop()) if sessions else route.continue_())
        page.reload()
        path = make_file(tmp_path / "late.bin", 10)
        choose(page, path)
        is_uploaded(page, path.name)
        assert sessions == []

    def test_urls_expire_during_the_upload(
        self, browser: Browser, connect: Callable[..., tuple[Running, Cable]], tmp_path: Path
    ) -> None:
        """The page's clock stands still, so that it learns this from the store alone."""
        path = make_file(tmp_path / "six parts.bin", 26 * MIB)
        running, cable = connect(
            by_route=False, s3_cors=True, STORE_ROUTE="", DEFAULT_EXPIRES_IN="2", MAX_EXPIRES_IN="2"
        )
        cable.bytes_per_second = 8 * MIB  # so that four parts take longer than a URL lasts
        page = open_page(browser, running.stack.url)
        refused = statuses(page, 403)
        page.evaluate("const now = Date.now(); Date.now = () => now")
        choose(page, path)
        is_uploaded(page, path.name)
        assert refused
        assert operations(running).count("upload_part") > 6
        assert sha256(download(page, path.name)) == sha256(path)
        page.close()

    def test_urls_that_are_known_to_have_expired_are_not_tried(
        self, page: Page, connected: tuple[Running, Cable], big: Path
    ) -> None:
        running, cable = connected
        since = len(running.log())
        cable.hold_after(HALF_BYTES)
        choose(page, big)
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        assert operations(running, since).count("upload_part") == 9
        page.evaluate("const { now } = Date; Date.now = () => now() + 3_600_000")
        cable.release()
        is_uploaded(page, big.name)
        assert 9 < operations(running, since).count("upload_part") <= 2 * 9
        assert sha256(download(page, big.name)) == sha256(big)


class TestRefusals:
    """A sentence tells that a file is not allowed, before a byte is sent."""

    @pytest.mark.parametrize("size", [BIG_BYTES, 20 * MIB + 1])
    def test_a_file_over_the_limit(
        self, browser: Browser, limited: tuple[Running, Cable], tmp_path: Path, size: int
    ) -> None:
        page = open_page(browser, limited[0].stack.url)
        expect(page.locator("#empty")).not_to_have_text("Loading the list…")
        sent_before = limited[1].sent_bytes
        choose(page, make_file(tmp_path / "huge.png", size))
        expect(page.locator(".upload .state")).to_have_text("The file is too large: its size must be at most 20 MiB.")
        assert limited[1].sent_bytes == sent_before
        expect(page.get_by_role("button", name="Try again: huge.png")).to_have_count(0)
        page.get_by_role("button", name="Remove: huge.png").click()
        expect(page.locator(".upload")).to_have_count(0)
        page.close()

    def test_a_file_over_the_limit_of_uploads_in_parts(
        self, browser: Browser, connect: Callable[..., tuple[Running, Cable]], tmp_path: Path
    ) -> None:
        """Where a PUT of the whole is not allowed at all, nothing can tell how large the file may be."""
        rule = {"operations": ["multipart"], "bucket": BUCKET, "prefix": "", "max_content_length": 20 * MIB}
        running, cable = connect(POLICY=json.dumps({"rules": [rule]}))
        page = open_page(browser, running.stack.url)
        choose(page, make_file(tmp_path / "huge.bin", 20 * MIB + 1))
        expect(page.locator(".upload .state")).to_have_text("The file is larger than is allowed.")
        assert operations(running)[-1] == "abort_multipart_upload"
        assert unfinished(page) == []
        assert cable.sent_bytes < MIB
        page.close()

    def test_a_file_just_within_the_limit(
        self, browser: Browser, limited: tuple[Running, Cable], tmp_path: Path
    ) -> None:
        page = open_page(browser, limited[0].stack.url)
        path = make_file(tmp_path / "fits.png", 20 * MIB)
        choose(page, path)
        is_uploaded(page, path.name)
        assert sha256(download(page, path.name)) == sha256(path)
        page.close()

    def test_a_file_that_is_there_already(
        self, browser: Browser, limited: tuple[Running, Cable], tmp_path: Path
    ) -> None:
        page = open_page(browser, limited[0].stack.url)
        for size in (10, 16 * MIB):
            path = make_file(tmp_path / f"{size}.png", size)
            choose(page, path)
            is_uploaded(page, path.name)
            choose(page, path)
            expect(page.locator(".upload .state")).to_have_text("There is already a file of this name.")
            assert unfinished(page) == []
            page.get_by_role("button", name=f"Remove: {path.name}").click()
        page.close()

    def test_a_type_that_is_not_allowed(self, browser: Browser, limited: tuple[Running, Cable], tmp_path: Path) -> None:
        page = open_page(browser, limited[0].stack.url)
        choose(page, make_file(tmp_path / "run.exe", 10))
        expect(page.locator(".upload .state")).to_contain_text("Files of this type are not allowed: the type must be")
        page.close()


class TestWhatIsShown:
    """With the system of `make run`."""

    @pytest.fixture
    def page(self, browser: Browser, as_it_runs: Running) -> Iterator[Page]:
        delete_all(as_it_runs)
        page = open_page(browser, as_it_runs.stack.url)
        yield page
        page.close()

    def test_the_list_is_that_of_the_store(self, page: Page, as_it_runs: Running) -> None:
        """The page remembers nothing: another program stores and deletes what it shows."""
        as_it_runs.stack.storage.put_object(BUCKET, "users/alice/from elsewhere.txt", b"hello")
        as_it_runs.stack.storage.put_object(BUCKET, "users/bob/private.txt", b"hello")
        page.reload()
        link = page.get_by_role("link", name="from elsewhere.txt", exact=True)
        expect(link).to_be_visible()
        expect(page.locator(".file", has_text="private.txt")).to_have_count(0)
        assert download(page, "from elsewhere.txt").read_bytes() == b"hello"
        _, answer = as_it_runs.invoke(operation="delete_object", key="users/alice/from elsewhere.txt")
        requests.delete(answer["url"], timeout=10).raise_for_status()
        page.reload()
        expect(page.locator("#empty")).to_contain_text("No files yet.")
        expect(link).to_have_count(0)

    def test_a_file_is_deleted(self, page: Page, as_it_runs: Running, tmp_path: Path) -> None:
        path = make_file(tmp_path / "gone.bin", 10)
        choose(page, path)
        is_uploaded(page, path.name)
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.get_by_role("button", name="Delete: gone.bin").click()
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Delete: gone.bin").click()
        expect(page.get_by_role("status")).to_have_text("gone.bin is deleted.")
        expect(page.locator("#empty")).to_contain_text("No files yet.")
        assert [key for key in keys(as_it_runs) if key.endswith("gone.bin")] == []

    def test_the_message_about_an_upload_is_shown(self, page: Page, tmp_path: Path) -> None:
        """The store tells the function of the object, and the function puts a URL for it into a queue."""
        path = make_file(tmp_path / "told.bin", 1000)
        choose(page, path)
        message = page.locator(".message", has_text="told.bin")
        expect(message.locator(".state")).to_contain_text("Sent to the queue")
        url = message.get_by_role("link", name="Open").get_attribute("href")
        assert url is not None
        assert requests.get(url, timeout=10).content == path.read_bytes()

    def test_pictures_are_shown_small(self, page: Page, tmp_path: Path) -> None:
        picture, broken = tmp_path / "dot.png", tmp_path / "broken.png"
        picture.write_bytes(base64.b64decode(PNG))
        broken.write_bytes(b"no picture")
        choose(page, picture, broken)
        is_uploaded(page, picture.name)
        is_uploaded(page, broken.name)
        card = page.locator(".file", has_text="dot.png")
        expect(card.locator("img")).to_have_js_property("naturalWidth", 1)
        assert card.locator("img").evaluate("(img) => img.clientWidth") == 56
        expect(page.locator(".file", has_text="broken.png").locator("img")).to_be_hidden()

    def test_pictures_come_from_the_cache_the_second_time(self, page: Page, as_it_runs: Running) -> None:
        key = key_whose_window_lasts(as_it_runs)
        store_picture(as_it_runs, key)
        picture = page.locator(".file img")
        page.reload()
        expect(picture).to_have_js_property("naturalWidth", 1)
        asked_before = as_it_runs.stack.storage.requests
        page.reload()
        expect(picture).to_have_js_property("naturalWidth", 1)
        # The store was asked for the list, and for nothing else.
        assert as_it_runs.stack.storage.requests - asked_before == 1
        assert page.evaluate(TRANSFERRED) == [0]


class TestRequests:
    """The page asks for no more than it needs."""

    @pytest.fixture
    def asked(self, page: Page) -> list[str]:
        """The requests of the page, from when its first list is shown."""
        expect(page.locator("#empty")).not_to_have_text("Loading the list…")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
        page.clock.install()
        page.clock.pause_at(page.evaluate("Date.now() + 1000"))
        return asked

    def test_many_uploads_take_one_list(self, page: Page, asked: list[str], tmp_path: Path) -> None:
        paths = [make_file(tmp_path / f"{number}.bin", 10 + number) for number in range(12)]
        choose(page, *paths)
        expect(page.locator(".upload .state")).to_have_text(["Stored."] * 12)
        assert [url for url in asked if "list-type=2" in url] == []
        page.clock.run_for(1000)
        for path in paths:
            is_uploaded(page, path.name)
        assert len([url for url in asked if url.startswith("GET") and "list-type=2" in url]) == 1

    def test_nothing_is_asked_when_nothing_goes_on(self, page: Page, asked: list[str], tmp_path: Path) -> None:
        """Nothing delivers a message here, so the page does not look for it any more after some seconds."""

        def has_given_up() -> bool:
            page.clock.run_for(1000)
            return len([url for url in asked if url.endswith("/messages")]) == 5

        choose(page, make_file(tmp_path / "quiet.bin", 10))
        expect(page.locator(".upload .state")).to_have_text("Stored.")
        wait_for(page, has_given_up)
        is_uploaded(page, "quiet.bin")
        del asked[:]
        page.clock.run_for(3_600_000)
        assert asked == []


class TestFolders:
    """The files of a folder go up with their paths."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name in ("a.txt", "sub/a.txt", "sub/deep/ü.txt"):
            path = tmp_path / "holiday" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name, encoding="utf-8")
        return tmp_path / "holiday"

    def are_uploaded(self, page: Page, folder: Path) -> None:
        for name in ("a.txt", "sub/a.txt", "sub/deep/ü.txt"):
            expect(page.get_by_role("link", name=f"holiday/{name}", exact=True)).to_be_visible()
        expect(page.locator(".upload")).to_have_count(0)

    def test_a_folder_is_dropped(self, page: Page, folder: Path, tmp_path: Path) -> None:
        alone = make_file(tmp_path / "alone.bin", 10)
        drop(page, folder, alone)
        self.are_uploaded(page, folder)
        expect(page.get_by_role("link", name="alone.bin", exact=True)).to_be_visible()

    def test_a_folder_is_chosen(self, page: Page, folder: Path) -> None:
        page.get_by_label("Choose a folder").set_input_files(folder)
        self.are_uploaded(page, folder)


class TestPause:
    """Pause is offered where a part can be kept."""

    def test_a_small_file_can_only_be_canceled(self, page: Page, cable: Cable, tmp_path: Path) -> None:
        cable.hold_after(MIB)
        choose(page, make_file(tmp_path / "small.bin", 15 * MIB))
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        expect(page.get_by_role("button", name="Pause")).to_have_count(0)
        page.get_by_role("button", name="Cancel: small.bin").click()
        expect(page.get_by_role("status")).to_have_text("small.bin was canceled.")
        cable.release()

    def test_how_far_a_paused_upload_was_is_shown_after_a_reload(self, page: Page, cable: Cable, big: Path) -> None:
        cable.hold_after(HALF_BYTES)
        choose(page, big)
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        page.get_by_role("button", name=f"Pause: {big.name}").click()
        expect(page.locator(".upload .state")).to_contain_text("Paused at")
        (upload,) = [json.loads(value) for value in unfinished(page)]
        assert LAST_PART_BYTES <= upload["loaded"] <= HALF_BYTES
        page.reload()
        cable.release()
        expect(page.locator(".upload .state")).to_have_text(
            f"Stopped at {100 * upload['loaded'] // BIG_BYTES} %. Choose the same file again to go on."
        )
        bar = page.get_by_role("progressbar", name=f"Progress of {big.name}")
        expect(bar).to_have_js_property("value", upload["loaded"] / BIG_BYTES)
        page.get_by_role("button", name=f"Cancel: {big.name}").click()
        expect(page.locator(".upload")).to_have_count(0)


class TestByPars:
    """A policy of pre-authenticated requests alone takes no other page."""

    def test_a_picture_goes_up_and_is_shown(
        self, browser: Browser, start: Callable[..., Running], tmp_path: Path
    ) -> None:
        rule = {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/", "via": "par"}
        page = open_page(browser, start({"POLICY": json.dumps({"rules": [rule]}), "STORE_ROUTE": ""}).stack.url)
        path = tmp_path / "dot “1” ü.png"
        path.write_bytes(base64.b64decode(PNG))
        choose(page, path)
        is_uploaded(page, path.name)
        expect(page.locator(".file img")).to_have_js_property("naturalWidth", 1)
        assert sha256(download(page, path.name)) == sha256(path)
        page.close()


def test_the_scripts_have_the_types_that_their_comments_say() -> None:
    command: list[str | Path] = [node_tools() / "tsc", "--project", NODE_PROJECT]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    assert (done.stdout, done.returncode) == ("", 0)
