"""Delivery of the answers to events, to a Queue or a Notifications topic."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec

from presign.model.outcomes import PresignedUrl
from presign.model.request import Event
from presign.services.client import OciClient

MAX_MESSAGES = 20
"""The most messages that Queue takes in one call."""

_encoder = msgspec.json.Encoder()


class Message(msgspec.Struct, frozen=True):
    """The message that tells a receiver of an object's URL. Receivers can drop doubles by the event's id."""

    event: Event
    answer: PresignedUrl


class Delivery:
    """Publishes the answers to events to `target`, the OCID of a topic or a queue.

    `endpoint` is that of its service; when None, the SDK's choice for a topic, and for a queue the one that it tells.
    """

    def __init__(self, oci_client: OciClient, *, target: str, endpoint: str | None) -> None:
        self._oci_client = oci_client
        self._target = target
        self._endpoint = endpoint
        self._is_queue = target.startswith("ocid1.queue.")

    def batches(self, messages: Sequence[Message]) -> list[Sequence[Message]]:
        """`messages` in lists of as many as the service takes in one call."""
        size = MAX_MESSAGES if self._is_queue else 1
        return [messages[index : index + size] for index in range(0, len(messages), size)]

    def publish(self, batch: Sequence[Message]) -> None:
        """Publish one of the `batches`.

        Raises:
            SecretUnavailable: the service can't be asked, or refuses.
        """
        if self._is_queue:
            self._put(batch)
        else:
            self._notify(*batch)

    def _put(self, messages: Sequence[Message]) -> None:
        from oci.queue.models import PutMessagesDetails, PutMessagesDetailsEntry

        if self._endpoint is None:
            self._endpoint = self._messages_endpoint()
        entries = [PutMessagesDetailsEntry(content=_encoder.encode(message).decode()) for message in messages]
        self._oci_client.ask(
            lambda: self._queue_client.put_messages(self._target, PutMessagesDetails(messages=entries)),
            failure=f"Queue did not take a message for {self._target}",
            statement="allow dynamic-group <the function's> to use queue-push in compartment <the queue's>",
        )

    def _messages_endpoint(self) -> str:
        """The endpoint for the messages of this queue: each queue has its own."""
        from oci.queue import QueueAdminClient

        answer = self._oci_client.ask(
            lambda: self._oci_client.make(QueueAdminClient, None).get_queue(self._target),
            failure=f"Queue did not tell the endpoint of {self._target} (or else DELIVERY_ENDPOINT can be set)",
            statement="allow dynamic-group <the function's> to read queues in compartment <the queue's>",
        )
        return str(answer.data.messages_endpoint)

    def _notify(self, message: Message) -> None:
        from oci.ons.models import MessageDetails

        title = f"Object written: event {message.event.event_id or message.event.event_time}"
        details = MessageDetails(title=title, body=_encoder.encode(message).decode())
        self._oci_client.ask(
            lambda: self._topic_client.publish_message(self._target, details),
            failure=f"Notifications did not take a message for {self._target}",
            statement="allow dynamic-group <the function's> to use ons-topics in compartment <the topic's>",
        )

    @cached_property
    def _topic_client(self) -> Any:
        from oci.ons import NotificationDataPlaneClient

        return self._oci_client.make(NotificationDataPlaneClient, self._endpoint)

    @cached_property
    def _queue_client(self) -> Any:
        from oci.queue import QueueClient

        return self._oci_client.make(QueueClient, self._endpoint)
