"""The Python client's failures are errors of its own, which say what to do and hold no secret."""

from __future__ import annotations

import codecs
import copy
import hashlib
import io
import json
import logging
import pickle
import re
import socket
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.sax.saxutils import escape

import pytest
from presign_client import (
    Changed,
    Client,
    ConnectionFailed,
    FieldError,
    FolderError,
    Gateway,
    InvalidArgument,
    NoToken,
    PresignError,
    Problem,
    Retry,
    StoreError,
    UnreadableFile,
    UnwritableFile,
)
from presign_client.answers import seconds
from presign_client.state import State
from werkzeug.wrappers import Request, Response

from local.server import Server
from local.stack import OBJECT
from support.python_clients import Recorder, client
from support.socket_servers import accepting
from support.systems import Running

ERRORS = json.loads((Path(__file__).parent / "behaviours" / "errors.json").read_text("utf-8"))
PAGE = b"<!doctype html><title>Blocked</title>"


def answering(response: Callable[[], Response], *, retry: Retry | None = None) -> Any:
    """A client whose API gives these answers, within `with`."""

    class Asked:
        def __enter__(self) -> Client:
            self.server = Server(lambda _: response())
            return Client(Gateway(f"{self.server.url}/v1/presign", "token"), retry=retry or Retry(attempts=1))

        def __exit__(self, *_: object) -> None:
            self.server.stop()

    return Asked()


class TestTheApi:
    """An answer of the API, or of somebody in its place."""

    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: str(error["status"]))
    def test_a_status_alone_says_what_to_do(self, error: dict[str, Any]) -> None:
        body = json.dumps({"code": error["status"], "message": "Some phrase"})

        def refuse() -> Response:
            return Response(body, error["status"], content_type="application/json")

        with answering(refuse) as asked, pytest.raises(Problem) as caught:
            asked.url("a")
        assert (caught.value.status, caught.value.code) == (error["status"], error["code"])
        assert str(caught.value) == f"{error['code']}: {error['sentence']}"

    def test_the_gateway_itself(self, running: Running) -> None:
        token = running.stack.token()
        with pytest.raises(Problem, match=r"^unauthorized: The token is missing"):
            Client(Gateway(f"{running.stack.url}/v1/presign", "old")).url("a")
        with pytest.raises(Problem, match=r"^wrong_endpoint: .* the endpoint ends in /v1/presign"):
            Client(Gateway(running.stack.url, token)).url("a")

    @pytest.mark.parametrize(
        ("status", "content_type", "body"),
        [
            (200, "text/html", PAGE),
            (403, "text/html", PAGE),
            (200, "application/json", b'{"errors": ["blocked"]}'),
            (403, "application/json", b'{"errors": [{"reason": "blocked"}, "rule 7"], "status": "no", "detail": {}}'),
            (200, "application/json", b"[]"),
            (200, "application/json", b"null"),
            (200, "application/json", b"[" * 100_000),
            (200, "application/json", b'{"url": "https://a", "method": "GET", "headers": 1, "expires_in": "soon"}'),
            (200, "application/json", b""),
            (403, "application/json", b'{"code": "WAF_BLOCKED", "message": "no"}'),
        ],
    )
    def test_a_stranger_is_told_from_the_api(self, status: int, content_type: str, body: bytes) -> None:
        with (
            answering(lambda: Response(body, status, content_type=content_type)) as asked,
            pytest.raises(Problem) as caught,
        ):
            asked.url("a")
        assert (caught.value.code, caught.value.status) == ("foreign_answer", status)
        assert "a proxy or a firewall may have given it" in str(caught.value)

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("url", 5),
            ("url", "https://a.example/\x1b[31m"),
            ("method", 5),
            ("headers", {"a": 5}),
            ("headers", [["a"]]),
            ("expires_at", None),
            ("expires_in", 10**400),
            ("expires_in", float("inf")),
            ("expires_in", -1),
            ("expires_in", "60"),
            ("operation", []),
            ("bucket", 5),
            ("key", 5),
            ("fields", {"a": None}),
            ("via", 5),
            ("id", {"a": 1}),
            ("bound", "yes"),
        ],
    )
    def test_an_answer_with_a_member_of_another_type(self, running: Running, member: str, value: Any) -> None:
        asked = client(running, presigner=Recorder.of(running, lambda _, answer: {**answer, member: value}))
        for act in (lambda: asked.url(OBJECT), lambda: asked.read(OBJECT), lambda: asked.upload(b"x", "typed")):
            with pytest.raises(Problem) as caught:
                act()
            assert caught.value.code == "foreign_answer"

    @pytest.mark.parametrize("member", ["part_size", "max_parts", "max_content_length"])
    @pytest.mark.parametrize("value", ["5", 0, -1, 1.5, [], True])
    def test_an_answer_with_another_kind_of_number(self, running: Running, member: str, value: Any) -> None:
        asked = client(running, presigner=Recorder.of(running, lambda _, answer: {**answer, member: value}))
        with pytest.raises(Problem) as caught:
            asked.upload(bytes(17 << 20), "numbers")
        assert caught.value.code == "foreign_answer"

    def test_a_refusal_is_not_tried_again(self) -> None:
        asked: list[int] = []

        def answer() -> Response:
            asked.append(1)
            details = {"status": 403, "code": "access_denied", "detail": "No."}
            return Response(json.dumps(details), 403, content_type="application/problem+json")

        with answering(answer, retry=Retry(first_pause_seconds=0)) as one, pytest.raises(Problem):
            one.url("a")
        assert len(asked) == 1

    def test_a_redirect_gets_no_body(self) -> None:
        requests: list[str] = []

        def answer(request: Request) -> Response:
            requests.append(request.path)
            return Response(PAGE, 307, headers={"Location": f"{request.host_url}elsewhere"})

        with Server(answer) as server, pytest.raises(Problem) as caught:
            Client(Gateway(f"{server.url}/v1/presign", "token"), retry=Retry(attempts=1)).url("a")
        assert (caught.value.code, requests) == ("redirected", ["/v1/presign"])


class TestTheStore:
    """An answer of Object Storage, or of somebody in its place."""

    @pytest.mark.parametrize("page", [PAGE, b"<html><title>Blocked</title></html>"])
    @pytest.mark.parametrize(("status", "passes"), [(200, False), (403, False), (503, True)])
    def test_a_page_in_the_place_of_an_answer(self, running: Running, page: bytes, status: int, passes: bool) -> None:
        with Server(lambda _: Response(page, status, content_type="text/html")) as server:
            asked = client(
                running,
                presigner=Recorder.of(running, lambda _, answer: {**answer, "url": f"{server.url}/a"}),
                retry=Retry(attempts=1),
            )
            for act in (
                lambda: asked.upload(b"hello", "page"),
                lambda: asked.read("page"),
                lambda: asked.delete("page"),
                lambda: list(asked.list("page/")),
                lambda: asked.copy("page", "copy"),
            ):
                with pytest.raises(StoreError) as caught:
                    act()
                assert (caught.value.code, caught.value.passes) == ("foreign_answer", passes)

    @pytest.mark.parametrize("status", [301, 307, 308])
    def test_a_redirect_gets_no_body(self, running: Running, status: int) -> None:
        requests: list[str] = []

        def answer(request: Request) -> Response:
            requests.append(request.path)
            return Response(status=status, headers={"Location": f"{request.host_url}elsewhere"})

        with Server(answer) as server:
            asked = client(
                running, presigner=Recorder.of(running, lambda _, answer: {**answer, "url": f"{server.url}/a"})
            )
            with pytest.raises(StoreError) as caught:
                asked.upload(b"hello", "redirected")
        assert (caught.value.code, caught.value.status, requests) == ("redirected", status, ["/a"])

    def test_no_byte_goes_out_in_the_clear(self, running: Running) -> None:
        asked = client(
            running,
            presigner=Recorder.of(running, lambda _, answer: {**answer, "url": "http://192.0.2.1/a?sig=secret"}),
        )
        for act in (lambda: asked.upload(b"hello", "clear"), lambda: asked.read("clear")):
            with pytest.raises(InvalidArgument) as caught:
                act()
            assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("encoding", ["Shift_JIS", "big5", "utf-32", "utf-7", "nonsense", "rot13", "idna"])
    def test_a_page_in_an_encoding_that_no_parser_knows(self, running: Running, encoding: str) -> None:
        page = f'<?xml version="1.0" encoding="{encoding}"?><html>Blocked</html>'.encode()
        with Server(lambda _: Response(page, 403, content_type="application/xhtml+xml")) as server:
            asked = client(
                running, presigner=Recorder.of(running, lambda _, answer: {**answer, "url": f"{server.url}/a"})
            )
            for act in (lambda: asked.upload(b"hello", "page"), lambda: asked.read("page"), lambda: asked.delete("a")):
                with pytest.raises(StoreError) as caught:
                    act()
                assert (caught.value.code, caught.value.status) == ("foreign_answer", 403)

    @pytest.mark.parametrize(
        "headers",
        [
            {"Content-Length": "1.5"},
            {"Content-Length": "9" * 5000},
            {"Content-Length": "-1"},
            {"Transfer-Encoding": "chunked"},
        ],
    )
    def test_a_size_that_is_none(self, running: Running, headers: dict[str, str]) -> None:
        def answer(connection: socket.socket) -> None:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            with connection:
                connection.recv(65_536)
                connection.sendall(f'HTTP/1.1 200 OK\r\nETag: "1"\r\n{lines}Connection: close\r\n\r\n'.encode())

        with accepting(answer) as port:
            url = f"http://127.0.0.1:{port}/a"
            asked = client(running, presigner=Recorder.of(running, lambda _, answer: {**answer, "url": url}))
            with pytest.raises(StoreError) as caught:
                asked.size("a")
        assert caught.value.code == "foreign_answer"

    @pytest.mark.parametrize("told", ["bytes 0-4/" + "9" * 5000, "bytes 0-4/99999999999999999999"])
    def test_an_object_that_is_larger_than_any(self, running: Running, tmp_path: Path, told: str) -> None:
        headers = {"ETag": '"1"', "Content-Range": told}
        with Server(lambda _: Response(b"hello", 206, headers)) as server:
            url = f"{server.url}/a"
            asked = client(running, presigner=Recorder.of(running, lambda _, answer: {**answer, "url": url}))
            for act in (lambda: asked.read("a"), lambda: asked.download("a", tmp_path / "a")):
                with pytest.raises(StoreError) as caught:
                    act()
                assert caught.value.code == "foreign_answer"

    def test_a_time_that_no_calendar_has_is_left_out(self, running: Running) -> None:
        headers = {"ETag": '"1"', "Last-Modified": "Fri, 31 Dec 9999 23:59:59 -2359"}
        with Server(lambda _: Response(b"hello", headers=headers)) as server:
            url = f"{server.url}/a"
            asked = client(running, presigner=Recorder.of(running, lambda _, answer: {**answer, "url": url}))
            assert (asked.head("a").modified_at, asked.size("a")) == ("", 5)

    def test_what_object_storage_lacks(self, running: Running) -> None:
        asked = client(running)
        with pytest.raises(StoreError, match=r"^NoSuchKey: There is no such object"):
            asked.size("none")
        assert (asked.exists("none"), asked.exists(OBJECT), asked.size(OBJECT)) == (False, True, 26)


class TestRetryAfter:
    """Servers may ask for a pause of any length, or for nonsense."""

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            (None, 0),
            ("", 0),
            ("7", 7),
            ("9" * 400, 31_536_000),
            ("9" * 5000, 31_536_000),
            ("-5", 0),
            ("1.5", 0),
            ("soon", 0),
            ("²", 0),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 31_536_000),
            ("Fri, 99 Foo 99999 99:99:99 GMT", 0),
        ],
    )
    def test_the_seconds(self, header: str | None, expected: float) -> None:
        assert seconds(header) == expected

    @pytest.mark.parametrize(("header", "attempts"), [("0", 3), ("nonsense", 3), ("61", 1), ("9" * 400, 1)])
    def test_a_long_pause_is_not_waited_for(self, header: str, attempts: int) -> None:
        asked: list[int] = []

        def answer() -> Response:
            asked.append(1)
            return Response(status=503, headers={"Retry-After": header})

        retry = Retry(attempts=3, pause=lambda _seconds, _stopped: None)
        with answering(answer, retry=retry) as one, pytest.raises(Problem) as caught:
            one.url("a")
        assert (len(asked), caught.value.retry_after_seconds > 60) == (attempts, attempts == 1)

    def test_a_pause_is_told(self) -> None:
        told: list[tuple[str, float]] = []
        retry = Retry(
            attempts=2,
            pause=lambda _seconds, _stopped: None,
            on_pause=lambda error, seconds: told.append((error.code, seconds)),
        )

        def busy() -> Response:
            return Response(status=503, headers={"Retry-After": "7"})

        with answering(busy, retry=retry) as one, pytest.raises(Problem):
            one.url("a")
        assert told == [("foreign_answer", 7.0)]


class TestTokens:
    """A token is asked for when it is needed, and is never shown."""

    def test_many_refusals_take_one_new_token(self, running: Running) -> None:
        renewals: list[int] = []
        thread = threading.local()
        gate = threading.Barrier(20)

        def token() -> str:
            if not hasattr(thread, "has_asked"):
                thread.has_asked = True
                gate.wait()  # so that all ask with the old one
                return "old"
            renewals.append(1)
            return running.stack.token()

        gateway = Gateway(f"{running.stack.url}/v1/presign", token)
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: gateway.presign({"key": OBJECT}), range(20)))
        assert [answer["key"] for answer in answers] == [OBJECT] * 20
        assert len(renewals) == 1

    @pytest.mark.parametrize(
        "token", ["secret\nX-Evil: 1", "secret\u20ac", "sec ret", "secret\0", b"secret", None, "", " "]
    )
    def test_a_token_that_no_header_can_hold(self, token: Any) -> None:
        for given in (token, lambda: token):
            with pytest.raises(NoToken) as caught:
                Client(Gateway("https://127.0.0.1:9/v1/presign", given)).url("a")
            assert "secret" not in "".join(traceback.format_exception(caught.value))

    def test_a_line_end_behind_the_token_is_not_part_of_it(self, running: Running) -> None:
        token = f"{running.stack.token()}\n"
        assert Client(Gateway(f"{running.stack.url}/v1/presign", token)).url(OBJECT).key == OBJECT

    def test_a_function_that_fails(self) -> None:
        def token() -> str:
            raise KeyError("user")

        with pytest.raises(NoToken, match="KeyError"):
            Client(Gateway("https://127.0.0.1:9/v1/presign", token)).url("a")


def upload_of_a_file_to_write(asked: Client, folder: Path) -> None:
    with (folder / "new").open("wb") as file:
        asked.upload(file, "a")


def download_into_a_file_to_read(asked: Client, folder: Path) -> None:
    with (folder / "file").open("rb") as file:
        asked.download(OBJECT, file)


@pytest.mark.parametrize(
    "error",
    [
        Problem("No.", status=400, code="a", errors=[FieldError("/key", "no")], request_id="r", retry_after_seconds=5),
        StoreError("No.", status=503, code="SlowDown", retry_after_seconds=5),
        ConnectionFailed("a.example", cause="it took too long", is_unknown_host=True),
        InvalidArgument("No."),
        Changed("No."),
        FolderError({"a": StoreError("No.", status=404, code="NoSuchKey")}),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_handed_on_to_another_process(error: PresignError) -> None:
    for handed in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own
        assert (type(handed), str(handed), handed.code) == (type(error), str(error), error.code)
        assert repr(vars(handed)) == repr(vars(error))


class TestArguments:
    """A failure is a `PresignError`, of any argument."""

    @pytest.mark.parametrize(
        "act",
        [
            lambda asked, _: asked.upload("none.txt", "a"),
            lambda asked, folder: asked.upload(folder, "a"),
            lambda asked, _: asked.upload("\0", "a"),
            lambda asked, _: asked.upload(io.StringIO("text"), "a"),
            lambda asked, _: asked.upload(5, "a"),
            lambda asked, _: asked.upload(codecs.getreader("utf-8")(io.BytesIO(b"text")), "a"),
            lambda asked, folder: asked.upload(closed(folder / "file"), "a"),
            upload_of_a_file_to_write,
            lambda asked, folder: asked.download(OBJECT, closed(folder / "file")),
            download_into_a_file_to_read,
            lambda asked, _: asked.download(OBJECT, io.StringIO()),
            lambda asked, _: asked.download(OBJECT, 5),
            lambda asked, _: asked.download(OBJECT, "\0"),
            lambda asked, _: asked.upload(b"x", b"a"),
            lambda asked, _: asked.upload(b"x", "a", metadata={"a": object()}),
            lambda asked, _: asked.upload(b"x", "\udcff"),
            lambda asked, _: asked.url("a", expires_in=float("nan")),
            lambda asked, _: asked.url("a", expires_in={1}),
            lambda asked, _: asked.url("a", expires_in="1 hour"),
            lambda asked, _: asked.links(["a", b"b"]),
            lambda asked, folder: asked.download(OBJECT, folder),
            lambda asked, folder: asked.download(OBJECT, folder / "none" / "a"),
            lambda asked, folder: asked.upload_folder(folder / "none", "a"),
            lambda asked, folder: asked.upload(bytes(17 << 20), "a", state=folder / "file" / "state"),
        ],
    )
    def test_a_wrong_one(self, running: Running, tmp_path: Path, act: Callable[[Client, Path], object]) -> None:
        (tmp_path / "file").write_bytes(b"x")
        with pytest.raises(PresignError):
            act(client(running), tmp_path)

    @pytest.mark.parametrize(
        ("name", "act"),
        [
            ("presigner", lambda _: Client("https://a.example/v1/presign")),  # type: ignore[arg-type]
            ("retry", lambda _: Client(Gateway("https://a.example/", "t"), retry=5)),  # type: ignore[arg-type]
            ("at_once", lambda _: Client(Gateway("https://a.example/", "t"), at_once="4")),  # type: ignore[arg-type]
            ("Retry", lambda _: Retry(attempts="8")),  # type: ignore[arg-type]
            ("Retry", lambda _: Retry(first_pause_seconds=-1)),
            ("Retry", lambda _: Retry(pause=5)),  # type: ignore[arg-type]
            ("keys", lambda asked: asked.links("users/alice/a")),
            ("keys", lambda asked: asked.links(None)),
            ("JSON", lambda asked: asked.links(["a"], metadata={("a",): "b"})),
            ("JSON", lambda asked: asked.url("\udcff")),
            ("content", lambda asked: asked.upload(BytesPath(), "a")),
            ("metadata", lambda asked: asked.upload(b"x", "a", metadata=["album"])),
            ("progress", lambda asked: asked.upload(b"x", "a", progress=5)),
            ("progress", lambda asked: asked.download(OBJECT, "a", progress=5)),
            ("sha256", lambda asked: asked.download(OBJECT, "a", sha256=b"0" * 64)),
            ("sha256", lambda asked: asked.download(OBJECT, "a", sha256="0" * 63)),
            ("target", lambda asked: asked.download(OBJECT, BytesPath())),
            ("state", lambda asked: asked.download(OBJECT, "a", state=5)),
            ("state", lambda asked: asked.download(OBJECT, "a", state=MappingProxyType({}))),
            ("prefix", lambda asked: asked.list(None)),
            ("prefix", lambda asked: asked.upload_folder(".", None)),
            ("prefix", lambda asked: asked.download_folder(b"a", "down")),
            ("folder", lambda asked: asked.upload_folder(5, "a")),
            ("folder", lambda asked: asked.download_folder("a", None)),
            ("state", lambda asked: asked.download_folder("a", "down", state=5)),
            ("start", lambda asked: asked.read(OBJECT, -3)),
            ("start", lambda asked: asked.read(OBJECT, "3")),
            ("end", lambda asked: asked.read(OBJECT, 0, 1.5)),
        ],
    )
    def test_one_that_can_not_be_used_is_named(self, name: str, act: Callable[[Client], object]) -> None:
        """Nothing is sent: nobody listens at that port."""
        with pytest.raises(InvalidArgument, match=name):
            act(Client(Gateway("http://127.0.0.1:9/v1/presign", "token")))

    def test_a_key_may_look_like_the_beginning_of_a_url(self, running: Running) -> None:
        asked = client(running)
        for key in ("x://[a.txt", "http://[x]y.png"):
            assert asked.upload(b"hello", key).key == key

    def test_bytes_that_lie_apart(self, running: Running) -> None:
        client(running).upload(memoryview(b"a-b-c-")[::2], "apart")
        assert client(running).read("apart") == b"abc"

    def test_there_may_be_any_number_of_attempts(self) -> None:
        tried: list[int] = []

        def fail() -> None:
            tried.append(1)
            raise ConnectionFailed("a.example", cause="it took too long")

        with pytest.raises(ConnectionFailed):
            Retry(attempts=1200, pause=lambda *_: None).run(fail)
        assert len(tried) == 1200

    def test_a_duration_may_be_a_timedelta(self, running: Running) -> None:
        assert client(running).url(OBJECT, expires_in=timedelta(minutes=2)).expires_in == 120

    def test_a_state_that_is_no_state(self, running: Running, tmp_path: Path) -> None:
        state = tmp_path / "deep" / "state"
        state.parent.mkdir()
        for content in (b"", b"{", b"[]", b"\xff", b'{"of": 1, "etags": 5}', b"[" * 100_000):
            state.write_bytes(content)
            client(running).upload(bytes(17 << 20), "state", state=state)
        assert not state.exists()

    @pytest.mark.parametrize("state", ["", ".", "file/state", "\0", "s" * 300])
    @pytest.mark.parametrize(
        "act",
        [
            lambda asked, state: asked.upload(bytes(17 << 20), "stated", state=state),
            lambda asked, state: asked.download(OBJECT, "a", state=state),
        ],
    )
    def test_a_path_that_no_state_can_have(
        self,
        running: Running,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        act: Callable[[Client, str], object],
        state: str,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "file").write_bytes(b"x")
        with pytest.raises(UnwritableFile, match="The state of the transfer can't be written"):
            act(client(running), state)
        assert [path.name for path in tmp_path.iterdir()] == ["file"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("upload_id", 5),
            ("part_bytes", None),
            ("part_bytes", -5),
            ("part_bytes", "x"),
            ("etags", None),
            ("etags", [1]),
            ("etags", {"x": 1}),
            ("digests", 5),
            ("done", ["x"]),
            ("done", {"x": 1}),
            ("size", "5"),
            ("part", 5),
        ],
    )
    def test_a_state_of_another_kind_is_not_gone_on_with(
        self, running: Running, tmp_path: Path, name: str, value: Any
    ) -> None:
        data = bytes(17 << 20)
        state: dict[str, Any] = {
            "of": {"bucket": None, "key": "kinds", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()},
            "upload_id": "none",
            "part_bytes": 5 << 20,
        }
        client(running).upload(data, "kinds", state={**state, name: value})
        of = {"bucket": None, "key": "kinds", "version": None, "path": str(tmp_path / "a")}
        client(running).download("kinds", tmp_path / "a", state={"of": of, "size": 5, "etag": "", name: value})
        assert (tmp_path / "a").read_bytes() == data

    def test_two_runs_may_write_the_same_state(self, tmp_path: Path) -> None:
        states = [State(tmp_path / "state", identity={"key": "a"}) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda state: [state.set(number=number) for number in range(200)], states))
        assert json.loads((tmp_path / "state").read_text("utf-8")) == {"number": 199, "of": {"key": "a"}}
        assert [path.name for path in tmp_path.iterdir()] == ["state"]

    def test_what_a_file_system_refuses(self, running: Running, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(UnwritableFile, match="there is a folder of this name"):
            client(running).download(OBJECT, tmp_path)
        with pytest.raises(UnreadableFile, match="Is a directory"):
            client(running).upload(tmp_path, "a")
        with pytest.raises(UnreadableFile, match="No such file"):
            client(running).upload(tmp_path / "none", "a")

    def test_no_connection_at_all(self) -> None:
        with pytest.raises(InvalidArgument, match="at_once"):
            Client(Gateway("https://127.0.0.1/", "t"), at_once=0)


class BytesPath:
    """A path that is no text."""

    def __fspath__(self) -> bytes:
        return b"a"


def closed(path: Path) -> Any:
    """A file that was closed."""
    with path.open("rb") as file:
        return file


def test_no_secret_is_logged_or_shown(running: Running, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in a log at DEBUG, nor in a traceback, nor in the text of any object."""
    caplog.set_level(logging.DEBUG)
    token = running.stack.token()
    asked = Client(Gateway(f"{running.stack.url}/v1/presign", token), retry=Retry(attempts=1))
    asked.upload(b"hello", "logged")
    url = asked.url("logged")
    shown = [repr(asked), repr(url), str(url), caplog.text]
    [signature] = re.findall("X-Amz-Signature=([0-9a-f]{64})", url.url)
    for secret_url in ("http://127.0.0.1:9/a?X-Amz-Signature=" + signature, url.url.replace("X-Amz-Date", "no")):
        other = client(
            running,
            presigner=Recorder.of(running, lambda _, answer, other=secret_url: {**answer, "url": other}),
            retry=Retry(attempts=1),
        )
        for act in (lambda: other.upload(b"x", "a"), lambda: other.download("a", tmp_path / "a")):  # noqa: B023
            with pytest.raises(PresignError) as caught:
                act()
            shown += ["".join(traceback.format_exception(caught.value)), repr(caught.value), repr(caught.value.args)]
    assert [one for one in shown if "X-Amz-Signature=" in one or signature in one or token in one] == []


def test_an_error_that_repeats_a_secret_is_told_without_it(running: Running) -> None:
    """Some proxies name the URL that they could not reach."""

    def answer(request: Request) -> Response:
        told = f"{request.url} {request.full_path} Bearer abc.def /p/0123456789abcdef/n/a {running.stack.token()}"
        return Response(f"<Error><Code>Echo</Code><Message>{escape(told)}</Message></Error>", 400)

    with Server(answer) as server:

        def elsewhere(_: int, answer: dict[str, Any]) -> dict[str, Any]:
            return {**answer, "url": answer["url"].replace(running.stack.storage_url, server.url)}

        with pytest.raises(StoreError) as caught:
            client(running, presigner=Recorder.of(running, elsewhere)).read("a")
    assert str(caught.value) == "Echo: (left out) /PresignedBlog/a?(left out) (left out) (left out) (left out)"
