"""`presign.answer_size`: no answer is larger than a function may send, and that is known before anything is signed."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grants import grant
from presign.answer_size import MAX_ANSWER_BYTES, answer_bytes, check_answer_size
from presign.audit import Refusal
from presign.issue.endpoint import StorageEndpoint
from presign.issue.sigv4 import SigV4Issuer
from presign.keys.credentials import CustomerSecretKey
from presign.problems import FieldError, InvalidRequest, PayloadTooLarge
from presign.request.model import Operation
from presign.request.object_names import key_error
from presign.request.operations.objects import GetObject, PostObject, PutObject

ENDPOINT = StorageEndpoint.from_template(
    "https://axaxnpcrorw5.compat.objectstorage.eu-frankfurt-1.oci.customer-oci.com", namespace="", region="r"
)
ISSUER = SigV4Issuer(endpoint=ENDPOINT, region="eu-frankfurt-1")
KEY = CustomerSecretKey("a" * 256, "secret")
KEYS = (st.text(min_size=1, max_size=60) | st.text('"\\\\ü😀%', min_size=1, max_size=200)).filter(
    lambda key: not key_error(key)
)
TEXTS = st.text('abc"\\ %', min_size=1, max_size=200)


def size(operation: Operation) -> int:
    """Bytes of the answer, as it is really made."""
    return len(msgspec.json.encode(ISSUER.issue(grant(operation, bucket="b" * 256), key=KEY, now=0)))


@given(KEYS, st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), TEXTS, max_size=5), TEXTS)
def test_the_answer_is_never_larger_than_foreseen(key: str, metadata: dict[str, str], text: str) -> None:
    for operation in (
        PostObject(key=key, metadata=metadata),
        PutObject(key=key, metadata=metadata, cache_control=text),
        GetObject(key=key, response_cache_control=text, version_id=text),
    ):
        assert size(operation) <= answer_bytes(grant(operation, bucket="b" * 256))


def test_a_refusal_is_counted_too() -> None:
    problem = InvalidRequest([FieldError("/" + "x" * 1000, "is not a field of a request")] * 20)
    assert answer_bytes(Refusal(problem)) > 20_000


def test_the_largest_batch_of_downloads_fits() -> None:
    check_answer_size([grant(GetObject(key="ü" * 512))] * 1000, body_bytes=1024 * 1024)


def test_the_problem_tells_how_many_forms_fit() -> None:
    forms = [grant(PostObject(key="ü" * 512))] * 1000
    with pytest.raises(PayloadTooLarge) as caught:
        check_answer_size(forms, body_bytes=1024 * 1024)
    sentence = caught.value.details("01CALL").detail
    fitting = int(sentence.rpartition("first ")[2].partition(" ")[0])
    assert sentence == f"The answer would be larger than 6000000 bytes; the first {fitting} requests would fit."
    check_answer_size(forms[:fitting], body_bytes=1024 * 1024)
    assert 500 < fitting * answer_bytes(forms[0]) / MAX_ANSWER_BYTES * 1000 <= 1000
