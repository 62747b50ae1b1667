"""The errors that the client raises. No message of theirs holds a URL, a token or a signature."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

FOREIGN = "foreign_answer"
"""The code of an answer that neither the API nor Object Storage can have given."""

_UNBOUND = {"/operation", "/content_length", "/content_md5"}
_PASSING_STATUSES = frozenset({408, 429, 502, 503, 504})
_DAMAGED = frozenset({"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "UnmatchedContentMD5"})
_EXPIRED_STATUSES = frozenset({401, 403})


_SECRETS = [
    re.compile(r"https?:[^\s\"'<>]*"),
    re.compile(r"(?i)\bX-(Amz|Goog)-[\w-]+=[^\s\"'<>]*"),
    re.compile(r"/p/[\w%~.-]{8,}/[^\s\"'<>]*"),
    re.compile(r"(?i)\bBearer\s+\S+"),
    re.compile(r"\beyJ[\w-]+\.[\w-]*\.?[\w-]*"),
]
"""A URL, a parameter of a signature, the path of a pre-authenticated request, a header with a token, a token."""
_MAX_TOLD = 1000


class FieldError(NamedTuple):
    """An error in one field of a request.

    Attributes:
        pointer: JSON pointer of the field.
        detail: what is wrong with it.
    """

    pointer: str
    detail: str


class PresignError(Exception):
    """The operation failed. Every failure of this package is one.

    Attributes:
        code: the kind of failure, for programs.
        passes: whether the same request may succeed later.
        retry_after_seconds: how long the server asks to wait, 0 if it does not say.
    """

    code = "error"
    passes = False
    retry_after_seconds = 0.0

    def __reduce__(self) -> tuple[Any, ...]:
        """For copies and pickles, since a pool of processes hands errors on so. `__init__` takes other arguments."""
        return _restored, (type(self), self.args, self.__dict__)


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
        super().__init__(redacted(f"{code}: {detail}{f' ({told})' if told else ''}"))
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
    def from_details(
        cls, details: Mapping[str, Any], *, status: int, retry_after_seconds: float = 0, at: str = ""
    ) -> Problem:
        """The problem that details of the function describe, whatever types their members have.

        Args:
            details: problem details.
            status: of the answer, if they name none.
            retry_after_seconds: how long the server asks to wait.
            at: pointer of the request in its batch, which the fields' pointers leave out then.
        """
        told, code, detail = details.get("status"), details.get("code"), details.get("detail")
        status = told if isinstance(told, int) else status
        detail = detail if isinstance(detail, str) else f"The function answered with status {status}."
        return cls(
            detail.replace(f"{at}/", "/") if at else detail,
            status=status,
            code=code if isinstance(code, str) else f"http_{status}",
            errors=_field_errors(details.get("errors"), at),
            request_id=str(details.get("request_id", "")),
            retry_after_seconds=retry_after_seconds,
        )


class StoreError(PresignError):
    """Object Storage refused.

    Attributes:
        status: of the answer.
        code: the name that Object Storage gives the error, such as `NoSuchKey`.
    """

    def __init__(self, message: str, *, status: int, code: str, retry_after_seconds: float = 0) -> None:
        super().__init__(redacted(f"{code}: {message}"))
        self.code = code
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.passes = status == 500 or status in _PASSING_STATUSES or code in _DAMAGED

    @property
    def may_be_expired(self) -> bool:
        """Whether Object Storage refused the URL itself, so that another one may serve."""
        is_refused = self.status in _EXPIRED_STATUSES or self.code == "NotAuthorizedOrNotFound"
        return is_refused and self.code != FOREIGN


class ConnectionFailed(PresignError):
    """There was no answer, or not all of it.

    Attributes:
        is_unknown_host: whether the host's name has no address, and never had one here. So it may be wrong.
    """

    code = "connection_failed"
    passes = True

    def __init__(self, host: str, *, cause: str, is_unknown_host: bool = False) -> None:
        super().__init__(f"The connection to {host} failed ({cause}).")
        self.is_unknown_host = is_unknown_host


class InvalidArgument(PresignError, ValueError):
    """An argument can't be used, so nothing was sent."""

    code = "invalid_argument"


class NotRevocable(InvalidArgument):
    """The URL can't be taken back."""

    code = "not_revocable"


class NoToken(PresignError):
    """There is no token that could be sent."""

    code = "no_token"


class UnreadableFile(PresignError):
    """The file to upload can't be read."""

    code = "unreadable_file"


class UnwritableFile(PresignError):
    """A file on this machine can't be written."""

    code = "unwritable_file"


class Changed(PresignError):
    """The file or the object changed while it was transferred, so the transfer was given up."""

    code = "changed"


class ChecksumMismatch(PresignError):
    """The bytes that arrived are not those that were uploaded."""

    code = "checksum_mismatch"


class FolderError(PresignError):
    """Some files of a folder failed; the others were transferred.

    Attributes:
        failures: the error of each of them, by the object's key.
    """

    code = "folder"

    def __init__(self, failures: Mapping[str, PresignError]) -> None:
        name, first = next(iter(failures.items()))
        files = "1 file" if len(failures) == 1 else f"{len(failures)} files"
        shown = name.encode(errors="backslashreplace").decode()  # a file's name need not be a text
        super().__init__(f"{files} failed, such as {shown}: {first}")
        self.failures = dict(failures)


class Stopped(PresignError):
    """Another part of the same transfer failed, or the transfer was interrupted."""

    code = "stopped"


def _restored(kind: type[PresignError], args: tuple[Any, ...], attributes: Mapping[str, Any]) -> PresignError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


def redacted(text: str) -> str:
    """A text of a server, cut if it is long, without the secrets that it may repeat: URLs, signatures and tokens."""
    for secret in _SECRETS:
        text = secret.sub("(left out)", text)
    return text if len(text) <= _MAX_TOLD else f"{text[:_MAX_TOLD]} (and more)"


def reason(error: OSError | ValueError) -> str:
    """The reason why a file can't be used, in words."""
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _field_errors(told: Any, at: str) -> list[FieldError]:
    listed = told if isinstance(told, list) else []
    members = [(one.get("pointer"), one.get("detail")) for one in listed if isinstance(one, dict)]
    return [
        FieldError(where.removeprefix(at), what)
        for where, what in members
        if isinstance(where, str) and isinstance(what, str)
    ]
