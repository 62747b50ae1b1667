"""The function's process, which runs the FDK as it does in OCI Functions."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

RESTART_PAUSE_SECONDS = 0.5

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
