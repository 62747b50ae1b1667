"""The Python client's connections end in time, are kept, and go through proxies."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from presign_client import Client, ConnectionFailed, Gateway, InvalidArgument, Problem, Retry, addresses
from presign_client.connections import Connections
from presign_client.limits import TimeLimit
from presign_client.proxies import Proxy, tunnel
from werkzeug.wrappers import Response

from local.server import Server
from support.python_clients import UNKNOWN_HOST
from support.socket_servers import accepting, proxy, slow_server, tls_server


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class TestTime:
    """A request ends, whatever the server does."""

    def test_a_wait_is_limited_and_bytes_give_more_time(self) -> None:
        clock = Clock()
        limit = TimeLimit(60, clock=clock)
        assert limit.seconds() == 60
        clock.now += 50
        assert limit.seconds() == 10
        limit.moved(4096 * 20)
        assert limit.seconds() == 30
        limit.moved(4096 * 1000)
        assert limit.seconds() == 60
        clock.now += 1040
        with pytest.raises(TimeoutError):
            limit.seconds()

    @pytest.mark.parametrize(
        ("beginning", "drop"),
        [
            (b"", b""),
            (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ],
        ids=["silent", "headers", "body", "chunks", "interim answers"],
    )
    def test_a_server_that_sends_a_byte_now_and_then_holds_nobody_up(self, beginning: bytes, drop: bytes) -> None:
        with slow_server(beginning, drop) as url, pytest.raises(ConnectionFailed, match="it took too long"):
            _ = Connections().send("GET", url, headers={}, answer_seconds=0.3).content

    def test_a_body_that_nobody_takes_ends_too(self) -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as full,
            pytest.raises(ConnectionFailed, match="it took too long"),
        ):
            url = f"http://127.0.0.1:{full.getsockname()[1]}/"
            Connections().send("PUT", url, bytes(50 << 20), headers={}, answer_seconds=0.3)

    @pytest.mark.parametrize(
        "beginning",
        [
            b"HTTP/1.1 200 OK\r\n",
            b'HTTP/1.1 200 OK\r\nETag: "a',
            b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 1',
            b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 12\r\n',
        ],
    )
    def test_an_answer_whose_headers_end_early_is_a_failure(self, beginning: bytes) -> None:
        def answer(connection: socket.socket) -> None:
            with connection:
                connection.recv(65_536)
                connection.sendall(beginning)

        with accepting(answer) as port, pytest.raises(ConnectionFailed, match="IncompleteRead"):
            Connections().send("HEAD", f"http://127.0.0.1:{port}/", headers={}, answer_seconds=5)

    def test_an_answer_that_ends_early_is_a_failure(self) -> None:
        def answer(connection: socket.socket) -> None:
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")

        with accepting(answer) as port, pytest.raises(ConnectionFailed, match="the answer ended too early"):
            _ = Connections().send("GET", f"http://127.0.0.1:{port}/", headers={}, answer_seconds=5).content


def test_a_connection_serves_many_requests_until_the_server_ends_it() -> None:
    opened: list[int] = []

    def answer(connection: socket.socket) -> None:
        opened.append(1)
        with connection:
            for header in (b"", b"Connection: close\r\n"):
                if connection.recv(65_536):
                    connection.sendall(b"HTTP/1.1 200 OK\r\n" + header + b"Content-Length: 5\r\n\r\nhello")

    connections = Connections()
    with accepting(answer) as port:
        for expected in (1, 1, 2, 2, 3):
            answered = connections.send("GET", f"http://127.0.0.1:{port}/", headers={}, answer_seconds=10)
            assert (answered.content, len(opened)) == (b"hello", expected)


def test_a_refusal_in_the_middle_of_a_body_is_read() -> None:
    """The server answers before it has got all, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 20):  # a reset would take the answer away
                    pass

        thread = threading.Thread(target=refuse)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        answer = Connections().send("PUT", url, bytes(10 << 20), headers={}, answer_seconds=10)
        assert (answer.status, answer.content) == (413, b"large")
        thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://127.0.0.1.example.com/",
        "ftp://127.0.0.1/",
        "//127.0.0.1/",
        "https://",
        "https://a:b/",
        "http://[::1/",
        "",
    ],
)
def test_only_https_and_this_machine_are_asked(url: str) -> None:
    with pytest.raises(InvalidArgument, match="begins with https://"):
        Connections().send("GET", url, headers={}, answer_seconds=1)


@pytest.mark.parametrize(
    ("written", "endpoint"),
    [
        ("https://a.example/v1/presign", "https://a.example/v1/presign"),
        ("https://a.example/v1/presign///", "https://a.example/v1/presign"),
        (" https://a.example/v1/presign/\r\n", "https://a.example/v1/presign"),
        ("HTTPS://A.example/v1/presign", "HTTPS://A.example/v1/presign"),
        ("http://localhost:8080/v1/presign/", "http://localhost:8080/v1/presign"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_an_endpoint_as_people_write_it(written: str, endpoint: str) -> None:
    assert addresses.endpoint(written) == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        " ",
        "a.example/v1/presign",
        "localhost:8080/v1/presign",
        "http://a.example/v1/presign",
        "ftp://localhost/",
        "https:///v1/presign",
        "https://a.example:99999/",
        "https://a..example/",
        "https://a.example/v1/pre sign",
        "https://a.example/v1/\npresign",
        "https://a.example/v1/présign",
        "https://a.example/v1/presign?a=b",
        "https://a.example/v1/presign?",
        "https://a.example/v1/presign#a",
        "https://me:secret@a.example/v1/presign",
        None,
        5,
        b"https://a.example/",
    ],
)
def test_an_endpoint_that_is_none_is_refused_at_once(endpoint: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^The endpoint ") as caught:
        Gateway(endpoint, "token")
    assert "example" not in str(caught.value)


class TestUnknownHosts:
    """A name without an address may be wrong, or the machine is offline."""

    @pytest.mark.parametrize(("attempts", "expected"), [(8, 5), (3, 3)])
    def test_one_that_was_never_reached_is_soon_given_up(self, attempts: int, expected: int) -> None:
        told: list[str] = []
        retry = Retry(attempts, pause=lambda *_: None, on_pause=lambda error, _: told.append(str(error)))
        with pytest.raises(ConnectionFailed) as caught:
            Client(Gateway(f"https://{UNKNOWN_HOST}/v1/presign", "token"), retry=retry).url("a")
        failed = f"The connection to {UNKNOWN_HOST} failed (gaierror: no address was found)."
        assert (str(caught.value), caught.value.passes) == (failed, True)
        assert told == [failed] * (expected - 1)

    def test_one_that_was_reached_before_is_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The machine is offline."""
        pauses: list[float] = []
        retry = Retry(pause=lambda seconds, _: pauses.append(seconds))
        details = b'{"code": "access_denied", "detail": "No.", "status": 403}'
        with Server(lambda _: Response(details, 403, content_type="application/problem+json")) as server:
            asked = Client(Gateway(f"{server.url}/v1/presign", "token"), retry=retry)
            with pytest.raises(Problem, match="access_denied"):
                asked.url("a")
        monkeypatch.setattr(socket, "getaddrinfo", offline)
        with pytest.raises(ConnectionFailed, match="gaierror"):
            asked.url("a")
        assert len(pauses) == 7


def offline(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


class TestTls:
    """Certificates are checked, and a proxy sees but the name of the server."""

    def test_a_certificate_that_nobody_knows_is_refused(self, tmp_path: Path) -> None:
        with (
            tls_server(tmp_path) as (port, _),
            pytest.raises(ConnectionFailed, match="the certificate is not accepted"),
        ):
            Connections().send("GET", f"https://localhost:{port}/", headers={}, answer_seconds=5)

    def test_a_proxy_with_a_password(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with tls_server(tmp_path) as (port, certificate), proxy(port) as (proxy_port, asked):
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            monkeypatch.setenv("https_proxy", f"http://me:se%20cret@127.0.0.1:{proxy_port}")
            monkeypatch.setenv("no_proxy", "")
            url = "https://localhost/secret?signature"
            answer = Connections().send("GET", url, headers={"Authorization": "Bearer t"}, answer_seconds=5)
            assert (answer.status, answer.content) == (200, b"hello")
        assert "CONNECT localhost:443 HTTP/1." in asked[0]
        assert "Proxy-Authorization: Basic bWU6c2UgY3JldA==" in asked[0]
        assert "secret?" not in asked[0] and "Bearer" not in asked[0]


class TestProxies:
    """A proxy may be wrong, too."""

    @pytest.mark.parametrize("named", ["http://[", "http://a:99999", "http://a:b", "http://", "socks5://127.0.0.1:1"])
    def test_a_setting_that_names_none_is_told_at_once(self, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
        monkeypatch.setenv("https_proxy", named)
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(InvalidArgument, match=r"^HTTPS_PROXY must be the URL of an HTTP proxy"):
            Client(Gateway("https://a.example/v1/presign", "token")).url("a")

    @pytest.mark.parametrize(
        ("answer", "told"),
        [
            (b"HTTP/1.1 407 No\r\n\r\n", r"to a\.example failed \(the proxy answered with status 407\)"),
            (b"HTTP/1.1 502 No\r\n\r\n", r"to a\.example failed \(the proxy answered with status 502\)"),
            (b"nonsense\r\n\r\n", r"to the proxy 127\.0\.0\.1 failed \(BadStatusLine\)"),
            (b"", r"to the proxy 127\.0\.0\.1 failed \(RemoteDisconnected\)"),
        ],
    )
    def test_it_is_told_what_the_proxy_did(self, monkeypatch: pytest.MonkeyPatch, answer: bytes, told: str) -> None:
        def refuse(connection: socket.socket) -> None:
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        with accepting(refuse) as port:
            monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{port}")
            monkeypatch.setenv("no_proxy", "")
            with pytest.raises(ConnectionFailed, match=told) as caught:
                Connections().send("GET", "https://a.example/", headers={}, answer_seconds=1)
        assert "secret" not in str(caught.value)

    def test_one_that_sends_a_byte_now_and_then_holds_nobody_up(self) -> None:
        with slow_server(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n") as url, pytest.raises(TimeoutError):
            tunnel(Proxy("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]), {}), "a.example", 443, seconds=0.3)
