"""A call: an invocation whose caller and JSON are known, and the parts that answer it."""

from concurrent.futures import Future
from typing import Any, TypeVar

import msgspec

from presign.assembly import Service
from presign.model.invocation import Invocation, Principal
from presign.record import AuditLog

Result = TypeVar("Result")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """An invocation, read so far as all kinds of calls are read alike.

    Args:
        document: the JSON value of the body.
    """

    invocation: Invocation
    principal: Principal
    document: Any
    service: Service
    audit: AuditLog

    @property
    def id(self) -> str:
        """The id that the Fn agent gave the call; it stands in logs, audit records and problems."""
        return self.invocation.call_id

    def seconds_left(self) -> float:
        """Seconds that the call may take, so that its caller gets the answer in time."""
        return self.service.seconds_left(self.invocation.deadline)

    def in_time(self, started: Future[Result]) -> Result:
        """The result of work that was started; raises `TimeoutError` if it does not come in time for the answer."""
        return started.result(timeout=max(0.0, self.seconds_left()))
