"""A web page of a third origin, with the browser module."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from werkzeug.wrappers import Request, Response

from local.server import Server
from support.browsers import NODE_PROJECT, node_tools
from support.systems import Running

SOURCES = Path(__file__).parents[2] / "clients/js/src"

_HTML = b"""<!doctype html>
<title>A page</title>
<input type="file" multiple>
<video muted></video>
<script type="module">
  import * as presign from "./presign/index.js";
  Object.assign(globalThis, presign);
</script>
"""


@contextmanager
def site(files: Mapping[str, tuple[bytes, str]] | None = None, *, worker: bytes = b"") -> Iterator[str]:
    """The address of a page with the browser module, or of these files: content and media type by path.

    The page may register `/worker.js` as its service worker, whose script is `worker`.
    """
    served = files or {
        "/": (_HTML, "text/html"),
        "/worker.js": (worker, "text/javascript"),
        **{f"/presign/{path.name}": (path.read_bytes(), "text/javascript") for path in SOURCES.glob("*.js")},
    }

    def answer(request: Request) -> Response:
        if request.path not in served:
            return Response(status=404)
        content, content_type = served[request.path]
        return Response(content, content_type=content_type)

    with Server(answer) as server:
        yield server.url


def importing_from(path: str, lines: str) -> str:
    """The lines of a documented page, with the browser module at `path`: nothing else is imported by a path there."""
    return re.sub(r'(?<=from )"\./[^"]+"', json.dumps(path), lines)


@contextmanager
def bundled_site(html: str, lines: str) -> Iterator[str]:
    """The address of a page that loads `/page.js`, which is these lines with the npm packages that they import."""
    bundle = _bundle(importing_from(str(SOURCES / "index.js"), lines))
    with site({"/": (html.encode(), "text/html"), "/page.js": (bundle, "text/javascript")}) as url:
        yield url


@cache
def _bundle(source: str) -> bytes:
    command: list[str | Path] = [node_tools() / "esbuild", "--bundle", "--format=esm", "--loader=js"]
    return subprocess.run(  # noqa: S603
        command, cwd=NODE_PROJECT, input=source.encode(), capture_output=True, check=True
    ).stdout


def sign_in(page: Page, running: Running, *, sub: str = "alice", **options: Any) -> None:
    """Give the page a client for this user: `files`."""
    page.wait_for_function("globalThis.PresignClient !== undefined")
    page.evaluate(
        """([endpoint, token, options]) => {
            globalThis.files = new PresignClient({ endpoint, getToken: () => token, ...options });
        }""",
        [f"{running.stack.url}/v1/presign", running.stack.token(sub=sub), options],
    )


def upload(page: Page, key: str, **options: Any) -> None:
    """Upload the file that the page's input has."""
    page.evaluate(
        "([key, options]) => files.upload(document.querySelector('input').files[0], key, options)", [key, options]
    )


def begin_upload(page: Page, key: str, **options: Any) -> None:
    """Begin to upload the file that the page's input has; `end_upload` waits for the end."""
    page.evaluate(
        """([key, options]) => {
            globalThis.controller = new AbortController();
            const [file] = document.querySelector("input").files;
            globalThis.progress = [];
            globalThis.end = files.upload(file, key, {
                ...options,
                signal: controller.signal,
                onProgress: (one) => progress.push(one),
            }).then(() => "", ({ code }) => code);
        }""",
        [key, options],
    )


def end_upload(page: Page) -> str:
    """The code of the error that ended the upload; empty if it succeeded."""
    return str(page.evaluate("globalThis.end"))


def failure(page: Page, script: str, argument: Any = None) -> str:
    """The code of the `PresignError` that an asynchronous function of the page rejects with; empty if it does not."""
    wrapped = f"(argument) => Promise.resolve(({script})(argument)).then(() => '', ({{ code }}) => code)"
    return str(page.evaluate(wrapped, argument))
