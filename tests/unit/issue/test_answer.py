"""`presign.issue.answer`: no URL is longer than servers and proxies take, whoever signs it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from presign.issue.boto3 import Boto3Issuer
from presign.issue.endpoint import StorageEndpoint
from presign.issue.sigv4 import SigV4Issuer
from presign.model.operation import Operation
from presign.model.operations.multipart import CreateMultipartUpload
from presign.model.operations.objects import GetObject
from presign.model.operations.prefixes import ListMultipartUploads, ListObjectsV2
from presign.problems import InvalidRequest
from presign.services.key import CustomerSecretKey
from support.grants import grant

KEY = CustomerSecretKey("access", "secret")
ENDPOINT = StorageEndpoint.from_template("https://store.example", namespace="", region="us-ashburn-1")
ISSUERS: list[Any] = [issuer(endpoint=ENDPOINT, region="us-ashburn-1") for issuer in (SigV4Issuer, Boto3Issuer)]


def url(issuer: Any, operation: Operation) -> str:
    presigned: str = issuer.issue(grant(operation), key=KEY, now=0).url
    return presigned


def download(size: int) -> GetObject:
    """A download whose URL has `size` bytes."""
    half = "/" * 2000
    shortest = len(url(ISSUERS[0], GetObject(key="k", response_cache_control=half, version_id="x")))
    return GetObject(key="k", response_cache_control=half, version_id="x" * (size - shortest + 1))


@pytest.mark.parametrize("issuer", ISSUERS)
class TestLength:
    """Less than 8,000 bytes, without the tokens of the store."""

    def test_the_longest(self, issuer: Any) -> None:
        assert len(url(issuer, download(7_999))) == 7_999

    @pytest.mark.parametrize("size", [8_000, 8_826])
    def test_one_that_is_too_long(self, issuer: Any, size: int) -> None:
        with pytest.raises(InvalidRequest) as caught:
            url(issuer, download(size))
        assert [(error.pointer, error.detail) for error in caught.value.errors] == [
            ("", f"makes a URL of {size} bytes; it must have less than 8000")
        ]

    def test_tokens_of_the_store_do_not_count(self, issuer: Any) -> None:
        token = "ü" * 2048
        listing = ListObjectsV2(prefix="a" * 1024, continuation_token=token)
        assert len(url(issuer, listing)) > 12_288
        uploads = ListMultipartUploads(prefix="a" * 1024, key_marker="a" * 1024, upload_id_marker=token)
        assert len(url(issuer, uploads)) > 12_288

    def test_all_else_of_a_list_does(self, issuer: Any) -> None:
        listing = ListObjectsV2(prefix="ü" * 512, start_after="ü" * 512, delimiter="ü" * 512, continuation_token="t")
        with pytest.raises(InvalidRequest):
            url(issuer, listing)

    def test_a_token_that_is_not_given_has_no_length(self, issuer: Any) -> None:
        def listing(delimiter: str) -> ListObjectsV2:
            return ListObjectsV2(prefix="ü" * 512, start_after="ü" * 512, delimiter="ü" * 200 + delimiter)

        missing = 8_000 - len(url(issuer, listing("")))
        assert len(url(issuer, listing("a" * (missing - 1)))) == 7_999
        with pytest.raises(InvalidRequest) as caught:
            url(issuer, listing("a" * missing))
        assert [error.detail for error in caught.value.errors] == [
            "makes a URL of 8000 bytes; it must have less than 8000"
        ]


def test_a_problem_tells_it_in_one_sentence() -> None:
    with pytest.raises(InvalidRequest) as caught:
        url(ISSUERS[0], download(8_000))
    assert caught.value.details("01CALL", at="/requests/3").detail == (
        "The request is not valid: /requests/3 makes a URL of 8000 bytes; it must have less than 8000."
    )


@pytest.mark.parametrize(
    ("most", "parts"),
    [
        (None, (16_777_216, 10_000, None)),
        (0, (5_242_880, 1, 0)),
        (1, (5_242_880, 1, 1)),
        (5_242_880, (5_242_880, 1, 5_242_880)),
        (5_242_881, (5_242_880, 2, 5_242_881)),
        (52_428_800_000, (5_242_880, 10_000, 52_428_800_000)),
        (52_428_800_001, (5_242_881, 10_000, 52_428_800_001)),
    ],
)
def test_the_parts_of_an_upload(most: int | None, parts: tuple[int, int, int | None]) -> None:
    granted = msgspec.structs.replace(grant(CreateMultipartUpload(key="k")), max_content_length=most)
    presigned = ISSUERS[0].issue(granted, key=KEY, now=0)
    assert (presigned.part_size, presigned.max_parts, presigned.max_content_length) == parts
    assert (presigned.key, presigned.method, presigned.expires_in) == ("k", "POST", 60)
