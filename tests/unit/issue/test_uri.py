"""`presign.issue.uri`, by literal values and against the standard library."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presign.issue.uri import uri_encode, uri_encode_path

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


class TestUriEncode:
    """Every byte but the unreserved characters is encoded; in a path, the slash stays."""

    def test_unreserved_characters_stay(self) -> None:
        assert uri_encode(UNRESERVED) == UNRESERVED
        assert uri_encode_path(UNRESERVED) == UNRESERVED

    def test_all_else_is_encoded_in_utf_8_and_capital_digits(self) -> None:
        assert uri_encode(" +%/é\U0001f600") == "%20%2B%25%2F%C3%A9%F0%9F%98%80"

    def test_the_slashes_of_a_path_stay(self) -> None:
        assert uri_encode_path("a/b c//é") == "a/b%20c//%C3%A9"
        assert uri_encode_path("a/b") == "a/b"

    @given(st.text())
    def test_equal_to_the_standard_library(self, text: str) -> None:
        assert uri_encode(text) == quote(text, safe="")
        assert uri_encode_path(text) == quote(text, safe="/")

    @pytest.mark.parametrize("encode", [uri_encode, uri_encode_path])
    def test_what_is_not_unicode_is_refused(self, encode: object) -> None:
        with pytest.raises(UnicodeEncodeError):
            encode("\ud800")  # type: ignore[operator]
