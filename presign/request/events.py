"""Events of Object Storage, as the Events service delivers them to a function."""

from __future__ import annotations

from typing import Any

from presign.problems import FieldError, InvalidRequest
from presign.request.field_errors import pointer
from presign.request.object_names import bucket_fault, key_fault
from presign.request.operations.objects import GetObject

EVENT_TYPES = ("com.oraclecloud.objectstorage.createobject", "com.oraclecloud.objectstorage.updateobject")

_BUCKET = ("data", "additionalDetails", "bucketName")
_KEY = ("data", "resourceName")


def object_of_event(event: dict[str, Any]) -> GetObject:
    """The download of the object that `event` is about.

    Args:
        event: its JSON, decoded.

    Raises:
        InvalidRequest: it is an event of another type, or names no object; with every fault there is.
    """
    faults = []
    if event.get("eventType") not in EVENT_TYPES:
        faults.append(FieldError("/eventType", f"must be one of {', '.join(EVENT_TYPES)}"))
    names = {}
    for path, fault_of in ((_BUCKET, bucket_fault), (_KEY, key_fault)):
        value: Any = event
        for member in path:
            value = value.get(member) if isinstance(value, dict) else None
        if not isinstance(value, str):
            faults.append(FieldError(pointer(*path), "is required, a text"))
        elif fault := fault_of(value):
            faults.append(FieldError(pointer(*path), fault))
        else:
            names[path] = value
    if faults:
        raise InvalidRequest(faults)
    return GetObject(bucket=names[_BUCKET], key=names[_KEY])
