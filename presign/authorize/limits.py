"""The limits of a rule: bounds that a request must keep, and options that are added so that its URL keeps them."""

from collections.abc import Callable, Iterator, Sequence, Set
from functools import cache, partial
from typing import Any
from urllib.parse import quote

from presign.authorize.rules import PAR_OPERATIONS, ResponseOverrides, Rule, upload_limits
from presign.model.field_errors import pointer
from presign.model.operation import Operation
from presign.model.operations import multipart
from presign.model.operations.form import PostObject
from presign.model.operations.objects import CopyObject, PutObject
from presign.model.options import given
from presign.model.part_sizes import STORE_ROUTE_BYTES, max_part_bytes, part_bytes
from presign.model.request import Request
from presign.problems import FieldError

Outcome = tuple[dict[str, Any], list[FieldError]]
"""The options that change so that the request keeps a limit, and the limits that it exceeds."""
_KEPT: Outcome = ({}, [])

MAX_REQUEST_BYTES = 3_500
"""Bytes: the longest request with a PAR, its object name included."""
_OTHER_BYTES = 300
"""The method, the token, the namespace and the parts between them."""

Limit = Callable[[Operation], Outcome]


def limit_of(rule: Rule) -> Limit:
    """All limits of `rule` in one."""
    limits: list[Limit] = []
    if rule.allowed_overrides != "any":
        limits.append(partial(_response_overrides, rule.allowed_overrides))
    if names := upload_limits(rule):
        limits.append(partial(_copy, names))
    if rule.max_content_length is not None:
        limits.append(partial(_length, rule.max_content_length))
    if rule.content_types is not None:
        limits.append(partial(_type, rule.content_types))
    if rule.create_only:
        limits.append(_create_only)
    return limits[0] if len(limits) == 1 else partial(_all, limits)


def _all(limits: Sequence[Limit], operation: Operation) -> Outcome:
    changes: dict[str, Any] = {}
    exceeded: list[FieldError] = []
    for limit in limits:
        changed, beyond = limit(operation)
        changes.update(changed)
        exceeded += beyond
    return changes, exceeded


def _length(most: int, operation: Operation) -> Outcome:
    if isinstance(operation, PostObject):
        # The greater one of the form's own bounds, so far as it has one.
        name = "min_content_length" if operation.max_content_length is None else "max_content_length"
        if (getattr(operation, name) or 0) > most:
            return {}, [FieldError(f"/{name}", f"must be at most {most}")]
        return ({"max_content_length": most}, []) if operation.max_content_length is None else _KEPT
    if isinstance(operation, multipart.UploadPart):
        most = max_part_bytes(operation.part_number, most)
        if most == 0:
            return {}, [FieldError("/part_number", "is beyond the parts that an object of the greatest length has")]
    elif not isinstance(operation, PutObject):
        return _KEPT
    if operation.content_length is None or operation.content_length > most:
        required = "is required, and " if operation.content_length is None else ""
        return {}, [FieldError("/content_length", f"{required}must be at most {most}")]
    return _KEPT


def _type(patterns: list[str], operation: Operation) -> Outcome:
    if not isinstance(operation, PutObject | PostObject | multipart.CreateMultipartUpload):
        return _KEPT
    one_of = f"must be one of {', '.join(patterns)}"
    if operation.content_type is None:
        return {}, [FieldError("/content_type", f"is required, and {one_of}")]
    media_type = operation.content_type.partition(";")[0].strip().lower()
    kind, _, subtype = media_type.partition("/")
    fitting = {"*/*"} if subtype == "*" else {"*/*", media_type}
    # Browsers run the scripts of every XML document, whatever its first part says (WHATWG MIME Sniffing, "XML MIME
    # type"), as they do those of image/svg+xml.
    if subtype != "xml" and not subtype.endswith(("+xml", "*")):
        fitting.add(f"{kind}/*")
    return ({}, [FieldError("/content_type", one_of)]) if fitting.isdisjoint(patterns) else _KEPT


def _response_overrides(allowed: ResponseOverrides, operation: Operation) -> Outcome:
    overrides = given(operation, _overrides(type(operation)))
    if not overrides:  # most requests have none
        return _KEPT
    refused = [
        FieldError(f"/{name}", "is not allowed by the rule's response_overrides")
        for name, value in overrides.items()
        if allowed == "none" or _changes_the_type(name, value)
    ]
    return {}, refused


@cache
def _overrides(operation: type[Operation]) -> Set[str]:
    """The options of `operation` that replace headers of the store's answer."""
    return {name for name, option in operation.query_options.items() if option.wire_name.startswith("response-")}


def _changes_the_type(option: str, value: Any) -> bool:
    """Whether an option can make a browser show an object as another type than the stored one."""
    if option == "response_content_disposition":
        return str(value).partition(";")[0].strip().lower() != "attachment"
    return option in ("response_content_type", "response_content_encoding")


def _copy(names: list[str], operation: Operation) -> Outcome:
    if not isinstance(operation, CopyObject):
        return _KEPT
    return {}, [FieldError("/operation", f"must be another, as a copy can't keep the rule's {', '.join(names)}")]


def _create_only(operation: Operation) -> Outcome:
    if isinstance(operation, PutObject | multipart.CompleteMultipartUpload):
        return {"if_none_match": "*"}, []
    if isinstance(operation, PostObject):
        return {}, [FieldError("/operation", "must be another, as a form could replace an object")]
    return _KEPT


NO_CORS = FieldError(
    "/cors", "needs a rule with via: par, or the setting STORE_ROUTE, as the store lets no page of another origin read"
)
"""Why a rule with `via: s3` can't give a request with `cors`."""


def store_route_errors(operation: Operation, *, max_content_length: int | None) -> list[FieldError]:
    """Why `operation` can't go by the store route, under a rule that allows objects of `max_content_length` bytes."""
    most, way_out = STORE_ROUTE_BYTES, "the most that the store route takes"
    if isinstance(operation, PutObject | multipart.UploadPart):
        length = operation.content_length
        if length is None or length > most:
            required = "is required, and " if length is None else ""
            way_out += "; upload a larger file in parts" if isinstance(operation, PutObject) else ""
            return [FieldError("/content_length", f"{required}must be at most {most}, {way_out}")]
    if isinstance(operation, multipart.CreateMultipartUpload) and part_bytes(max_content_length or 0) > most:
        detail = f"can't be given, as the rule's max_content_length makes parts of more than {most} bytes, {way_out}"
        return [FieldError("/cors", detail)]
    return []


def par_errors(request: Request, *, max_expires_in: int) -> Iterator[FieldError]:
    """Why no PAR can give `request`, if one may be valid for `max_expires_in` seconds."""
    operation = request.operation
    if operation.name not in PAR_OPERATIONS:
        yield FieldError("/operation", f"must be one that a PAR can give: {', '.join(sorted(PAR_OPERATIONS))}")
        return
    for name, option in operation.options.items():
        if not option.bound_by_par and getattr(operation, name) is not None:
            yield FieldError(pointer(name), "can't be given, as a PAR binds only the object and the verb")
    if operation.expires_in is not None and operation.expires_in > max_expires_in:
        yield FieldError("/expires_in", f"must be at most {max_expires_in} for a PAR")
    query = sum(len(name) + len(quote(value)) + 20 for name, value in operation.query())
    size = len(quote(operation.target)) + len(request.bucket) + query
    if size > MAX_REQUEST_BYTES - _OTHER_BYTES:
        at = "/key" if operation.is_on_object else "/prefix"
        yield FieldError(at, f"is too long for a PAR, whose request may have {MAX_REQUEST_BYTES} bytes")
