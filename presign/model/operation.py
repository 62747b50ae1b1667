"""The base of all operations: the members that they share."""

import re
from collections.abc import Mapping, Set
from typing import Annotated, ClassVar, Literal

import msgspec

from presign.model.field_errors import pointer
from presign.model.object_names import MAX_KEY_BYTES, bucket_error, key_error
from presign.model.options import Option, options_of, travelling, written
from presign.problems import FieldError

MAX_EXPIRES_IN = 604_800
"""Seconds: the longest that a SigV4 presigned URL may be valid."""

DEFAULT_EXPIRES_IN = 3600
"""Seconds that a URL is valid, unless the setting of this name, the rule or the request says otherwise."""

Seconds = Annotated[int, msgspec.Meta(ge=1, le=MAX_EXPIRES_IN)]

Via = Literal["s3", "par"]
"""How access is given: by a presigned URL of the S3 Compatibility API, or by a pre-authenticated request (PAR)."""

BucketName = Annotated[str, Option(error_of=bucket_error)]
ObjectKey = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KEY_BYTES), Option(error_of=key_error)]


def _operation_name(class_name: str) -> str:
    """`get_object` of `GetObject`; so to rename a class is to rename the operation for callers."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", class_name).lower()


class Operation(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="operation",
    tag=_operation_name,
):
    """The members that every operation has; the subclasses add their options.

    Args:
        bucket: the bucket's name; the function's default bucket when left out.
        expires_in: seconds that the URL is valid; the policy decides when left out.
        via: `s3` for a presigned URL, `par` for a pre-authenticated request; the policy decides when left out.
        cors: whether a web page of another origin is to read the store's answer (CORS). Only rules whose URLs allow it
            are asked then. A form needs none.
    """

    name: ClassVar[str]
    """The name by which a caller asks for it, such as `get_object` for `GetObject`."""
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
        cls.name = _operation_name(cls.__name__)
        cls.options = options_of(cls)
        cls.query_options = travelling(cls.options, "query")
        cls.header_options = travelling(cls.options, "header")
        cls.recorded_options = frozenset(name for name, option in cls.options.items() if option.recorded)

    @property
    def target(self) -> str:
        """The object key that the operation is about, or the prefix of several."""
        raise NotImplementedError

    def validation_errors(self) -> list[FieldError]:
        """Each member whose value its type allows, but the operation does not."""
        errors = []
        for name, value in msgspec.to_builtins(self).items():
            if name in self.options and isinstance(value, str) and (error := self.options[name].error_of(value)):
                errors.append(FieldError(pointer(name), error))
        return errors

    def query(self) -> list[tuple[str, str]]:
        """Names and values of the query parameters, not encoded, in alphabetical order."""
        return written(self, self.query_options)

    def headers(self) -> dict[str, str]:
        """The headers that the client must send, `Host` apart."""
        return dict(written(self, self.header_options)) if self.header_options else {}


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
