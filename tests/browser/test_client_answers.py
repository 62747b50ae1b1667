"""`clients/js/src`, when the API, the store, or a stranger on the way does not answer as it should."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route

from gateway.fill import TEMPLATE, with_allowed_headers
from local.api_gateway.deployment import NO_RATE_LIMIT
from local.stack import BUCKET
from support.browsers import make_file, open_page, wait_for
from support.sites import failure, sign_in
from support.socket_servers import slow_server
from support.systems import Running

ERRORS = json.loads((Path(__file__).parents[1] / "clients/behaviours/errors.json").read_text("utf-8"))
MIB = 2**20
ANSWER_MS = 60_000
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*", "Access-Control-Expose-Headers": "*"}
LINK = "() => files.link('a.txt')"
LIST = "async () => { for await (const one of files.list('folder/')) void one; }"
GIVEN = {"url": "https://store.example/a?X-Amz-Signature=1", "method": "HEAD", "headers": {}, "expires_in": 60}


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    rules = [
        {"operations": ["*"], "bucket": BUCKET, "prefix": "", "via": "s3"},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "", "via": "par"},
    ]
    return start({"POLICY": json.dumps({"rules": rules})}, s3_cors=True)


def error_of(page: Page, script: str) -> Any:
    """The members of the `PresignError` that an asynchronous function of the page rejects with."""
    return page.evaluate(
        f"""() => ({script})().then(
            () => null,
            (error) => {{
                if (!(error instanceof PresignError)) throw new Error(`no PresignError: ${{error}}`);
                const {{ code, status, message, retryAfterMs }} = error;
                return {{ code, status, message, retryAfterMs }};
            }},
        )"""
    )


def client_at(page: Page, endpoint: str, token: str) -> None:
    page.evaluate(
        "([endpoint, token]) => (globalThis.files = new PresignClient({ endpoint, getToken: () => token }))",
        [endpoint, token],
    )


class Answers:
    """Answers requests in the place of a server, one after the other, and the last one again."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self._answers = list(answers)
        self.count = 0

    def __call__(self, route: Route) -> None:
        if route.request.method == "OPTIONS":
            route.fulfill(status=204, headers=CORS)
            return
        self.count += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        route.fulfill(**{**answer, "headers": {**CORS, **answer.get("headers", {})}})


class TestRefusalsOfTheGateway:
    """The gateway says a status and its name; the module says what to do, as the other clients do."""

    @pytest.fixture
    def provoke(self, page: Page, running: Running) -> Callable[[int], str]:
        """Makes the gateway answer with a status; gives the script that asks it."""
        token, url = running.stack.token(), running.stack.url

        def provoke_one(status: int) -> str:
            if status == 401:
                client_at(page, f"{url}/v1/presign", "none")
            elif status == 404:
                # The page is one of the gateway's origin, or the browser would hide the answer from it.
                page.goto(f"{url}/")
                page.evaluate("import('./clients/js/src/index.js').then((all) => Object.assign(globalThis, all))")
                client_at(page, f"{url}/v1/presing", token)
            elif status == 405:
                client_at(page, f"{url}/v1/openapi.json", token)
            elif status == 413:
                return "() => files.link('x'.repeat(7_000_000))"
            elif status == 415:
                page.route(
                    "**/v1/presign",
                    lambda route: route.continue_(headers={**route.request.headers, "content-type": "text/plain"}),
                )
            return LINK

        return provoke_one

    @pytest.mark.parametrize("expected", ERRORS, ids=[str(error["status"]) for error in ERRORS])
    def test_it_says_what_to_do(self, page: Page, provoke: Callable[[int], str], expected: dict[str, Any]) -> None:
        found = error_of(page, provoke(expected["status"]))
        assert found == {
            "code": expected["code"],
            "status": expected["status"],
            "message": expected["sentence"],
            "retryAfterMs": 0,
        }

    @pytest.mark.parametrize("script", [LINK, "() => files.size('a')", "() => files.upload(new Blob(['x']), 'a')"])
    def test_a_refusal_of_the_policy_is_asked_for_once(
        self, browser: Browser, address: str, start: Callable[..., Running], script: str
    ) -> None:
        running = start({"POLICY": json.dumps({"rules": []})})
        page = open_page(browser, address)
        sign_in(page, running)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.method))
        assert failure(page, script) == "access_denied"
        assert asked.count("POST") == 1
        page.close()

    def test_a_wrong_path_of_another_origin(self, page: Page, running: Running) -> None:
        """To a script that is a failed connection, as the gateway refuses the preflight request."""
        client_at(page, f"{running.stack.url}/v1/presing", running.stack.token())
        found = error_of(page, LINK)
        assert found["code"] == "wrong_endpoint"
        assert "ends in /v1/presign" in found["message"]

    def test_a_connection_that_fails_is_no_wrong_path(self, page: Page) -> None:
        """The page asks again until it is reached."""
        asked: list[str] = []

        def lose(route: Route) -> None:
            asked.append(route.request.method)
            if len(asked) < 5:
                route.abort()
            else:
                route.continue_()

        page.clock.install()
        page.route("**/v1/presign", lose)
        page.evaluate("() => { globalThis.end = files.link('a.txt'); }")
        while len(asked) < 5:
            page.clock.run_for(1000)
        assert "X-Amz-Signature=" in page.evaluate("end")


class TestStrangers:
    """A proxy, a firewall or a sign-in page may answer in the place of the API and of the store."""

    @pytest.mark.parametrize(
        "answer",
        [
            {"status": 200, "body": "<html>Sign in</html>", "content_type": "text/html"},
            {"status": 200, "json": {"status": "blocked"}},
            {"status": 200, "json": ["blocked"]},
            {"status": 200, "body": "null"},
            {"status": 403, "json": {"error": {"reason": "blocked"}}},
            {"status": 403, "body": "<html>Blocked</html>", "content_type": "text/html"},
        ],
        ids=["page", "object", "list", "null", "refusal", "refusing page"],
    )
    @pytest.mark.parametrize("script", [LINK, "() => files.links(['a', 'b'])"], ids=["one", "batch"])
    def test_in_the_place_of_the_api(self, page: Page, answer: dict[str, Any], script: str) -> None:
        strange = Answers(answer)
        page.route("**/v1/presign**", strange)
        found = error_of(page, script)
        assert (found["code"], found["status"]) == ("foreign_answer", answer["status"])
        assert strange.count == 1

    @pytest.mark.parametrize(
        "errors",
        ["none", ["x"], [{"pointer": 1}], None],
        ids=["text", "texts", "half", "null"],
    )
    def test_problem_details_of_another_form(self, page: Page, errors: Any) -> None:
        page.route("**/v1/presign", Answers({"status": 400, "json": {"code": "odd", "detail": 7, "errors": errors}}))
        assert error_of(page, LINK) == {"code": "odd", "status": 400, "message": "7", "retryAfterMs": 0}

    @pytest.mark.parametrize(
        "member",
        [
            *({"url": url} for url in (7, "", "/a", "//store.example/a", "javascript:alert(1)", "data:,a", {"a": 1})),
            *({"method": method} for method in (7, "", "TRACE", "A B", None, ["GET"])),
            *({"headers": headers} for headers in (7, "text", ["a"], None, {"a b": "c"}, {"a": "b\nc"}, {"a": "日"})),
        ],
        ids=str,
    )
    @pytest.mark.parametrize(
        ("path", "script"),
        [("", "() => files.size('a')"), ("", LINK), ("/batch", "() => files.links(['a'])")],
        ids=["size", "link", "links"],
    )
    def test_a_url_of_another_form(self, page: Page, member: dict[str, Any], path: str, script: str) -> None:
        given = {**GIVEN, **member}
        page.route(f"**/v1/presign{path}", Answers({"status": 200, "json": {"results": [given]} if path else given}))
        assert error_of(page, script)["code"] == "foreign_answer"

    @pytest.mark.parametrize(
        "document",
        [
            {"code": "odd", "detail": {"toString": 1}},
            {"code": "odd", "errors": [{"pointer": {"toString": 1}, "detail": {"toString": 1}}]},
            {"code": "odd", "message": ["a"]},
        ],
        ids=["detail", "errors", "message"],
    )
    def test_a_problem_without_a_text(self, page: Page, document: dict[str, Any]) -> None:
        page.route("**/v1/presign", Answers({"status": 400, "json": document}))
        assert error_of(page, LINK)["message"] == "The API refused the request: odd."

    @pytest.mark.parametrize(("status", "kind"), [(200, "text/html"), (403, "text/html"), (403, "application/json")])
    @pytest.mark.parametrize("via", ["s3", "par"])
    @pytest.mark.parametrize("size", [1000, 16 * MIB], ids=["one PUT", "in parts"])
    def test_in_the_place_of_the_store(
        self, page: Page, running: Running, tmp_path: Path, status: int, kind: str, via: str, size: int
    ) -> None:
        """No upload succeeds because a sign-in page has the status 200."""
        body = "<html>Blocked</html>" if kind == "text/html" else '{"blocked": true}'
        strange = Answers({"status": status, "body": body, "content_type": kind})
        page.route(f"**/strange-{size}*", strange)
        page.route(f"**/strange-{size}*/**", strange)
        sign_in(page, running, via=via)
        page.set_input_files("input", make_file(tmp_path / "file.bin", size))
        found = error_of(page, f"() => files.upload(document.querySelector('input').files[0], 'strange-{size}')")
        assert (found["code"], found["status"]) == ("foreign_answer", status)
        assert strange.count == 1

    @pytest.mark.parametrize("via", ["s3", "par"])
    def test_in_the_place_of_a_list(self, page: Page, running: Running, via: str) -> None:
        sign_in(page, running, via=via)
        address = running.stack.store_route if via == "s3" else running.stack.storage_url
        page.route(f"{address}/**", Answers({"status": 200, "body": "<x>Blocked</x>"}))
        assert error_of(page, LIST)["code"] == "foreign_answer"

    @pytest.mark.parametrize(
        "content",
        [
            "<Name>a</Name><IsTruncated>true</IsTruncated>",
            "<IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken>",
            "<Contents><Size>1</Size></Contents>",
            "",
        ],
        ids=["without a token", "with the same token", "without a key", "empty"],
    )
    def test_a_list_of_s3_of_another_form(self, page: Page, running: Running, content: str) -> None:
        sign_in(page, running, via="s3")
        body = f"<ListBucketResult>{content}</ListBucketResult>"
        page.route(f"{running.stack.store_route}/**", Answers({"status": 200, "body": body}))
        assert error_of(page, LIST)["code"] == "foreign_answer"

    def test_a_list_of_s3_that_was_cut_off(self, page: Page, running: Running) -> None:
        """The beginning of a list is not taken for the whole."""
        sign_in(page, running, via="s3")
        body = "<ListBucketResult><Contents><Key>folder/a</Key></Contents><Contents><Key>folder/b</K"
        page.route(f"{running.stack.store_route}/**", Answers({"status": 200, "body": body}))
        assert error_of(page, LIST)["code"] == "foreign_answer"

    @pytest.mark.parametrize(
        "document",
        [
            *(f'{{"objects": {objects}}}' for objects in ("null", '"a"', "[null]", "[{}]", '[{"name": 1}]')),
            '{"objects": [{"name": "\\ud800"}]}',
            *(f'{{"objects": [], "prefixes": {prefixes}}}' for prefixes in ('"a"', "1", "[1]", "[null]")),
            *(f'{{"objects": [], "nextStartWith": {start}}}' for start in ('"same"', "1", '{"a": 1}')),
        ],
    )
    def test_a_list_by_a_par_of_another_form(self, page: Page, running: Running, document: str) -> None:
        sign_in(page, running, via="par")
        page.route(f"{running.stack.storage_url}/**", Answers({"status": 200, "body": document}))
        assert error_of(page, LIST)["code"] == "foreign_answer"

    def test_an_entry_without_size_and_time(self, page: Page, running: Running) -> None:
        sign_in(page, running, via="par")
        document = {"objects": [{"name": "folder/a", "size": None, "timeModified": {"toString": 1}}], "prefixes": None}
        page.route(f"{running.stack.storage_url}/**", Answers({"status": 200, "json": document}))
        found = page.evaluate("files.list('folder/').next().then(({ value }) => value)")
        assert (found["key"], found["size"], found["modifiedAt"]) == ("folder/a", 0, None)

    def test_an_answer_that_does_not_tell_the_size(self, page: Page) -> None:
        """A proxy that compresses takes `Content-Length` away. The object is not empty."""
        page.route("**/unmeasured.txt*", Answers({"status": 200, "body": ""}))
        assert error_of(page, "() => files.size('unmeasured.txt')")["code"] == "foreign_answer"

    @pytest.mark.parametrize(
        ("status", "body", "code"),
        [
            (400, '{"code": {"toString": 1}}', "foreign_answer"),
            (400, '{"code": "A", "message": {"toString": 1}}', "A"),
            (400, "<Error><Code>https://store.example/</Code></Error>", "foreign_answer"),
            (413, '{"code": 413, "message": "Payload Too Large"}', "http_413"),
            (501, "<Error><Code>NotImplemented</Code></Error>", "NotImplemented"),
        ],
    )
    def test_an_error_of_the_store_of_another_form(self, page: Page, status: int, body: str, code: str) -> None:
        strange = Answers({"status": status, "body": body})
        page.route("**/odd.txt*", strange)
        assert error_of(page, "() => files.delete('odd.txt')")["code"] == code
        assert strange.count == 1

    def test_an_answer_of_many_beginnings_is_soon_read(self, page: Page) -> None:
        page.route("**/begun.txt*", Answers({"status": 400, "body": "<Error>" + "<Code>" * 150_000}))
        since = page.evaluate("performance.now()")
        assert error_of(page, "() => files.delete('begun.txt')")["code"] == "foreign_answer"
        assert page.evaluate("performance.now()") - since < 5000

    def test_a_server_of_the_way_that_fails_is_asked_again(self, page: Page) -> None:
        failing = Answers({"status": 502, "body": "<html>Bad Gateway</html>"}, {"status": 200, "json": GIVEN})
        page.route("**/v1/presign", failing)
        assert page.evaluate(LINK) == GIVEN["url"]
        assert failing.count == 2


class TestRedirects:
    """A token and a file go to no address that nobody signed."""

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_the_api_redirects(self, page: Page, status: int) -> None:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.route("**/v1/presign", Answers({"status": status, "headers": {"Location": "https://other.example/"}}))
        assert failure(page, LINK) == "redirected"
        assert [url for url in asked if "other.example" in url] == []

    def test_the_store_redirects(self, page: Page, running: Running, tmp_path: Path) -> None:
        """A browser follows by itself. The upload counts as failed, whatever the other server says."""
        other = running.ask(operation="put_object", key="elsewhere.txt").json()["url"]
        page.route("**/redirected.txt*", Answers({"status": 307, "headers": {"Location": other}}))
        page.set_input_files("input", make_file(tmp_path / "file.bin", 1000))
        script = "() => files.upload(document.querySelector('input').files[0], 'redirected.txt')"
        assert failure(page, script) == "redirected"

    @pytest.mark.parametrize(
        "url",
        [
            *("http://store.example/a", "ftp://127.0.0.1/a", "javascript:1", "", " ", 7),
            *("store.example/v1/presign", "localhost:8080/v1/presign", "https://store.example/pre sign"),
            *("https://store.example/a?b=c", "https://store.example/a?", "https://store.example/#a"),
            *("https://me:secret@store.example/a", "https://:secret@store.example/a", "https://store.example:99999/"),
        ],
    )
    def test_a_url_that_is_not_protected(self, page: Page, url: Any) -> None:
        assert (
            page.evaluate(
                """(endpoint) => {
                try { new PresignClient({ endpoint }); } catch (error) { return error.code; }
            }""",
                url,
            )
            == "invalid_argument"
        )

    @pytest.mark.parametrize("end", ["/", "///", " ", "/\n"])
    def test_an_endpoint_as_people_write_it(self, page: Page, running: Running, end: str) -> None:
        endpoint = f" {running.stack.url.replace('http', 'HTTP')}/v1/presign{end}"
        client_at(page, endpoint, running.stack.token())
        [link] = page.evaluate("files.links(['a'])")
        assert "X-Amz-Signature=" in link["url"]

    def test_a_url_of_the_store_that_is_not_protected(self, page: Page) -> None:
        given = {**GIVEN, "url": "http://store.example/a?X-Amz-Signature=1"}
        page.route("**/v1/presign", Answers({"status": 200, "json": given}))
        assert failure(page, "() => files.size('a')") == "invalid_argument"


class TestWaiting:
    """A server may ask for patience; it does not get all of it."""

    @pytest.mark.parametrize("nonsense", ["soon", "-5", "1e3", "", "Wed, 21 Oct 1998 07:28:00 GMT", "0x10"])
    def test_nonsense_is_no_pause(self, page: Page, nonsense: str) -> None:
        busy = Answers(
            {
                "status": 429,
                "json": {"code": 429, "message": "Too Many Requests"},
                "headers": {"Retry-After": nonsense},
            },
            {"status": 503, "json": {}},
            {"status": 400, "json": {"code": "done"}},
        )
        page.route("**/v1/presign", busy)
        assert failure(page, LINK) == "done"
        assert busy.count == 3

    @pytest.mark.parametrize("long", ["3600", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
    def test_a_long_pause_is_the_callers_matter(self, page: Page, long: str) -> None:
        """A browser's timer of more than 24 days fires at once."""
        busy = Answers(
            {"status": 429, "json": {"code": 429, "message": "Too Many Requests"}, "headers": {"Retry-After": long}}
        )
        page.route("**/v1/presign", busy)
        found = error_of(page, LINK)
        assert found["code"] == "http_429"
        assert found["retryAfterMs"] == (3_600_000 if long == "3600" else 31_536_000_000)
        assert busy.count == 1

    def test_the_pause_that_is_asked_for_is_kept(self, page: Page) -> None:
        busy = Answers(
            {"status": 429, "json": {"code": 429, "message": "Slow"}, "headers": {"Retry-After": "20"}},
            {"status": 400, "json": {"code": "done"}},
        )
        page.clock.install()
        page.route("**/v1/presign", busy)
        page.evaluate("() => { globalThis.end = files.link('a.txt').catch(({ code }) => code); }")
        wait_for(page, lambda: busy.count == 1)
        page.clock.run_for(19_000)
        assert busy.count == 1
        page.clock.run_for(2_000)
        assert page.evaluate("end") == "done"

    @pytest.mark.parametrize(
        ("pattern", "script"),
        [
            ("**/v1/presign", LINK),
            ("**/v1/presign/batch", "() => files.links(['a'])"),
            ("**/v1/presign/revoke", "() => files.revoke({ bucket: 'b', id: 'i' })"),
            ("**/silent.txt*", "() => files.size('silent.txt')"),
            ("**/silent.txt*", "() => files.upload(new Blob(['x']), 'silent.txt')"),
            ("**/n/*/b/*/o/**", "async () => { for await (const one of files.list('silent/')) void one; }"),
        ],
        ids=["api", "batch", "revoke", "size", "upload", "list"],
    )
    def test_a_server_that_never_answers(self, page: Page, running: Running, pattern: str, script: str) -> None:
        """The connection is given up and tried again."""
        asked: list[Route] = []
        page.clock.install()
        sign_in(page, running, via="par" if "list" in script else "s3")
        page.route(pattern, lambda route: asked.append(route))
        page.evaluate(f"() => {{ globalThis.end = ({script})().catch(({{ code }}) => code); }}")
        wait_for(page, lambda: len(asked) == 1)
        page.clock.run_for(ANSWER_MS + 2000)
        wait_for(page, lambda: len(asked) > 1)

    def test_an_answer_of_the_store_that_never_ends(self, page: Page) -> None:
        """Though it is never silent, it has a minute."""
        page.clock.install()
        page.evaluate(
            """() => {
                Object.assign(globalThis, { tries: 0, drops: 0 });
                const { send } = XMLHttpRequest.prototype;
                XMLHttpRequest.prototype.send = function (body) {
                    tries++;
                    this.addEventListener("progress", () => drops++);
                    return send.call(this, body);
                };
            }"""
        )
        beginning = "".join(f"{name}: {value}\r\n" for name, value in CORS.items())
        with slow_server(f"HTTP/1.1 200 OK\r\n{beginning}\r\n".encode(), b" " * 1000) as url:
            page.route("**/v1/presign", Answers({"status": 200, "json": {**GIVEN, "url": f"{url}/a", "method": "GET"}}))
            page.evaluate("() => { files.delete('a').catch(() => {}); }")
            wait_for(page, lambda: page.evaluate("drops") > 1)
            seconds = 0

            def is_tried_again() -> bool:
                nonlocal seconds
                seconds += 1
                page.clock.run_for(1000)
                return bool(page.evaluate("tries") > 1)

            wait_for(page, is_tried_again)
        assert seconds == pytest.approx(ANSWER_MS / 1000, abs=2)

    def test_a_timeout_of_the_callers_is_told_as_one(self, page: Page) -> None:
        page.route("**/v1/presign", lambda _: None)
        assert failure(page, "() => files.link('a', { signal: AbortSignal.timeout(1) })") == "timeout"
        assert failure(page, "() => files.link('a', { signal: AbortSignal.abort() })") == "canceled"

    def test_a_sign_in_that_never_ends_can_be_canceled(self, page: Page, running: Running) -> None:
        page.evaluate(
            """(endpoint) => {
                globalThis.files = new PresignClient({ endpoint, getToken: () => new Promise(() => {}) });
            }""",
            f"{running.stack.url}/v1/presign",
        )
        assert failure(page, "() => files.link('a', { signal: AbortSignal.timeout(1) })") == "timeout"


class TestTokens:
    """The page gives the user's token."""

    @pytest.mark.parametrize("count", [2, 20])
    def test_many_refusals_take_one_new_token(self, page: Page, running: Running, count: int) -> None:
        page.evaluate(
            """([endpoint, valid]) => {
                globalThis.refreshes = 0;
                let token = "expired";
                const getToken = async ({ refresh }) => {
                    if (!refresh) return token;
                    refreshes++;
                    await new Promise((resolve) => setTimeout(resolve, 50));
                    return (token = valid);
                };
                globalThis.files = new PresignClient({ endpoint, getToken });
            }""",
            [f"{running.stack.url}/v1/presign", running.stack.token()],
        )
        links = page.evaluate(
            "(count) => Promise.all(Array.from({ length: count }, (_, index) => files.link(`${index}`)))", count
        )
        assert len(set(links)) == count
        assert page.evaluate("refreshes") == 1

    def test_each_token_that_expires_takes_another_one(self, page: Page, running: Running) -> None:
        page.evaluate(
            """([endpoint, valid]) => {
                globalThis.tokens = ["first", "second", "third"];
                globalThis.asked = [];
                const getToken = ({ refresh }) => (refresh ? (asked.push(tokens[0]), valid) : tokens[0]);
                globalThis.files = new PresignClient({ endpoint, getToken });
            }""",
            [f"{running.stack.url}/v1/presign", running.stack.token()],
        )
        for _ in range(3):
            page.evaluate("files.link('a')")
            page.evaluate("files.link('b')")
            page.evaluate("tokens.shift()")
        assert page.evaluate("asked") == ["first", "second", "third"]

    def test_a_new_token_that_is_refused_is_asked_for_again_next_time(self, page: Page, running: Running) -> None:
        page.evaluate(
            """([endpoint, valid]) => {
                globalThis.given = ["bad", valid];
                const getToken = ({ refresh }) => (refresh ? given.shift() : "expired");
                globalThis.files = new PresignClient({ endpoint, getToken });
            }""",
            [f"{running.stack.url}/v1/presign", running.stack.token()],
        )
        assert failure(page, LINK) == "unauthorized"
        assert "X-Amz-Signature=" in page.evaluate("files.link('a')")

    @pytest.mark.parametrize("broken", ["secret\\nsecret", "secret\\u00e9", "secret secret", "secret\\u0000"])
    def test_a_token_that_no_header_can_hold(self, page: Page, running: Running, broken: str) -> None:
        page.evaluate(
            f"""(endpoint) => {{
                globalThis.files = new PresignClient({{ endpoint, getToken: () => "{broken}" }});
            }}""",
            f"{running.stack.url}/v1/presign",
        )
        told = page.evaluate(
            "() => files.link('a').catch((error) => [error.code, `${error} ${error.stack} ${error.cause}`])"
        )
        assert told[0] == "no_token"
        assert "secret" not in told[1]

    def test_spaces_around_a_token_do_no_harm(self, page: Page, running: Running) -> None:
        client_at(page, f"{running.stack.url}/v1/presign", f" {running.stack.token()}\n")
        assert "X-Amz-Signature=" in page.evaluate("files.link('a')")


class TestSecrets:
    """Others may read messages and logs."""

    def test_no_url_and_no_token_is_told(self, page: Page, running: Running, tmp_path: Path) -> None:
        lines: list[str] = []

        def keep(message: ConsoleMessage) -> None:
            # Chromium writes down each failed request by itself, which no page can prevent.
            if not message.text.startswith("Failed to load resource:"):
                lines.append(message.text)

        page.on("console", keep)
        url = "https://store.example/n/b/o/told.txt?X-Amz-Signature=0123456789"
        message = f"<Error><Code>Odd</Code><Message>Use {url} or /p/0123456789/n/b/o/a.</Message></Error>"
        page.route("**/told.txt*", Answers({"status": 400, "body": message, "content_type": "application/xml"}))
        page.route("**/lost.txt*", lambda route: route.abort())
        page.clock.install()
        page.set_input_files("input", make_file(tmp_path / "file.bin", 1000))
        told = page.evaluate(
            """() => {
                const all = (error) => [error.message, error.stack, error.cause, JSON.stringify(error)].join(" ");
                const [file] = document.querySelector("input").files;
                globalThis.lost = files.upload(file, "lost.txt").catch(all);
                return files.upload(file, "told.txt").catch(all);
            }"""
        )

        def is_lost() -> bool:
            page.clock.run_for(10_000)
            return page.evaluate("Promise.race([lost, null])") is not None

        wait_for(page, is_lost)
        told += page.evaluate("lost")
        assert "The storage refused the request" in told
        for secret in ("0123456789", "X-Amz-", "store.example", running.stack.token(), running.stack.storage_url):
            assert secret not in told
        assert lines == []

    def test_no_url_and_no_token_that_the_api_repeats_is_told(self, page: Page, running: Running) -> None:
        secret = f"https://store.example/a?X-Amz-Signature=0123456789 and Bearer {running.stack.token()}"
        errors = [{"pointer": "/key", "detail": secret}]
        page.route(
            "**/v1/presign", Answers({"status": 400, "json": {"code": "odd", "detail": secret, "errors": errors}})
        )
        told = page.evaluate("files.link('a').catch((error) => `${error} ${error.stack} ${JSON.stringify(error)}`)")
        assert "odd" in told
        for part in ("0123456789", "store.example", running.stack.token()):
            assert part not in told


class TestHeadersOfOtherTools:
    """Tools for traces add headers to all requests of a page, which the API must allow."""

    @pytest.mark.parametrize("allowed", [[], ["traceparent", "baggage", "x-requested-with"]], ids=["not", "allowed"])
    def test_the_preflight_request(
        self, browser: Browser, address: str, start: Callable[..., Running], allowed: list[str]
    ) -> None:
        specification = with_allowed_headers(json.loads(TEMPLATE.read_text("utf-8")), allowed)
        headers = specification["requestPolicies"]["cors"]["allowedHeaders"]
        running = start(specification={**NO_RATE_LIMIT, ("requestPolicies", "cors", "allowedHeaders"): headers})
        page = open_page(browser, address)
        sign_in(page, running)
        page.evaluate(
            """() => {
                const plain = globalThis.fetch;
                const added = { traceparent: "00-1-2-01", baggage: "a=b", "x-requested-with": "XMLHttpRequest" };
                globalThis.fetch = (url, options) =>
                    plain(url, { ...options, headers: { ...options.headers, ...added } });
            }"""
        )
        found = error_of(page, LINK)
        assert found is None if allowed else found["code"] == "wrong_endpoint"
        page.close()


class TestLinks:
    """The URLs of many objects."""

    def test_the_links_of_many_objects_come_by_few_calls(self, page: Page, running: Running) -> None:
        since = len(running.log())
        running.stack.storage.put_object(BUCKET, "many/0001", b"x")
        links = page.evaluate(
            """async () => {
                const keys = Array.from({ length: 2001 }, (_, index) => `many/${String(index).padStart(4, "0")}`);
                return (await files.links(keys)).map(({ url }) => url);
            }"""
        )
        assert [f"/many/{number:04}?" in link for number, link in enumerate(links)] == [True] * 2001
        assert page.evaluate("(url) => fetch(url).then((answer) => answer.text())", links[1]) == "x"
        calls = {json.loads(line)["call_id"] for line in running.log()[since:].splitlines() if '"get_object"' in line}
        assert len(calls) == 3

    def test_a_key_that_is_refused_does_no_harm_to_the_others(self, page: Page) -> None:
        found = page.evaluate(
            """async () => (await files.links(["a", "../b", "c"])).map(
                (one) => (one instanceof PresignError ? one.code : typeof one.url),
            )"""
        )
        assert found == ["string", "invalid_request", "string"]

    def test_there_may_be_none(self, page: Page) -> None:
        assert page.evaluate("files.links([])") == []

    def test_long_keys_go_in_smaller_calls(self, page: Page) -> None:
        """A call may have a MiB, and its answer 6 MB."""
        count = page.evaluate(
            """async () => {
                const keys = Array.from({ length: 1000 }, (_, index) => `${index}/${"ü".repeat(500)}`);
                return (await files.links(keys)).filter(({ url }) => url.includes("X-Amz-Signature=")).length;
            }"""
        )
        assert count == 1000

    def test_a_call_has_twenty_pre_authenticated_requests(self, page: Page, running: Running) -> None:
        sign_in(page, running, via="par")
        ids = page.evaluate(
            """async () => {
                const keys = Array.from({ length: 45 }, (_, index) => `pars/${index}`);
                return (await files.links(keys, { expiresIn: 60 })).map(({ id }) => id);
            }"""
        )
        assert len(set(ids)) == 45


def test_a_missing_argument_is_named(page: Page) -> None:
    for options in ("", "{}", "{ endpoint: null }", '{ endpoint: "" }'):
        told = page.evaluate(
            f"() => {{ try {{ new PresignClient({options}); }} catch (one) {{ return [one.code, one.message]; }} }}"
        )
        assert told == ["invalid_argument", "The option `endpoint` must be a URL."]
    assert failure(page, "() => files.upload('text', 'a')") == "invalid_argument"
    assert failure(page, "() => files.upload(undefined, 'a')") == "invalid_argument"


def test_an_endpoint_may_be_a_path_of_the_pages_origin(page: Page, running: Running) -> None:
    page.goto(f"{running.stack.url}/")
    page.evaluate("import('./clients/js/src/index.js').then((all) => Object.assign(globalThis, all))")
    client_at(page, "/v1/presign/", running.stack.token())
    assert "X-Amz-Signature=" in page.evaluate("files.link('a')")
