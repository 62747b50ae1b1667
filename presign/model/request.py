"""The requests of a call: one for each item."""

from datetime import datetime

import msgspec

from presign.model.operation import Operation


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An object was written; the members are None if the event does not tell them."""

    bucket: str
    key: str
    event_id: str | None = msgspec.field(name="eventID")
    event_time: str | None = msgspec.field(name="eventTime")
    etag: str | None = msgspec.field(name="eTag")
    version_id: str | None = msgspec.field(name="versionId")
    compartment_id: str | None = msgspec.field(name="compartmentId")

    @property
    def written_at(self) -> datetime | None:
        """When the object was written; None if the event does not tell."""
        try:
            written_at = datetime.fromisoformat(str(self.event_time))
        except ValueError:
            return None
        return written_at if written_at.tzinfo else None


class Request(msgspec.Struct, frozen=True):
    """One item of a call, free of validation errors; with the event that is answered, if it is one."""

    operation: Operation
    bucket: str
    event: Event | None = None
