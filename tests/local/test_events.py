"""Events of objects reach the function, again and again until it takes them, and give up in the end."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.events import ObjectEvents
from local.functions.fn_agent import Answer, FunctionUnavailable
from support.store import BUCKET, Store, told
from support.waiting import wait_until


class Receiver:
    """Stands for the function: keeps the events that it gets, and answers as the test says.

    Args:
        answers: to the calls, one after another; the last one to all further calls. None is no answer.
    """

    def __init__(self, *answers: int | None) -> None:
        self.calls: list[dict[str, Any]] = []
        self.gate = threading.Event()
        self.gate.set()
        self._answers = list(answers) or [200]

    def __call__(self, body: bytes) -> Answer:
        self.gate.wait(10)
        self.calls.append(json.loads(body))
        status = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if status is None:
            raise FunctionUnavailable("no answer")
        return Answer(status, [], b"")


@pytest.fixture
def store(fresh_store: Store) -> Store:
    """A store that no other test's listener hears."""
    return fresh_store


@pytest.fixture
def listen(store: Store) -> Iterator[Callable[..., ObjectEvents]]:
    """Sends the store's events to a receiver."""
    started = []

    def start(receiver: Receiver, **options: Any) -> ObjectEvents:
        options = {"first_pause_seconds": 0.01, "max_pause_seconds": 0.02, **options}
        events = ObjectEvents(receiver, namespace="ns", **options)
        started.append((receiver, events))
        store.storage.on_written(events.send)
        return events

    yield start
    for receiver, events in started:
        receiver.gate.set()
        events.stop()


def test_the_event_of_a_new_object(store: Store, listen: Callable[..., ObjectEvents]) -> None:
    receiver = Receiver()
    events = listen(receiver)
    store.storage.put_object(BUCKET, "dir/ä b.txt", b"x")
    wait_until(lambda: events.delivered == 1)
    (event,) = receiver.calls
    details = event["data"].pop("additionalDetails")
    etag = details.pop("eTag")
    assert len(etag) == 36
    assert details.pop("versionId") == etag
    assert details.pop("bucketId").startswith("ocid1.bucket.oc1..")
    assert details == {"bucketName": BUCKET, "namespace": "ns", "archivalState": "Available"}
    assert len(event.pop("eventID")) == 36
    written_at = event.pop("eventTime")
    assert written_at.endswith("Z")
    assert event == {
        "eventType": "com.oraclecloud.objectstorage.createobject",
        "cloudEventsVersion": "0.1",
        "eventTypeVersion": "2.0",
        "source": "ObjectStorage",
        "contentType": "application/json",
        "data": {
            "compartmentId": "ocid1.compartment.oc1..local",
            "compartmentName": "local",
            "resourceName": "dir/ä b.txt",
            "resourceId": f"/n/ns/b/{BUCKET}/o/dir/ä b.txt",
            "availabilityDomain": "local",
        },
        "extensions": {"compartmentId": "ocid1.compartment.oc1..local"},
    }


def test_every_way_to_write_has_its_event(store: Store, listen: Callable[..., ObjectEvents]) -> None:
    receiver = Receiver()
    events = listen(receiver)
    assert store.do("PUT", "put_object", b"1", Key="put")[0] == 200
    assert store.do("PUT", "put_object", b"2", Key="put")[0] == 200
    source = {"x-amz-copy-source": f"{BUCKET}/put"}
    assert store.do("PUT", "copy_object", b"", source, Key="copy", CopySource=f"{BUCKET}/put")[0] == 200
    upload_id = told(store.do("POST", "create_multipart_upload", b"", Key="parts"), "UploadId")
    part = store.do("PUT", "upload_part", b"x", Key="parts", UploadId=upload_id, PartNumber=1)
    parts = f"<C><Part><PartNumber>1</PartNumber><ETag>{part.headers['ETag']}</ETag></Part></C>"
    assert store.do("POST", "complete_multipart_upload", parts.encode(), Key="parts", UploadId=upload_id)[0] == 200
    wait_until(lambda: events.delivered == 4)
    assert [(call["eventType"].rpartition(".")[2], call["data"]["resourceName"]) for call in receiver.calls] == [
        ("createobject", "put"),
        ("updateobject", "put"),
        ("createobject", "copy"),
        ("createobject", "parts"),
    ]


def test_a_refused_upload_and_a_deletion_have_no_event(store: Store, listen: Callable[..., ObjectEvents]) -> None:
    receiver = Receiver()
    events = listen(receiver)
    header = {"If-None-Match": "*"}
    assert [store.do("PUT", "put_object", b"1", header, Key="a", IfNoneMatch="*")[0] for _ in range(2)] == [
        200,
        412,
    ]
    assert store.do("DELETE", "delete_object", Key="a")[0] == 204
    store.storage.put_object(BUCKET, "last", b"")
    wait_until(lambda: events.delivered == 2)
    assert [call["data"]["resourceName"] for call in receiver.calls] == ["a", "last"]


def test_an_event_is_sent_again_until_the_function_takes_it(store: Store, listen: Callable[..., ObjectEvents]) -> None:
    receiver = Receiver(502, None, 504, 200)
    events = listen(receiver)
    store.storage.put_object(BUCKET, "a", b"")
    wait_until(lambda: events.delivered == 1)
    assert len(receiver.calls) == 4
    assert len({call["eventID"] for call in receiver.calls}) == 1
    assert (events.given_up, events.dropped) == (0, 0)


def test_a_thousand_events_of_which_half_of_the_calls_fail(store: Store, listen: Callable[..., ObjectEvents]) -> None:
    chance = random.Random(1)  # noqa: S311 - the same each time
    taken = Counter[str]()

    def call(body: bytes) -> Answer:
        if chance.random() < 0.5:
            return Answer(502, [], b"")
        taken[json.loads(body)["data"]["resourceName"]] += 1
        return Answer(200, [], b"")

    events = ObjectEvents(call, namespace="ns", first_pause_seconds=0.001, max_pause_seconds=0.002)
    store.storage.on_written(events.send)
    keys = [f"many/{number}" for number in range(1000)]
    for key in keys:
        store.storage.put_object(BUCKET, key, b"")
    wait_until(lambda: events.delivered == 1000)
    events.stop()
    assert taken == dict.fromkeys(keys, 1)
    assert (events.given_up, events.dropped) == (0, 0)


def test_the_pause_doubles(store: Store, listen: Callable[..., ObjectEvents]) -> None:
    receiver = Receiver(502, 502, 502, 200)
    events = listen(receiver, first_pause_seconds=0.05, max_pause_seconds=0.1)
    began = time.monotonic()
    store.storage.put_object(BUCKET, "a", b"")
    wait_until(lambda: events.delivered == 1)
    assert time.monotonic() - began >= 0.05 + 0.1 + 0.1


def test_another_event_does_not_wait_for_a_failing_one(store: Store, listen: Callable[..., ObjectEvents]) -> None:
    receiver = Receiver(502, 200)
    events = listen(receiver, first_pause_seconds=0.5, max_pause_seconds=0.5)
    store.storage.put_object(BUCKET, "a", b"")
    store.storage.put_object(BUCKET, "b", b"")
    wait_until(lambda: events.delivered == 2)
    assert [call["data"]["resourceName"] for call in receiver.calls] == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("status", "text"), [(502, "the function answered 502"), (None, "the function did not answer")]
)
def test_an_event_is_given_up(
    store: Store,
    listen: Callable[..., ObjectEvents],
    capsys: pytest.CaptureFixture[str],
    status: int | None,
    text: str,
) -> None:
    receiver = Receiver(status)
    events = listen(receiver, max_attempts=3)
    store.storage.put_object(BUCKET, "a", b"")
    wait_until(lambda: events.given_up == 1)
    assert len(receiver.calls) == 3
    events.stop()
    assert capsys.readouterr().err == f"Event {receiver.calls[0]['eventID']} is given up after 3 attempts; {text}.\n"


def test_events_beyond_the_bound_are_dropped(store: Store, listen: Callable[..., ObjectEvents]) -> None:
    receiver = Receiver()
    receiver.gate.clear()
    events = listen(receiver, max_waiting=2)
    for number in range(5):
        store.storage.put_object(BUCKET, str(number), b"")
    # The first one may be on its way already, or wait like the others.
    assert events.dropped in (2, 3)
    receiver.gate.set()
    wait_until(lambda: events.delivered + events.dropped == 5)


def test_it_stops_with_events_that_wait(store: Store, listen: Callable[..., ObjectEvents]) -> None:
    receiver = Receiver(502)
    events = listen(receiver, first_pause_seconds=60, max_pause_seconds=60)
    store.storage.put_object(BUCKET, "a", b"")
    wait_until(lambda: len(receiver.calls) == 1)
    events.stop()
    wait_until(lambda: "object-events" not in [thread.name for thread in threading.enumerate()])
    store.storage.put_object(BUCKET, "b", b"")
    assert len(receiver.calls) == 1
