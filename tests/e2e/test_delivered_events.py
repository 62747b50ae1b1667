"""An upload ends in a message that a queue or a topic got, whatever fails on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import pytest
import requests
from oci.auth.signers import get_resource_principals_signer
from oci.functions import FunctionsInvokeClient

from local.api import Fault
from local.events import ObjectEvents
from local.stack import BUCKET, FUNCTION_OCID, NAMESPACE
from support.systems import Running
from support.waiting import wait_until

EVENTS = 60
CONTENTS = {"queue": "content", "topic": "body"}


@pytest.fixture(scope="module")
def systems(start: Callable[..., Running]) -> dict[str, Running]:
    """A system for each service that messages can be delivered to."""
    targets: tuple[Literal["queue", "topic"], ...] = ("queue", "topic")
    return {target: start(deliver_to=target, events=True) for target in targets}


def messages(system: Running, target: str) -> list[dict[str, Any]]:
    """The content of all messages that were published."""
    return [json.loads(getattr(one, CONTENTS[target])) for one in getattr(system.stack, target).messages]


@pytest.mark.parametrize("target", ["queue", "topic"])
def test_an_upload_ends_in_a_message_with_a_url(systems: dict[str, Running], target: str) -> None:
    system = systems[target]
    key = f"new/{target} ä.txt"
    url = system.ask(operation="put_object", key=key).json()["url"]
    assert requests.put(url, b"the content", timeout=10).status_code == 200

    def found() -> list[dict[str, Any]]:
        return [message for message in messages(system, target) if message["event"]["key"] == key]

    wait_until(lambda: bool(found()))
    (message,) = found()
    assert message["event"]["eventID"]
    assert message["event"]["eTag"] == message["event"]["versionId"]
    assert requests.get(message["answer"]["url"], timeout=10).content == b"the content"

    (shown,) = [
        one for one in requests.get(f"{system.stack.url}/messages", timeout=10).json() if one["content"] == message
    ]
    assert shown["service"] == target


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("queue", Fault(status=500, share=0.5)),
        # The message is there, but the function does not learn it: the receiver gets it again.
        ("topic", Fault(status=500, share=0.5, is_carried_out=True)),
    ],
)
def test_each_event_is_delivered_at_least_once_while_half_of_the_messages_fail(
    systems: dict[str, Running], target: str, fault: Fault
) -> None:
    system = systems[target]
    assert system.stack.object_events
    service = getattr(system.stack, target)
    events = ObjectEvents(
        system.stack.invoke, namespace=NAMESPACE, first_pause_seconds=0.01, max_pause_seconds=0.05, max_attempts=100
    )
    keys = [f"many/{number}" for number in range(EVENTS)]
    try:
        system.stack.storage.on_written(events.send)
        service.fault = fault
        for key in keys:
            system.stack.storage.put_object(BUCKET, key, b"")
        wait_until(lambda: events.delivered == EVENTS, seconds=120)
    finally:
        service.fault = None
        system.stack.storage.on_written(system.stack.object_events.send)
        events.stop()
    found = [message["event"] for message in messages(system, target) if message["event"]["key"].startswith("many/")]
    assert {event["key"] for event in found} == set(keys)
    # Receivers drop doubles by the event's id.
    assert len({event["eventID"] for event in found}) == EVENTS
    assert len(found) - EVENTS == (service.faulted if fault.is_carried_out else 0)
    assert service.faulted > EVENTS / 4
    assert (events.given_up, events.dropped) == (0, 0)


def test_a_refusal_by_the_policy_is_final(start: Callable[..., Running]) -> None:
    rule = {"operations": ["read"], "bucket": BUCKET, "prefix": "yes/", "max_expires_in": 60}
    system = start({"POLICY": json.dumps({"rules": [rule]})}, deliver_to="queue", events=True)
    system.stack.storage.put_object(BUCKET, "no/1", b"")
    system.stack.storage.put_object(BUCKET, "yes/1", b"")
    events = system.stack.object_events
    assert events
    wait_until(lambda: events.delivered == 2)
    assert [message["event"]["key"] for message in messages(system, "queue")] == ["yes/1"]


def test_the_sdk_calls_the_function_through_the_invoke_endpoint(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in running.stack.principal.environment().items():
        monkeypatch.setenv(name, value)
    client = FunctionsInvokeClient(
        {}, signer=get_resource_principals_signer(), service_endpoint=running.stack.invoke_endpoint
    )
    body = json.dumps({"key": "PresignedBlogTest.txt"}).encode()
    answer = client.invoke_function(FUNCTION_OCID, invoke_function_body=body)
    assert requests.get(answer.data.json()["url"], timeout=10).content == b"Your presigned URL works!\n"
