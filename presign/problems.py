"""Every refusal, as problem details (RFC 9457).

A problem is raised where it is found and becomes an answer in one place. The caller sees its code, its sentence, the
errors of fields and the call id; the cause belongs in the log.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import ClassVar

import msgspec

from presign import logs

_log = logging.getLogger(__name__)

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
    """The base of all refusals; `detail` is the sentence that the caller reads instead of the class's.

    The titles are literals, since `http.HTTPStatus` has other phrases for some statuses in newer versions of Python.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal Server Error"
    code: ClassVar[str] = "internal_error"
    sentence: ClassVar[str] = "The request could not be answered because of an error of the service"

    def __init_subclass__(
        cls,
        *,
        status: int = status,
        title: str = title,
        code: str = code,
        sentence: str = sentence,
    ) -> None:
        cls.status, cls.title, cls.code, cls.sentence = status, title, code, sentence

    def __init__(
        self, errors: Sequence[FieldError] = (), *, detail: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self._detail = detail or self.sentence
        super().__init__("; ".join([self._detail, *map(str, errors)]))
        self.errors = list(errors[:MAX_ERRORS])
        self.headers = dict(headers or {})
        others = f"{MAX_ERRORS} or more others" if len(errors) > MAX_ERRORS else f"{len(errors) - 1} more"
        self._others = f" ({others} in errors)" if len(errors) > 1 else ""

    def details(self, request_id: str, *, at: str = "") -> ProblemDetails:
        """This problem as the caller sees it; its sentence tells the first error, and how many others there are.

        `at` is the JSON pointer of the faulty document in a larger one.
        """
        errors = [FieldError(at + error.pointer, error.detail) for error in self.errors] if at else self.errors
        detail = self._detail
        if errors:
            place = errors[0].pointer or "the body"
            place = place if len(place) <= MAX_POINTER else f"{place[:MAX_POINTER]}…"
            detail = f"{detail}: {place} {errors[0].detail}{self._others}"
        detail += "" if detail.endswith("?") else "."
        return ProblemDetails(
            type="about:blank",
            title=self.title,
            status=self.status,
            detail=detail,
            code=self.code,
            message=detail,
            request_id=request_id,
            errors=errors,
        )


class InternalError(Problem):
    """An error of the service that nothing else describes."""


class EventFailed(Problem, status=502, title="Bad Gateway", sentence="The event could not be processed; send it again"):
    """An event could not be answered, or its answer not be delivered.

    The Fn agent passes this status on, so that the sender may send the event again.
    """


class NotConfigured(Problem, code="not_configured", sentence="The service is not configured correctly"):
    """The function's settings are missing or wrong; each is in `errors`, which only the log may show."""

    def details(self, request_id: str, *, at: str = "") -> ProblemDetails:
        return Problem.details(NotConfigured(), request_id)


class SecretUnavailable(
    Problem,
    status=503,
    title="Service Unavailable",
    code="secret_unavailable",
    sentence="URLs cannot be signed at the moment; try again later",
):
    """OCI did not give what is needed to issue a URL: the customer secret key, the namespace, or a PAR.

    Args:
        cause: a sentence for the log alone, with a remedy if one is known.
        retry_after_seconds: when to ask again; sent as `Retry-After` (RFC 9110).
        refused: whether OCI answered that the function may not have it, or that it does not exist.
    """

    def __init__(self, cause: str, *, retry_after_seconds: int = 2, refused: bool = False) -> None:
        super().__init__(headers={"Retry-After": str(retry_after_seconds)})
        self.cause = cause
        self.retry_after_seconds = retry_after_seconds
        self.refused = refused

    def __str__(self) -> str:
        return self.cause


class InvalidJson(Problem, status=400, title="Bad Request", code="invalid_json", sentence="The body is not valid JSON"):
    """The body is not JSON (RFC 8259)."""


class InvalidRequest(
    Problem, status=400, title="Bad Request", code="invalid_request", sentence="The request is not valid"
):
    """The body is JSON, but not a request of this API."""


class AccessDenied(
    Problem, status=403, title="Forbidden", code="access_denied", sentence="The policy does not allow this request"
):
    """No rule of the policy allows the request.

    `reason` is a sentence for the audit record alone: which rule comes nearest, and why it does not allow it.
    """

    def __init__(self, *, reason: str = "") -> None:
        super().__init__()
        self.reason = reason


class LimitExceeded(
    Problem, status=403, title="Forbidden", code="limit_exceeded", sentence="The request exceeds a limit of the policy"
):
    """A rule of the policy matches the request, but the request exceeds the rule's limits, which are in `errors`."""


class NotFound(Problem, status=404, title="Not Found", code="not_found", sentence="There is nothing at this path"):
    """No such path, or no such pre-authenticated request."""


class MethodNotAllowed(
    Problem,
    status=405,
    title="Method Not Allowed",
    code="method_not_allowed",
    sentence="This path does not answer to this method",
):
    """The path exists, but not for this method; the header `Allow` lists its methods (RFC 9110, 15.5.6)."""


class PayloadTooLarge(
    Problem, status=413, title="Request Entity Too Large", code="payload_too_large", sentence="The body is too large"
):
    """The body is larger than a request may be, or its answer would be larger than a function may send."""


def logged_problem(exc: Exception, call_id: str) -> Problem:
    """The caller's answer for `exc`; the operator finds the cause in the log."""
    if isinstance(exc, NotConfigured):
        for error in exc.errors:
            _log.error("%s: setting %s", call_id, error)
    elif isinstance(exc, SecretUnavailable):
        _log.error("%s: %s", call_id, exc.cause)
    elif not isinstance(exc, Problem):
        _log.error("%s: unexpected %s", call_id, logs.where_raised(exc))
        return InternalError()
    # Its traceback leads to frames that hold it again. Such cycles would stay, with all that the frames hold, until the
    # collector comes.
    exc.__context__ = None
    return exc.with_traceback(None)
