"""The size of a batch's answer, known before anything is signed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from presign.audit import Refusal
from presign.issue.post_policy import policy_document
from presign.issue.uri import uri_encode
from presign.policy import Grant
from presign.problems import PayloadTooLarge
from presign.request.operations.form import PostObject

MAX_ANSWER_BYTES = 6_000_000
"""A function may send 6 MB."""

_FIXED_BYTES = 1_600
"""The members' names, the endpoint, the authentication with an access key id of 256 characters, and the signature."""
_FORM_BYTES = 500
"""The authentication stands in a form's policy once more."""
_encoder = msgspec.json.Encoder()


def check_answer_size(items: Sequence[Grant | Refusal]) -> None:
    """Do nothing if the answer to a batch of these items is small enough to be sent.

    Raises:
        PayloadTooLarge: it may not be; the problem tells how many of the items would fit.
    """
    if sum(answer_bytes(item, lambda text: 3 * len(text.encode())) for item in items) <= MAX_ANSWER_BYTES:
        return
    total = 0
    for number, item in enumerate(items):
        total += answer_bytes(item)
        if total > MAX_ANSWER_BYTES:
            would = f"The answer would be larger than {MAX_ANSWER_BYTES} bytes"
            raise PayloadTooLarge(detail=f"{would}; the first {number} requests would fit")


def answer_bytes(item: Grant | Refusal, encoded: Callable[[str], int] = lambda text: len(uri_encode(text))) -> int:
    """Bytes that the result of an item has at most; `encoded` gives those of a text in a URL, or a cheaper bound."""
    if isinstance(item, Refusal):
        return len(_encoder.encode(item.problem.details("", at="/requests/999"))) + _FIXED_BYTES
    operation, bucket = item.request.operation, item.request.bucket
    size = _FIXED_BYTES + 2 * len(bucket) + _json_bytes(operation.target)
    if isinstance(operation, PostObject):
        policy = policy_document(operation, bucket=bucket, expires_at=0, authentication={})
        fields = _encoder.encode(operation.fields())
        return size + _FORM_BYTES + _json_bytes(operation.key) + len(fields) + len(policy) * 4 // 3
    size += encoded(operation.target)
    size += sum(encoded(name) + encoded(value) + 2 for name, value in operation.query())
    headers = operation.headers()
    return size + len(_encoder.encode(headers)) + sum(3 * len(name) for name in headers)


def _json_bytes(text: str) -> int:
    return len(_encoder.encode(text))
