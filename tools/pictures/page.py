"""The page of `make run`, in a real browser: two files are stored, and a film is on its way."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from support.browsers import chromium, make_file, open_page
from support.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "page.png"
WIDTH_PIXELS = 800
STORED = {"LICENSE": "licence.txt", "docs/doctor.svg": "doctor.svg"}
"""Files of this project, and the names under which they are uploaded."""
FILM_BYTES = 96 * 2**20
LINE_BYTES_PER_SECOND = 6 * 2**20
SHARE_SENT = 0.4
"""The picture is taken when so much of the film is sent."""


def draw() -> bytes:
    """The page as PNG, without its messages."""
    with tempfile.TemporaryDirectory() as directory, _system() as url, chromium() as browser:
        page = open_page(browser, url)
        page.set_viewport_size({"width": WIDTH_PIXELS, "height": 400})
        page.emulate_media(color_scheme="light")
        for source, name in STORED.items():
            file = Path(directory) / name
            shutil.copyfile(ROOT / source, file)
            page.set_input_files("#picker", file)
            page.locator("#messages .name", has_text=name).wait_for()
        page.locator("#files img:visible").wait_for()
        _slow_down(page)
        page.set_input_files("#picker", make_file(Path(directory) / "film.mp4", FILM_BYTES))
        page.wait_for_function(f"document.querySelector('progress')?.value > {SHARE_SENT}")
        end = page.evaluate("document.getElementById('messages-section').getBoundingClientRect().top + scrollY")
        return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": WIDTH_PIXELS, "height": end})


def _slow_down(page: Page) -> None:
    """Send at most so many bytes a second, or the film would be stored before the picture is taken."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    speed = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": LINE_BYTES_PER_SECOND}
    line.send("Network.emulateNetworkConditions", {"offline": False, **speed})


@contextmanager
def _system() -> Iterator[str]:
    """The address of what `make run` starts, on a free port."""
    [port] = free_ports(1)
    command = [sys.executable, "-u", "-m", "local", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8") as process:  # noqa: S603
        try:
            if not any("Ctrl-C" in line for line in process.stdout or ()):
                raise RuntimeError("It did not start; standard error says why")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.communicate()
