"""OCI Notifications, as far as the function uses it: one topic takes messages (API version 20181201)."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from werkzeug.wrappers import Request, Response

from local.api import ApiError, SignedApi, json_answer, not_found
from local.identity.resource_principal import COMPARTMENT_OCID, ResourcePrincipal
from local.parameters import decoded, json_body
from local.server import target

MAX_MESSAGE_BYTES = 64 << 10
MAX_KEPT = 10_000
"""Older messages are forgotten."""

_MINUTE_SECONDS = 60


@dataclass(frozen=True)
class TopicMessage:
    """A message that was published.

    Args:
        title, body: as published.
        id: that Notifications gave it.
        published_at: when.
    """

    title: str
    body: str
    id: str
    published_at: datetime


class _Details(msgspec.Struct, frozen=True):
    """The body of PublishMessage."""

    body: str
    title: str = ""


class Topic(SignedApi):
    """Takes messages, unless there are too many or they are too large.

    Args:
        principal: the resource principal that may publish.
        topic_id: the topic's OCID.
        messages_per_minute: more are refused; no limit if None. OCI takes 60.
        on_message: is called with each message that was published.
        chance: decides on faults.
        clock: counts seconds.
    """

    def __init__(
        self,
        principal: ResourcePrincipal,
        *,
        topic_id: str,
        messages_per_minute: int | None = None,
        on_message: Callable[[TopicMessage], None] | None = None,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(principal, chance=chance)
        self._topic_id = topic_id
        self._messages_per_minute = messages_per_minute
        self._on_message = on_message
        self._clock = clock
        self._messages: deque[TopicMessage] = deque(maxlen=MAX_KEPT)
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    @property
    def messages(self) -> list[TopicMessage]:
        """The published messages, the oldest first."""
        with self._lock:
            return list(self._messages)

    def answer(self, request: Request) -> Response:
        """The answer to PublishMessage and GetTopic.

        Raises:
            ApiError: there is no such topic, the message is not valid, or there were too many.
        """
        path = target(request).partition("?")[0]
        match request.method, path.removeprefix(f"/20181201/topics/{self._topic_id}"):
            case "GET", "":
                return json_answer(self._topic(request))
            case "POST", "/messages":
                return self._publish(json_body(request))
        raise not_found()

    def _publish(self, body: bytes) -> Response:
        if len(body) > MAX_MESSAGE_BYTES:
            raise ApiError(413, "PayloadTooLarge", f"A message has at most {MAX_MESSAGE_BYTES:,} bytes.")
        details = decoded(body, _Details)
        message = TopicMessage(details.title, details.body, str(uuid.uuid4()), datetime.now(UTC))
        with self._lock:
            self._check_rate()
            self._messages.append(message)
        if self._on_message:
            self._on_message(message)
        result = {"messageId": message.id, "timeStamp": message.published_at.isoformat(timespec="milliseconds")}
        return json_answer(result, status=202)

    def _check_rate(self) -> None:
        if self._messages_per_minute is None:
            return
        now = self._clock()
        while self._times and self._times[0] <= now - _MINUTE_SECONDS:
            self._times.popleft()
        if len(self._times) >= self._messages_per_minute:
            message = f"The topic takes {self._messages_per_minute} messages a minute."
            raise ApiError(429, "TooManyRequests", message)
        self._times.append(now)

    def _topic(self, request: Request) -> dict[str, str]:
        return {
            "name": "presign",
            "topicId": self._topic_id,
            "compartmentId": COMPARTMENT_OCID,
            "lifecycleState": "ACTIVE",
            "timeCreated": "2026-01-01T00:00:00.000Z",
            "apiEndpoint": request.host_url.rstrip("/"),
        }
