"""From the JSON of a call to the requests in it, or to every validation error that they have."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar, get_args

import msgspec

from presign.model.field_errors import field_errors, nearest, pointer
from presign.model.object_names import bucket_error, virtual_hosted_bucket_error
from presign.model.operation import ObjectOperation, Operation
from presign.model.operations import OPERATIONS
from presign.model.operations.objects import CopyObject, GetObject
from presign.model.options import options_of
from presign.model.request import Request
from presign.problems import MAX_ERRORS, FieldError, InvalidRequest, first_errors
from presign.read.routes import MEMBERS, PRESIGN

MAX_BATCH_REQUESTS = 1000
_NO_BUCKET = FieldError("/bucket", "is required, as there is no default bucket")


class _Batch(msgspec.Struct):
    requests: Annotated[list[Any], msgspec.Meta(min_length=1, max_length=MAX_BATCH_REQUESTS)]


Asked = TypeVar("Asked", bound=msgspec.Struct)

_owners: dict[str, list[str]] = {}
"""For each option, the operations that have it."""
for _name, _operation in OPERATIONS.items():
    for _option in set(_operation.__struct_fields__) - set(ObjectOperation.__struct_fields__):
        _owners.setdefault(_option, []).append(_name)

REQUEST_MEMBERS = frozenset({"operation", *ObjectOperation.__struct_fields__, *_owners})
"""The members that requests of any operation may have."""


def requests_of_batch(document: Any) -> list[Any]:
    """The JSON values of the single requests in a batch.

    Raises:
        InvalidRequest: it is not an object with 1 to 1,000 `requests` and no other member.
    """
    if errors := first_errors(field_errors(document, _Batch, unknown=_place_in_batch)):
        raise InvalidRequest(errors)
    requests: list[Any] = document["requests"]
    return requests


def json_object(document: Any) -> dict[str, Any]:
    """`document` if it is a JSON object; raises `InvalidRequest` if it is another JSON value."""
    if not isinstance(document, dict):
        raise InvalidRequest([FieldError("", "must be a JSON object")])
    return document


def parse_struct(document: Any, struct: type[Asked], *, at: str = "") -> Asked:
    """The JSON value at the pointer `at` as a `struct`; raises `InvalidRequest` with every validation error."""
    if errors := first_errors(field_errors(document, struct, at=at)):
        raise InvalidRequest(errors)
    asked = msgspec.convert(document, struct)
    for name, option in options_of(struct).items():
        value = getattr(asked, name)
        if value is not None and (detail := option.error_of(value)):
            errors.append(FieldError(at + pointer(name), detail))
    if errors:
        raise InvalidRequest(errors)
    return asked


class RequestParser:
    """Reads requests by the settings of the same names; `virtual_hosted` if the bucket is part of a host name."""

    def __init__(self, *, default_bucket: str | None, max_expires_in: int, virtual_hosted: bool) -> None:
        self._default_bucket = default_bucket
        self._max_expires_in = max_expires_in
        self._virtual_hosted = virtual_hosted

    def parse(self, document: Any) -> Request:
        """The request that a JSON value is; raises `InvalidRequest` with every validation error."""
        try:
            name = document.get("operation")
            operation: Operation = msgspec.convert(document, OPERATIONS[GetObject.name if name is None else name])
        except (AttributeError, KeyError, TypeError, msgspec.ValidationError):
            return self.check(*_convert_what_fits(json_object(document)))
        return self.check(operation)

    def bucket(self, named: str | None) -> str:
        """The bucket that a call names, or else the default bucket; raises `InvalidRequest` if there is none."""
        bucket = self._default_bucket if named is None else named
        if bucket is None:
            raise InvalidRequest([_NO_BUCKET])
        return bucket

    def check(self, operation: Operation, errors: Sequence[FieldError] = ()) -> Request:
        """The request for `operation`, if nothing is wrong with it.

        Raises:
            InvalidRequest: with `errors`, which are known already, and all others.
        """
        found = operation.validation_errors()
        bucket = self._default_bucket if operation.bucket is None else operation.bucket
        if bucket is None:
            found.append(_NO_BUCKET)
        elif self._virtual_hosted and (detail := virtual_hosted_bucket_error(bucket)) and not bucket_error(bucket):
            found.append(FieldError("/bucket", detail))
        if operation.expires_in is not None and operation.expires_in > self._max_expires_in:
            found.append(FieldError("/expires_in", f"must be at most {self._max_expires_in}"))
        if errors:
            faulty = {error.pointer for error in errors}
            found = [*errors, *(error for error in found if error.pointer not in faulty)]
        if found or bucket is None:
            raise InvalidRequest(found)
        if type(operation) is CopyObject and operation.source_bucket is None:
            operation = msgspec.structs.replace(operation, source_bucket=bucket)
        return Request(operation, bucket)


def _convert_what_fits(document: dict[str, Any]) -> tuple[Operation, list[FieldError]]:
    """An operation made of those members of `document` that fit their types, and the errors of all others."""
    name = document.get("operation")
    operation = GetObject if name is None else OPERATIONS.get(name) if isinstance(name, str) else None
    members = {name: value for name, value in document.items() if name != "operation"}
    errors = []
    if operation is None:
        guess = nearest(name, OPERATIONS) if isinstance(name, str) else ""
        errors.append(FieldError("/operation", f"must be one of {', '.join(OPERATIONS)}{guess}"))
        # Which options it may have is not known; the members that every operation has can still be checked.
        operation = ObjectOperation
        members = {name: value for name, value in members.items() if name not in _owners}

    others = ["operation", *_owners, *MEMBERS]
    errors += first_errors(field_errors(members, operation, unknown=_place, others=others, noun="a request"))
    if len(errors) > MAX_ERRORS:
        raise InvalidRequest(errors)
    fitting = _without(members, {error.pointer for error in errors})
    return msgspec.convert({**_stand_ins(operation), **fitting}, operation), errors


def _place(member: str) -> str:
    """Where a member belongs that an operation does not have; empty if nowhere."""
    if member in _owners:
        return f"is an option of {', '.join(_owners[member])} only"
    if member in ObjectOperation.__struct_fields__:
        return "is a field of operations on one object only; those on several have prefix"
    if member in MEMBERS:
        path = MEMBERS[member].path
        return f"belongs to {path}" if path else "belongs to a direct invocation of another kind"
    return ""


def _place_in_batch(member: str) -> str:
    return f"belongs to each of the requests; one alone goes to {PRESIGN.path}" if member in REQUEST_MEMBERS else ""


def _stand_ins(operation: type[Operation]) -> dict[str, Any]:
    """Valid values for the members that are required: numbers and texts."""
    required = [field for field in msgspec.structs.fields(operation) if field.required]
    return {field.name: 1 if get_args(field.type)[0] is int else "any/" for field in required}


def _without(document: dict[str, Any], pointers: set[str], at: str = "") -> dict[str, Any]:
    """`document` without the members that `pointers` lead to, at any depth."""
    return {
        name: _without(value, pointers, at + pointer(name)) if isinstance(value, dict) else value
        for name, value in document.items()
        if at + pointer(name) not in pointers
    }
