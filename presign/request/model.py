"""What is asked and what is answered.

An `Operation` is what the caller's JSON says. Once the deployment's defaults and limits are filled in, it becomes an
`ObjectRequest`, the HTTP request to be signed, or a `FormRequest`; the answer is a `PresignedUrl`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec

from presign.problems import FieldError
from presign.request.field_errors import pointer
from presign.request.header_values import http_date
from presign.request.object_names import MAX_KEY_BYTES, bucket_fault, key_fault

MAX_EXPIRES_IN = 604_800
"""Seconds: the longest that a SigV4 presigned URL may be valid."""

Seconds = Annotated[int, msgspec.Meta(ge=1, le=MAX_EXPIRES_IN)]


class ObjectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request on one object, ready to be decided on and signed.

    Args:
        operation: the name of the operation.
        method: the HTTP method.
        bucket: the bucket's name.
        key: the object key, not encoded.
        query: names and values of the operation's query parameters, not encoded.
        headers: what the client must send, `Host` apart.
        expires_in: seconds that the URL is valid.
    """

    operation: str
    method: str
    bucket: str
    key: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    expires_in: int


class FormRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One upload by an HTML form, ready to be decided on and signed.

    Args:
        operation: the name of the operation.
        bucket: the bucket's name.
        key: the object key.
        fields: what the form must hold besides the key and the signature.
        content_length_range: bytes that the file must have at least and may have at most; None for any size.
        expires_in: seconds that the form is valid.
    """

    method: ClassVar[str] = "POST"

    operation: str
    bucket: str
    key: str
    fields: dict[str, str]
    content_length_range: tuple[int, int] | None
    expires_in: int


class PresignedUrl(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A URL that its holder may use until `expires_at`.

    Args:
        url: the URL; whoever has it may use it, so it belongs in no log.
        method: the HTTP method that it is for.
        headers: exactly what the client must send with it.
        expires_at: when it ends (RFC 3339, UTC).
        expires_in: seconds from now until then.
        fields: of a form, what it must hold before the file.
    """

    url: str
    method: str
    headers: dict[str, str]
    expires_at: str
    expires_in: int
    operation: str
    bucket: str
    key: str
    fields: dict[str, str] | None = None


class Operation(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, tag_field="operation"):
    """What every operation on one object takes; the subclasses add their options.

    Args:
        key: the object key.
        bucket: the bucket's name; the deployment's default bucket when left out.
        expires_in: seconds that the URL is valid; the deployment's default when left out.
    """

    method: ClassVar[str]
    query_options: ClassVar[Mapping[str, str]] = {}
    """The options that travel in the query string, with their names there, in the order in which they appear."""
    header_options: ClassVar[Mapping[str, str]] = {}
    """The options that travel as headers, with their names there."""
    checks: ClassVar[Mapping[str, Callable[[Any], str]]] = {"key": key_fault, "bucket": bucket_fault}
    """For the members whose type does not say all: what tells what is wrong with a value."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KEY_BYTES)]
    bucket: str | None = None
    expires_in: Seconds | None = None

    @classmethod
    def name(cls) -> str:
        """The name by which a caller asks for this operation."""
        return cls.__struct_config__.tag  # type: ignore[return-value]

    def faults(self) -> list[FieldError]:
        """Each member whose value is wrong in a way that its type does not tell, and what is wrong with it."""
        return [
            FieldError(pointer(name), fault)
            for name, check in self.checks.items()
            if (value := getattr(self, name)) is not None and (fault := check(value))
        ]

    def query(self) -> list[tuple[str, str]]:
        """Names and values of the query parameters, not encoded."""
        return self._given(self.query_options)

    def headers(self) -> dict[str, str]:
        """The headers that the client must send, `Host` apart."""
        return dict(self._given(self.header_options)) if self.header_options else {}

    def request(self) -> ObjectRequest | FormRequest:
        """The HTTP request that this operation is, once its bucket and its expiry are filled in."""
        return ObjectRequest(
            operation=self.name(),
            method=self.method,
            bucket=self.bucket or "",
            key=self.key,
            query=self.query(),
            headers=self.headers(),
            expires_in=self.expires_in or 0,
        )

    def _given(self, options: Mapping[str, str]) -> list[tuple[str, str]]:
        return [
            (wire_name, http_date(value) if isinstance(value, datetime) else str(value))
            for option, wire_name in options.items()
            if (value := getattr(self, option)) is not None
        ]
