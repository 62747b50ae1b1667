"""`presign.services.delivery`: messages through the real SDK, to the local Notifications and Queue."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from local.api import Fault
from local.identity.resource_principal import ResourcePrincipal
from local.queue import Queue
from local.server import Server
from local.topic import Topic
from presign.model.outcomes import PresignedUrl
from presign.model.request import Event
from presign.problems import SecretUnavailable
from presign.services.client import OciClient, PrincipalFiles
from presign.services.delivery import Delivery, Message

TOPIC_OCID = "ocid1.onstopic.oc1.x"
QUEUE_OCID = "ocid1.queue.oc1.x"
ANSWER = PresignedUrl(
    url="https://store.example/b/k?X-Amz-Signature=0",
    method="GET",
    headers={},
    expires_at="2026-11-27T12:00:00Z",
    expires_in=60,
    operation="get_object",
    bucket="b",
    key="k",
    via="s3",
)


def message(event_id: str | None = "e1") -> Message:
    event = Event(
        bucket="b",
        key="k",
        event_id=event_id,
        event_time="2026-11-27T11:00:00Z",
        etag=None,
        version_id=None,
        compartment_id=None,
    )
    return Message(event, ANSWER)


class Running:
    """A topic and a queue, and the deliveries to them."""

    def __init__(self, directory: Path) -> None:
        identity = ResourcePrincipal(directory, region="eu-frankfurt-1")
        self.topic = Topic(identity, topic_id=TOPIC_OCID)
        self.queue = Queue(identity, queue_id=QUEUE_OCID)
        self.servers = [Server(self.topic), Server(self.queue)]
        self.files = PrincipalFiles.from_config(identity.environment())
        client = OciClient(principal=self.files, vault_endpoint=None, object_storage_endpoint=None, clock=time.time)
        self.to_topic, self.to_queue = (
            Delivery(client, target=target, endpoint=server.url)
            for target, server in zip([TOPIC_OCID, QUEUE_OCID], self.servers, strict=True)
        )


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    it = Running(tmp_path)
    yield it
    for server in it.servers:
        server.stop()


CONTENT = {
    "event": {
        "bucket": "b",
        "key": "k",
        "eventID": "e1",
        "eventTime": "2026-11-27T11:00:00Z",
        "eTag": None,
        "versionId": None,
        "compartmentId": None,
    },
    "answer": {
        "url": "https://store.example/b/k?X-Amz-Signature=0",
        "method": "GET",
        "headers": {},
        "expires_at": "2026-11-27T12:00:00Z",
        "expires_in": 60,
        "operation": "get_object",
        "bucket": "b",
        "key": "k",
        "via": "s3",
    },
}


def test_a_topic_gets_each_message_by_itself(running: Running) -> None:
    messages = [message(), message(None)]
    batches = running.to_topic.batches(messages)
    assert batches == [messages[:1], messages[1:]]
    for batch in batches:
        running.to_topic.publish(batch)
    first, second = running.topic.messages
    assert first.title == "Object written: event e1"
    assert json.loads(first.body) == CONTENT
    assert second.title == "Object written: event 2026-11-27T11:00:00Z"


def test_a_queue_gets_up_to_20_at_once(running: Running) -> None:
    batches = running.to_queue.batches([message()] * 41)
    assert [len(batch) for batch in batches] == [20, 20, 1]
    running.to_queue.publish(batches[0])
    assert len(running.queue.messages) == 20
    assert json.loads(running.queue.messages[0].content) == CONTENT


@pytest.mark.parametrize(
    ("service", "ocid", "right"),
    [
        ("Notifications", TOPIC_OCID, "use ons-topics in compartment <the topic's>"),
        ("Queue", QUEUE_OCID, "use queue-push in compartment <the queue's>"),
    ],
)
def test_a_refusal_names_the_statement(running: Running, service: str, ocid: str, right: str) -> None:
    running.topic.fault = running.queue.fault = Fault(status=404)
    delivery = running.to_topic if service == "Notifications" else running.to_queue
    with pytest.raises(SecretUnavailable) as caught:
        delivery.publish([message()])
    begins, _, ends = caught.value.cause.partition(": 404 ")
    assert begins == f"{service} did not take a message for {ocid}"
    assert ends.endswith(
        f"; this IAM policy statement is likely missing: allow dynamic-group <the function's> to {right}"
    )


class OfOneServer(OciClient):
    """An OCI client for which one server stands in for the region's own endpoints."""

    def __init__(self, files: PrincipalFiles | None, url: str) -> None:
        super().__init__(principal=files, vault_endpoint=None, object_storage_endpoint=None, clock=time.time)
        self._url = url

    def make(self, client: Any, endpoint: str | None) -> Any:
        return super().make(client, endpoint or self._url)


class TestWithoutAnEndpoint:
    """Queue itself tells the endpoint for the messages of a queue, which takes a right of its own."""

    def test_queue_is_asked_once(self, running: Running) -> None:
        asked = []

        def queue_admin(request: Request) -> Response:
            asked.append(request.path)
            content = {"id": QUEUE_OCID, "messagesEndpoint": running.servers[1].url}
            return Response(json.dumps(content), mimetype="application/json")

        with Server(queue_admin) as server:
            delivery = Delivery(OfOneServer(running.files, server.url), target=QUEUE_OCID, endpoint=None)
            delivery.publish([message()])
            delivery.publish([message()])
        assert [path.rpartition("/")[2] for path in asked] == [QUEUE_OCID]
        assert len(running.queue.messages) == 2

    def test_a_refusal_names_the_statement(self, running: Running) -> None:
        answer = {"code": "NotAuthorizedOrNotFound", "message": "no"}
        with Server(lambda _: Response(json.dumps(answer), status=404, mimetype="application/json")) as server:
            delivery = Delivery(OfOneServer(running.files, server.url), target=QUEUE_OCID, endpoint=None)
            with pytest.raises(SecretUnavailable) as caught:
                delivery.publish([message()])
        begins, _, ends = caught.value.cause.partition(": 404 ")
        assert begins == f"Queue did not tell the endpoint of {QUEUE_OCID} (or else DELIVERY_ENDPOINT can be set)"
        assert ends.endswith("allow dynamic-group <the function's> to read queues in compartment <the queue's>")
