"""Every refusal, as problem details (RFC 9457).

A problem is raised where it is found and turned into an answer in one place. What the caller sees is the fixed code
and sentence of its class, the errors of the fields and the call id; the cause belongs in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from itertools import islice
from typing import ClassVar

import msgspec

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20
"""The most errors that one problem lists. With all, an answer could be larger than a function may send (6 MB)."""


MAX_POINTER = 200
"""The most characters of a pointer that a sentence quotes."""


class FieldError(msgspec.Struct, frozen=True):
    """One error of a document.

    Args:
        pointer: the place, as a JSON pointer (RFC 6901); empty for the whole document.
        detail: a sentence without its subject, such as "is required".
    """

    pointer: str
    detail: str

    def __str__(self) -> str:
        return f"{self.pointer or '(the whole)'}: {self.detail}"


class ProblemDetails(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The body of a refusal (RFC 9457), `code`, `message`, `request_id` and `errors` being its extension members."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    message: str
    request_id: str
    errors: list[FieldError] = []


def first_errors(errors: Iterable[FieldError]) -> list[FieldError]:
    """As many of `errors` as a problem lists, and one more if there are more; the others are not looked for."""
    return list(islice(errors, MAX_ERRORS + 1))


class Problem(Exception):
    """The base of all refusals.

    Attributes:
        status: HTTP status.
        code: the stable name that clients may rely on.
        detail: the sentence the caller reads.
        errors: those of single fields, where there are any.
        headers: HTTP headers that go with the answer.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    detail: ClassVar[str] = "The request could not be answered because of an error of the service."

    def __init__(self, errors: Sequence[FieldError] = (), *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__("; ".join([self.detail, *map(str, errors)]))
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def summary(self, errors: Sequence[FieldError]) -> str:
        """The sentence that the caller reads."""
        return self.detail

    def details(self, request_id: str, *, at: str = "") -> ProblemDetails:
        """This problem as the caller sees it.

        Args:
            request_id: the Fn call id.
            at: the JSON pointer of the faulty document in a larger one.
        """
        errors = [FieldError(at + error.pointer, error.detail) for error in self.errors] if at else self.errors
        detail = self.summary(errors)
        return ProblemDetails(
            type="about:blank",
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=detail,
            code=self.code,
            message=detail,
            request_id=request_id,
            errors=errors,
        )


class InternalError(Problem):
    """An error of the service that nothing else describes."""


class NotConfigured(Problem):
    """The function's settings are missing or wrong; each is in `errors`, which only the log may show."""

    code = "not_configured"
    detail = "The service is not configured correctly."

    def details(self, request_id: str, *, at: str = "") -> ProblemDetails:
        return msgspec.structs.replace(super().details(request_id, at=at), errors=[])


class SecretUnavailable(Problem):
    """OCI did not give the customer secret key or the namespace.

    Args:
        cause: a sentence for the log alone, with a remedy if one is known.
        retry_after_seconds: when to ask again; sent as `Retry-After` (RFC 9110).
        refused: whether OCI answered that the function may not have it, or that it does not exist.
    """

    status = 503
    code = "secret_unavailable"
    detail = "URLs cannot be signed at the moment; try again later."

    def __init__(self, cause: str, *, retry_after_seconds: int = 2, refused: bool = False) -> None:
        super().__init__(headers={"Retry-After": str(retry_after_seconds)})
        self.cause = cause
        self.retry_after_seconds = retry_after_seconds
        self.refused = refused

    def __str__(self) -> str:
        return self.cause


class _WithErrors(Problem):
    """A problem whose sentence tells the first error, and how many others there are."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(errors[:MAX_ERRORS])
        others = f"{MAX_ERRORS} or more others" if len(errors) > MAX_ERRORS else f"{len(errors) - 1} more"
        self._others = others if len(errors) > 1 else ""

    def summary(self, errors: Sequence[FieldError]) -> str:
        first = errors[0]
        place = first.pointer if len(first.pointer) <= MAX_POINTER else f"{first.pointer[:MAX_POINTER]}…"
        others = f" ({self._others} in errors)" if self._others else ""
        return f"{self.detail}: {place or 'the body'} {first.detail}{others}."


class InvalidJson(_WithErrors):
    """The body is not JSON (RFC 8259)."""

    status = 400
    code = "invalid_json"
    detail = "The body is not valid JSON"


class InvalidRequest(_WithErrors):
    """The body is JSON, but not a request of this API; `errors` lists the first `MAX_ERRORS` validation errors."""

    status = 400
    code = "invalid_request"
    detail = "The request is not valid"


class AccessDenied(Problem):
    """No rule of the policy allows the request."""

    status = 403
    code = "access_denied"
    detail = "The policy does not allow this request."


class LimitExceeded(_WithErrors):
    """A rule of the policy matches the request, but the request exceeds the rule's limits, which are in `errors`."""

    status = 403
    code = "limit_exceeded"
    detail = "The request exceeds a limit of the policy"


class NotFound(Problem):
    """No such path, or no such pre-authenticated request.

    Args:
        detail: tells which.
    """

    status = 404
    code = "not_found"

    def __init__(self, detail: str = "There is nothing at this path.") -> None:
        super().__init__()
        self._sentence = detail

    def summary(self, errors: Sequence[FieldError]) -> str:
        return self._sentence


class MethodNotAllowed(Problem):
    """The path exists, but not for this method; `allow` lists the methods that it has (RFC 9110, 15.5.6)."""

    status = 405
    code = "method_not_allowed"
    detail = "This path does not answer to this method."

    def __init__(self, *, allow: str) -> None:
        super().__init__(headers={"Allow": allow})


class PayloadTooLarge(Problem):
    """The body is larger than a request may be, or its answer would be larger than a function may send.

    Args:
        detail: tells the limit.
    """

    status = 413
    code = "payload_too_large"

    def __init__(self, detail: str) -> None:
        super().__init__()
        self._sentence = detail

    def summary(self, errors: Sequence[FieldError]) -> str:
        return self._sentence


class EventFailed(Problem):
    """An event could not be answered or its answer not be delivered; the sender may send it again.

    The Fn agent passes this status on, so that a sender that tries again does so.
    """

    status = 502
    code = "internal_error"
    detail = "The event could not be processed; send it again."
