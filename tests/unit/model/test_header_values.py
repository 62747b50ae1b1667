"""`presign.model.header_values`: file names in `Content-Disposition`, and dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from presign.model.header_values import (
    attachment,
    disposition_error,
    field_value_error,
    file_name_error,
    http_date,
    http_date_error,
)


class TestAttachment:
    """RFC 6266: a plain `filename` for everyone, and `filename*` where that can't say it all."""

    @pytest.mark.parametrize(
        ("file_name", "value"),
        [
            ("report.pdf", 'attachment; filename="report.pdf"'),
            ("a b;c='d'.txt", "attachment; filename=\"a b;c='d'.txt\""),
            ("naïve.txt", "attachment; filename=\"na_ve.txt\"; filename*=UTF-8''na%C3%AFve.txt"),
            ("日本.txt", "attachment; filename=\"__.txt\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt"),
            ('say "hi".txt', "attachment; filename=\"say _hi_.txt\"; filename*=UTF-8''say%20%22hi%22.txt"),
            ("100%41.txt", "attachment; filename=\"100_41.txt\"; filename*=UTF-8''100%2541.txt"),
        ],
    )
    def test_written(self, file_name: str, value: str) -> None:
        assert attachment(file_name) == value

    @given(st.text(min_size=1, max_size=255).filter(lambda name: not file_name_error(name)))
    def test_any_name_is_read_back_as_it_is(self, file_name: str) -> None:
        value = attachment(file_name)
        assert not field_value_error(value)
        assert parse_options_header(value) == ("attachment", {"filename": file_name})


class TestDisguise:
    """Bidirectional controls show a name in another order: `photo` + U+202E + `gpj.exe` looks like `photoexe.jpg`."""

    ERROR = "must not hold bidirectional controls, by which exe.jpg can look like gpj.exe"

    # All that Unicode has: the property Bidi_Control.
    @pytest.mark.parametrize("code", [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
    def test_refused_as_it_is_and_encoded(self, code: int) -> None:
        name = f"photo{chr(code)}gpj.exe"
        assert file_name_error(name) == self.ERROR
        assert disposition_error(f"attachment; filename*=UTF-8''{quote(name)}") == self.ERROR

    @pytest.mark.parametrize("name", ["שלום.txt", "a\u200db", "a\u2029", "100%.txt", "%E2%80.txt"])
    def test_names_without_them(self, name: str) -> None:
        assert file_name_error(name) == ""
        assert disposition_error(f"attachment; filename*=UTF-8''{quote(name)}") == ""

    def test_a_disposition_is_a_header_value(self) -> None:
        assert disposition_error("inline\r\nx: y") == "must be printable ASCII"
        assert disposition_error('inline; filename="a%.txt"') == ""


class TestHttpDate:
    """RFC 9110: always GMT."""

    def test_of_another_zone(self) -> None:
        moment = datetime(2026, 11, 24, 0, 30, 15, 999, tzinfo=timezone(timedelta(hours=1)))
        assert http_date(moment) == "Mon, 23 Nov 2026 23:30:15 GMT"

    def test_of_gmt(self) -> None:
        assert http_date(datetime(1999, 1, 1, tzinfo=UTC)) == "Fri, 01 Jan 1999 00:00:00 GMT"

    def test_a_year_that_is_read_as_another_is_refused(self) -> None:
        assert http_date_error("0099-12-31T23:59:59Z") == "is out of range"
        assert http_date_error("0100-01-01T00:00:00+00:01") == "is out of range"
        assert http_date_error("0100-01-01T00:00:00Z") == ""
