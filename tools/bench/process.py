"""A function's process and a connection to it, with little overhead, so that the measured time is the function's."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from local.functions.function import bare_python
from local.stack import ROOT
from tools.bench.cpu_limit import CpuLimit

FUNCTIONS = Path(__file__).with_name("functions")
IMAGE = ROOT / ".bench" / "image"
CLAIMS_KEY = "0" * 32
"""The gateway secret of the functions that are measured."""
PLAIN = ROOT / ".bench" / "plain"
"""The folder that a plain `pip install --target` of the requirements makes."""
START_SECONDS = 30


class Program(NamedTuple):
    """A program that runs a function.

    Args:
        root: the folder of `func.py`.
        python_path: the folders of its packages, instead of this Python's own.
        script: the script and its arguments.
    """

    root: Path
    python_path: Sequence[Path]
    script: Sequence[str | Path]


def stock(root: Path, packages: Path = PLAIN) -> Program:
    """The FDK's own command, with `packages`."""
    return Program(root, [root, packages], [packages / "bin" / "fdk", "func.py", "handler"])


def image(script: str = "func.py") -> Program:
    """The image's entry point."""
    return Program(IMAGE / "function", [IMAGE / "function", IMAGE / "python"], [script])


class Memory(NamedTuple):
    """The resident set of a process, and its peak so far."""

    resident_mib: float
    peak_mib: float


class Process:
    """Runs a function until the end of the context.

    Args:
        program: the program to run.
        environment: the function's variables, on top of those that the Fn agent sets.
        cpu: the share of a CPU that it gets.
    """

    def __init__(self, program: Program, environment: Mapping[str, str], cpu: CpuLimit | None = None) -> None:
        self._program = program
        self._environment = environment
        self._prefix = [] if cpu is None else cpu.prefix

    def __enter__(self) -> Process:
        self._directory = tempfile.TemporaryDirectory(prefix="bench-")
        self._socket_path = Path(self._directory.name, "function.sock")
        environment = {
            "PYTHONPATH": os.pathsep.join(map(str, self._program.python_path)),
            "FN_FORMAT": "http-stream",
            "FN_LISTENER": f"unix:{self._socket_path}",
            **self._environment,
        }
        self.started_at = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: S603 - the programs above
            [*self._prefix, *bare_python(), *self._program.script],
            cwd=self._program.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self.end()
        self._directory.cleanup()

    def end(self) -> float:
        """Kill the process; return the CPU seconds of all its threads."""
        self._process.send_signal(signal.SIGKILL)
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime + usage.ru_stime

    def connect(self) -> Connection:
        """A connection, as soon as the process listens."""
        give_up_at = time.monotonic() + START_SECONDS
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(self._socket_path))
                return Connection(connection)
            except OSError:
                connection.close()
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.001)

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def memory(self) -> Memory:
        """The memory that the process uses now."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        kib = {name: int(value.split()[0]) for name, value in re.findall(r"(VmRSS|VmHWM):(.*)", status)}
        return Memory(resident_mib=kib["VmRSS"] / 1024, peak_mib=kib["VmHWM"] / 1024)


def run_parts(name: str, program: Program, environment: Mapping[str, str]) -> dict[str, float]:
    """The milliseconds of each part, as `parts.py` measures them with the packages of `program`."""
    done = subprocess.run(  # noqa: S603 - our own script
        [*bare_python(), Path(__file__).with_name("parts.py"), name, CLAIMS_KEY],
        cwd=program.root,
        env={"PYTHONPATH": os.pathsep.join(map(str, program.python_path)), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    parts: dict[str, float] = json.loads(done.stdout)
    return parts


class Connection:
    """A kept connection to a function."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def call(self, request: bytes) -> bytes:
        """Send a request, and return the body of the answer.

        Raises:
            RuntimeError: the function failed.
        """
        self._socket.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive()
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += self._receive()
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{head!r}: {body!r}")
        return body

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _receive(self) -> bytes:
        chunk = self._socket.recv(65536)
        if not chunk:
            raise RuntimeError("The function has hung up")
        return chunk


def request(body: bytes, *, gateway: bool) -> bytes:
    """A call as the Fn agent makes it, of API Gateway or of a direct invocation."""
    head = [
        "POST /call HTTP/1.1",
        "Host: localhost",
        "Fn-Call-Id: 01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "Fn-Deadline: 2099-01-01T00:00:00Z",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    if gateway:
        head += [
            "Fn-Intent: httprequest",
            "Fn-Http-Method: POST",
            "Fn-Http-Request-Url: /v1/presign",
            "Fn-Http-H-Content-Type: application/json",
            f"Fn-Http-H-X-Claim-Sub: {CLAIMS_KEY}:alice:",
        ]
    return "\r\n".join([*head, "", ""]).encode() + body
