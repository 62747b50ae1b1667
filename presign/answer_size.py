"""The size of a batch's answer, known before anything is signed."""

from collections.abc import Sequence

import msgspec

from presign.audit import Refusal
from presign.issue.sigv4 import encoded_parameters, policy_document
from presign.issue.uri import uri_encode
from presign.policy import Grant
from presign.problems import PayloadTooLarge
from presign.request.operations.objects import PostObject

MAX_ANSWER_BYTES = 6_000_000
"""A function may send 6 MB."""

_FIXED_BYTES = 1_600
"""The members' names, the endpoint, the authentication with an access key id of 256 characters, and the signature."""
_FORM_BYTES = 500
"""The authentication stands in a form's policy once more."""
_BYTES_PER_ITEM, _BYTES_PER_BYTE = 2_400, 9
"""No answer has more bytes for each item, and for each byte of the body."""

_encoder = msgspec.json.Encoder()


def check_answer_size(items: Sequence[Grant | Refusal], *, body_bytes: int) -> None:
    """Raise `PayloadTooLarge` if the answer to a batch with a body of `body_bytes` may be too large to be sent.

    The problem tells how many of the items would fit.
    """
    if len(items) * _BYTES_PER_ITEM + body_bytes * _BYTES_PER_BYTE <= MAX_ANSWER_BYTES:
        return
    total = 0
    for number, item in enumerate(items):
        total += answer_bytes(item)
        if total > MAX_ANSWER_BYTES:
            would = f"The answer would be larger than {MAX_ANSWER_BYTES} bytes"
            raise PayloadTooLarge(detail=f"{would}; the first {number} requests would fit")


def answer_bytes(item: Grant | Refusal) -> int:
    """Bytes that the result of an item has at most."""
    if isinstance(item, Refusal):
        return len(_encoder.encode(item.problem.details("", at="/requests/999"))) + _FIXED_BYTES
    operation, bucket = item.request.operation, item.request.bucket
    size = _FIXED_BYTES + 2 * len(bucket) + len(_encoder.encode(operation.target))
    if isinstance(operation, PostObject):
        policy = policy_document(operation, bucket=bucket, expires_at=0, authentication={})
        fields = _encoder.encode(operation.fields())
        return size + _FORM_BYTES + len(_encoder.encode(operation.key)) + len(fields) + len(policy) * 4 // 3
    size += len(uri_encode(operation.target)) + sum(map(len, encoded_parameters(operation.query())))
    headers = operation.headers()
    return size + len(_encoder.encode(headers)) + 3 * len("".join(headers))
