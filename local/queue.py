"""OCI Queue, as far as the function uses it: one queue takes messages (API version 20210201)."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from werkzeug.wrappers import Request, Response

from local.api import ApiError, SignedApi, json_answer, not_found
from local.identity.resource_principal import COMPARTMENT_OCID, ResourcePrincipal
from local.server import target

MAX_MESSAGES = 20
"""Of one request."""
MAX_MESSAGE_BYTES = 256 << 10
MAX_REQUEST_BYTES = 512 << 10
RETENTION = timedelta(days=1)
MAX_KEPT = 10_000
"""Older messages are forgotten."""


@dataclass(frozen=True)
class QueueMessage:
    """A message in the queue.

    Args:
        content: as put.
        id: that the queue gave it.
        put_at: when.
    """

    content: str
    id: int
    put_at: datetime


class _Entry(msgspec.Struct, frozen=True):
    content: str


class _Details(msgspec.Struct, frozen=True):
    """The body of PutMessages."""

    messages: Annotated[list[_Entry], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]


class Queue(SignedApi):
    """Takes messages, unless they are too large.

    Args:
        identity: the resource principal that may put messages.
        queue_id: the queue's OCID.
        on_message: is called with each message that was put.
        chance: decides on faults.
    """

    def __init__(
        self,
        identity: ResourcePrincipal,
        *,
        queue_id: str,
        on_message: Callable[[QueueMessage], None] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(identity, chance=chance)
        self._queue_id = queue_id
        self._on_message = on_message
        self._messages: deque[QueueMessage] = deque(maxlen=MAX_KEPT)
        self._next_id = 1
        self._lock = threading.Lock()

    @property
    def messages(self) -> list[QueueMessage]:
        """The messages that were put, the oldest first."""
        with self._lock:
            return list(self._messages)

    def answer(self, request: Request) -> Response:
        """The answer to PutMessages and GetQueue.

        Raises:
            ApiError: there is no such queue, or the messages are not valid.
        """
        path = target(request).partition("?")[0]
        match request.method, path.removeprefix(f"/20210201/queues/{self._queue_id}"):
            case "GET", "":
                return json_answer(self._queue(request))
            case "POST", "/messages":
                return self._put(request.get_data())
        raise not_found()

    def _put(self, body: bytes) -> Response:
        if len(body) > MAX_REQUEST_BYTES:
            raise ApiError(413, "PayloadTooLarge", f"A request has at most {MAX_REQUEST_BYTES:,} bytes.")
        try:
            contents = [entry.content for entry in msgspec.json.decode(body, type=_Details).messages]
        except msgspec.DecodeError as exc:
            raise ApiError(400, "InvalidParameter", f"The messages are not valid: {exc}") from exc
        if any(len(content.encode()) > MAX_MESSAGE_BYTES for content in contents):
            raise ApiError(413, "PayloadTooLarge", f"A message has at most {MAX_MESSAGE_BYTES:,} bytes.")
        now = datetime.now(UTC)
        with self._lock:
            put = [QueueMessage(content, self._next_id + index, now) for index, content in enumerate(contents)]
            self._next_id += len(put)
            self._messages.extend(put)
        for message in put:
            if self._on_message:
                self._on_message(message)
        expire_after = (now + RETENTION).isoformat(timespec="milliseconds")
        return json_answer({"messages": [{"id": message.id, "expireAfter": expire_after} for message in put]})

    def _queue(self, request: Request) -> dict[str, str | int]:
        return {
            "id": self._queue_id,
            "displayName": "presign",
            "compartmentId": COMPARTMENT_OCID,
            "timeCreated": "2026-01-01T00:00:00.000Z",
            "timeUpdated": "2026-01-01T00:00:00.000Z",
            "lifecycleState": "ACTIVE",
            "messagesEndpoint": request.host_url.rstrip("/"),
            "retentionInSeconds": int(RETENTION.total_seconds()),
            "visibilityInSeconds": 30,
            "timeoutInSeconds": 30,
            "deadLetterQueueDeliveryCount": 0,
        }
