"""The upload of an object by an HTML form."""

from collections.abc import Iterator
from typing import Annotated, Literal

from presign.model.field_errors import pointer
from presign.model.header_values import media_type_error
from presign.model.operation import ObjectOperation
from presign.model.operations.objects import MAX_PUT_BYTES, ByteCount, Text, metadata_errors, metadata_headers
from presign.model.options import Option
from presign.problems import FieldError


class PostObject(ObjectOperation, frozen=True, kw_only=True):
    """Upload an object with an HTML form (Amazon S3 API Reference, "POST Object").

    Args:
        content_type: the media type that the form must give.
        min_content_length, max_content_length: bytes, the size that the file may have.
        metadata: names and values, sent as `x-amz-meta-…`.
        success_action_status: of the store's answer; 204 when left out.
    """

    method = "POST"

    content_type: Annotated[Text, Option(error_of=media_type_error)] | None = None
    min_content_length: ByteCount | None = None
    max_content_length: ByteCount | None = None
    metadata: dict[str, str] | None = None
    success_action_status: Literal[200, 201, 204] | None = None

    def validation_errors(self) -> list[FieldError]:
        errors = [*super().validation_errors(), *metadata_errors(self.metadata), *self._dollar_errors()]
        least, most = self.content_length_range() or (0, 0)
        if least > most:
            errors.append(FieldError("/min_content_length", "must not be above max_content_length"))
        return errors

    def fields(self) -> dict[str, str]:
        """The fields that the form must hold besides the key and the signature."""
        fields = {} if self.content_type is None else {"Content-Type": self.content_type}
        fields |= metadata_headers(self.metadata)
        if self.success_action_status is not None:
            fields["success_action_status"] = str(self.success_action_status)
        return fields

    def conditions(self) -> list[dict[str, str] | list[str | int]]:
        """The conditions of a POST policy that hold the form to its fields and its file to its size."""
        conditions: list[dict[str, str] | list[str | int]] = [{name: value} for name, value in self.fields().items()]
        if length_range := self.content_length_range():
            conditions.append(["content-length-range", *length_range])
        return conditions

    def content_length_range(self) -> tuple[int, int] | None:
        """Bytes that the file must have at least and may have at most; None for any size."""
        if self.min_content_length is None and self.max_content_length is None:
            return None
        most = MAX_PUT_BYTES if self.max_content_length is None else self.max_content_length
        return self.min_content_length or 0, most

    def _dollar_errors(self) -> Iterator[FieldError]:
        # S3 replaces ${filename} in every field of a form by a name that the sender chooses ("HTML Form Fields"). With
        # any other dollar, the condition for the field doesn't hold, as a dollar is reserved in a POST policy.
        texts = [(["key"], self.key), (["content_type"], self.content_type or "")]
        texts += [(["metadata", name], name + value) for name, value in (self.metadata or {}).items()]
        for path, value in texts:
            if "$" in value:
                yield FieldError(pointer(*path), "must not hold $ in a form, where S3 gives it a meaning of its own")
