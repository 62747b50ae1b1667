"""Every line of docs/clients-http.md does what the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from werkzeug.wrappers import Request, Response

from local.__main__ import POLICY
from local.server import Server
from support.browsers import TIMEOUT_MS, chromium
from support.pages import docs_page
from support.python_clients import read
from support.systems import Running

PAGE = docs_page("clients-http.md")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    """The system with the policy of `make run`, as the page's reader has it."""
    return start({"POLICY": json.dumps(POLICY)})


@pytest.mark.needs("bash", "curl", "jq", "openssl")
def test_every_line_does_what_the_page_says(running: Running, tmp_path: Path) -> None:
    script, wanted = "", []
    for (language, text), (following, output) in zip(BLOCKS, [*BLOCKS[1:], ("", "")], strict=True):
        if language == "bash":
            script += f"{text}\necho '#####'\n"
            wanted.append(output if following == "text" else "")
    done = subprocess.run(  # noqa: S603
        ["bash", "-eu", "-o", "pipefail", "-c", script.encode()],  # noqa: S607
        cwd=tmp_path,
        env={
            **os.environ,
            "PRESIGN_ENDPOINT": f"{running.stack.url}/v1/presign",
            "PRESIGN_TOKEN": running.stack.token(),
        },
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.stdout.split("#####\n")[:-1] == wanted, done.stderr
    assert done.returncode == 0
    film = read(running, "users/alice/film.mp4")
    assert (film.content, film.headers["Content-Type"]) == (bytes(12_000_000), "video/mp4")
    film = read(running, "users/alice/film-2.mp4")
    assert (film.content, film.headers["Content-Type"]) == (bytes(12_000_000), "video/mp4")
    assert read(running, "users/alice/hello.txt").text == "hello"
    photo = read(running, "users/alice/photo.png")
    assert (photo.text, photo.headers["Content-Type"]) == ("pixels", "image/png")


@pytest.mark.browser
def test_the_page_uploads_a_photo(running: Running, tmp_path: Path) -> None:
    [document] = [text for language, text in BLOCKS if language == "html"]
    document = document.replace("https://<hostname>/presigner", running.stack.url)
    photo = tmp_path / "a b.png"
    photo.write_bytes(b"pixels")

    def answer(_: Request) -> Response:
        return Response(document, content_type="text/html")

    with Server(answer) as server, chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(server.url)
        page.evaluate("token => sessionStorage.setItem('token', token)", running.stack.token())
        page.reload()
        page.get_by_label("Photo").set_input_files(photo)
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("body")).to_contain_text("inbox/a b.png", timeout=TIMEOUT_MS)
        page.close()
    stored = read(running, "inbox/a b.png")
    assert (stored.content, stored.headers["Content-Type"]) == (b"pixels", "image/png")
