"""Events of Object Storage, as the Events service or Connector Hub delivers them to a function."""

import base64
from typing import Any

import msgspec

from presign.model.field_errors import pointer
from presign.model.header_values import field_value_error
from presign.model.json_text import decode
from presign.model.object_names import bucket_error, key_error
from presign.model.operations.objects import GetObject
from presign.model.request import Event, Request
from presign.problems import FieldError, InvalidJson, InvalidRequest
from presign.read.parser import REQUEST_MEMBERS, RequestParser, json_object

EVENT_TYPES = ("com.oraclecloud.objectstorage.createobject", "com.oraclecloud.objectstorage.updateobject")
MAX_EVENTS = 1000
"""The most events of one call."""

_KEY = ("data", "resourceName")
_DETAILS = ("data", "additionalDetails")
_BUCKET = (*_DETAILS, "bucketName")
_ETAG = (*_DETAILS, "eTag")
_VERSION = (*_DETAILS, "versionId")
_COMPARTMENT = ("data", "compartmentId")


def events_of_list(events: list[Any]) -> list[Any]:
    """The JSON values in the list that Connector Hub sends; raises `InvalidRequest` if there are none or too many.

    The list from Streaming holds messages whose `value` is an event in Base64.
    """
    if not 1 <= len(events) <= MAX_EVENTS:
        raise InvalidRequest([FieldError("", f"must have 1 to {MAX_EVENTS} events")])
    return events


def parse_event(document: Any) -> Event:
    """The event that a JSON value is.

    Raises:
        InvalidRequest: it is an event of another type, or names no object; with every validation error.
    """
    event = _unwrapped(json_object(document))
    errors = [
        FieldError(pointer(name), "can't be given with an event, which has no options")
        for name in sorted(REQUEST_MEMBERS & event.keys())  # an event's own members have other names
    ]
    if event.get("eventType") not in EVENT_TYPES:
        errors.append(FieldError("/eventType", f"must be one of {', '.join(EVENT_TYPES)}"))
    bucket, key = _text(event, *_BUCKET), _text(event, *_KEY)
    for path, value, error_of in ((_BUCKET, bucket, bucket_error), (_KEY, key, key_error)):
        if detail := "is required, a text" if value is None else error_of(value):
            errors.append(FieldError(pointer(*path), detail))
    errors += [
        FieldError(pointer(*path), "must be a text")
        for path in (("eventID",), ("eventTime",), _ETAG, _VERSION, _COMPARTMENT)
        if not isinstance(_member(event, *path), str | None)
    ]
    if (version := _text(event, *_VERSION)) and (detail := field_value_error(version)):
        errors.append(FieldError(pointer(*_VERSION), detail))
    if errors or bucket is None or key is None:
        raise InvalidRequest(errors)
    return Event(
        bucket=bucket,
        key=key,
        event_id=_text(event, "eventID"),
        event_time=_text(event, "eventTime"),
        etag=_text(event, *_ETAG),
        version_id=version,
        compartment_id=_text(event, *_COMPARTMENT),
    )


def request_of_event(document: Any, parser: RequestParser) -> Request:
    """The download of the version that an event is about, or of the object; raises `InvalidRequest` likewise."""
    event = parse_event(document)
    request = parser.check(GetObject(bucket=event.bucket, key=event.key, version_id=event.version_id or None))
    return msgspec.structs.replace(request, event=event)


def object_of(document: Any) -> str:
    """The object that an event names, for the log; the event need not be valid."""
    try:
        event = _unwrapped(json_object(document))
    except InvalidRequest:
        return "no object"
    return ascii(f"{_text(event, *_BUCKET)}/{_text(event, *_KEY)}")


def _unwrapped(document: dict[str, Any]) -> dict[str, Any]:
    """The event in a message of Streaming, as Connector Hub hands it on; another JSON object as it is."""
    if "stream" not in document or not isinstance(document.get("value"), str):
        return document
    try:
        return json_object(decode(base64.b64decode(document["value"], validate=True)))
    except (ValueError, InvalidJson):
        raise InvalidRequest([FieldError("/value", "must be an event in Base64")]) from None


def _text(event: dict[str, Any], *path: str) -> str | None:
    value = _member(event, *path)
    return value if isinstance(value, str) else None


def _member(event: dict[str, Any], *path: str) -> Any:
    value: Any = event
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
