"""The query of a link."""

from __future__ import annotations

import pytest

from presign.model.invocation import Invocation
from presign.problems import InvalidRequest
from presign.read.link import document_of_link

ONE_OF = "must be one of key, bucket, version_id, download_as"


def document(query: str, method: str = "GET") -> dict[str, str]:
    target = f"/deployment/v1/object{query}"
    return document_of_link(
        Invocation(call_id="01CALL", caller="gateway", method=method, target=target, headers={}, body=b"")
    )


def errors(query: str) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as caught:
        document(query)
    return [(error.pointer, error.detail) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("?key=a", "a"),
        ("?key=a+b", "a b"),
        ("?key=a%2Bb", "a+b"),
        ("?key=a%20b/%C3%BC%252F", "a b/\u00fc%2F"),
        ("?key=a=b", "a=b"),
        ("?key=a;b", "a;b"),
        ("?key=%F0%9F%98%80?", "\U0001f600?"),
        ("?key=", ""),
    ],
)
def test_it_is_decoded_as_that_of_a_form(query: str, key: str) -> None:
    assert document(query) == {"operation": "get_object", "key": key}


def test_head_asks_for_the_headers() -> None:
    assert document("?key=a", "HEAD") == {"operation": "head_object", "key": "a"}


def test_every_parameter() -> None:
    query = "?key=a&bucket=b&version_id=v%26&download_as=r%C3%A9sum%C3%A9.pdf"
    expected = {"key": "a", "bucket": "b", "version_id": "v&", "download_as": "r\u00e9sum\u00e9.pdf"}
    assert document(query) == {"operation": "get_object", **expected}


@pytest.mark.parametrize("query", ["", "?", "?&"])
def test_a_query_without_a_key_is_a_request_without_one(query: str) -> None:
    assert document(query) == {"operation": "get_object"}


def test_every_unknown_or_repeated_parameter_is_told() -> None:
    assert errors("?key=a&Key=a&expires_in=5&key=b&operation=put_object&a/b=") == [
        ("/key", "must be given once"),
        ("/Key", f"{ONE_OF}; did you mean key?"),
        ("/expires_in", ONE_OF),
        ("/operation", ONE_OF),
        ("/a~1b", ONE_OF),
    ]


@pytest.mark.parametrize("query", ["?key=%FF", "?key=a&%C3=b", "?key=%ED%A0%80"])
def test_bytes_that_are_not_utf_8(query: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        document(query)
    assert caught.value.details("1").detail == "The query is not UTF-8."
