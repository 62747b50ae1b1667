"""`clients/js/src`, when a page without TypeScript gives it something else than it asks for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from local.stack import BUCKET
from support.sites import failure, sign_in
from support.systems import Running

WRONG = {
    "null": "null",
    "number": "5",
    "no number": "NaN",
    "boolean": "true",
    "big integer": "1n",
    "text": "'text'",
    "half a character": "'a/\\ud800'",
    "list": "[]",
    "object": "{}",
    "circle": "circle",
    "map": "new Map([['a', 'b']])",
    "function": "() => 'a'",
    "symbol": "Symbol('a')",
    "promise": "Promise.resolve('a')",
    "bare": "Object.create(null)",
    "document": "document",
}
CLIENT_OPTIONS = ("getToken", "bucket", "via", "cors", "user")
CALLS = [
    *(f"(wrong) => client({{ {name}: wrong }}).unfinished()" for name in CLIENT_OPTIONS),
    "(wrong) => new PresignClient(wrong).link('a')",
    *(f"(wrong) => files.{name}(wrong)" for name in ("link", "share", "links", "revoke", "download", "size", "delete")),
    *(f"(wrong) => files.{name}('a', wrong)" for name in ("link", "share", "download", "size", "delete", "copy")),
    *(f"(wrong) => files.share('a', {{ {name}: wrong }})" for name in ("saveAs", "expiresIn", "signal")),
    *(f"(wrong) => files.download('a', {{ {name}: wrong }})" for name in ("saveAs", "signal")),
    *(f"(wrong) => files.links(['a'], {{ {name}: wrong }})" for name in ("expiresIn", "signal")),
    "(wrong) => files.links([wrong])",
    "(wrong) => files.links(['a'], wrong)",
    "(wrong) => files.shareFolder(wrong)",
    "(wrong) => files.shareFolder('a/', wrong)",
    "(wrong) => files.revoke({ id: wrong })",
    "(wrong) => files.revoke({ id: 'a', bucket: wrong })",
    "(wrong) => files.revoke({ id: 'a' }, wrong)",
    "(wrong) => files.copy(wrong, 'b')",
    "(wrong) => files.copy('a', 'b', wrong)",
    "(wrong) => all(files.list(wrong))",
    "(wrong) => all(files.list('a/', wrong))",
    *(f"(wrong) => all(files.list('a/', {{ {name}: wrong }}))" for name in ("delimiter", "signal")),
    "(wrong) => files.upload(wrong, 'a')",
    "(wrong) => files.upload(file(), wrong)",
    "(wrong) => files.upload(file(), 'a', wrong)",
    *(
        f"(wrong) => files.upload(file(), 'a', {{ {name}: wrong }})"
        for name in ("onProgress", "signal", "contentType", "cacheControl", "metadata", "createOnly", "integrity")
    ),
    "(wrong) => files.upload(file(), 'a', { metadata: { a: wrong } })",
    "(wrong) => files.discard(wrong, 'a')",
    "(wrong) => files.discard({ size: wrong }, 'a')",
    "(wrong) => files.discard(file(), wrong)",
]


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    rules = [{"operations": ["*"], "bucket": BUCKET, "prefix": "", "via": via} for via in ("s3", "par")]
    return start({"POLICY": json.dumps({"rules": rules})})


def is_invalid(page: Page, script: str) -> bool:
    return failure(page, f"async () => {script}") == "invalid_argument"


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_argument_is_told_at_once(page: Page, running: Running, call: str) -> None:
    """As a `PresignError`, by this module or by the API. No wait shows that nothing was tried again."""
    told: Any = page.evaluate(
        f"""async ([endpoint, token]) => {{
            const circle = {{}};
            circle.circle = circle;
            const getToken = () => token;
            const client = (options) => new PresignClient({{ endpoint, getToken, ...options }});
            const file = () => new File([crypto.randomUUID()], "a.txt");
            const all = async (list) => {{ for await (const one of list) void one; }};
            const late = new Promise((resolve) => setTimeout(resolve, 5000, "late"));
            const call = {call};
            const told = {{}};
            for (const [name, wrong] of Object.entries({{ {", ".join(f'"{n}": {w}' for n, w in WRONG.items())} }})) {{
                const ended = Promise.resolve(wrong).catch(() => {{}}).then(() => call(wrong)).then(
                    () => "",
                    (error) => (error instanceof PresignError && error.code && error.message ? "" : `${{error}}`),
                );
                told[name] = await Promise.race([ended, late]);
            }}
            return told;
        }}""",
        [f"{running.stack.url}/v1/presign", running.stack.token()],
    )
    assert {name: what for name, what in told.items() if what} == {}


@pytest.mark.parametrize(
    "script",
    [
        "files.size('a', { signal: new AbortController().signal })",
        "files.link('a', 60)",
        "files.links('a')",
        "files.links(['a'], { expiresIn: NaN })",
        "files.link(1n)",
        "files.upload(new Blob(['x']), 'a', { metadata: new Headers({ a: 'b' }) })",
        "files.upload(new Blob(['x']), 'a', { onProgress: 'show' })",
        "files.list('a/', '/').next()",
        "files.list('a/\\ud800').next()",
        "files.discard(undefined, 'a')",
        "files.revoke({ id: 5 })",
        "new PresignClient({ endpoint: 'https://store.example/v1/presign', getToken: 'token' })",
        "new PresignClient({ endpoint: 'https://store.example/v1/presign', user: 5 })",
    ],
)
def test_an_argument_that_would_do_something_else_is_refused(page: Page, script: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    assert is_invalid(page, script)
    assert asked == []


@pytest.mark.parametrize("via", ["s3", "par"])
def test_a_prefix_with_half_a_character(page: Page, running: Running, via: str) -> None:
    sign_in(page, running, via=via)
    assert is_invalid(page, "files.list('a/\\ud800').next()")


def test_a_key_that_is_no_text_does_no_harm_to_the_others(page: Page) -> None:
    found = page.evaluate(
        """async () => (await files.links(["a", "\\ud800", 5, undefined, "b"])).map(
            (one) => (one instanceof PresignError ? one.code : new URL(one.url).pathname.at(-1)),
        )"""
    )
    assert found == ["a", "invalid_argument", "invalid_argument", "invalid_argument", "b"]


def test_what_is_left_out_may_be_null(page: Page) -> None:
    page.evaluate(
        """async () => {
            const given = { onProgress: null, signal: null, contentType: null, cacheControl: null, metadata: null };
            await files.upload(new Blob(["x"]), "left-out.txt", given);
            await files.link("left-out.txt", null);
            await files.size("left-out.txt", null);
            for await (const { key } of files.list("left-out", null)) void key;
        }"""
    )
