"""Deadlines of requests, down to each call of a socket."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from time import monotonic
from typing import Any

MIN_BYTES_PER_SECOND = 4096
"""A transfer that is slower on the whole is given up."""

_BUFFER_BYTES = 1 << 16


class TimeLimit:
    """The time that a request may take.

    It may be silent for so many seconds, and all of it may take so many seconds more than its bytes need at the least
    rate. So a server that sends a byte now and then does not hold it up for ever.

    Args:
        silent_seconds: how long nothing may arrive.
        clock: seconds that only ever grow.
    """

    def __init__(self, silent_seconds: float, *, clock: Callable[[], float] = monotonic) -> None:
        self._silent_seconds, self._clock = silent_seconds, clock
        self._end_at = clock() + silent_seconds

    def seconds(self) -> float:
        """How long the next call of the socket may take.

        Raises:
            TimeoutError: the time is over.
        """
        left = self._end_at - self._clock()
        if left <= 0:
            raise TimeoutError
        return min(left, self._silent_seconds)

    def moved(self, count: int) -> None:
        """So many bytes were sent or have arrived."""
        self._end_at += count / MIN_BYTES_PER_SECOND


class TimedSocket:
    """A connected socket whose calls end in time.

    Attributes:
        limit: of the request that uses it now.
        has_ended: whether the other side has said that nothing more will come.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._timeout = -1.0
        self.limit = TimeLimit(0)
        self.has_ended = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def sendall(self, data: bytes) -> None:
        """Send all bytes."""
        self.set_timeout()
        self._socket.sendall(data)
        self.limit.moved(len(data))

    def makefile(self, _mode: str) -> io.BufferedReader:
        """A reader of the answer."""
        return io.BufferedReader(_TimedReader(self, self._socket.makefile("rb", buffering=0)), _BUFFER_BYTES)

    def set_timeout(self) -> None:
        """Let the next call end in time."""
        seconds = self.limit.seconds()
        # Most calls have the same, and to set it is a call of the system.
        if seconds != self._timeout:
            self._socket.settimeout(seconds)
            self._timeout = seconds

    def is_usable(self) -> bool:
        """Whether the other side has neither closed the connection nor sent anything that nobody asked for."""
        self._socket.settimeout(0)
        self._timeout = 0
        try:
            socket.socket.recv(self._socket, 1, socket.MSG_PEEK)  # below TLS
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False


class _TimedReader(io.RawIOBase):
    def __init__(self, timed: TimedSocket, raw: io.RawIOBase) -> None:
        self._timed, self._raw = timed, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._timed.set_timeout()
        count = self._raw.readinto(buffer)
        self._timed.limit.moved(count or 0)
        self._timed.has_ended = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
