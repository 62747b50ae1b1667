"""A call: an invocation whose caller and JSON are known, and the parts that answer it."""

from typing import Any

import msgspec

from presign.assembly import Service
from presign.model.invocation import Invocation, Principal
from presign.record import AuditLog


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
