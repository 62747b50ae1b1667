"""OCI Queue, as far as the function and consumers use it: one queue takes and gives messages (version 20210201)."""

from __future__ import annotations

import random
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from werkzeug.wrappers import Request, Response

from local.api import ApiError, SignedApi, json_answer, not_found
from local.identity.resource_principal import COMPARTMENT_OCID, ResourcePrincipal
from local.object_storage.native_answer import timestamp
from local.parameters import decoded, json_body, number
from local.server import target

MAX_MESSAGES = 20
"""Of one request."""
MAX_MESSAGES_GIVEN = 32
"""To one request."""
MAX_MESSAGE_BYTES = 256 << 10
MAX_REQUEST_BYTES = 512 << 10
RETENTION = timedelta(days=1)
VISIBILITY_SECONDS = 30
MAX_VISIBILITY_SECONDS = 43_200
MAX_POLL_SECONDS = 30
MAX_KEPT = 10_000
"""Older messages are forgotten."""


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """The metadata of a message.

    Args:
        channel_id: the channel of the queue that it is put into.
        custom_properties: names and values of its sender.
    """

    channel_id: Annotated[str, msgspec.Meta(min_length=1)]
    custom_properties: dict[str, str] | None = None


@dataclass(frozen=True)
class QueueMessage:
    """A message in the queue.

    Args:
        content: as put.
        id: that the queue gave it.
        put_at: when.
        metadata: as put.
    """

    content: str
    id: int
    put_at: datetime
    metadata: Metadata | None = None

    @property
    def channel_id(self) -> str | None:
        """The channel that it is in, None if it is in the queue itself."""
        return self.metadata.channel_id if self.metadata else None


class _Entry(msgspec.Struct, frozen=True):
    content: str
    metadata: Metadata | None = None


class _Details(msgspec.Struct, frozen=True):
    """The body of PutMessages."""

    messages: Annotated[list[_Entry], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]


@dataclass
class _Waiting:
    """A message that no consumer has deleted.

    Args:
        message: as put.
        visible_after: until then no consumer gets it.
        deliveries: how often one got it.
        receipt: of the last delivery, by which the message is deleted; None before the first one.
    """

    message: QueueMessage
    visible_after: datetime
    deliveries: int = 0
    receipt: str | None = None


class Queue(SignedApi):
    """Takes messages, unless they are too large, and gives them to consumers until one deletes them.

    Args:
        principal: the resource principal that may put and get messages.
        queue_id: the queue's OCID.
        on_message: is called with each message that was put.
        chance: decides on faults.
        clock: gives the time, in UTC.
    """

    def __init__(
        self,
        principal: ResourcePrincipal,
        *,
        queue_id: str,
        on_message: Callable[[QueueMessage], None] | None = None,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(principal, chance=chance)
        self._queue_id = queue_id
        self._on_message = on_message
        self._clock = clock
        self._messages: deque[QueueMessage] = deque(maxlen=MAX_KEPT)
        self._waiting: deque[_Waiting] = deque(maxlen=MAX_KEPT)
        self._next_id = 1
        self._changed = threading.Condition()

    @property
    def messages(self) -> list[QueueMessage]:
        """The messages that were put, the oldest first, whether or not they were deleted."""
        with self._changed:
            return list(self._messages)

    def answer(self, request: Request) -> Response:
        """The answer to PutMessages, GetMessages, DeleteMessage and GetQueue.

        Raises:
            ApiError: there is no such queue or receipt, or the messages or parameters are not valid.
        """
        path = target(request).partition("?")[0]
        match request.method, *path.split("/")[1:]:
            case "GET", "20210201", "queues", self._queue_id:
                return json_answer(self._queue(request))
            case "POST", "20210201", "queues", self._queue_id, "messages":
                return self._put(json_body(request))
            case "GET", "20210201", "queues", self._queue_id, "messages":
                return self._get(request)
            case "DELETE", "20210201", "queues", self._queue_id, "messages", receipt:
                return self._delete(receipt)
        raise not_found()

    def _put(self, body: bytes) -> Response:
        if len(body) > MAX_REQUEST_BYTES:
            raise ApiError(413, "PayloadTooLarge", f"A request has at most {MAX_REQUEST_BYTES:,} bytes.")
        entries = decoded(body, _Details).messages
        if any(len(entry.content.encode()) > MAX_MESSAGE_BYTES for entry in entries):
            raise ApiError(413, "PayloadTooLarge", f"A message has at most {MAX_MESSAGE_BYTES:,} bytes.")
        now = self._clock()
        with self._changed:
            put = [
                QueueMessage(entry.content, self._next_id + index, now, entry.metadata)
                for index, entry in enumerate(entries)
            ]
            self._next_id += len(put)
            self._messages.extend(put)
            self._waiting.extend(_Waiting(message, now) for message in put)
            self._changed.notify_all()
        for message in put:
            if self._on_message:
                self._on_message(message)
        expire_after = timestamp(now + RETENTION)
        return json_answer({"messages": [{"id": message.id, "expireAfter": expire_after} for message in put]})

    def _get(self, request: Request) -> Response:
        """Messages that are visible, at once or as soon as there is one."""
        limit = number(request, "limit", default=1, least=1, most=MAX_MESSAGES_GIVEN)
        hidden_seconds = number(request, "visibilityInSeconds", default=VISIBILITY_SECONDS, most=MAX_VISIBILITY_SECONDS)
        poll_seconds = number(request, "timeoutInSeconds", default=MAX_POLL_SECONDS, most=MAX_POLL_SECONDS)
        channel = request.args.get("channelFilter")
        give_up_at = self._clock() + timedelta(seconds=poll_seconds)
        with self._changed:
            while not (taken := self._visible(limit, channel)) and (left := give_up_at - self._clock()) > timedelta():
                self._changed.wait(min(left, self._until_visible()).total_seconds())
            visible_after = self._clock() + timedelta(seconds=hidden_seconds)
            for waiting in taken:
                waiting.visible_after = visible_after
                waiting.deliveries += 1
                waiting.receipt = uuid.uuid4().hex
            return json_answer({"messages": [_delivery(waiting) for waiting in taken]})

    def _visible(self, limit: int, channel: str | None) -> list[_Waiting]:
        """The oldest messages of a channel that a consumer may get now. Those whose time is over are forgotten.

        Without a filter all are of one channel, as Oracle says: here that of the oldest message.
        """
        now = self._clock()
        while self._waiting and self._waiting[0].message.put_at + RETENTION <= now:
            self._waiting.popleft()
        visible = [
            waiting
            for waiting in self._waiting
            if waiting.visible_after <= now and channel in (None, waiting.message.channel_id)
        ]
        return [waiting for waiting in visible if waiting.message.channel_id == visible[0].message.channel_id][:limit]

    def _until_visible(self) -> timedelta:
        """How long until one of the messages that are hidden becomes visible."""
        hidden = [waiting.visible_after for waiting in self._waiting]
        return min(hidden) - self._clock() if hidden else timedelta(seconds=MAX_POLL_SECONDS)

    def _delete(self, receipt: str) -> Response:
        with self._changed:
            found = next((waiting for waiting in self._waiting if waiting.receipt == receipt), None)
            if found is None:
                raise not_found()
            self._waiting.remove(found)
        return Response(status=204)

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
            "visibilityInSeconds": VISIBILITY_SECONDS,
            "timeoutInSeconds": MAX_POLL_SECONDS,
            "deadLetterQueueDeliveryCount": 0,
        }


def _delivery(waiting: _Waiting) -> dict[str, Any]:
    return {
        "id": waiting.message.id,
        "content": waiting.message.content,
        "receipt": waiting.receipt,
        "deliveryCount": waiting.deliveries,
        "visibleAfter": timestamp(waiting.visible_after),
        "expireAfter": timestamp(waiting.message.put_at + RETENTION),
        "createdAt": timestamp(waiting.message.put_at),
        **({"metadata": msgspec.to_builtins(waiting.message.metadata)} if waiting.message.metadata else {}),
    }
