"""The page of `python -m local`, and so `clients/js/src`, in a real browser; the store has another origin."""

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

from conftest import Running
from local.__main__ import POLICY
from local.api import Fault
from local.stack import BUCKET
from support.browser_docs import lines_with
from support.browsers import NODE_PROJECT, TIMEOUT_MS, make_file, node_tools, open_page, sha256
from support.cable import Cable
from support.sites import importing_from

MIB = 2**20
BIG_BYTES = 44 * MIB + 1000
HALF_BYTES = 22 * MIB
PARTS_AT_ONCE_BYTES = 4 * 5 * MIB


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

LISTING = {"operations": ["get_prefix"], "bucket": BUCKET, "prefix": "users/{sub}/", "via": "par"}
OPEN_POLICY = json.dumps({"rules": [{"operations": ["*"], "bucket": BUCKET, "prefix": ""}, LISTING]})

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_file(tmp_path_factory.mktemp("files") / "film.mp4", BIG_BYTES)


@pytest.fixture(scope="module")
def connect(start: Callable[..., Running]) -> Iterator[Callable[..., tuple[Running, Cable]]]:
    """Starts a system with a cable before its store."""
    cables = []

    def connect_one(**config: str) -> tuple[Running, Cable]:
        cable = Cable()
        cables.append(cable)
        settings = {"POLICY": OPEN_POLICY, "STORAGE_ENDPOINT": cable.url, **config}
        running = start(settings, s3_cors=True)
        cable.target_port = int(running.stack.storage_url.rpartition(":")[2])
        return running, cable

    yield connect_one
    for cable in cables:
        cable.close()


@pytest.fixture(scope="module")
def connected(connect: Callable[..., tuple[Running, Cable]]) -> tuple[Running, Cable]:
    return connect()


@pytest.fixture(scope="module")
def limited(connect: Callable[..., tuple[Running, Cable]]) -> tuple[Running, Cable]:
    rule = {"bucket": BUCKET, "prefix": "users/alice/", "max_content_length": 20 * MIB, "content_types": ["image/*"]}
    rules = [
        {**rule, "operations": ["write"], "create_only": True},
        {**rule, "operations": ["read"]},
        LISTING,
    ]
    return connect(POLICY=json.dumps({"rules": rules}))


@pytest.fixture(scope="module")
def as_oci_is(start: Callable[..., Running]) -> Iterator[tuple[Running, Cable]]:
    """A system whose pages can read no answer of the S3 API."""
    cable = Cable()
    config = {"OBJECT_STORAGE_ENDPOINT": cable.url, "POLICY": json.dumps(POLICY)}
    running = start(config)
    cable.target_port = int(running.stack.storage_url.rpartition(":")[2])
    yield running, cable
    cable.close()


@pytest.fixture
def page(browser: Browser, connected: tuple[Running, Cable]) -> Iterator[Page]:
    running, cable = connected
    delete_all(running)
    page = open_page(browser, running.stack.url)
    yield page
    page.close()
    cable.release()
    cable.plug_in()
    running.stack.storage.fault = None


@pytest.fixture
def cable(connected: tuple[Running, Cable]) -> Cable:
    return connected[1]


def delete_all(running: Running) -> None:
    """Delete alice's files, since the page shows all that the store has."""
    listing = running.ask(operation="list_objects_v2", prefix="users/alice/").json()["url"]
    for key in re.findall("<Key>(.*?)</Key>", requests.get(listing, timeout=10).text):
        url = running.ask(operation="delete_object", key=html.unescape(key)).json()["url"]
        requests.delete(url, timeout=10).raise_for_status()


def choose(page: Page, *paths: Path) -> None:
    page.get_by_label("Choose files").set_input_files(paths)


def is_uploaded(page: Page, name: str) -> None:
    expect(page.get_by_role("link", name=name)).to_be_visible()
    expect(page.get_by_role("progressbar", name=f"Progress of {name}")).to_have_count(0)


def download(page: Page, name: str) -> Path:
    with page.expect_download() as download:
        page.get_by_role("link", name=name).click()
    assert download.value.suggested_filename == name
    return download.value.path()


def operations(running: Running, since: int = 0) -> list[str]:
    """The operations that the function has given URLs for, in order, without those of the page's list."""
    lines = running.log()[since:].splitlines()
    found = [json.loads(line)["operation"] for line in lines if line.startswith('{"event":"presign"')]
    return [operation for operation in found if operation != "get_prefix"]


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
        assert signed[:2] == ["put_object", "create_multipart_upload"]
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
        expect(page.locator(".upload .state")).to_have_text("Unfinished. Choose the same file again to go on.")
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

    def test_the_store_hides_the_etags(self, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("local.object_storage.bucket_cors.EXPOSED_HEADERS", ())
        path = make_file(tmp_path / "hidden.bin", 16 * MIB)
        choose(page, path)
        is_uploaded(page, path.name)
        assert sha256(download(page, path.name)) == sha256(path)

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
        running, cable = connect(DEFAULT_EXPIRES_IN="2", MAX_EXPIRES_IN="2")
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


class TestByPars:
    """`make run` as OCI is: the page can read no answer of the S3 API, and works by pre-authenticated requests."""

    @pytest.fixture
    def page(self, browser: Browser, as_oci_is: tuple[Running, Cable]) -> Iterator[Page]:
        page = open_page(browser, as_oci_is[0].stack.url)
        yield page
        page.close()

    def test_a_file_goes_up_and_comes_down(self, page: Page, as_oci_is: tuple[Running, Cable], tmp_path: Path) -> None:
        path = make_file(tmp_path / "notes “1” ü.txt", 1000)
        since = len(as_oci_is[0].log())
        choose(page, path)
        is_uploaded(page, path.name)
        assert sha256(download(page, path.name)) == sha256(path)
        assert operations(as_oci_is[0], since) == ["put_object", "get_object"]

    def test_a_large_file_whose_tab_is_reloaded_half_way(
        self, page: Page, as_oci_is: tuple[Running, Cable], tmp_path: Path
    ) -> None:
        cable = as_oci_is[1]
        size = 64 * MIB + 1000  # parts are twice as large as those of the S3 API
        big = make_file(tmp_path / "film.mp4", size)
        sent_before = cable.sent_bytes
        cable.hold_after(50 * MIB)
        choose(page, big)
        assert cable.holding.wait(TIMEOUT_MS / 1000)
        page.reload()
        cable.release()
        expect(page.locator(".upload .state")).to_have_text("Unfinished. Choose the same file again to go on.")
        choose(page, big)
        is_uploaded(page, big.name)
        assert sha256(download(page, big.name)) == sha256(big)
        assert cable.sent_bytes - sent_before < size + 2 * PARTS_AT_ONCE_BYTES + MIB

    def test_the_list_is_that_of_the_store(
        self, browser: Browser, page: Page, as_oci_is: tuple[Running, Cable]
    ) -> None:
        """The page remembers nothing: another program stores and deletes what it shows."""
        running = as_oci_is[0]
        running.stack.storage.put_object(BUCKET, "users/alice/from elsewhere.txt", b"hello")
        running.stack.storage.put_object(BUCKET, "users/bob/private.txt", b"hello")
        page.reload()
        link = page.get_by_role("link", name="from elsewhere.txt")
        expect(link).to_be_visible()
        expect(page.get_by_role("link", name="private.txt")).to_have_count(0)
        assert download(page, "from elsewhere.txt").read_bytes() == b"hello"
        _, answer = running.invoke(operation="delete_object", key="users/alice/from elsewhere.txt")
        requests.delete(answer["url"], timeout=10).raise_for_status()
        page.reload()
        expect(page.locator("#empty")).not_to_have_text("Loading the list…")
        expect(link).to_have_count(0)

    def test_the_message_about_an_upload_is_shown(
        self, browser: Browser, start: Callable[..., Running], tmp_path: Path
    ) -> None:
        """The store tells the function of the object, and the function puts a URL for it into a queue."""
        running = start({"POLICY": json.dumps(POLICY)}, deliver_to="queue", events=True)
        page = open_page(browser, running.stack.url)
        path = make_file(tmp_path / "told.bin", 1000)
        choose(page, path)
        message = page.locator(".message", has_text="told.bin")
        expect(message.locator(".state")).to_contain_text("Sent to the queue")
        url = message.get_by_role("link", name="Open").get_attribute("href")
        assert url is not None
        assert requests.get(url, timeout=10).content == path.read_bytes()
        page.close()

    def test_pictures_are_shown_small(self, page: Page, as_oci_is: tuple[Running, Cable], tmp_path: Path) -> None:
        picture, broken = tmp_path / "dot.png", tmp_path / "broken.png"
        picture.write_bytes(base64.b64decode(PNG))
        broken.write_bytes(b"no picture")
        choose(page, picture, broken)
        is_uploaded(page, picture.name)
        is_uploaded(page, broken.name)
        card = page.locator(".file", has=page.get_by_role("link", name="dot.png"))
        expect(card.locator("img")).to_be_visible()
        assert card.locator("img").evaluate("(img) => [img.naturalWidth, img.clientWidth]") == [1, 56]
        expect(page.locator(".file", has=page.get_by_role("link", name="broken.png")).locator("img")).to_be_hidden()


def test_the_lines_of_the_docs(page: Page, connected: tuple[Running, Cable]) -> None:
    stack = connected[0].stack
    lines = lines_with("await files.upload(file, `inbox/${file.name}`")
    page.evaluate(
        """(token) => {
        const controller = new AbortController();
        const file = new File(["From the docs."], "hello.txt");
        Object.assign(globalThis, { token, controller, file, shown: [], show: (share) => shown.push(share) });
    }""",
        stack.token(),
    )
    with page.expect_download() as downloaded:
        script = importing_from("./clients/js/src/index.js", lines)
        script = script.replace('"https://…/v1/presign"', "`${location.origin}/v1/presign`")
        page.add_script_tag(type="module", content=script)
    assert downloaded.value.path().read_text(encoding="utf-8") == "From the docs."
    assert page.evaluate("shown.at(-1)") == 1


def test_the_scripts_have_the_types_that_their_comments_say() -> None:
    command: list[str | Path] = [node_tools() / "tsc", "--project", NODE_PROJECT]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    assert (done.stdout, done.returncode) == ("", 0)
