"""From when until when a URL is valid: at once, or with `reuse_for` from the beginning of a window."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presign.issue.boto3 import Boto3Issuer
from presign.issue.endpoint import StorageEndpoint
from presign.issue.sigv4 import SigV4Issuer
from presign.issue.validity import validity
from presign.model.operations.objects import GetObject, HeadObject
from presign.model.outcomes import Grant
from presign.model.request import Request
from presign.problems import SecretUnavailable
from presign.services.key import CustomerSecretKey

KEY = CustomerSecretKey("access", "secret")
ENDPOINT = StorageEndpoint.from_template("https://store.example.com", namespace="", region="r")
NOW = 1_790_000_000


def grant(key: str = "k", *, expires_in: int = 3600, reuse_for: int | None = 600, **options: Any) -> Grant:
    return Grant(Request(GetObject(key=key, **options), "b"), expires_in, 0, "s3", None, reuse_for)


def begin(key: str = "k") -> int:
    """The beginning of the window that `NOW` lies in."""
    return validity(grant(key), key=KEY, now=NOW)[0]


def test_without_reuse_it_begins_at_once() -> None:
    assert validity(grant(reuse_for=None), key=KEY, now=NOW) == (NOW, NOW + 3600)


def test_all_of_a_window_has_one_beginning_and_one_end() -> None:
    assert NOW - 600 < begin() <= NOW
    for now in (begin(), begin() + 1, begin() + 599):
        assert validity(grant(), key=KEY, now=now) == (begin(), begin() + 3600)
    assert validity(grant(), key=KEY, now=begin() + 600) == (begin() + 600, begin() + 4200)


def test_a_later_version_begins_the_windows_at_the_same_moments() -> None:
    """While the function is updated, containers of both versions answer."""
    assert begin() == 1_789_999_539


@pytest.mark.parametrize("issuer", [SigV4Issuer, Boto3Issuer])
class TestUrls:
    """Both issuers, and so all containers, give one URL in one window."""

    def url(self, issuer: type[SigV4Issuer] | type[Boto3Issuer], now: int, **options: Any) -> str:
        return issuer(endpoint=ENDPOINT, region="r").issue(grant(**options), key=KEY, now=now).url

    def test_two_containers_one_window_one_url(self, issuer: type[SigV4Issuer] | type[Boto3Issuer]) -> None:
        urls = {self.url(issuer, begin() + second) for second in (0, 1, 300, 599)}
        assert len(urls) == 1
        assert urls == {self.url(SigV4Issuer, begin())}

    def test_the_next_window_has_another(self, issuer: type[SigV4Issuer] | type[Boto3Issuer]) -> None:
        assert self.url(issuer, begin() + 599) != self.url(issuer, begin() + 600)

    def test_other_options_have_another(self, issuer: type[SigV4Issuer] | type[Boto3Issuer]) -> None:
        assert self.url(issuer, NOW) != self.url(issuer, NOW, download_as="a.txt")

    def test_what_is_left_is_told(self, issuer: type[SigV4Issuer] | type[Boto3Issuer]) -> None:
        issued = issuer(endpoint=ENDPOINT, region="r").issue(grant(), key=KEY, now=begin() + 500)
        assert issued.expires_in == 3100
        assert issued.expires_at == datetime.fromtimestamp(begin() + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert "&X-Amz-Expires=3600&" in issued.url

    def test_a_key_that_retires_within_the_window(self, issuer: type[SigV4Issuer] | type[Boto3Issuer]) -> None:
        retiring = CustomerSecretKey("access", "secret", datetime.fromtimestamp(begin() + 400, UTC))
        made = issuer(endpoint=ENDPOINT, region="r")
        first, last = (made.issue(grant(), key=retiring, now=begin() + second) for second in (0, 399))
        assert first.url == last.url
        assert (first.expires_in, last.expires_in) == (400, 1)
        with pytest.raises(SecretUnavailable):
            made.issue(grant(), key=retiring, now=begin() + 400)


@given(st.integers(0, 2**33), st.integers(1, 3600), st.text(min_size=1, max_size=20))
def test_what_is_left_is_never_under_half(now: int, reuse_for: int, key: str) -> None:
    granted = 2 * reuse_for
    signed_at, expires_at = validity(grant(key, expires_in=granted, reuse_for=reuse_for), key=KEY, now=now)
    assert signed_at <= now
    assert expires_at - signed_at == granted
    assert expires_at - now > granted / 2


def test_the_windows_of_different_objects_begin_at_different_times() -> None:
    begun = Counter((NOW - begin(f"photos/{number}.jpg")) // 60 for number in range(10_000))
    assert sorted(begun) == [*range(10)]
    assert max(begun.values()) < 1.2 * min(begun.values())


def test_reading_headers_has_the_same_window() -> None:
    head = Grant(Request(HeadObject(key="k"), "b"), 3600, 0, "s3", None, 600)
    assert validity(head, key=KEY, now=NOW) == (begin(), begin() + 3600)
