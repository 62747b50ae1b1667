"""With CORS switched on, pages of allowed origins may use the S3 API from a browser and read its errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.store import BUCKET, Answer, Store, refused, send, send_form

APP = "https://app.example.com"
ELSEWHERE = "https://elsewhere.example.com"

ALLOWED = {
    "Access-Control-Allow-Origin": APP,
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, POST, DELETE",
    "Access-Control-Expose-Headers": "ETag",
}


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    it = Store(allowed_origins=[APP, "http://localhost:3000"])
    it.storage.put_object(BUCKET, "a.txt", b"content")
    yield it
    it.server.stop()


@pytest.fixture(scope="module")
def open_store() -> Iterator[Store]:
    it = Store(allowed_origins=["*"])
    it.storage.put_object(BUCKET, "a.txt", b"content")
    yield it
    it.server.stop()


def cors(answer: Answer) -> dict[str, str]:
    """The CORS headers of an answer."""
    return {name: value for name, value in answer.headers.items() if name.startswith("Access-Control-")}


def preflight(store: Store, origin: str | None = APP, method: str | None = "PUT", wanted: str | None = None) -> Answer:
    """Ask as a browser does: no signature, no body."""
    given = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": wanted,
    }
    headers = {name: value for name, value in given.items() if value is not None}
    return send("OPTIONS", store.presign("put_object"), headers)


class TestPreflight:
    """A browser learns, before it sends anything, whether it may."""

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE"])
    def test_an_allowed_origin(self, store: Store, method: str) -> None:
        answer = preflight(store, method=method, wanted="content-type,if-none-match,x-amz-meta-a")
        assert answer == (200, b"")
        assert cors(answer) == {
            "Access-Control-Allow-Origin": APP,
            "Access-Control-Allow-Methods": "GET, HEAD, PUT, POST, DELETE",
            "Access-Control-Allow-Headers": "content-type,if-none-match,x-amz-meta-a",
            "Access-Control-Expose-Headers": "ETag",
            "Access-Control-Max-Age": "3000",
        }
        assert answer.headers["Vary"] == "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"

    def test_no_headers_wanted(self, store: Store) -> None:
        assert "Access-Control-Allow-Headers" not in cors(preflight(store))

    def test_any_origin(self, open_store: Store) -> None:
        assert cors(preflight(open_store, ELSEWHERE))["Access-Control-Allow-Origin"] == "*"

    @pytest.mark.parametrize("origin", [ELSEWHERE, "null", f"{APP}.example.net", "http://app.example.com", "*"])
    def test_another_origin(self, store: Store, origin: str) -> None:
        answer = preflight(store, origin)
        assert refused(answer) == (403, "AccessForbidden")
        assert cors(answer) == {}

    def test_a_store_that_allows_none(self) -> None:
        closed = Store()
        answer = preflight(closed)
        closed.server.stop()
        assert refused(answer) == (403, "AccessForbidden")
        assert cors(answer) == {}

    @pytest.mark.parametrize(("origin", "method"), [(None, "PUT"), (APP, None), (APP, "PATCH")])
    def test_no_preflight(self, store: Store, origin: str | None, method: str | None) -> None:
        assert refused(preflight(store, origin, method)) == (400, "BadRequest")


class TestAnswers:
    """A page of an allowed origin may see the answers to what it sent."""

    def test_a_download(self, store: Store) -> None:
        answer = store.do("GET", "get_object", headers={"Origin": APP})
        assert answer == (200, b"content")
        assert cors(answer) == ALLOWED

    def test_an_upload(self, store: Store) -> None:
        answer = store.do("PUT", "put_object", b"x", {"Origin": APP}, Key="b.txt")
        assert answer[0] == 200
        assert answer.headers["ETag"] == '"9dd4e461268c8034f5c8564e155c67a6"'
        assert cors(answer) == ALLOWED

    def test_a_form(self, store: Store) -> None:
        signed = store.client().generate_presigned_post(BUCKET, "c.txt")
        answer = send_form(signed["url"], signed["fields"], b"x", headers={"Origin": APP})
        assert answer[0] == 204
        assert cors(answer) == ALLOWED

    def test_an_error(self, store: Store) -> None:
        for url in (store.presign("get_object").replace("a.txt", "b.txt"), store.presign("get_object", Key="none")):
            answer = send("GET", url, {"Origin": APP})
            assert answer[0] in (403, 404)
            assert cors(answer) == ALLOWED

    @pytest.mark.parametrize("headers", [{}, {"Origin": ELSEWHERE}])
    def test_other_requests_are_answered_without(self, store: Store, headers: dict[str, str]) -> None:
        answer = store.do("GET", "get_object", headers=headers)
        assert answer == (200, b"content")
        assert cors(answer) == {}
