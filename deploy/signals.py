"""Signals that end a program, while it waits for another program that gets them too."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_to_child() -> Iterator[list[int]]:
    """Leave Ctrl-C and SIGTERM to a child process: a terminal sends Ctrl-C to both, and the child ends in its own way.

    Returns:
        A list that gets the numbers of the signals.
    """
    received: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: received.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
