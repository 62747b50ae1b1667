"""Published messages as the demo page and the terminal show them."""

from __future__ import annotations

from datetime import UTC, datetime

from local.page.messages import Message, Messages, message_line
from local.queue import QueueMessage
from local.topic import TopicMessage

MOMENT = datetime(2026, 11, 25, 12, 30, 15, 123456, UTC)
CONTENT = '{"event": {"key": "a.txt", "eventID": "e1"}, "answer": {"url": "https://example.com/?X-Amz-Signature=x"}}'
IN_QUEUE = QueueMessage(CONTENT, 7, MOMENT)
AT_TOPIC = TopicMessage("a title", "no JSON", "id1", MOMENT)


def test_the_list_has_the_newest_first() -> None:
    heard: list[Message] = []
    messages = Messages(heard.append)
    messages.add(IN_QUEUE)
    messages.add(AT_TOPIC)
    assert heard == [IN_QUEUE, AT_TOPIC]
    assert messages.documents() == [
        {
            "service": "topic",
            "id": "id1",
            "title": "a title",
            "time": "2026-11-25T12:30:15.123Z",
            "content": "no JSON",
        },
        {
            "service": "queue",
            "id": "7",
            "time": "2026-11-25T12:30:15.123Z",
            "content": {
                "event": {"key": "a.txt", "eventID": "e1"},
                "answer": {"url": "https://example.com/?X-Amz-Signature=x"},
            },
        },
    ]


def test_a_line_names_the_object_and_not_the_url() -> None:
    assert message_line(IN_QUEUE) == "A message went to the queue: a.txt was written (event e1)."


def test_a_line_for_a_message_of_another_form() -> None:
    assert message_line(AT_TOPIC) == "A message went to the topic."
