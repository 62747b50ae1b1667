"""The local queue takes messages from the OCI SDK within the limits of OCI Queue, and gives them to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from oci.circuit_breaker import NoCircuitBreakerStrategy
from oci.exceptions import ServiceError
from oci.queue import QueueAdminClient, QueueClient
from oci.queue.models import MessageMetadata, PutMessagesDetails, PutMessagesDetailsEntry
from oci.retry import NoneRetryStrategy

from local.api import Fault
from local.queue import Queue, QueueMessage
from local.server import Server
from support.signed_requests import check_authentication, post, principal
from support.waiting import wait_until

QUEUE_OCID = "ocid1.queue.oc1.eu-frankfurt-1.x"
TARGET = f"/20210201/queues/{QUEUE_OCID}/messages"


class Running:
    """A queue that runs, and the SDK's client."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.identity, self.signer = principal(directory, monkeypatch)
        self.heard: list[QueueMessage] = []
        self.now = datetime(2026, 11, 27, tzinfo=UTC)
        self.queue = Queue(self.identity, queue_id=QUEUE_OCID, on_message=self.heard.append, clock=lambda: self.now)
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

    def get(self, **parameters: Any) -> list[Any]:
        """Messages, without waiting for one."""
        found = self.client().get_messages(QUEUE_OCID, **{"limit": 20, "timeout_in_seconds": 0, **parameters})
        return list(found.data.messages)

    def delete(self, receipt: str) -> int:
        return int(self.client().delete_message(QUEUE_OCID, receipt).status)

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
    assert kept == timedelta(days=1)
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


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "CannotParseRequest"),
        (b"{", "CannotParseRequest"),
        (b"{}", "MissingParameter"),
        (b'{"messages": [{}]}', "MissingParameter"),
        (b'{"messages": [{"content": 1}]}', "InvalidParameter"),
        (b'{"messages": [{"content": "a", "metadata": {}}]}', "MissingParameter"),
        (b'{"messages": [{"content": "a", "metadata": {"channelId": ""}}]}', "InvalidParameter"),
    ],
)
def test_messages_that_are_not_valid(running: Running, body: bytes, code: str) -> None:
    answer = post(running.server, TARGET, body, signer=running.signer)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert running.queue.messages == []


def test_messages_in_another_format(running: Running) -> None:
    body = b'{"messages": [{"content": "a"}]}'
    assert post(running.server, TARGET, body, signer=running.signer, content_type="text/plain").status_code == 415
    assert running.queue.messages == []


class TestChannels:
    """A message is in the queue itself, or in one of its channels."""

    def put(self, running: Running, *messages: tuple[str, str | None]) -> None:
        entries = [
            PutMessagesDetailsEntry(content=content, metadata=MessageMetadata(channel_id=channel) if channel else None)
            for content, channel in messages
        ]
        running.client().put_messages(QUEUE_OCID, PutMessagesDetails(messages=entries))

    def contents(self, messages: list[Any]) -> list[str]:
        return [message.content for message in messages]

    def test_a_consumer_can_ask_for_one(self, running: Running) -> None:
        self.put(running, ("a", None), ("b", "x"), ("c", "y"), ("d", "x"))
        assert running.get(channel_filter="none") == []
        found = running.get(channel_filter="x")
        assert self.contents(found) == ["b", "d"]
        assert [message.metadata.channel_id for message in found] == ["x", "x"]
        assert running.get(channel_filter="x") == []
        assert self.contents(running.get(channel_filter="y")) == ["c"]

    def test_no_answer_mixes_them(self, running: Running) -> None:
        self.put(running, ("a", "x"), ("b", None), ("c", "x"), ("d", None))
        assert [self.contents(running.get()) for _ in range(3)] == [["a", "c"], ["b", "d"], []]

    def test_metadata_is_given_as_it_was_put(self, running: Running) -> None:
        metadata = MessageMetadata(channel_id="x", custom_properties={"a": "b"})
        entries = [PutMessagesDetailsEntry(content="a", metadata=metadata)]
        running.client().put_messages(QUEUE_OCID, PutMessagesDetails(messages=entries))
        [found] = running.get()
        assert (found.metadata.channel_id, found.metadata.custom_properties) == ("x", {"a": "b"})


class TestConsumer:
    """GetMessages and DeleteMessage."""

    def test_a_message_is_given_until_it_is_deleted(self, running: Running) -> None:
        running.put("zwö")
        [message] = running.get()
        assert (message.id, message.content, message.delivery_count) == (1, "zwö", 1)
        assert message.created_at == datetime(2026, 11, 27, tzinfo=UTC)
        assert message.visible_after == datetime(2026, 11, 27, 0, 0, 30, tzinfo=UTC)
        assert message.expire_after == datetime(2026, 11, 28, tzinfo=UTC)
        assert running.get() == []
        running.now += timedelta(seconds=30)
        [again] = running.get()
        assert (again.id, again.delivery_count) == (1, 2)
        assert running.delete(again.receipt) == 204
        running.now += timedelta(hours=1)
        assert running.get() == []
        assert [kept.content for kept in running.queue.messages] == ["zwö"]

    def test_an_earlier_receipt_deletes_nothing(self, running: Running) -> None:
        running.put("a")
        [first] = running.get(visibility_in_seconds=0)
        [second] = running.get(visibility_in_seconds=0)
        for receipt in (first.receipt, "other"):
            with pytest.raises(ServiceError) as caught:
                running.delete(receipt)
            assert caught.value.status == 404
        assert running.delete(second.receipt) == 204

    def test_how_many_and_for_how_long(self, running: Running) -> None:
        running.put(*"abc")
        assert [message.content for message in running.get(limit=None, visibility_in_seconds=60)] == ["a"]
        assert [message.content for message in running.get(limit=1)] == ["b"]
        running.now += timedelta(seconds=59)
        assert [message.content for message in running.get()] == ["b", "c"]
        running.now += timedelta(seconds=1)
        assert [message.content for message in running.get()] == ["a"]

    def test_messages_end_after_a_day(self, running: Running) -> None:
        running.put("a")
        running.now += timedelta(hours=12)
        running.put("b")
        running.now += timedelta(hours=12)
        assert [message.content for message in running.get()] == ["b"]

    @pytest.mark.parametrize(
        "parameters",
        [
            *({"limit": 0}, {"limit": 33}, {"visibility_in_seconds": 43_201}, {"timeout_in_seconds": 31}),
            *({"limit": "x"}, {"limit": -1}, {"limit": "9" * 5000}),
        ],
    )
    def test_parameters_have_bounds(self, running: Running, parameters: dict[str, Any]) -> None:
        running.put("a")
        with pytest.raises(ServiceError) as caught:
            running.get(**parameters)
        assert (caught.value.status, caught.value.code) == (400, "InvalidParameter")
        assert len(running.get(limit=32, visibility_in_seconds=43_200)) == 1

    def test_it_waits_for_a_message(self, running: Running) -> None:
        got: list[Any] = []
        consumer = threading.Thread(target=lambda: got.extend(running.get(timeout_in_seconds=30)))
        consumer.start()
        wait_until(lambda: running.queue.requests == 1)
        running.put("a")
        consumer.join(30)
        assert [message.content for message in got] == ["a"]

    def test_it_stops_waiting(self, running: Running) -> None:
        running.queue = Queue(running.identity, queue_id=QUEUE_OCID)
        with Server(running.queue) as running.server:
            assert running.get(timeout_in_seconds=1) == []

    def test_another_queue_has_no_messages(self, running: Running) -> None:
        for target in (f"/20210201/queues/{QUEUE_OCID}x/messages", "/messages", f"{TARGET}/a/b"):
            assert post(running.server, target, b"{}", signer=running.signer).status_code == 404
        running.put("a")
        undelivered = requests.delete(f"{running.server.url}{TARGET}/", auth=running.signer, timeout=10)
        assert (undelivered.status_code, len(running.get())) == (404, 1)
        with pytest.raises(ServiceError) as caught:
            running.client().get_messages("ocid1.queue.oc1..other")
        assert caught.value.status == 404


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
