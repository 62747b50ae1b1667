"""The local topic takes messages from the OCI SDK within the limits of OCI Notifications."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from oci.circuit_breaker import NoCircuitBreakerStrategy
from oci.exceptions import ServiceError
from oci.ons import NotificationControlPlaneClient, NotificationDataPlaneClient
from oci.ons.models import MessageDetails
from oci.retry import NoneRetryStrategy

from local.api import Fault
from local.server import Server
from local.topic import Topic, TopicMessage
from support.signed_requests import check_authentication, post, principal

TOPIC_OCID = "ocid1.onstopic.oc1.eu-frankfurt-1.x"
TARGET = f"/20181201/topics/{TOPIC_OCID}/messages"


class Running:
    """A topic that runs, its clock in the hands of the test, and the SDK's client."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        identity, self.signer = principal(directory, monkeypatch)
        self.now = 0.0
        self.chances: list[float] = []
        self.heard: list[TopicMessage] = []
        self.topic = Topic(
            identity,
            topic_id=TOPIC_OCID,
            messages_per_minute=60,
            on_message=self.heard.append,
            chance=lambda: self.chances.pop(0),
            clock=lambda: self.now,
        )
        self.server = Server(self.topic)

    def client(self, kind: Any = NotificationDataPlaneClient) -> Any:
        return kind(
            {},
            signer=self.signer,
            service_endpoint=self.server.url,
            retry_strategy=NoneRetryStrategy(),
            circuit_breaker_strategy=NoCircuitBreakerStrategy(),
        )

    def publish(self, body: str = "text", title: str = "title", topic_id: str = TOPIC_OCID) -> Any:
        return self.client().publish_message(topic_id, MessageDetails(title=title, body=body))


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    it = Running(tmp_path / "one", monkeypatch)
    with it.server:
        yield it


def test_a_published_message_can_be_read(running: Running) -> None:
    answer = running.publish("héllo", "a title")
    assert answer.status == 202
    (message,) = running.topic.messages
    assert (message.title, message.body, message.id) == ("a title", "héllo", answer.data.message_id)
    assert answer.data.time_stamp == message.published_at.replace(
        microsecond=message.published_at.microsecond // 1000 * 1000
    )
    assert running.heard == [message]


def test_the_topic_tells_its_endpoint(running: Running) -> None:
    found = running.client(NotificationControlPlaneClient).get_topic(TOPIC_OCID).data
    assert (found.topic_id, found.api_endpoint) == (TOPIC_OCID, running.server.url)


def test_another_topic_is_not_found(running: Running) -> None:
    with pytest.raises(ServiceError) as caught:
        running.publish(topic_id="ocid1.onstopic.oc1..other")
    assert (caught.value.status, caught.value.code) == (404, "NotAuthorizedOrNotFound")


@pytest.mark.parametrize(("size", "status"), [(64 * 1024, 202), (64 * 1024 + 1, 413)])
def test_a_message_has_at_most_64_kib(running: Running, size: int, status: int) -> None:
    rest = len(json.dumps({"title": "", "body": ""}))
    body = json.dumps({"title": "", "body": "a" * (size - rest)}).encode()
    assert len(body) == size
    assert post(running.server, TARGET, body, signer=running.signer).status_code == status


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "CannotParseRequest"),
        (b'{"body": "\xff"}', "CannotParseRequest"),
        (b"{}", "MissingParameter"),
        (b'{"body": 1}', "InvalidParameter"),
        (b"[]", "InvalidParameter"),
    ],
)
def test_a_message_that_is_not_valid(running: Running, body: bytes, code: str) -> None:
    answer = post(running.server, TARGET, body, signer=running.signer)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert running.topic.messages == []


def test_a_message_in_another_format(running: Running) -> None:
    answer = post(running.server, TARGET, b'{"body": "a"}', signer=running.signer, content_type="text/plain")
    assert (answer.status_code, running.topic.messages) == (415, [])


def test_60_messages_a_minute(running: Running) -> None:
    statuses = [post(running.server, TARGET, b'{"body": ""}', signer=running.signer).status_code for _ in range(61)]
    assert statuses == [202] * 60 + [429]
    running.now = 59.9
    assert post(running.server, TARGET, b'{"body": ""}', signer=running.signer).status_code == 429
    running.now = 60
    assert post(running.server, TARGET, b'{"body": ""}', signer=running.signer).status_code == 202
    assert len(running.topic.messages) == 61


def test_a_share_of_the_requests_fails(running: Running) -> None:
    running.topic.fault = Fault(status=503, retry_after="7", share=0.5)
    running.chances = [0.4, 0.5, 0.9]
    answers = [post(running.server, TARGET, b'{"body": ""}', signer=running.signer) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 202, 202]
    assert answers[0].headers["Retry-After"] == "7"
    assert (running.topic.requests, running.topic.faulted, len(running.topic.messages)) == (3, 1, 2)


def test_a_fault_after_the_message_was_taken(running: Running) -> None:
    running.topic.fault = Fault(status=500, is_carried_out=True)
    running.chances = [0]
    with pytest.raises(ServiceError) as caught:
        running.publish("taken")
    assert caught.value.status == 500
    assert [message.body for message in running.topic.messages] == ["taken"]


def test_only_signed_requests_are_answered(running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, other = principal(tmp_path / "other", monkeypatch)
    check_authentication(running.topic, running.server, TARGET, b'{"body": "x"}', signer=running.signer, other=other)
    assert len(running.topic.messages) == 1
