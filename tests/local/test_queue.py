"""The local queue takes messages from the OCI SDK within the limits of OCI Queue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from oci.circuit_breaker import NoCircuitBreakerStrategy
from oci.exceptions import ServiceError
from oci.queue import QueueAdminClient, QueueClient
from oci.queue.models import PutMessagesDetails, PutMessagesDetailsEntry
from oci.retry import NoneRetryStrategy

from local.api import Fault
from local.queue import Queue, QueueMessage
from local.server import Server
from support.signed import check_authentication, post, principal

QUEUE_OCID = "ocid1.queue.oc1.eu-frankfurt-1.x"
TARGET = f"/20210201/queues/{QUEUE_OCID}/messages"


class Running:
    """A queue that runs, and the SDK's client."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        identity, self.signer = principal(directory, monkeypatch)
        self.heard: list[QueueMessage] = []
        self.queue = Queue(identity, queue_id=QUEUE_OCID, on_message=self.heard.append)
        self.server = Server(self.queue)

    def client(self, kind: Any = QueueClient, *, endpoint: str | None = None) -> Any:
        return kind(
            {},
            signer=self.signer,
            service_endpoint=endpoint or self.server.url,
            retry_strategy=NoneRetryStrategy(),
            circuit_breaker_strategy=NoCircuitBreakerStrategy(),
        )

    def put(self, *contents: str, queue_id: str = QUEUE_OCID) -> Any:
        entries = [PutMessagesDetailsEntry(content=content) for content in contents]
        return self.client().put_messages(queue_id, PutMessagesDetails(messages=entries))

    def status(self, contents: list[str]) -> int:
        body = json.dumps({"messages": [{"content": content} for content in contents]}).encode()
        return post(self.server, TARGET, body, signer=self.signer).status_code


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    it = Running(tmp_path / "one", monkeypatch)
    with it.server:
        yield it


def test_messages_can_be_read_in_their_order(running: Running) -> None:
    first = running.put("one", "zwö").data
    second = running.put("three").data
    assert [message.id for message in (*first.messages, *second.messages)] == [1, 2, 3]
    messages = running.queue.messages
    assert [(message.id, message.content) for message in messages] == [(1, "one"), (2, "zwö"), (3, "three")]
    kept = first.messages[0].expire_after - messages[0].put_at
    assert timedelta(hours=23) < kept <= timedelta(days=1)
    assert running.heard == messages


def test_the_queue_tells_its_endpoint_for_messages(running: Running) -> None:
    found = running.client(QueueAdminClient).get_queue(QUEUE_OCID).data
    assert (found.id, found.messages_endpoint) == (QUEUE_OCID, running.server.url)


def test_another_queue_is_not_found(running: Running) -> None:
    with pytest.raises(ServiceError) as caught:
        running.put("x", queue_id="ocid1.queue.oc1..other")
    assert (caught.value.status, caught.value.code) == (404, "NotAuthorizedOrNotFound")


@pytest.mark.parametrize(
    ("contents", "status"),
    [
        (["a"] * 20, 200),
        (["a"] * 21, 400),
        ([], 400),
        (["a" * 256 * 1024], 200),
        (["a" * 256 * 1024 + "a"], 413),
        (["a" * 200 * 1024] * 3, 413),
    ],
)
def test_limits(running: Running, contents: list[str], status: int) -> None:
    assert running.status(contents) == status
    assert len(running.queue.messages) == (len(contents) if status == 200 else 0)


def test_a_fault_and_its_share(running: Running) -> None:
    running.queue.fault = Fault(status=503)
    assert running.status(["a"]) == 503
    running.queue.fault = Fault(status=503, share=0)
    assert running.status(["b"]) == 200
    assert [message.content for message in running.queue.messages] == ["b"]


def test_only_signed_requests_are_answered(running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, other = principal(tmp_path / "other", monkeypatch)
    body = b'{"messages": [{"content": "x"}]}'
    check_authentication(running.queue, running.server, TARGET, body, signer=running.signer, other=other)
    assert len(running.queue.messages) == 1
