"""A real browser for tests of pages, and the files that they upload."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from support.programs import cannot_run, needs

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


def chromium_path() -> str | None:
    """Debian's Chromium, if it is there; first its build without windows, in which a page takes a fifth of the CPU."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium, without a window."""
    path = chromium_path()
    if path is None:
        cannot_run("there is no Chromium: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


def node_tools() -> Path:
    """The folder of the programs of the npm packages, which are installed if need be, by one process at a time."""
    needs("npm")
    lock, installed = NODE_PROJECT / "package-lock.json", NODE_PROJECT / "node_modules/.package-lock.json"
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(command, cwd=NODE_PROJECT, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
            if done.returncode:
                cannot_run(f"npm ci failed: {done.stderr[-500:]}")
            installed.touch()
    return NODE_PROJECT / "node_modules/.bin"


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
