"""The operations on several objects or uploads, those whose keys begin with a prefix."""

from typing import Annotated

import msgspec

from presign.model.object_names import MAX_KEY_BYTES, MAX_TOKEN_BYTES, marker_error, prefix_error, token_error
from presign.model.operation import Operation
from presign.model.options import Option, in_query
from presign.problems import FieldError

_KeyLength = msgspec.Meta(max_length=MAX_KEY_BYTES)
_Marker = Annotated[str, _KeyLength, in_query(error_of=marker_error)]
_Token = Annotated[str, msgspec.Meta(max_length=MAX_TOKEN_BYTES), in_query(error_of=token_error, counted=False)]


class _Listing(Operation, frozen=True, kw_only=True):
    """The members that every listing has. An empty text is the same as none.

    Args:
        prefix: only keys that begin so are listed; it is signed, so that the URL lists no others.
        delimiter: keys that have it after the prefix are rolled up.
    """

    method = "GET"

    prefix: Annotated[str, _KeyLength, in_query(error_of=prefix_error)] | None = None
    delimiter: _Marker | None = None

    @property
    def target(self) -> str:
        return self.prefix or ""


class ListObjectsV2(_Listing, frozen=True, kw_only=True):
    """List objects.

    Args:
        max_keys: how many keys the answer may list.
        continuation_token: of the answer before, as the store gave it.
        start_after: the key after which the list is to begin.
    """

    max_keys: Annotated[int, msgspec.Meta(ge=1, le=1000), in_query()] | None = None
    continuation_token: _Token | None = None
    start_after: _Marker | None = None

    def query(self) -> list[tuple[str, str]]:
        return [("list-type", "2"), *super().query()]


class ListMultipartUploads(_Listing, frozen=True, kw_only=True):
    """List the uploads in parts that are neither completed nor aborted.

    Args:
        max_uploads: how many uploads the answer may list.
        key_marker: the key after which the list is to begin.
        upload_id_marker: likewise, among the uploads of that key; both as the store gave them.
    """

    max_uploads: Annotated[int, msgspec.Meta(ge=1, le=1000), in_query()] | None = None
    key_marker: _Marker | None = None
    upload_id_marker: _Token | None = None

    def query(self) -> list[tuple[str, str]]:
        return [("uploads", ""), *super().query()]


class GetPrefix(Operation, frozen=True, kw_only=True):
    """Download every object below a prefix with one URL, a pre-authenticated request.

    Args:
        prefix: ends with a slash; the URL is completed by the rest of a key.
        listing: whether the URL may also list the objects.
    """

    method = "GET"

    prefix: Annotated[str, msgspec.Meta(min_length=1), _KeyLength, Option(error_of=prefix_error)]
    listing: Annotated[bool, Option(recorded=True)] | None = False

    @property
    def target(self) -> str:
        return self.prefix

    def validation_errors(self) -> list[FieldError]:
        errors = super().validation_errors()
        if not self.prefix.endswith("/") and not prefix_error(self.prefix):
            errors.append(FieldError("/prefix", "must end with a slash"))
        if self.via == "s3":
            errors.append(FieldError("/via", "must be par, as a presigned URL is for one object"))
        return errors
