"""A call of the function, who makes it, and what is asked for in it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, partial
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from presign.problems import FieldError
from presign.request import header_values, object_names
from presign.request.field_errors import pointer

MAX_EXPIRES_IN = 604_800
"""Seconds: the longest that a SigV4 presigned URL may be valid."""

Seconds = Annotated[int, msgspec.Meta(ge=1, le=MAX_EXPIRES_IN)]

Caller = Literal["gateway", "invoke"]
"""How a request came: through API Gateway, or by a direct invocation, which IAM has allowed."""

Via = Literal["s3", "par"]
"""How access is given: by a presigned URL of the S3 Compatibility API, or by a pre-authenticated request (PAR)."""


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the function, free of the FDK.

    Args:
        method, target: of the HTTP request that the gateway received; empty for a direct invocation. The target is its
            path, which may begin with the prefix of the gateway's deployment, and its query.
        headers: its header fields; a field that came several times has a list.
        deadline: when the caller stops waiting, as the Fn agent tells (RFC 3339); empty if it does not.
    """

    call_id: str
    caller: Caller
    method: str = ""
    target: str = ""
    headers: Mapping[str, str | list[str]] = {}
    body: bytes
    deadline: str = ""


class Principal(msgspec.Struct, frozen=True):
    """Who asks; `claims` are those of the caller's token, as API Gateway has verified it, by lower-case names."""

    caller: Caller
    claims: Mapping[str, str] = {}


_CHECKS: dict[str, Callable[[Any], str]] = {
    "bucket": object_names.bucket_error,
    "key": object_names.key_error,
    "prefix": object_names.prefix_error,
    "start_after": object_names.prefix_error,
    "key_marker": object_names.prefix_error,
    "source_bucket": object_names.bucket_error,
    "source_key": object_names.key_error,
    "source_version_id": object_names.upload_id_error,
    "upload_id": object_names.upload_id_error,
    "upload_id_marker": object_names.upload_id_error,
    "content_type": header_values.media_type_error,
    "content_md5": partial(header_values.digest_error, size=16),
    "checksum_sha256": partial(header_values.digest_error, size=32),
    "if_none_match": header_values.any_error,
    "download_as": header_values.file_name_error,
    "response_content_type": header_values.media_type_error,
    "response_expires": header_values.http_date_error,
}
"""Validators of texts for constraints that their types cannot express; other texts are header values."""

_WIRE_NAMES = {
    "version_id": "versionId",
    "part_number": "partNumber",
    "upload_id": "uploadId",
    "content_md5": "Content-MD5",
    "checksum_sha256": "x-amz-checksum-sha256",
    "download_as": "response-content-disposition",
}
"""Names of query parameters and headers that do not follow from those of the options."""


@cache
def parameter_name(option: str) -> str:
    """The query parameter of an option, such as `max-keys`."""
    return _WIRE_NAMES.get(option) or option.replace("_", "-")


@cache
def header_name(option: str) -> str:
    """The header of an option, such as `Content-Type`."""
    return _WIRE_NAMES.get(option) or option.replace("_", "-").title()


class Operation(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, tag_field="operation"
):
    """The members that every operation has; the subclasses add their options.

    Args:
        bucket: the bucket's name; the function's default bucket when left out.
        expires_in: seconds that the URL is valid; the policy decides when left out.
        via: `s3` for a presigned URL, `par` for a pre-authenticated request; the policy decides when left out.
    """

    method: ClassVar[str]
    """The HTTP method."""
    is_on_object: ClassVar[bool] = False
    """Whether it is on one object, or else on several."""
    query_options: ClassVar[frozenset[str]] = frozenset()
    """The options that travel in the query string."""
    header_options: ClassVar[frozenset[str]] = frozenset()
    """The options that travel as headers."""

    bucket: str | None = None
    expires_in: Seconds | None = None
    via: Via | None = None

    @property
    def target(self) -> str:
        """The object key that the operation is about, or the prefix of several."""
        raise NotImplementedError

    @classmethod
    @cache  # msgspec makes the configuration anew each time
    def name(cls) -> str:
        """The name by which a caller asks for this operation."""
        return cls.__struct_config__.tag  # type: ignore[return-value]

    def given(self, among: frozenset[str]) -> dict[str, Any]:
        """Those members `among` these that the caller has given, as JSON values."""
        members: dict[str, Any] = msgspec.to_builtins(self)
        return {} if among.isdisjoint(members) else {name: members[name] for name in members if name in among}

    def validation_errors(self) -> list[FieldError]:
        """Each member whose value its type allows, but the operation does not."""
        return [
            FieldError(pointer(name), error)
            for name, value in msgspec.to_builtins(self).items()
            if isinstance(value, str)
            and name != "operation"
            and (error := _CHECKS.get(name, header_values.field_value_error)(value))
        ]

    def query(self) -> list[tuple[str, str]]:
        """Names and values of the query parameters, not encoded, in alphabetical order."""
        given = self.given(self.query_options)
        return sorted((parameter_name(option), self._text(option)) for option in given) if given else []

    def headers(self) -> dict[str, str]:
        """The headers that the client must send, `Host` apart."""
        if not self.header_options:
            return {}
        return {header_name(option): self._text(option) for option in self.given(self.header_options)}

    def _text(self, option: str) -> str:
        value = getattr(self, option)
        if option == "download_as":
            return header_values.attachment(value)
        return header_values.http_date(value) if isinstance(value, datetime) else str(value)


class ObjectOperation(Operation, frozen=True, kw_only=True):
    """The members that every operation on one object has.

    Args:
        key: the object key.
    """

    is_on_object = True

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=object_names.MAX_KEY_BYTES)]

    @property
    def target(self) -> str:
        return self.key


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An object was written; the members are None if the event does not tell them."""

    bucket: str
    key: str
    event_id: str | None = msgspec.field(name="eventID")
    event_time: str | None = msgspec.field(name="eventTime")
    etag: str | None = msgspec.field(name="eTag")
    version_id: str | None = msgspec.field(name="versionId")

    @property
    def written_at(self) -> datetime | None:
        """When the object was written; None if the event does not tell."""
        try:
            written_at = datetime.fromisoformat(str(self.event_time))
        except ValueError:
            return None
        return written_at if written_at.tzinfo else None


class Request(msgspec.Struct, frozen=True):
    """One item of a call, free of validation errors; with the event that is answered, if it is one."""

    operation: Operation
    bucket: str
    event: Event | None = None
