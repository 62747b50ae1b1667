"""Answers to events are delivered to a queue or a topic, at least once."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from local.api import Fault
from local.stack import BUCKET, CONTENT, OBJECT
from support.systems import Running
from support.waiting import wait_until


def event(number: int = 1, key: str = OBJECT) -> dict[str, Any]:
    return {
        "eventType": "com.oraclecloud.objectstorage.createobject",
        "eventTime": "2026-11-24T03:00:00Z",
        "eventID": f"event-{number}",
        "data": {
            "resourceName": key,
            "additionalDetails": {"bucketName": BUCKET, "eTag": "e", "versionId": "null"},
        },
    }


def invoke(running: Running, document: Any) -> tuple[int, Any]:
    """The HTTP status that the Fn agent sees, and the JSON of the answer."""
    answer = running.stack.invoke(json.dumps(document).encode())
    return answer.status, json.loads(answer.body)


@pytest.fixture(scope="module")
def queue(start: Callable[..., Running]) -> Running:
    return start(deliver_to="queue")


@pytest.fixture(scope="module")
def topic(start: Callable[..., Running]) -> Running:
    return start(deliver_to="topic")


def test_a_message_in_the_queue_has_the_answer_and_its_event(queue: Running) -> None:
    status, answer = invoke(queue, event())
    assert status == 200
    message = json.loads(queue.stack.queue.messages[-1].content)
    assert message["event"] == {
        "bucket": BUCKET,
        "key": OBJECT,
        "eventID": "event-1",
        "eventTime": "2026-11-24T03:00:00Z",
        "eTag": "e",
        "versionId": "null",
        "compartmentId": None,
    }
    assert message["answer"] == answer
    assert requests.get(message["answer"]["url"], timeout=10).content == CONTENT


def test_a_message_of_the_topic_has_a_title_that_is_the_same_for_the_same_event(topic: Running) -> None:
    for _ in range(2):
        assert invoke(topic, event(7))[0] == 200
    first, second = topic.stack.topic.messages[-2:]
    assert first.title == second.title == "Object written: event event-7"
    assert json.loads(first.body)["event"]["eventID"] == "event-7"


def test_a_url_is_for_the_version_of_its_event(start: Callable[..., Running]) -> None:
    running = start(deliver_to="queue", events=True)
    keys = ("a", "b")
    for key in keys:
        url = running.invoke(operation="put_object", key=key)[1]["url"]
        assert requests.put(url, b"first", timeout=10).status_code == 200
    wait_until(lambda: len(running.stack.queue.messages) == 2)
    answers = {answer["key"]: answer for answer in map(answer_in, running.stack.queue.messages)}
    running.stack.storage.put_object(BUCKET, "b", b"second")
    statuses = [requests.get(answers[key]["url"], timeout=10).status_code for key in keys]
    assert statuses == [200, 404]


def answer_in(message: Any) -> dict[str, Any]:
    """The answer that a message has."""
    answer: dict[str, Any] = json.loads(message.content)["answer"]
    return answer


def test_a_refusal_by_the_policy_is_final(queue: Running) -> None:
    before = len(queue.stack.queue.messages)
    wrong = event()
    wrong["data"]["additionalDetails"]["bucketName"] = "other"
    status, problem = invoke(queue, wrong)
    assert (status, problem["code"]) == (200, "access_denied")
    assert len(queue.stack.queue.messages) == before


@pytest.mark.parametrize("status", [404, 429, 500])
def test_a_message_that_is_not_taken_is_a_failure_for_the_agent_too(topic: Running, status: int) -> None:
    topic.stack.topic.fault = Fault(status=status)
    try:
        seen, problem = invoke(topic, event(3))
    finally:
        topic.stack.topic.fault = None
    assert (seen, problem["status"], problem["code"]) == (502, 502, "internal_error")
    assert "url" not in json.dumps(problem)
    assert "Notifications did not take a message" in topic.log()


class TestSeveral:
    """Connector Hub sends lists."""

    def test_they_go_out_together(self, queue: Running) -> None:
        before = len(queue.stack.queue.messages)
        status, answer = invoke(queue, [event(number) for number in range(25)])
        assert (status, len(answer["results"])) == (200, 25)
        ids = [json.loads(message.content)["event"]["eventID"] for message in queue.stack.queue.messages[before:]]
        # Queue gets 20 messages a call, and the calls are made side by side.
        assert sorted(ids) == sorted(f"event-{number}" for number in range(25))

    def test_messages_of_streaming(self, queue: Running) -> None:
        value = base64.b64encode(json.dumps(event(99)).encode()).decode()
        messages = [{"stream": "s", "partition": "0", "key": None, "value": value, "offset": 1, "timestamp": 1}]
        status, answer = invoke(queue, messages)
        assert (status, answer["results"][0]["key"]) == (200, OBJECT)
        assert json.loads(queue.stack.queue.messages[-1].content)["event"]["eventID"] == "event-99"

    def test_one_that_is_wrong_fails_no_other(self, queue: Running) -> None:
        status, answer = invoke(queue, [event(1), {"eventType": "other"}, event(2, key="../a")])
        assert status == 200
        assert ["url" in result for result in answer["results"]] == [True, False, False]

    def test_an_empty_list(self, queue: Running) -> None:
        assert invoke(queue, [])[1]["code"] == "invalid_request"


def test_a_rule_that_lets_delivered_urls_live_long_is_refused(start: Callable[..., Running]) -> None:
    rule = {"operations": ["read"], "bucket": BUCKET, "prefix": ""}
    running = start({"POLICY": json.dumps({"rules": [rule]})}, deliver_to="queue")
    assert invoke(running, event())[1]["code"] == "not_configured"
    assert "setting /POLICY/rules/0/max_expires_in: is required with DELIVER_TO" in running.log()


@pytest.mark.slow
def test_a_thousand_events_are_delivered_though_the_topic_fails_half_of_the_time(start: Callable[..., Running]) -> None:
    running = start(deliver_to="topic")
    running.stack.topic.fault = Fault(status=500, share=0.5)

    def deliver(number: int) -> None:
        for _ in range(100):
            if invoke(running, event(number))[0] == 200:
                return
        raise AssertionError(f"event {number} was never answered")

    with ThreadPoolExecutor(4) as callers:
        list(callers.map(deliver, range(1000)))
    delivered = {json.loads(message.body)["event"]["eventID"] for message in running.stack.topic.messages}
    assert delivered == {f"event-{number}" for number in range(1000)}
