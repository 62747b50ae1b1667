"""The errors that the client raises. No message of theirs holds a URL, a token or a signature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

_UNBOUND = {"/operation", "/content_length", "/content_md5"}
_PASSING_STATUSES = frozenset({408, 429, 502, 503, 504})


class FieldError(NamedTuple):
    """An error in one field of a request.

    Attributes:
        pointer: JSON pointer of the field.
        detail: what is wrong with it.
    """

    pointer: str
    detail: str


class PresignError(Exception):
    """The operation failed.

    Attributes:
        code: the kind of failure, for programs.
        passes: whether the same request may succeed later.
        retry_after_seconds: how long the server asks to wait, 0 if it does not say.
    """

    code = "error"
    passes = False
    retry_after_seconds = 0.0


class Problem(PresignError):
    """The presign function or API Gateway refused, as problem details (RFC 9457) tell.

    Attributes:
        status: of the answer.
        errors: the fields that are wrong, or the limits that were exceeded.
        request_id: names the call in the function's log.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int,
        code: str,
        errors: Sequence[FieldError] = (),
        request_id: str = "",
        retry_after_seconds: float = 0,
    ) -> None:
        told = "; ".join(f"{error.pointer} {error.detail}" for error in errors if error.detail not in detail)
        super().__init__(f"{code}: {detail}{f' ({told})' if told else ''}")
        self.code = code
        self.status = status
        self.errors = list(errors)
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds
        self.passes = status in _PASSING_STATUSES

    @property
    def wants_par(self) -> bool:
        """Whether a rule allows the request by a pre-authenticated request only, which can bind less."""
        return self.status == 400 and bool(self.errors) and {error.pointer for error in self.errors} <= _UNBOUND

    @classmethod
    def from_document(cls, document: Any, *, status: int = 0, retry_after_seconds: float = 0) -> Problem:
        """The problem that an answer describes; `status` serves if the answer names none."""
        found = document if isinstance(document, dict) else {}
        status = found.get("status") or status
        code = found.get("code")
        return cls(
            found.get("detail") or found.get("message") or f"The server answered with status {status}.",
            status=status,
            code=code if isinstance(code, str) else f"http_{status}",
            errors=[FieldError(error["pointer"], error["detail"]) for error in found.get("errors", [])],
            request_id=found.get("request_id", ""),
            retry_after_seconds=retry_after_seconds,
        )


class StoreError(PresignError):
    """Object Storage refused.

    Attributes:
        status: of the answer.
        code: the name that Object Storage gives the error, such as `NoSuchKey`.
    """

    def __init__(self, message: str, *, status: int, code: str, retry_after_seconds: float = 0) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.passes = status == 500 or status in _PASSING_STATUSES


class ConnectionFailed(PresignError):
    """There was no answer, or not all of it."""

    code = "connection_failed"
    passes = True

    def __init__(self, host: str, *, cause: str) -> None:
        super().__init__(f"The connection to {host} failed ({cause}).")


class Changed(PresignError):
    """The file or the object changed while it was transferred, so the transfer was given up."""

    code = "changed"


class ChecksumMismatch(PresignError):
    """The bytes that arrived are not those that were uploaded."""

    code = "checksum_mismatch"


class Stopped(PresignError):
    """Another part of the same transfer failed, or the transfer was interrupted."""

    code = "stopped"
