"""The limits of a rule: what a request must keep to, and what is added to it so that its URL does."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any

from presign.problems import FieldError
from presign.request.model import Operation
from presign.request.operations.form import PostObject
from presign.request.operations.multipart import MAX_PARTS, CompleteMultipartUpload, CreateMultipartUpload, UploadPart
from presign.request.operations.objects import PutObject

MAX_OBJECT_BYTES = 10 * 1024**4
"""Bytes: the largest object that OCI Object Storage holds."""

MIN_PART_BYTES = 5 * 1024**2
"""Bytes: the least that S3 takes as a part, unless it is the last."""

_content_type_pattern = re.compile(r"\*/\*|[a-z0-9!#$&^_.+-]+/(?:\*|[a-z0-9!#$&^_.+-]+)")

_Outcome = tuple[dict[str, Any], list[FieldError]]
_NOTHING: _Outcome = ({}, [])


class Limits:
    """What a rule demands of the requests that it is for; see `Rule` for the meaning of each limit."""

    def __init__(
        self,
        *,
        max_expires_in: int | None,
        max_content_length: int | None,
        content_types: list[str] | None,
        create_only: bool,
    ) -> None:
        self._max_expires_in = max_expires_in
        self._checks: list[Callable[[Operation], _Outcome]] = []
        if max_content_length is not None:
            self._checks.append(partial(_length, most=max_content_length))
        if content_types is not None:
            self._checks.append(partial(_type, patterns=content_types))
        if create_only:
            self._checks.append(_create_only)

    def apply(self, operation: Operation, *, default_expires_in: int) -> _Outcome:
        """The members of `operation` that change so that it keeps to the limits, and every limit that it goes beyond.

        Args:
            operation: the request, without fault.
            default_expires_in: seconds, where it says nothing.
        """
        changes: dict[str, Any] = {}
        exceeded: list[FieldError] = []
        most = self._max_expires_in
        if operation.expires_in is None:
            changes["expires_in"] = default_expires_in if most is None else min(default_expires_in, most)
        elif most is not None and operation.expires_in > most:
            exceeded.append(FieldError("/expires_in", f"must be at most {most}"))
        for check in self._checks:
            changed, beyond = check(operation)
            changes.update(changed)
            exceeded += beyond
        return changes, exceeded


def max_part_bytes(part_number: int, max_content_length: int) -> int:
    """The most bytes that a part may have, so that all parts together can't have more than `max_content_length`.

    Nobody counts the parts of an upload while URLs are given out, so each has its place: all have one size, which is as
    small as 10,000 parts of an object of the greatest length allow, and the last has what is left.
    """
    size = max(MIN_PART_BYTES, ceil(max_content_length / MAX_PARTS))
    return max(0, min(size, max_content_length - (part_number - 1) * size))


def content_type_pattern_fault(pattern: str) -> str:
    """What keeps `pattern` from being a media type or a range of them (RFC 9110, 12.5.1), or an empty string."""
    return (
        "" if _content_type_pattern.fullmatch(pattern) else "must be such as image/png, image/* or */*, in lower case"
    )


def _length(operation: Operation, most: int) -> _Outcome:
    if isinstance(operation, PostObject):
        if operation.max_content_length is None:
            if (operation.min_content_length or 0) > most:
                return {}, [FieldError("/min_content_length", f"must be at most {most}")]
            return {"max_content_length": most}, []
        if operation.max_content_length > most:
            return {}, [FieldError("/max_content_length", f"must be at most {most}")]
        return _NOTHING
    if isinstance(operation, UploadPart):
        most = max_part_bytes(operation.part_number, most)
        if most == 0:
            return {}, [FieldError("/part_number", "is beyond the parts that an object of the greatest length has")]
    elif not isinstance(operation, PutObject):
        return _NOTHING
    if operation.content_length is None:
        return {}, [FieldError("/content_length", f"is required, and must be at most {most}")]
    if operation.content_length > most:
        return {}, [FieldError("/content_length", f"must be at most {most}")]
    return _NOTHING


def _type(operation: Operation, patterns: list[str]) -> _Outcome:
    if not isinstance(operation, PutObject | PostObject | CreateMultipartUpload):
        return _NOTHING
    media_type = (operation.content_type or "").partition(";")[0].strip().lower()
    accepted = {media_type, f"{media_type.partition('/')[0]}/*", "*/*"} if media_type else set()
    if accepted.isdisjoint(patterns):
        required = "" if media_type else "is required, and "
        return {}, [FieldError("/content_type", f"{required}must be one of {', '.join(patterns)}")]
    return _NOTHING


def _create_only(operation: Operation) -> _Outcome:
    if isinstance(operation, PutObject | CompleteMultipartUpload):
        return {"if_none_match": "*"}, []
    if isinstance(operation, PostObject):
        return {}, [FieldError("/operation", "must be another, as a form could replace an object")]
    return _NOTHING
