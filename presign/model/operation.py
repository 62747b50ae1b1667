"""The base of all operations: what they share, and how their options travel in the HTTP request."""

from collections.abc import Mapping, Set
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from presign.model import object_names
from presign.model.field_errors import pointer
from presign.model.options import Option, options_of, travelling
from presign.problems import FieldError

MAX_EXPIRES_IN = 604_800
"""Seconds: the longest that a SigV4 presigned URL may be valid."""

DEFAULT_EXPIRES_IN = 3600
"""Seconds that a URL is valid, unless the setting of this name, the rule or the request says otherwise."""

Seconds = Annotated[int, msgspec.Meta(ge=1, le=MAX_EXPIRES_IN)]

Via = Literal["s3", "par"]
"""How access is given: by a presigned URL of the S3 Compatibility API, or by a pre-authenticated request (PAR)."""

BucketName = Annotated[str, Option(error_of=object_names.bucket_error)]
ObjectKey = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=object_names.MAX_KEY_BYTES),
    Option(error_of=object_names.key_error),
]


class Operation(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, tag_field="operation"
):
    """The members that every operation has; the subclasses add their options.

    Args:
        bucket: the bucket's name; the function's default bucket when left out.
        expires_in: seconds that the URL is valid; the policy decides when left out.
        via: `s3` for a presigned URL, `par` for a pre-authenticated request; the policy decides when left out.
        cors: whether a web page of another origin is to read the store's answer (CORS). Only rules whose URLs allow it
            are asked then. A form needs none.
    """

    method: ClassVar[str]
    """The HTTP method."""
    is_on_object: ClassVar[bool] = False
    """Whether it is on one object, or else on several."""
    options: ClassVar[Mapping[str, Option]]
    """The declarations in the annotations of the fields; the next three are derived from them."""
    query_options: ClassVar[Mapping[str, Option]]
    header_options: ClassVar[Mapping[str, Option]]
    recorded_options: ClassVar[Set[str]]

    bucket: BucketName | None = None
    expires_in: Seconds | None = None
    via: Via | None = None
    cors: Annotated[bool, Option(recorded=True)] | None = False

    def __init_subclass__(cls) -> None:
        cls.options = options_of(cls)
        cls.query_options = travelling(cls.options, "query")
        cls.header_options = travelling(cls.options, "header")
        cls.recorded_options = frozenset(name for name, option in cls.options.items() if option.recorded)

    @property
    def target(self) -> str:
        """The object key that the operation is about, or the prefix of several."""
        raise NotImplementedError

    @classmethod
    @cache  # msgspec makes the configuration anew each time
    def name(cls) -> str:
        """The name by which a caller asks for this operation."""
        return cls.__struct_config__.tag  # type: ignore[return-value]

    def given(self, among: Set[str]) -> dict[str, Any]:
        """Those members `among` these that the caller has given, as JSON values. Null and `""` give nothing."""
        members: dict[str, Any] = msgspec.to_builtins(self)
        if among.isdisjoint(members):
            return {}
        return {name: value for name, value in members.items() if name in among and value not in ("", None)}

    def validation_errors(self) -> list[FieldError]:
        """Each member whose value its type allows, but the operation does not."""
        return [
            FieldError(pointer(name), error)
            for name, value in msgspec.to_builtins(self).items()
            if isinstance(value, str) and name in self.options and (error := self.options[name].error_of(value))
        ]

    def query(self) -> list[tuple[str, str]]:
        """Names and values of the query parameters, not encoded, in alphabetical order."""
        return self._written(self.query_options)

    def headers(self) -> dict[str, str]:
        """The headers that the client must send, `Host` apart."""
        return dict(self._written(self.header_options)) if self.header_options else {}

    def _written(self, options: Mapping[str, Option]) -> list[tuple[str, str]]:
        """Names and values, as they travel, of those `options` that the caller has given."""
        given = self.given(options.keys())
        if not given:  # most requests have none
            return []
        # The value as it is, since the JSON value of a moment is a text already.
        return [
            (options[name].wire_name, options[name].text_of(getattr(self, name))) for name in options if name in given
        ]


class ObjectOperation(Operation, frozen=True, kw_only=True):
    """The members that every operation on one object has.

    Args:
        key: the object key.
    """

    is_on_object = True

    key: ObjectKey

    @property
    def target(self) -> str:
        return self.key
