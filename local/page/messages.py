"""Messages that the function published, for the demo page and for people who read the terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from local.object_storage.native_answer import timestamp
from local.queue import QueueMessage
from local.topic import TopicMessage


def message_list(messages: Sequence[TopicMessage | QueueMessage]) -> list[dict[str, Any]]:
    """The messages as JSON values, the newest first; their content is decoded if it is JSON."""
    return [_document(message) for message in reversed(messages)]


def message_line(message: TopicMessage | QueueMessage) -> str:
    """A line that tells of a message, without the URL in it."""
    content = _document(message)["content"]
    event = content.get("event") if isinstance(content, dict) else None
    service = "topic" if isinstance(message, TopicMessage) else "queue"
    if not isinstance(event, dict):
        return f"A message went to the {service}."
    return f"A message went to the {service}: {event.get('key')} was written (event {event.get('eventID')})."


def _document(message: TopicMessage | QueueMessage) -> dict[str, Any]:
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
