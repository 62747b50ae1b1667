"""A unix socket by which `python -m local event KEY` has an event sent by the system that runs."""

from __future__ import annotations

import json
import threading
from multiprocessing.connection import Client, Listener
from pathlib import Path
from typing import Any, NamedTuple

from local.events import ObjectEvents
from local.object_storage.content import Content
from local.object_storage.storage import Storage
from local.object_storage.stored_object import stored_object

MAX_KEY_BYTES = 1024

_NAME = "events.sock"


class Sent(NamedTuple):
    """An event that was sent.

    Args:
        event: in Oracle's form of CloudEvents.
        exists: whether there is the object that it tells of.
    """

    event: dict[str, Any]
    exists: bool


class EventSocket:
    """Listens from its creation until `stop`.

    Args:
        directory: for the socket.
        events: sends the events.
        storage: has the objects.
        bucket: that the events tell of.
    """

    def __init__(self, directory: Path, *, events: ObjectEvents, storage: Storage, bucket: str) -> None:
        path = directory / _NAME
        path.unlink(missing_ok=True)  # of a system that was killed
        self._path = str(path)
        self._events = events
        self._storage = storage
        self._bucket = bucket
        self._is_stopping = False
        self._listener = Listener(self._path, "AF_UNIX")
        self._thread = threading.Thread(target=self._run, name="event-socket", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._is_stopping = True
        Client(self._path, "AF_UNIX").close()  # wakes the thread
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        while True:
            with self._listener.accept() as connection:
                if self._is_stopping:
                    return
                try:
                    sent = self._send(connection.recv_bytes(MAX_KEY_BYTES).decode())
                    connection.send_bytes(json.dumps(sent).encode())
                except (OSError, EOFError, UnicodeDecodeError):
                    continue  # The other process has ended, or is none of this project's.

    def _send(self, key: str) -> Sent:
        stored = self._storage.find(self._bucket, key)
        told = stored or stored_object(key, Content.of(b""), (), metadata_prefix="")
        return Sent(self._events.send(self._bucket, told), stored is not None)


def send_event(directory: Path, key: str) -> Sent:
    """Have the event of an object sent by the system whose socket is in `directory`.

    Raises:
        FileNotFoundError, ConnectionError, EOFError: nothing listens there, or no more.
        ValueError: the key is none of an object.
    """
    content = key.encode()
    if not 1 <= len(content) <= MAX_KEY_BYTES:
        raise ValueError(f"it must have 1 to {MAX_KEY_BYTES:,} bytes")
    with Client(str(directory / _NAME), "AF_UNIX") as connection:
        connection.send_bytes(content)
        return Sent(*json.loads(connection.recv_bytes()))
