"""From the bytes of a request to the object request they ask for, or to every fault they have."""

from __future__ import annotations

from typing import Any

import msgspec

from presign.faults import field_faults, pointer
from presign.model import ObjectRequest, Operation
from presign.names import virtual_hosted_bucket_fault
from presign.operations import OPERATIONS, GetObject
from presign.problems import FieldError, InvalidJson, InvalidRequest, PayloadTooLarge

MAX_BODY_BYTES = 64 * 1024


class _Named(msgspec.Struct):
    operation: str | None = None


_named = msgspec.json.Decoder(_Named)
_untyped = msgspec.json.Decoder()
_undecodable = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_decoders = {name: msgspec.json.Decoder(operation) for name, operation in OPERATIONS.items()}
_owners: dict[str, list[str]] = {}
"""For each option, the operations that have it."""
for _name, _operation in OPERATIONS.items():
    for _option in set(_operation.__struct_fields__) - set(Operation.__struct_fields__):
        _owners.setdefault(_option, []).append(_name)


class RequestParser:
    """Reads requests as one deployment takes them.

    Args:
        default_bucket: the bucket of a request that names none; None where the request must name one.
        default_expires_in: seconds that a URL is valid where the request does not say.
        max_expires_in: seconds, the most that a request may ask for.
        virtual_hosted: whether the bucket becomes part of a host name.
    """

    def __init__(
        self, *, default_bucket: str | None, default_expires_in: int, max_expires_in: int, virtual_hosted: bool
    ) -> None:
        self._default_bucket = default_bucket
        self._default_expires_in = default_expires_in
        self._max_expires_in = max_expires_in
        self._virtual_hosted = virtual_hosted

    def parse(self, body: bytes) -> ObjectRequest:
        """The object request that `body` asks for.

        Raises:
            PayloadTooLarge: it is more than 64 KiB.
            InvalidJson: it is not a JSON text.
            InvalidRequest: with every fault there is.
        """
        if len(body) > MAX_BODY_BYTES:
            raise PayloadTooLarge
        faults: list[FieldError] = []
        try:
            operation = _decoders[_named.decode(body).operation or GetObject.name()].decode(body)
        except (*_undecodable, KeyError):
            operation, faults = _decode_what_fits(_untyped_object(body))
        faulty = {fault.pointer for fault in faults}
        faults += [fault for fault in operation.faults() if fault.pointer not in faulty]

        bucket = operation.bucket or self._default_bucket or ""
        if not bucket:
            detail = "is required, as there is no default bucket"
        elif self._virtual_hosted:
            detail = virtual_hosted_bucket_fault(bucket)
        else:
            detail = ""
        if detail and not any(fault.pointer == "/bucket" for fault in faults):
            faults.append(FieldError("/bucket", detail))
        expires_in = operation.expires_in or self._default_expires_in
        if expires_in > self._max_expires_in:
            faults.append(FieldError("/expires_in", f"must be at most {self._max_expires_in}"))
        if faults:
            raise InvalidRequest(faults)
        return operation.request(bucket=bucket, expires_in=expires_in)


def _untyped_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`, whatever its members are."""
    try:
        document = _untyped.decode(body)
    except UnicodeDecodeError:
        raise InvalidJson([FieldError("", "is not UTF-8")]) from None
    except RecursionError:
        raise InvalidJson([FieldError("", "is nested too deeply")]) from None
    except msgspec.MsgspecError as exc:
        raise InvalidJson([FieldError("", str(exc) if body else "is empty")]) from None
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
    return msgspec.convert({"key": "any", **fitting}, operation), faults


def _without(document: dict[str, Any], pointers: set[str], at: str = "") -> dict[str, Any]:
    """`document` without the members that `pointers` lead to, at any depth."""
    return {
        name: _without(value, pointers, at + pointer(name)) if isinstance(value, dict) else value
        for name, value in document.items()
        if at + pointer(name) not in pointers
    }
