"""From the bytes of a request to the operation that they ask for, or to every fault that they have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from presign.problems import FieldError, InvalidJson, InvalidRequest, PayloadTooLarge
from presign.request.field_errors import field_faults, pointer
from presign.request.model import Operation
from presign.request.object_names import virtual_hosted_bucket_fault
from presign.request.operations import OPERATIONS
from presign.request.operations.objects import GetObject

MAX_BODY_BYTES = 64 * 1024
MAX_BATCH_BYTES = 1024 * 1024
MAX_BATCH_REQUESTS = 1000


class _Named(msgspec.Struct):
    operation: str | None = None


_OfABatch = msgspec.Meta(min_length=1, max_length=MAX_BATCH_REQUESTS)


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    requests: Annotated[list[msgspec.Raw], _OfABatch]


class _DecodedBatch(msgspec.Struct):
    requests: Annotated[list[Any], _OfABatch]


_DEFAULT = GetObject.name()
_named = msgspec.json.Decoder(_Named)
_batch = msgspec.json.Decoder(_Batch)
_untyped = msgspec.json.Decoder()
_undecodable = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_decoders = {name: msgspec.json.Decoder(operation) for name, operation in OPERATIONS.items()}
_STAND_INS = {"key": "any", "upload_id": "any", "part_number": 1}
"""Values without fault for the members that are required."""
_owners: dict[str, list[str]] = {}
"""For each option, the operations that have it."""
for _name, _operation in OPERATIONS.items():
    for _option in set(_operation.__struct_fields__) - set(Operation.__struct_fields__):
        _owners.setdefault(_option, []).append(_name)


class RequestParser:
    """Reads requests as one deployment takes them.

    Args:
        default_bucket: the bucket of a request that names none; None where the request must name one.
        max_expires_in: seconds, the most that a request may ask for.
        virtual_hosted: whether the bucket becomes part of a host name.
    """

    def __init__(self, *, default_bucket: str | None, max_expires_in: int, virtual_hosted: bool) -> None:
        self._default_bucket = default_bucket
        self._max_expires_in = max_expires_in
        self._virtual_hosted = virtual_hosted

    def parse(self, body: bytes | msgspec.Raw) -> Operation:
        """The operation that `body` asks for, with its bucket.

        Args:
            body: a JSON text.

        Raises:
            PayloadTooLarge: it is more than 64 KiB.
            InvalidJson: it is not a JSON text.
            InvalidRequest: with every fault there is.
        """
        if memoryview(body).nbytes > MAX_BODY_BYTES:
            raise PayloadTooLarge
        faults: list[FieldError] = []
        try:
            operation = _decoders[_named.decode(body).operation or _DEFAULT].decode(body)
        except (*_undecodable, KeyError):
            operation, faults = _decode_what_fits(untyped_object(body))
        return self.check(operation, faults)

    def check(self, operation: Operation, faults: Sequence[FieldError] = ()) -> Operation:
        """`operation` with its bucket, if nothing is wrong with it.

        Args:
            operation: what is asked for.
            faults: those that decoding has found.

        Raises:
            InvalidRequest: with these and all others.
        """
        found = [*faults]
        if own := operation.faults():
            faulty = {fault.pointer for fault in faults}
            found += [fault for fault in own if fault.pointer not in faulty]
        if operation.bucket is None:
            operation.bucket = self._default_bucket
        if operation.bucket is None:
            detail = "is required, as there is no default bucket"
        else:
            detail = virtual_hosted_bucket_fault(operation.bucket) if self._virtual_hosted else ""
        if detail and not any(fault.pointer == "/bucket" for fault in found):
            found.append(FieldError("/bucket", detail))
        if operation.expires_in is not None and operation.expires_in > self._max_expires_in:
            found.append(FieldError("/expires_in", f"must be at most {self._max_expires_in}"))
        if found:
            raise InvalidRequest(found)
        return operation


def parse_batch(body: bytes) -> list[msgspec.Raw]:
    """The JSON texts of the single requests in `body`.

    Raises:
        PayloadTooLarge: it is more than 1 MiB.
        InvalidJson: it is not a JSON text.
        InvalidRequest: it is not an object with 1 to 1,000 `requests`, and nothing else.
    """
    if len(body) > MAX_BATCH_BYTES:
        raise PayloadTooLarge
    try:
        return _batch.decode(body).requests
    except _undecodable:
        raise InvalidRequest(field_faults(untyped_object(body), _DecodedBatch)) from None


def untyped_object(body: bytes | msgspec.Raw) -> dict[str, Any]:
    """The JSON object in `body`, whatever its members are.

    Args:
        body: a JSON text.

    Raises:
        InvalidJson: it is not a JSON text.
        InvalidRequest: it is no object.
    """
    try:
        document = _untyped.decode(body)
    except UnicodeDecodeError:
        raise InvalidJson([FieldError("", "is not UTF-8")]) from None
    except RecursionError:
        raise InvalidJson([FieldError("", "is nested too deeply")]) from None
    except msgspec.MsgspecError as exc:
        raise InvalidJson([FieldError("", str(exc).partition(" - at `")[0] if body else "is empty")]) from None
    if not isinstance(document, dict):
        raise InvalidRequest([FieldError("", "must be a JSON object")])
    return document


def _decode_what_fits(document: dict[str, Any]) -> tuple[Operation, list[FieldError]]:
    """An operation made of those members of `document` that fit their types, and the faults of all others."""
    name = document.pop("operation", None)
    operation = GetObject if name is None else OPERATIONS.get(name) if isinstance(name, str) else None
    faults = []
    if operation is None:
        faults.append(FieldError("/operation", f"must be one of {', '.join(OPERATIONS)}"))
        # Which options it may have is not known; the members that every operation has can still be checked.
        operation = Operation
        document = {name: value for name, value in document.items() if name not in _owners}

    def unknown(member: str) -> str:
        owners = _owners.get(member)
        return f"is an option of {', '.join(owners)} only" if owners else "is not a field of a request"

    faults += field_faults(document, operation, unknown=unknown)
    fitting = _without(document, {fault.pointer for fault in faults})
    stand_ins = {name: value for name, value in _STAND_INS.items() if name in operation.__struct_fields__}
    return msgspec.convert({**stand_ins, **fitting}, operation), faults


def _without(document: dict[str, Any], pointers: set[str], at: str = "") -> dict[str, Any]:
    """`document` without the members that `pointers` lead to, at any depth."""
    return {
        name: _without(value, pointers, at + pointer(name)) if isinstance(value, dict) else value
        for name, value in document.items()
        if at + pointer(name) not in pointers
    }
