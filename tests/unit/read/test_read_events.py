"""`presign.read.events`: the event that a JSON value is, or every error in it."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from presign.model.operations.objects import GetObject
from presign.model.request import Event
from presign.problems import InvalidRequest
from presign.read.events import events_of_list, parse_event, request_of_event
from presign.read.parser import RequestParser

PARSER = RequestParser(default_bucket="default", max_expires_in=600, virtual_hosted=False)
REQUIRED = "is required, a text"
MUST_BE = "must be a text"


def event(key: Any = "a.txt", bucket: Any = "b", **members: Any) -> dict[str, Any]:
    details = {"bucketName": bucket, "eTag": "e1", "versionId": "v1"}
    return {
        "eventType": "com.oraclecloud.objectstorage.createobject",
        "eventID": "id",
        "eventTime": "2026-11-24T04:16:17Z",
        "data": {"compartmentId": "ocid1.compartment.oc1..c", "resourceName": key, "additionalDetails": details},
        **members,
    }


def errors(document: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        parse_event(document)
    return {error.pointer: error.detail for error in caught.value.errors}


@pytest.mark.parametrize("kind", ["createobject", "updateobject"])
def test_an_object_was_written(kind: str) -> None:
    document = event(eventType=f"com.oraclecloud.objectstorage.{kind}")
    expected = Event(
        bucket="b",
        key="a.txt",
        event_id="id",
        event_time="2026-11-24T04:16:17Z",
        etag="e1",
        version_id="v1",
        compartment_id="ocid1.compartment.oc1..c",
    )
    assert parse_event(document) == expected
    request = request_of_event(document, PARSER)
    assert (request.bucket, request.event) == ("b", expected)
    assert (type(request.operation), request.operation.target) == (GetObject, "a.txt")


def test_an_event_of_another_type() -> None:
    expected = "must be one of com.oraclecloud.objectstorage.createobject, com.oraclecloud.objectstorage.updateobject"
    for kind in ("com.oraclecloud.objectstorage.deleteobject", None, 1):
        assert errors(event(eventType=kind)) == {"/eventType": expected}


@pytest.mark.parametrize("value", [None, 1, {}, []])
def test_texts_that_are_missing(value: Any) -> None:
    assert errors(event(key=value)) == {"/data/resourceName": REQUIRED}
    assert errors(event(bucket=value)) == {"/data/additionalDetails/bucketName": REQUIRED}
    assert errors(event(data=value)) == {
        "/data/resourceName": REQUIRED,
        "/data/additionalDetails/bucketName": REQUIRED,
    }


@pytest.mark.parametrize(
    ("key", "detail"),
    [
        ("/a", "must not begin with a slash"),
        ("a\ufffe", "must not hold U+FFFE or U+FFFF, with which no list could be read"),
        ("a\uffff", "must not hold U+FFFE or U+FFFF, with which no list could be read"),
        ("", "must be 1 to 1024 bytes of UTF-8"),
    ],
)
def test_a_key_that_no_url_can_have(key: str, detail: str) -> None:
    assert errors(event(key=key)) == {"/data/resourceName": detail}


@pytest.mark.parametrize("value", [1, True, {}, []])
def test_members_of_another_type(value: Any) -> None:
    assert errors(event(eventID=value, eventTime=value)) == {"/eventID": MUST_BE, "/eventTime": MUST_BE}
    details = {"bucketName": "b", "eTag": value, "versionId": value}
    document = event(data={"compartmentId": value, "resourceName": "a", "additionalDetails": details})
    assert errors(document) == {
        "/data/additionalDetails/eTag": MUST_BE,
        "/data/additionalDetails/versionId": MUST_BE,
        "/data/compartmentId": MUST_BE,
    }


@pytest.mark.parametrize(
    ("version", "detail"),
    [
        ("\u00fc", "must be printable ASCII"),
        ("a\nb", "must be printable ASCII"),
        (" a", "must not be empty, nor begin or end with a space"),
    ],
)
def test_a_version_that_no_url_can_have(version: str, detail: str) -> None:
    document = event()
    document["data"]["additionalDetails"]["versionId"] = version
    assert errors(document) == {"/data/additionalDetails/versionId": detail}


def test_a_message_tells_each_member_that_is_missing_as_null() -> None:
    bare = {"resourceName": "a", "additionalDetails": {"bucketName": "b"}}
    document = {"eventType": "com.oraclecloud.objectstorage.createobject", "data": bare}
    missing = ("eventID", "eventTime", "eTag", "versionId", "compartmentId")
    assert msgspec.to_builtins(parse_event(document)) == {"bucket": "b", "key": "a", **dict.fromkeys(missing)}


def test_an_event_has_no_options() -> None:
    detail = "can't be given with an event, which has no options"
    assert errors(event(expires_in=5, operation="put_object")) == {"/expires_in": detail, "/operation": detail}


class TestStreaming:
    """Connector Hub hands on messages, whose value is an event in Base64."""

    def message(self, value: Any) -> dict[str, Any]:
        return {"stream": "s", "partition": "0", "value": value}

    def test_an_event_in_a_message(self) -> None:
        value = base64.b64encode(json.dumps(event()).encode()).decode()
        assert parse_event(self.message(value)) == parse_event(event())

    @pytest.mark.parametrize("value", ["no base64", "\u00fc", base64.b64encode(b"{").decode()])
    def test_a_message_without_one(self, value: str) -> None:
        assert errors(self.message(value)) == {"/value": "must be an event in Base64"}

    def test_a_message_with_a_character_that_base64_does_not_have(self) -> None:
        value = base64.b64encode(json.dumps(event()).encode()).decode()
        assert errors(self.message(f"{value[:4]}\n{value[4:]}")) == {"/value": "must be an event in Base64"}

    def test_a_message_with_another_json_value(self) -> None:
        assert errors(self.message(base64.b64encode(b"[]").decode())) == {"": "must be a JSON object"}

    def test_an_event_with_a_member_of_the_same_name(self) -> None:
        assert parse_event(event(stream="s")) == parse_event(event())
        assert parse_event(event(value="no base64")) == parse_event(event())
        assert parse_event(event(stream="s", value=1)) == parse_event(event())


def test_the_size_of_a_list() -> None:
    assert len(events_of_list([{}])) == 1
    assert len(events_of_list([{}] * 1000)) == 1000
    for size in (0, 1001):
        with pytest.raises(InvalidRequest) as caught:
            events_of_list([{}] * size)
        assert [(error.pointer, error.detail) for error in caught.value.errors] == [("", "must have 1 to 1000 events")]
