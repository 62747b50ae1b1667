"""Events of Object Storage, as the Events service delivers them to a function."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from presign.problems import FieldError, InvalidRequest
from presign.request.field_errors import pointer
from presign.request.object_names import bucket_error, key_error
from presign.request.operations import OPERATIONS
from presign.request.operations.objects import GetObject

EVENT_TYPES = ("com.oraclecloud.objectstorage.createobject", "com.oraclecloud.objectstorage.updateobject")

_OPTIONS = frozenset({"operation", *(name for found in OPERATIONS.values() for name in found.__struct_fields__)})
"""The members of a request; an event's own members have other names."""

_BUCKET = ("data", "additionalDetails", "bucketName")
_KEY = ("data", "resourceName")


def object_of_event(event: dict[str, Any]) -> GetObject:
    """The download of the object that `event` is about.

    Args:
        event: its JSON, decoded.

    Raises:
        InvalidRequest: it is an event of another type, or names no object; with every validation error.
    """
    errors = [
        FieldError(pointer(name), "can't be given with an event, which has no options")
        for name in sorted(_OPTIONS & event.keys())
    ]
    if event.get("eventType") not in EVENT_TYPES:
        errors.append(FieldError("/eventType", f"must be one of {', '.join(EVENT_TYPES)}"))
    names = {}
    for path, error_of in ((_BUCKET, bucket_error), (_KEY, key_error)):
        value: Any = event
        for member in path:
            value = value.get(member) if isinstance(value, dict) else None
        if not isinstance(value, str):
            errors.append(FieldError(pointer(*path), "is required, a text"))
        elif error := error_of(value):
            errors.append(FieldError(pointer(*path), error))
        else:
            names[path] = value
    if errors:
        raise InvalidRequest(errors)
    return GetObject(bucket=names[_BUCKET], key=names[_KEY])


def time_of_event(event: dict[str, Any]) -> datetime:
    """When the object of `event` was written.

    Raises:
        InvalidRequest: the event does not tell.
    """
    try:
        written_at = datetime.fromisoformat(str(event.get("eventTime")))
    except ValueError:
        written_at = None
    if written_at is None or written_at.tzinfo is None:
        raise InvalidRequest([FieldError("/eventTime", "is required, a time with its offset (RFC 3339)")])
    return written_at
