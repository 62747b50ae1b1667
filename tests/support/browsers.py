"""A real browser for tests of pages, and the files that they upload."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from support.npm import node_modules
from support.programs import cannot_run

NODE_PROJECT = Path(__file__).parents[1] / "browser"
TIMEOUT_MS = 30_000

_ARGUMENTS = (
    "--no-sandbox",  # Chromium refuses to run as root without it
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window; first its build that has none, in which a page takes a fifth of the CPU."""
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if path is None:
        cannot_run("there is no Chromium: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


def node_tools() -> Path:
    """The folder of the programs of the npm packages."""
    return node_modules(NODE_PROJECT) / ".bin"


def open_page(browser: Browser, url: str) -> Page:
    """A page in a profile of its own; uncaught errors of its scripts are printed."""
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    page.set_default_timeout(TIMEOUT_MS)
    page.on("pageerror", lambda error: print(f"page: {error}"))
    page.goto(url)
    return page


def wait_for(page: Page, condition: Callable[[], bool]) -> None:
    """Let the page go on until something is so."""
    for _ in range(3000):
        if condition():
            return
        page.wait_for_timeout(10)
    raise AssertionError("it did not come to pass")


def make_file(path: Path, size: int) -> Path:
    """A file of `size` bytes that look random but are the same each time."""
    path.write_bytes(hashlib.shake_128(str(size).encode()).digest(size))
    return path


def sha256(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
