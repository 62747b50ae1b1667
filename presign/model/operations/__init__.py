"""The operations, each with its options, their limits, and where they travel in the HTTP request."""

from presign.model.operation import Operation
from presign.model.operations import form, multipart, objects, prefixes

_MULTIPART: list[type[Operation]] = [
    multipart.CreateMultipartUpload,
    multipart.UploadPart,
    multipart.CompleteMultipartUpload,
    multipart.AbortMultipartUpload,
    multipart.ListParts,
    prefixes.ListMultipartUploads,
]
_ALL: list[type[Operation]] = [
    objects.GetObject,
    objects.HeadObject,
    objects.PutObject,
    objects.DeleteObject,
    objects.CopyObject,
    form.PostObject,
    *_MULTIPART,
    prefixes.ListObjectsV2,
    prefixes.GetPrefix,
]

OPERATIONS = {operation.name: operation for operation in _ALL}
MULTIPART = frozenset(operation.name for operation in _MULTIPART)
