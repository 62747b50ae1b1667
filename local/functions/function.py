"""Runs the function as OCI Functions does: in a process of the FDK, called over a unix socket."""

from __future__ import annotations

import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple

TIMEOUT_SECONDS = 30
START_SECONDS = 10
RESTART_PAUSE_SECONDS = 0.5
MAX_ANSWER_BYTES = 6_000_000
"""The largest answer that OCI Functions passes on."""

FDK_COMMAND = (Path(sys.executable).with_name("fdk"), "func.py", "handler")
START_COMMAND = (sys.executable, "func.py")
"""The image's command: the function gets ready before its first call."""

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def bare_python() -> list[Path | str]:
    """A command for this Python without the packages that are installed for it."""
    return [Path(sys.base_exec_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}"), "-S", "-s"]


def in_image(image: Path, command: Sequence[Path | str]) -> list[Path | str]:
    """The command that does the same as `command` with an image's own packages."""
    script = [] if command[0] == sys.executable else [image / "python" / "bin" / "fdk"]
    return [*bare_python(), *script, *command[1:]]


class Answer(NamedTuple):
    """An HTTP response of the function."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class FunctionUnavailable(Exception):
    """The function gives no answer that can be passed on."""


class Function:
    """Runs the function's process, and starts it again if it ends by itself.

    On Linux the process ends with this one, even if this one is killed.

    Args:
        root: the folder of `func.py`.
        environment: variables for the process, besides those that the Fn agent sets.
        socket_path: where the process listens; at most some 100 bytes long.
        log: gets the output of the process; this process's own output by default.
        command: starts the process in `root`; the FDK's own command by default.
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
        """End the process and don't start it again."""
        self._stopping.set()
        self._process.terminate()
        self._watcher.join()

    def __enter__(self) -> Function:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_process(self) -> subprocess.Popen[bytes]:
        # The FDK does not remove the sockets of an earlier process, and then cannot listen.
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
            start_new_session=True,  # so that Ctrl-C reaches this process only
            preexec_fn=_end_with(os.getpid()),
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


def _end_with(parent: int) -> Callable[[], None] | None:
    """A function that a new process calls, so that the kernel kills it when `parent` ends."""
    if _LIBC is None:
        return None
    libc = _LIBC

    def ask_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the kernel was asked
            os._exit(1)

    return ask_kernel


def invoke(
    socket_path: Path,
    body: bytes,
    headers: Iterable[tuple[str, str]] = (),
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Answer:
    """Send `body` to the function as a direct invocation does (`fn invoke`, another function).

    Args:
        timeout_seconds: how long to wait for the answer; the function gets the end of this time as its deadline.

    Raises:
        FunctionUnavailable: nobody listens, the answer does not come, or it is too large.
    """
    return _call(socket_path, body, headers, timeout_seconds)


def invoke_http(
    socket_path: Path, *, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
) -> Answer:
    """Send an HTTP request to the function as API Gateway does, and undo the wrapping of its answer.

    Raises:
        FunctionUnavailable: nobody listens, the answer does not come, or it is too large.
    """
    agent_headers = [("Fn-Intent", "httprequest"), ("Fn-Http-Method", method), ("Fn-Http-Request-Url", target)]
    # Spaces around a header's value are no part of it (RFC 9110, 5.5); the Fn agent removes them.
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
    call_id = uuid.uuid4().hex.upper()
    connection = _UnixConnection(socket_path, timeout_seconds)
    try:
        connection.putrequest("POST", "/call")
        connection.putheader("Fn-Call-Id", call_id)
        connection.putheader("Fn-Deadline", deadline.isoformat(timespec="milliseconds"))
        connection.putheader("Content-Length", str(len(body)))
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        answer_headers = [*response.getheaders(), ("Fn-Call-Id", call_id)]
        answer = Answer(response.status, answer_headers, response.read(MAX_ANSWER_BYTES + 1))
    except (OSError, http.client.HTTPException) as exc:
        raise FunctionUnavailable(f"The function does not answer: {exc!r}") from exc
    finally:
        connection.close()
    if len(answer.body) > MAX_ANSWER_BYTES:
        raise FunctionUnavailable(f"The function's answer is larger than {MAX_ANSWER_BYTES:,} bytes.")
    return answer


class _UnixConnection(http.client.HTTPConnection):
    """An HTTP connection over a unix socket. It waits until the other side listens."""

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
