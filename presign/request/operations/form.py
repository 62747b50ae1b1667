"""The upload by an HTML form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from presign.problems import FieldError
from presign.request.field_errors import pointer
from presign.request.header_values import media_type_fault
from presign.request.model import FormRequest, Operation
from presign.request.operations.options import MAX_PUT_BYTES, ByteCount, Text, metadata_faults, metadata_headers


class PostObject(Operation, kw_only=True, tag="post_object"):
    """Upload an object with an HTML form (Amazon S3 API Reference, "POST Object").

    Args:
        content_type: what the form must say that the file is.
        min_content_length, max_content_length: bytes, the size that the file may have.
        metadata: names and values, sent as `x-amz-meta-…`.
        success_action_status: of the store's answer; 204 when left out.
    """

    method = "POST"
    checks = {
        **Operation.checks,
        "content_type": media_type_fault,
    }

    content_type: Text | None = None
    min_content_length: ByteCount | None = None
    max_content_length: ByteCount | None = None
    metadata: dict[str, str] | None = None
    success_action_status: Literal[200, 201, 204] | None = None

    def faults(self) -> list[FieldError]:
        return [*super().faults(), *metadata_faults(self.metadata), *self._form_faults()]

    def _form_faults(self) -> Iterator[FieldError]:
        # S3 does so in every field of a form ("HTML Form Fields"), and whoever sends the form chooses that name.
        metadata = {pointer("metadata", name): value for name, value in (self.metadata or {}).items()}
        for at, value in {"/key": self.key, "/content_type": self.content_type or "", **metadata}.items():
            if "${filename}" in value:
                yield FieldError(at, "must not hold ${filename}, in whose place S3 puts the name of the file")
        least, most = self._content_length_range()
        if least > most:
            yield FieldError("/min_content_length", "must not be above max_content_length")

    def request(self) -> FormRequest:
        fields = {
            **({"Content-Type": self.content_type} if self.content_type else {}),
            **metadata_headers(self.metadata),
            **({"success_action_status": str(self.success_action_status)} if self.success_action_status else {}),
        }
        any_size = self.min_content_length is None and self.max_content_length is None
        return FormRequest(
            operation=self.name(),
            bucket=self.bucket or "",
            key=self.key,
            fields=fields,
            content_length_range=None if any_size else self._content_length_range(),
            expires_in=self.expires_in or 0,
        )

    def _content_length_range(self) -> tuple[int, int]:
        most = MAX_PUT_BYTES if self.max_content_length is None else self.max_content_length
        return self.min_content_length or 0, most
