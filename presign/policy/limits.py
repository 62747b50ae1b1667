"""The limits of a rule: bounds that a request must keep, and options that are added so that its URL keeps them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any, Literal

from presign.problems import FieldError
from presign.request.model import Operation
from presign.request.operations.copy import CopyObject
from presign.request.operations.form import PostObject
from presign.request.operations.multipart import (
    MAX_PARTS,
    CompleteMultipartUpload,
    CreateMultipartUpload,
    UploadPart,
)
from presign.request.operations.objects import RESPONSE_OPTIONS, HeadObject, PutObject

MAX_OBJECT_BYTES = 10 * 1024**4
"""Bytes: the largest object that OCI Object Storage holds."""

MIN_PART_BYTES = 5 * 1024**2
"""Bytes: the smallest part that S3 takes, unless it is the last."""

_content_type_pattern = re.compile(r"\*/\*|[a-z0-9!#$&^_.+-]+/(?:\*|[a-z0-9!#$&^_.+-]+)")

ResponseOverrides = Literal["download", "any", "none"]

_EXECUTABLE_IMAGE = "image/svg+xml"
"""An image type that runs scripts, so that `image/*` does not cover it."""

Outcome = tuple[dict[str, Any], list[FieldError]]
"""The options that change so that the request keeps a limit, and the limits that it exceeds."""
_KEPT: Outcome = ({}, [])


class Limits:
    """The limits of one rule; see `Rule` for the meaning of each."""

    def __init__(
        self,
        *,
        max_content_length: int | None,
        content_types: list[str] | None,
        create_only: bool,
        response_overrides: ResponseOverrides,
    ) -> None:
        self._checks: list[Callable[[Operation], Outcome]] = []
        if response_overrides != "any":
            self._checks.append(partial(_response_overrides, allowed=response_overrides))
        kept = {"max_content_length": max_content_length, "content_types": content_types, "create_only": create_only}
        if names := [name for name, limit in kept.items() if limit is not None and limit is not False]:
            self._checks.append(partial(_copy, names=names))
        if max_content_length is not None:
            self._checks.append(partial(_length, most=max_content_length))
        if content_types is not None:
            self._checks.append(partial(_type, patterns=content_types))
        if create_only:
            self._checks.append(_create_only)

    def apply(self, operation: Operation) -> Outcome:
        """The options of `operation` that change so that it keeps the limits, and every limit that it exceeds."""
        if not self._checks:
            return _KEPT
        changes: dict[str, Any] = {}
        exceeded: list[FieldError] = []
        for check in self._checks:
            changed, beyond = check(operation)
            changes.update(changed)
            exceeded += beyond
        return changes, exceeded


def max_part_bytes(part_number: int, max_content_length: int) -> int:
    """The most bytes that a part may have, so that all parts together can't have more than `max_content_length`.

    The function keeps no state, so it can't count the parts of an upload. Instead each part has its place: all places
    have one size, the smallest that 10,000 parts of the largest object allow, and the last place has the rest.
    """
    size = part_bytes(max_content_length)
    return max(0, min(size, max_content_length - (part_number - 1) * size))


def part_bytes(max_content_length: int) -> int:
    """The size of all parts but the last of an upload, so that 10,000 are enough for `max_content_length` bytes."""
    return max(MIN_PART_BYTES, ceil(max_content_length / MAX_PARTS))


def content_type_pattern_error(pattern: str) -> str:
    """Why `pattern` is neither a media type nor a range of them (RFC 9110, 12.5.1), or an empty string."""
    return (
        "" if _content_type_pattern.fullmatch(pattern) else "must be such as image/png, image/* or */*, in lower case"
    )


def _length(operation: Operation, most: int) -> Outcome:
    if isinstance(operation, PostObject):
        return _form_length(operation, most)
    if isinstance(operation, UploadPart):
        most = max_part_bytes(operation.part_number, most)
        if most == 0:
            return {}, [FieldError("/part_number", "is beyond the parts that an object of the greatest length has")]
    elif not isinstance(operation, PutObject):
        return _KEPT
    if operation.content_length is None:
        return {}, [FieldError("/content_length", f"is required, and must be at most {most}")]
    if operation.content_length > most:
        return {}, [FieldError("/content_length", f"must be at most {most}")]
    return _KEPT


def _form_length(operation: PostObject, most: int) -> Outcome:
    if operation.max_content_length is None:
        if operation.min_content_length is not None and operation.min_content_length > most:
            return {}, [FieldError("/min_content_length", f"must be at most {most}")]
        return {"max_content_length": most}, []
    if operation.max_content_length > most:
        return {}, [FieldError("/max_content_length", f"must be at most {most}")]
    return _KEPT


def _type(operation: Operation, patterns: list[str]) -> Outcome:
    if not isinstance(operation, PutObject | PostObject | CreateMultipartUpload):
        return _KEPT
    one_of = f"must be one of {', '.join(patterns)}"
    if operation.content_type is None:
        return {}, [FieldError("/content_type", f"is required, and {one_of}")]
    media_type = operation.content_type.partition(";")[0].strip().lower()
    media_range = media_type if media_type == _EXECUTABLE_IMAGE else f"{media_type.partition('/')[0]}/*"
    if {media_type, media_range, "*/*"}.isdisjoint(patterns):
        return {}, [FieldError("/content_type", one_of)]
    return _KEPT


def _response_overrides(operation: Operation, allowed: ResponseOverrides) -> Outcome:
    if not isinstance(operation, HeadObject):
        return _KEPT
    refused = [
        FieldError(f"/{name}", "is not allowed by the rule's response_overrides")
        for name in ("download_as", *RESPONSE_OPTIONS)
        if (value := getattr(operation, name)) is not None and (allowed == "none" or _changes_the_type(name, value))
    ]
    return ({}, refused) if refused else _KEPT


def _changes_the_type(option: str, value: Any) -> bool:
    """Whether an option can make a browser show an object as another type than the stored one."""
    if option == "response_content_disposition":
        return str(value).partition(";")[0].strip().lower() != "attachment"
    return option in ("response_content_type", "response_content_encoding")


def _copy(operation: Operation, names: list[str]) -> Outcome:
    if not isinstance(operation, CopyObject):
        return _KEPT
    return {}, [FieldError("/operation", f"must be another, as a copy can't keep the rule's {', '.join(names)}")]


def _create_only(operation: Operation) -> Outcome:
    if isinstance(operation, PutObject | CompleteMultipartUpload):
        return {"if_none_match": "*"}, []
    if isinstance(operation, PostObject):
        return {}, [FieldError("/operation", "must be another, as a form could replace an object")]
    return _KEPT
