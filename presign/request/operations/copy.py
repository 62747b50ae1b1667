"""The copy of an object within Object Storage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec

from presign.problems import FieldError
from presign.request.object_names import MAX_KEY_BYTES
from presign.request.operations.options import Text, Upload


class CopyObject(Upload, frozen=True, kw_only=True, tag="copy_object"):
    """Copy an object; the options of `Upload` replace those of the source with `metadata_directive: "REPLACE"`.

    Args:
        source_bucket: the bucket of the source; that of the copy when left out.
        source_key: the object key of the source.
        source_version_id: the version of the source.
        metadata_directive: whether the copy has the type and the metadata of the source, or those that are given.
    """

    method = "PUT"

    source_bucket: str | None = None
    source_key: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KEY_BYTES)]
    source_version_id: Text | None = None
    metadata_directive: Literal["COPY", "REPLACE"] = "COPY"

    def validation_errors(self) -> Iterator[FieldError]:
        yield from super().validation_errors()
        if self.metadata_directive == "COPY":
            for name in (*Upload.header_options, "metadata"):
                if getattr(self, name) is not None:
                    yield FieldError(f"/{name}", "needs metadata_directive to be REPLACE")

    def headers(self) -> dict[str, str]:
        source = quote(f"{self.source_bucket}/{self.source_key}", safe="/-._~")
        if self.source_version_id is not None:
            source += f"?versionId={self.source_version_id}"
        return {
            **super().headers(),
            "x-amz-copy-source": source,
            "x-amz-metadata-directive": self.metadata_directive,
        }
