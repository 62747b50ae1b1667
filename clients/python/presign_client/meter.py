"""How far a transfer has come."""

from __future__ import annotations

import threading
from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Is told how many bytes have gone, and how many there are. The first number falls when a part is sent again."""


class Meter:
    """Adds up the bytes of all parts of a transfer.

    Args:
        progress: is told the sum.
        total: bytes of the whole.
    """

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._parts: dict[object, int] = {}
        self._done = 0
        self._lock = threading.Lock()

    def set(self, part: object, done: int) -> None:
        """So many bytes of a part have gone."""
        with self._lock:
            self._done += done - self._parts.get(part, 0)
            self._parts[part] = done
            if self._progress:
                self._progress(self._done, self._total)
