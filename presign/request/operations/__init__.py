"""The operations, each with its options, their limits, and where they travel in the HTTP request."""

from __future__ import annotations

from presign.request.model import Operation
from presign.request.operations.copy import CopyObject
from presign.request.operations.form import PostObject
from presign.request.operations.multipart import (
    AbortMultipartUpload,
    CompleteMultipartUpload,
    CreateMultipartUpload,
    ListParts,
    UploadPart,
)
from presign.request.operations.objects import DeleteObject, GetObject, HeadObject, PutObject
from presign.request.operations.prefixes import GetPrefix, ListMultipartUploads, ListObjectsV2

_MULTIPART: tuple[type[Operation], ...] = (
    CreateMultipartUpload,
    UploadPart,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
    ListMultipartUploads,
)
_ALL: tuple[type[Operation], ...] = (
    GetObject,
    HeadObject,
    PutObject,
    DeleteObject,
    CopyObject,
    PostObject,
    *_MULTIPART,
    ListObjectsV2,
    GetPrefix,
)

OPERATIONS: dict[str, type[Operation]] = {operation.name(): operation for operation in _ALL}
MULTIPART = frozenset(operation.name() for operation in _MULTIPART)
