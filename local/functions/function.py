"""The function as it runs in OCI: the FDK's own process, spoken to over its unix socket as the Fn agent does."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple

TIMEOUT_SECONDS = 30
START_SECONDS = 10
RESTART_PAUSE_SECONDS = 0.5

FDK_COMMAND = (Path(sys.executable).with_name("fdk"), "func.py", "handler")
START_COMMAND = (sys.executable, "func.py")
"""What the image starts: the function gets ready before its first call."""


def bare_python() -> list[Path | str]:
    """This Python, but with none of the packages that are installed for it."""
    return [Path(sys.base_exec_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}"), "-S", "-s"]


def in_image(image: Path, command: Sequence[Path | str]) -> list[Path | str]:
    """What does the same as `command` with an image's own packages."""
    script = [] if command[0] == sys.executable else [image / "python" / "bin" / "fdk"]
    return [*bare_python(), *script, *command[1:]]


class Answer(NamedTuple):
    """What the function answered: an HTTP response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class FunctionUnavailable(Exception):
    """The function's process does not answer."""


class Function:
    """Runs the process, and again whenever it ends by itself.

    Args:
        root: the folder of `func.py`.
        environment: what the process finds in its environment, beyond what the Fn agent sets.
        socket_path: where the process is to listen; at most some 100 bytes long.
        log: takes what the process writes; by default it goes where this process writes its own.
        command: what starts it, in `root`; the FDK's own command by default.
    """

    def __init__(
        self,
        *,
        root: Path,
        environment: Mapping[str, str],
        socket_path: Path,
        log: BinaryIO | None = None,
        command: Sequence[Path | str] = FDK_COMMAND,
    ) -> None:
        self._root = root
        self._command = list(command)
        self._environment = dict(environment)
        self._socket_path = socket_path
        self._log = log
        self._stopping = threading.Event()
        self._process = self._start_process()
        self._watcher = threading.Thread(target=self._restart_when_it_ends, daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """The id of the process that runs now."""
        return self._process.pid

    def stop(self) -> None:
        """End the process, for good."""
        self._stopping.set()
        self._process.terminate()
        self._watcher.join()

    def __enter__(self) -> Function:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_process(self) -> subprocess.Popen[bytes]:
        # The FDK does not remove what an earlier process left, and then cannot listen.
        for path in (self._socket_path, self._socket_path.with_name(f"phony{self._socket_path.name}")):
            path.unlink(missing_ok=True)
        return subprocess.Popen(  # noqa: S603 - a fixed command
            self._command,
            cwd=self._root,
            env={
                "PYTHONPATH": str(self._root),
                "FN_FORMAT": "http-stream",
                "FN_LISTENER": f"unix:{self._socket_path}",
                **self._environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,  # so that Ctrl-C in the terminal is ours alone to act on
        )

    def _restart_when_it_ends(self) -> None:
        while True:
            status = self._process.wait()
            if self._stopping.is_set():
                return
            print(f"The function's process ended with status {status}; starting it again.", file=sys.stderr)
            if self._stopping.wait(RESTART_PAUSE_SECONDS):
                return
            self._process = self._start_process()
            if self._stopping.is_set():
                self._process.terminate()


def invoke(
    socket_path: Path,
    body: bytes,
    headers: Iterable[tuple[str, str]] = (),
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Answer:
    """Send `body` to the function as a direct invocation does (`fn invoke`, another function).

    Args:
        timeout_seconds: how long the answer is waited for, which the function is told as its deadline.

    Raises:
        FunctionUnavailable: nobody listens, or the answer does not come.
    """
    return _call(socket_path, body, headers, timeout_seconds)


def invoke_http(
    socket_path: Path, *, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
) -> Answer:
    """Send an HTTP request to the function as API Gateway does, and undo the wrapping of its answer.

    Raises:
        FunctionUnavailable: nobody listens, or the answer does not come.
    """
    agent_headers = [("Fn-Intent", "httprequest"), ("Fn-Http-Method", method), ("Fn-Http-Request-Url", target)]
    # Whoever reads a header on its way leaves out the spaces around its value (RFC 9110, 5.5); the Fn agent does.
    client_headers = [(f"Fn-Http-H-{name}", value.strip(" \t")) for name, value in headers]
    answer = _call(socket_path, body, [*agent_headers, *client_headers])
    status, unwrapped = answer.status, []
    for name, value in answer.headers:
        if name.lower() == "fn-http-status":
            status = int(value)
        elif name.lower().startswith("fn-http-h-"):
            unwrapped.append((name[len("fn-http-h-") :], value))
        elif name.lower() == "content-type":
            unwrapped.append((name, value))
    return Answer(status, unwrapped, answer.body)


def _call(
    socket_path: Path,
    body: bytes,
    headers: Iterable[tuple[str, str]],
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Answer:
    deadline = datetime.now(UTC) + timedelta(seconds=timeout_seconds)
    connection = _UnixConnection(socket_path, timeout_seconds)
    try:
        connection.putrequest("POST", "/call")
        connection.putheader("Fn-Call-Id", uuid.uuid4().hex.upper())
        connection.putheader("Fn-Deadline", deadline.isoformat(timespec="milliseconds"))
        connection.putheader("Content-Length", str(len(body)))
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())
    except (OSError, http.client.HTTPException) as exc:
        raise FunctionUnavailable(f"The function does not answer: {exc!r}") from exc
    finally:
        connection.close()


class _UnixConnection(http.client.HTTPConnection):
    """An HTTP connection over a unix socket, which waits for the other side to come up."""

    def __init__(self, path: Path, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while True:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            try:
                self.sock.connect(str(self._path))
                return
            except (FileNotFoundError, ConnectionRefusedError):
                self.sock.close()
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.02)
