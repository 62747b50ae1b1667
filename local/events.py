"""OCI Events, as far as the function uses it: a rule that calls the function for every object that is written."""

from __future__ import annotations

import heapq
import itertools
import json
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from local.functions.fn_agent import Answer, FunctionUnavailable
from local.identity.resource_principal import COMPARTMENT_OCID
from local.object_storage.native_answer import bucket_ocid, timestamp
from local.object_storage.stored_object import StoredObject

MAX_ATTEMPTS = 20
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 30.0
MAX_WAITING = 10_000
STOP_SECONDS = 1


class _Attempt(NamedTuple):
    """A call of the function that is due at a time (of the monotonic clock); earlier ones come first."""

    due: float
    number: int
    event_id: str
    body: bytes
    failures: int


class ObjectEvents:
    """Sends events from a thread of its own, one at a time, until it is stopped.

    An event is sent again, after a pause that doubles, when the function gives no answer or an HTTP error status.

    Args:
        call: calls the function directly with a body.
        namespace: of the buckets.
        max_attempts: after so many failures an event is given up.
        first_pause_seconds, max_pause_seconds: between two attempts.
        max_waiting: further events are dropped when so many wait.

    Attributes:
        delivered, given_up, dropped: how many events the function took, and how many it never will.
    """

    def __init__(
        self,
        call: Callable[[bytes], Answer],
        *,
        namespace: str,
        max_attempts: int = MAX_ATTEMPTS,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
        max_pause_seconds: float = MAX_PAUSE_SECONDS,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self.delivered = 0
        self.given_up = 0
        self.dropped = 0
        self._call = call
        self._namespace = namespace
        self._max_attempts = max_attempts
        self._first_pause_seconds = first_pause_seconds
        self._max_pause_seconds = max_pause_seconds
        self._max_waiting = max_waiting
        self._numbers = itertools.count()
        self._waiting: list[_Attempt] = []
        self._changed = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="object-events", daemon=True)
        self._thread.start()

    def send(self, bucket: str, stored: StoredObject, is_update: bool = False) -> dict[str, Any]:
        """Send the event of an object that was written, and return it at once."""
        event = object_event(self._namespace, bucket, stored, is_update=is_update)
        with self._changed:
            if len(self._waiting) < self._max_waiting:
                due = time.monotonic()
                body = json.dumps(event).encode()
                heapq.heappush(self._waiting, _Attempt(due, next(self._numbers), event["eventID"], body, 0))
                self._changed.notify()
                return event
            self.dropped += 1
        print(f"Event {event['eventID']} is dropped, since {self._max_waiting:,} wait.", file=sys.stderr)
        return event

    def stop(self) -> None:
        """Send no more events. A call that takes longer than a second ends with the function's process."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while attempt := self._next():
            try:
                status = self._call(attempt.body).status
            except FunctionUnavailable:
                status = 0
            if 200 <= status < 400:
                self.delivered += 1
            elif attempt.failures + 1 == self._max_attempts:
                self.given_up += 1
                last = f"answered {status}" if status else "did not answer"
                print(
                    f"Event {attempt.event_id} is given up after {self._max_attempts} attempts; the function {last}.",
                    file=sys.stderr,
                )
            else:
                self._try_again(attempt)

    def _next(self) -> _Attempt | None:
        """The next attempt when it is due, None when there will be none."""
        with self._changed:
            while not self._is_stopping:
                wait_seconds = self._waiting[0].due - time.monotonic() if self._waiting else None
                if wait_seconds is not None and wait_seconds <= 0:
                    return heapq.heappop(self._waiting)
                self._changed.wait(wait_seconds)
        return None

    def _try_again(self, attempt: _Attempt) -> None:
        pause_seconds = min(self._first_pause_seconds * 2**attempt.failures, self._max_pause_seconds)
        again = attempt._replace(due=time.monotonic() + pause_seconds, failures=attempt.failures + 1)
        with self._changed:
            heapq.heappush(self._waiting, again)


def object_event(namespace: str, bucket: str, stored: StoredObject, *, is_update: bool) -> dict[str, Any]:
    """The event of an object that was written, in Oracle's form of CloudEvents 0.1.

    (https://docs.oracle.com/iaas/Content/Events/Reference/eventenvelopereference.htm)
    """
    kind = "updateobject" if is_update else "createobject"
    return {
        "eventType": f"com.oraclecloud.objectstorage.{kind}",
        "cloudEventsVersion": "0.1",
        "eventTypeVersion": "2.0",
        "source": "ObjectStorage",
        "eventTime": timestamp(stored.modified_at),
        "contentType": "application/json",
        "data": {
            "compartmentId": COMPARTMENT_OCID,
            "compartmentName": "local",
            "resourceName": stored.key,
            "resourceId": f"/n/{namespace}/b/{bucket}/o/{stored.key}",
            "availabilityDomain": "local",
            "additionalDetails": {
                "bucketName": bucket,
                "bucketId": bucket_ocid(bucket),
                "namespace": namespace,
                "eTag": stored.etag,
                "versionId": stored.etag,
                "archivalState": "Available",
            },
        },
        "eventID": str(uuid.uuid4()),
        "extensions": {"compartmentId": COMPARTMENT_OCID},
    }
