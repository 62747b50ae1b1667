"""A network cable between a browser and a server, which a test can pull out."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress

HOST = "127.0.0.1"
_CHUNK_BYTES = 65_536


class Cable:
    """Forwards connections to a port of this machine.

    Attributes:
        url: the address at which the server is reached by this cable.
        target_port: the port of the server.
        sent_bytes: the number of bytes sent to the server so far.
        bytes_per_second: the limit of the rate to the server; None for no limit.
        answers_bytes_per_second: the limit of the rate of each connection from the server; None for no limit.
        holding: set while the cable forwards nothing, after `hold_after`.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0))
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        self.target_port = 0
        self.sent_bytes = 0
        self.bytes_per_second: float | None = None
        self.answers_bytes_per_second: float | None = None
        self.holding = threading.Event()
        self._hold_at: int | None = None
        self._lose_at: int | None = None
        self._pulled = False
        self._sockets: set[socket.socket] = set()
        self._condition = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def hold_after(self, count: int) -> None:
        """Forward `count` more bytes to the server, and then nothing until the cable is pulled out or released."""
        with self._condition:
            self._hold_at = self.sent_bytes + count

    def release(self, *, hold_after: int | None = None) -> None:
        """Forward everything again, or else `hold_after` more bytes."""
        with self._condition:
            self._hold_at = None if hold_after is None else self.sent_bytes + hold_after
            self.holding.clear()
            self._condition.notify_all()

    def lose_answer_after(self, count: int) -> None:
        """After `count` more bytes to the server, break the connection of its next answer."""
        with self._condition:
            self._lose_at = self.sent_bytes + count

    def pull_out(self) -> None:
        """Break all connections, and refuse new ones."""
        with self._condition:
            self._pulled = True
            sockets = list(self._sockets)
        for one in sockets:
            _reset(one)
        self.release()

    def plug_in(self) -> None:
        """Accept connections again."""
        self._pulled = False

    def close(self) -> None:
        """Break all connections, and close the port."""
        self.pull_out()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._pulled:
                _reset(client)
                continue
            server = socket.create_connection((HOST, self.target_port))
            with self._condition:
                self._sockets |= {client, server}
            threading.Thread(target=self._carry, args=(client, server), kwargs={"counts": True}, daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client), kwargs={"counts": False}, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, *, counts: bool) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK_BYTES):
                if counts:
                    self._count(len(data))
                elif self._loses():
                    break
                elif self.answers_bytes_per_second:
                    time.sleep(len(data) / self.answers_bytes_per_second)
                sink.sendall(data)
            else:
                sink.shutdown(socket.SHUT_WR)
                return
        for one in (source, sink):
            _reset(one)

    def _count(self, count: int) -> None:
        with self._condition:
            while self._hold_at is not None and self.sent_bytes + count > self._hold_at:
                self.holding.set()
                self._condition.wait()
            if self.bytes_per_second:
                time.sleep(count / self.bytes_per_second)
            self.sent_bytes += count

    def _loses(self) -> bool:
        with self._condition:
            loses = self._lose_at is not None and self.sent_bytes >= self._lose_at
            if loses:
                self._lose_at = None
            return loses


def _reset(one: socket.socket) -> None:
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RDWR)
    one.close()
