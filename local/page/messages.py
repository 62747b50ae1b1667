"""Messages that the function published, for the demo page and for people who read the terminal."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any

from local.object_storage.native_answer import timestamp
from local.queue import QueueMessage
from local.topic import TopicMessage

Message = TopicMessage | QueueMessage

MAX_SHOWN = 100


class Messages:
    """The last messages that the topic and the queue got.

    Args:
        on_message: is called with each of them.
    """

    def __init__(self, on_message: Callable[[Message], None] | None = None) -> None:
        self._on_message = on_message
        self._last: deque[Message] = deque(maxlen=MAX_SHOWN)

    def add(self, message: Message) -> None:
        """Keep one more message."""
        self._last.append(message)
        if self._on_message:
            self._on_message(message)

    def documents(self) -> list[dict[str, Any]]:
        """The messages as JSON values, the newest first; their content is decoded if it is JSON."""
        return [_document(message) for message in reversed(tuple(self._last))]


def message_line(message: Message) -> str:
    """A line that tells of a message, without the URL in it."""
    content = _document(message)["content"]
    event = content.get("event") if isinstance(content, dict) else None
    service = "topic" if isinstance(message, TopicMessage) else "queue"
    if not isinstance(event, dict):
        return f"A message went to the {service}."
    return f"A message went to the {service}: {event.get('key')} was written (event {event.get('eventID')})."


def _document(message: Message) -> dict[str, Any]:
    if isinstance(message, TopicMessage):
        text, about = message.body, {"service": "topic", "id": message.id, "title": message.title}
        moment = message.published_at
    else:
        text, about, moment = message.content, {"service": "queue", "id": str(message.id)}, message.put_at
    try:
        content = json.loads(text)
    except ValueError:
        content = text
    return {**about, "time": timestamp(moment), "content": content}
