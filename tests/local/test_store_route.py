"""The store route: API Gateway passes presigned requests on to the store, with CORS, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from werkzeug.wrappers import Request, Response

from local.api_gateway.deployed_api import DeployedApi
from local.api_gateway.deployment import filled_store, parse
from local.api_gateway.gateway import Gateway
from local.api_gateway.http_backend import Encoding
from local.server import Server, headers, target
from support.store import BUCKET, LOWER_BUCKET, Answer, Store, refused, send

ORIGIN = "https://app.example.com"
MIB = 1024 * 1024
KEYS = [
    "a b",
    "a+b",
    "a%b",
    "a%2Fb",
    "a%252fb",
    "a?b=c&d",
    "a#b",
    "a//b",
    "/a",
    "@host/a",
    "ü",
    "😀",
    "a/",
    "a;b=c",
    "~'()*!$,:",
]
ENCODINGS: list[Encoding] = ["kept", "least", "most"]


def gateway_before(store_url: str, *, encoding: Encoding = "kept", **changes: Any) -> Server:
    """A gateway whose only deployment is the store route to one bucket."""
    specification = filled_store({"STORE": [store_url], "BUCKET": [BUCKET], "ALLOWED_ORIGINS": [ORIGIN]})
    for route in specification["routes"]:
        route["backend"].update(changes)
    gateway = Gateway()
    gateway.deploy("/store", DeployedApi(parse(specification), socket_path=Path("none"), encoding=encoding))
    return Server(gateway)


@pytest.fixture(scope="module", params=ENCODINGS)
def route(request: pytest.FixtureRequest, store: Store) -> Iterator[str]:
    """The URL of a store route, under each way to encode URLs."""
    with gateway_before(store.server.url, encoding=request.param) as server:
        yield f"{server.url}/store"


@pytest.fixture(scope="module")
def kept(store: Store) -> Iterator[str]:
    """The URL of a store route that keeps URLs as they are."""
    with gateway_before(store.server.url) as server:
        yield f"{server.url}/store"


def by(route: str, store: Store, url: str) -> str:
    """A URL of the store in the form that leads by the route."""
    assert url.startswith(f"{store.server.url}/")
    return route + url.removeprefix(store.server.url)


class TestRoundTrips:
    """The signature of a URL stays valid, though the gateway encodes it in another way."""

    @pytest.mark.parametrize("key", KEYS)
    def test_a_key_goes_up_comes_back_and_is_deleted(self, route: str, store: Store, key: str) -> None:
        content = key.encode()
        assert send("PUT", by(route, store, store.presign("put_object", Key=key)), body=content)[0] == 200
        assert store.content(key) == content
        disposition = f"attachment; filename*=UTF-8''{quote(key, safe='')}"
        url = store.presign("get_object", Key=key, ResponseContentDisposition=disposition)
        answer = send("GET", by(route, store, url))
        assert answer == (200, content)
        assert answer.headers["Content-Disposition"] == disposition
        head = send("HEAD", by(route, store, store.presign("head_object", Key=key)))
        assert (head[0], head.headers["Content-Length"]) == (200, str(len(content)))
        assert send("DELETE", by(route, store, store.presign("delete_object", Key=key)))[0] == 204
        assert store.content(key) is None

    def test_a_listing(self, route: str, store: Store) -> None:
        store.storage.put_object(BUCKET, "list/ü +.txt", b"x")
        url = store.sign("GET", f"/{BUCKET}?list-type=2&prefix=list%2F%C3%BC%20%2B&delimiter=%2F")
        status, body = send("GET", by(route, store, url))
        assert status == 200
        assert "<Key>list/ü +.txt</Key>".encode() in body

    def test_parts(self, route: str, store: Store) -> None:
        begun = send("POST", by(route, store, store.presign("create_multipart_upload", Key="ü/parts")))
        upload_id = begun[1].partition(b"<UploadId>")[2].partition(b"</UploadId>")[0].decode()
        url = store.presign("upload_part", Key="ü/parts", UploadId=upload_id, PartNumber=1)
        part = send("PUT", by(route, store, url), body=b"part")
        assert part[0] == 200
        assert part.headers["ETag"] == '"f4c9385f1902f7334b00b9b4ecd164de"'
        listed = send("GET", by(route, store, store.presign("list_parts", Key="ü/parts", UploadId=upload_id)))
        assert (listed[0], listed[1].count(b"<PartNumber>1</PartNumber>")) == (200, 1)
        aborted = send(
            "DELETE", by(route, store, store.presign("abort_multipart_upload", Key="ü/parts", UploadId=upload_id))
        )
        assert aborted[0] == 204


class TestRefusals:
    """Nothing gets through but what was signed for this bucket."""

    def refuse(self, answer: Answer, status: int) -> None:
        assert answer[0] == status, answer
        assert answer.headers["Content-Type"] == "application/json"

    def test_an_unsigned_request(self, kept: str) -> None:
        for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
            assert send(method, f"{kept}/{BUCKET}/a.txt")[0] == 400
        self.refuse(send("GET", f"{kept}/{BUCKET}"), 400)
        self.refuse(send("GET", f"{kept}/{BUCKET}/a.txt?x-amz-signature=1&X-Amz-Signature2=1"), 400)

    def test_a_signature_that_is_wrong(self, kept: str, store: Store) -> None:
        store.storage.put_object(BUCKET, "secret", b"s")
        url = by(kept, store, store.presign("get_object", Key="secret"))
        altered = f"{url[:-1]}{'0' if url[-1] != '0' else '1'}"
        assert refused(send("GET", altered)) == (403, "SignatureDoesNotMatch")
        assert refused(send("GET", f"{kept}/{BUCKET}/secret?X-Amz-Signature=1"))[0] == 400

    def test_another_bucket(self, kept: str, store: Store) -> None:
        store.storage.put_object(LOWER_BUCKET, "secret", b"s")
        url = store.presign("get_object", Bucket=LOWER_BUCKET, Key="secret")
        assert send("GET", url)[0] == 200
        self.refuse(send("GET", by(kept, store, url)), 404)

    @pytest.mark.parametrize(
        "path",
        [
            f"{BUCKET}/../{LOWER_BUCKET}/secret",
            f"{BUCKET}/%2e%2e/{LOWER_BUCKET}/secret",
            f"{BUCKET}/%2E%2E%2F{LOWER_BUCKET}/secret",
            f"{BUCKET}/..%2f{LOWER_BUCKET}/secret",
            f"{BUCKET}//../../{LOWER_BUCKET}/secret",
            f"{BUCKET}%2f..%2f{LOWER_BUCKET}/secret",
            f"{BUCKET}/..;/{LOWER_BUCKET}/secret",
            f"/{LOWER_BUCKET}/secret",
            f"{LOWER_BUCKET}/secret",
            f"%2f{LOWER_BUCKET}/secret",
            f"{BUCKET}x/../{LOWER_BUCKET}/secret",
        ],
    )
    def test_a_path_that_would_leave_the_bucket(self, route: str, store: Store, path: str) -> None:
        store.storage.put_object(LOWER_BUCKET, "secret", b"s")
        query = store.presign("get_object", Bucket=LOWER_BUCKET, Key="secret").partition("?")[2]
        status, body = send("GET", f"{route}/{path}?{query}")
        assert status in (403, 404)
        assert body != b"s"

    @pytest.mark.parametrize(
        "rest", ["/{other}/a", "@{other}/a", ".{other}/a", ":80@{other}/", "//{other}/a", "%2f{other}/a"]
    )
    def test_a_path_that_would_lead_to_another_host(self, route: str, rest: str) -> None:
        reached: list[Request] = []
        with Server(lambda request: reached.append(request) or Response("here")) as other:  # type: ignore[func-returns-value]
            host = other.url.removeprefix("http://")
            for slash in ("/", ""):
                path = f"{BUCKET}{slash}{rest.replace('{other}', host)}"
                assert send("GET", f"{route}/{path}?X-Amz-Signature=1")[0] in (400, 403, 404)
        assert reached == []

    def test_a_form(self, kept: str) -> None:
        """Forms go to the store itself, whose answers to them no page needs to read."""
        assert requests.post(f"{kept}/{BUCKET}", data={"key": "a"}, files={"file": b"x"}, timeout=10).status_code == 400

    def test_another_method(self, kept: str) -> None:
        answer = send("PATCH", f"{kept}/{BUCKET}/a?X-Amz-Signature=1")
        self.refuse(answer, 405)
        assert answer.headers["Allow"] == "GET, HEAD, PUT, POST, DELETE"

    @pytest.mark.parametrize("path", ["", "/", f"/{BUCKET.lower()}/a", "x/a"])
    def test_another_place(self, kept: str, path: str) -> None:
        self.refuse(send("GET", f"{kept}{path}?X-Amz-Signature=1"), 404)

    def test_an_expired_url(self, kept: str, store: Store) -> None:
        url = store.sign("GET", f"/{BUCKET}/a").replace("X-Amz-Expires=60", "X-Amz-Expires=0")
        assert refused(send("GET", by(kept, store, url)))[0] == 400


class TestSizes:
    """A body may have 20 MiB."""

    def test_twenty_mebibytes(self, kept: str, store: Store) -> None:
        content = bytes(20 * MIB)
        assert send("PUT", by(kept, store, store.presign("put_object", Key="large")), body=content)[0] == 200
        answer = requests.get(by(kept, store, store.presign("get_object", Key="large")), timeout=30)
        assert answer.content == content

    def test_one_byte_more(self, kept: str, store: Store) -> None:
        url = by(kept, store, store.presign("put_object", Key="larger"))
        answer = send("PUT", url, {"Origin": ORIGIN}, bytes(20 * MIB + 1))
        assert answer == (413, b'{"code": 413, "message": "Request Entity Too Large"}')
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert store.content("larger") is None

    def test_an_answer_may_be_larger(self, kept: str, store: Store) -> None:
        content = bytes(range(256)) * 4096 * 24
        store.storage.put_object(BUCKET, "24 MiB", content)
        assert requests.get(by(kept, store, store.presign("get_object", Key="24 MiB")), timeout=30).content == content

    def test_a_range_and_an_answer_without_content(self, kept: str, store: Store) -> None:
        store.storage.put_object(BUCKET, "range", b"0123456789")
        url = by(kept, store, store.presign("get_object", Key="range"))
        part = send("GET", url, {"Range": "bytes=2-4"})
        assert part == (206, b"234")
        etag = send("GET", url).headers["ETag"]
        same = send("GET", url, {"If-None-Match": etag})
        assert same == (304, b"")


class TestCors:
    """A page of an allowed origin may use the route and read every answer, refusals included."""

    def test_a_preflight_request_needs_no_signature(self, kept: str) -> None:
        asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-a"}
        answer = send("OPTIONS", f"{kept}/{BUCKET}/a.txt", asked)
        assert answer == (204, b"")
        told = {name: value for name, value in answer.headers.items() if name.startswith("Access-Control")}
        assert told == {
            "Access-Control-Allow-Origin": ORIGIN,
            "Access-Control-Allow-Methods": "GET, HEAD, PUT, POST, DELETE",
            "Access-Control-Allow-Headers": "*",
            "Access-Control-Max-Age": "600",
        }

    def test_answers_and_refusals(self, kept: str, store: Store) -> None:
        store.storage.put_object(BUCKET, "cors", b"c")
        signed = by(kept, store, store.presign("get_object", Key="cors"))
        for url, status in ((signed, 200), (f"{signed}0", 403), (f"{kept}/{BUCKET}/cors", 400), (f"{kept}/no", 404)):
            answer = send("GET", url, {"Origin": ORIGIN})
            assert answer[0] == status
            assert answer.headers.get_all("Access-Control-Allow-Origin") == [ORIGIN]
            assert answer.headers["Access-Control-Expose-Headers"] == "*"
            assert "Access-Control-Allow-Credentials" not in answer.headers
            assert "Origin" in answer.headers["Vary"]

    def test_another_origin(self, kept: str, store: Store) -> None:
        url = by(kept, store, store.presign("get_object", Key="cors"))
        for answer in (
            send("GET", url, {"Origin": "https://evil.example.com"}),
            send("OPTIONS", url, {"Origin": f"{ORIGIN}.evil", "Access-Control-Request-Method": "GET"}),
        ):
            assert not [name for name in answer.headers if name.startswith("Access-Control")]


class TestHeaders:
    """The store gets the client's headers but for `Authorization`; the client gets no cookie, and no page runs."""

    @pytest.fixture
    def echo(self) -> Iterator[tuple[str, list[tuple[str, str, list[tuple[str, str]]]]]]:
        """A route to a server that sets cookies, and the requests that it has got."""
        got: list[tuple[str, str, list[tuple[str, str]]]] = []

        def answer(request: Request) -> Response:
            got.append((request.method, target(request), headers(request)))
            response = Response("<script>1</script>", content_type="text/html")
            response.headers.add("Set-Cookie", "a=b")
            response.headers.add("Vary", "Accept-Encoding")
            response.headers.add("Content-Security-Policy", "default-src *")
            return response

        with Server(answer) as store, gateway_before(store.url) as gateway:
            yield f"{gateway.url}/store/{BUCKET}/a%2Bb?X-Amz-Signature=1", got

    def test_the_stores_name_and_the_clients_address(self, echo: Any) -> None:
        url, got = echo
        given = {
            "Authorization": "Bearer x",
            "X-Forwarded-For": "10.0.0.1",
            "Forwarded": "for=10.0.0.1",
            "X-Real-IP": "1",
        }
        send("PUT", url, {**given, "x-amz-meta-a": "b", "Expect": "100-continue"}, b"body")
        [(method, path, sent)] = got
        assert (method, path) == ("PUT", f"/{BUCKET}/a%2Bb?X-Amz-Signature=1")
        host = dict(sent)["Host"]
        assert host != url.split("/")[2]
        assert sorted((name.lower(), value) for name, value in sent) == [
            ("content-length", "4"),
            ("forwarded", "for=10.0.0.1, for=127.0.0.1"),
            ("host", host),
            ("x-amz-meta-a", "b"),
            ("x-forwarded-for", "10.0.0.1, 127.0.0.1"),
            ("x-real-ip", "127.0.0.1"),
        ]

    def test_an_answer(self, echo: Any) -> None:
        answer = send("GET", echo[0])
        assert answer.headers["Content-Security-Policy"] == "sandbox"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Vary"] == "Accept-Encoding, Origin"
        assert "Set-Cookie" not in answer.headers

    def test_a_url_that_came_with_an_api_token(self, kept: str, store: Store) -> None:
        """The store itself would refuse a second way to authenticate."""
        store.storage.put_object(BUCKET, "a.txt", b"a")
        url = store.presign("get_object")
        assert refused(send("GET", url, {"Authorization": "Bearer x"})) == (400, "InvalidArgument")
        assert send("GET", by(kept, store, url), {"Authorization": "Bearer x"}) == (200, b"a")


class TestFailures:
    """A store that does not answer."""

    def test_nobody_listens(self) -> None:
        with Server(lambda _: Response()) as gone:
            pass
        with gateway_before(gone.url) as gateway:
            answer = send("GET", f"{gateway.url}/store/{BUCKET}/a?X-Amz-Signature=1", {"Origin": ORIGIN})
        assert answer == (502, b'{"code": 502, "message": "Bad Gateway"}')
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN

    def test_one_that_is_too_slow(self) -> None:
        stopping = threading.Event()

        def wait(_: Request) -> Response:
            stopping.wait(30)
            return Response()

        with Server(wait) as slow, gateway_before(slow.url, readTimeoutInSeconds=0.2) as gateway:
            answer = send("GET", f"{gateway.url}/store/{BUCKET}/a?X-Amz-Signature=1")
            stopping.set()
        assert answer == (504, b'{"code": 504, "message": "Gateway Timeout"}')
