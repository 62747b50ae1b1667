"""Ports for servers that another process starts."""

from __future__ import annotations

import random
import socket
from contextlib import suppress


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody uses now.

    They are below those that the system gives to connections (from 32,768 on Linux), so no connection takes them before
    the server does.
    """
    free: list[int] = []
    for port in random.sample(range(10_000, 32_000), 50 * count):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            free.append(port)
        if len(free) == count:
            return free
    raise OSError("There are no free ports")
