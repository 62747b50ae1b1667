"""The HTTP clients of docs/clients-http.md use the URLs unchanged, and the signers of that page differ as it says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import pytest

from support.interoperability.cases import KEYS, cases
from support.interoperability.signers import SIGNERS, calls, compared
from support.interoperability.url_clients import URL_CLIENTS
from support.systems import Running

EQUAL = {"equal"}
REORDERED = {"equal but for the order or the encoding of parameters"}
OPERATIONS_OF_MINIO = ("get_object", "head_object", "delete_object", "upload_part")
DIFFERENCES = {
    "boto3": dict.fromkeys((*OPERATIONS_OF_MINIO, "put_object"), EQUAL),
    "minio (Python)": dict.fromkeys(OPERATIONS_OF_MINIO, EQUAL),
    "aws-sdk v2 (JavaScript)": {
        **dict.fromkeys(OPERATIONS_OF_MINIO, REORDERED),
        "put_object": {"moves the headers `Content-Type` into the query; adds the parameters `x-amz-meta-album`"},
    },
    "aws-sdk v3 (JavaScript)": {
        "get_object": {"adds the parameters `x-amz-checksum-mode`, `X-Amz-Content-Sha256`, `x-id`"},
        "head_object": {"adds the parameters `X-Amz-Content-Sha256`"},
        "delete_object": {"adds the parameters `X-Amz-Content-Sha256`, `x-id`"},
        "put_object": {
            "moves the headers `x-amz-meta-album` into the query; does not sign the headers `content-type`; adds the"
            " parameters `x-amz-checksum-crc32`, `X-Amz-Content-Sha256`, `x-amz-sdk-checksum-algorithm`, `x-id`"
        },
        "upload_part": {
            "adds the parameters `x-amz-checksum-crc32`, `X-Amz-Content-Sha256`, `x-amz-sdk-checksum-algorithm`, `x-id`"
        },
    },
}


@pytest.fixture(scope="module")
def system(start: Callable[..., Running]) -> Running:
    return start(s3_cors=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", URL_CLIENTS)
def test_a_client_uses_the_urls_unchanged(system: Running, name: str) -> None:
    wanted = cases(system.stack)
    answers = URL_CLIENTS[name](wanted)
    assert len(wanted) == 52
    assert answers == [(200, case.wanted) for case in wanted]


@pytest.mark.slow
@pytest.mark.parametrize("name", SIGNERS)
def test_the_urls_of_a_signer_differ_as_the_page_says(system: Running, name: str) -> None:
    found = defaultdict(set)
    results = compared(system.stack, name, calls())
    for call, difference in results:
        found[call.request["operation"]].add(difference)
    assert found == DIFFERENCES[name]
    assert len({call.request["key"] for call, _ in results}) == len(KEYS) == 13
