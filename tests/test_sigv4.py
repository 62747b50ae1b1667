"""`presign.signers.sigv4` against AWS's published example, against literal values, and against boto3 byte for byte."""

from __future__ import annotations

import calendar
import hmac
import string
from datetime import UTC, datetime
from typing import ClassVar
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presign.credentials import CustomerSecretKey
from presign.endpoint import StorageEndpoint
from presign.header_values import file_name_fault
from presign.model import MAX_EXPIRES_IN, ObjectRequest, Operation
from presign.names import key_fault
from presign.operations import DeleteObject, GetObject, HeadObject, PutObject
from presign.signers import sigv4
from presign.signers.boto3 import Boto3Signer
from presign.signers.sigv4 import SigningKey, SigV4Signer

AWS_KEY = CustomerSecretKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
AWS_EXAMPLE_TIME = calendar.timegm((2013, 5, 24, 0, 0, 0))

PATH_STYLE = StorageEndpoint.from_template(
    "https://{namespace}.compat.objectstorage.{region}.oraclecloud.com",
    namespace="axaxnpcrorw5",
    region="eu-frankfurt-1",
)
VIRTUAL_HOSTED = StorageEndpoint.from_template(
    "https://{bucket}.vhcompat.objectstorage.{region}.oci.customer-oci.com", namespace="", region="eu-frankfurt-1"
)


def object_request(**changes: object) -> ObjectRequest:
    return ObjectRequest(
        **{
            "operation": "get_object",
            "method": "GET",
            "bucket": "examplebucket",
            "key": "test.txt",
            "query": [],
            "headers": {},
            "expires_in": 86400,
            **changes,
        }
    )


class TestPublishedExample:
    """The example of the Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters"."""

    def test_presigned_url(self) -> None:
        endpoint = StorageEndpoint.from_template("https://{bucket}.s3.amazonaws.com", namespace="", region="us-east-1")
        url = SigV4Signer(endpoint=endpoint, region="us-east-1").presign(
            object_request(), key=AWS_KEY, now=AWS_EXAMPLE_TIME
        )
        assert url == (
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
            "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        )

    def test_string_to_sign(self) -> None:
        request = sigv4.canonical_request(
            method="GET",
            uri="/test.txt",
            query=(
                "X-Amz-Algorithm=AWS4-HMAC-SHA256"
                "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            ),
            headers="host:examplebucket.s3.amazonaws.com\n",
            signed_headers="host",
        )
        scope = sigv4.credential_scope(date="20130524", region="us-east-1")
        assert sigv4.string_to_sign(timestamp="20130524T000000Z", scope=scope, request=request) == (
            "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
            "3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04"
        )


class TestCanonicalForms:
    """The canonical forms that go into the string to sign."""

    def test_header_names_are_lower_case_and_sorted_and_values_trimmed(self) -> None:
        assert sigv4.canonical_headers(
            {"X-Amz-Meta-B": "  two   spaces ", "Host": "h", "Content-Type": "text/plain"}
        ) == (
            "content-type:text/plain\nhost:h\nx-amz-meta-b:two spaces\n",
            "content-type;host;x-amz-meta-b",
        )

    def test_everything_but_unreserved_characters_is_encoded(self) -> None:
        assert sigv4.uri_encode("a-_.~/ +é%") == "a-_.~%2F%20%2B%C3%A9%25"

    def test_the_slashes_of_a_key_stay(self) -> None:
        assert PATH_STYLE.path("b", "a/b c/ü~+%2e") == "/b/a/b%20c/%C3%BC~%2B%252e"
        assert VIRTUAL_HOSTED.path("b", "a/b c/ü~+%2e") == "/a/b%20c/%C3%BC~%2B%252e"


class TestExpiry:
    """S3 takes 1 second to 7 days."""

    @pytest.mark.parametrize("expires_in", [1, MAX_EXPIRES_IN])
    def test_in_range(self, expires_in: int) -> None:
        signer = SigV4Signer(endpoint=PATH_STYLE, region="eu-frankfurt-1")
        url = signer.presign(object_request(expires_in=expires_in), key=AWS_KEY, now=AWS_EXAMPLE_TIME)
        assert f"&X-Amz-Expires={expires_in}&" in url

    @pytest.mark.parametrize("expires_in", [-1, 0, MAX_EXPIRES_IN + 1])
    def test_out_of_range(self, expires_in: int) -> None:
        signer = SigV4Signer(endpoint=PATH_STYLE, region="eu-frankfurt-1")
        with pytest.raises(ValueError, match="expires_in must be 1 to 604800 seconds"):
            signer.presign(object_request(expires_in=expires_in), key=AWS_KEY, now=AWS_EXAMPLE_TIME)


class TestSigningKey:
    """HMAC-SHA-256, with the key's share of it kept."""

    def test_the_published_vector(self) -> None:
        """RFC 4231, test case 2."""
        assert SigningKey(b"Jefe").sign("what do ya want for nothing?") == (
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        )

    @given(st.binary(min_size=1, max_size=64), st.text())
    def test_equal_to_the_standard_library_however_often_it_signs(self, key: bytes, text: str) -> None:
        signing_key = SigningKey(key)
        expected = hmac.new(key, text.encode(), "sha256").hexdigest()
        assert [signing_key.sign(text) for _ in range(2)] == [expected, expected]


class TestWhatIsKept:
    """The signing key is derived once a day, region and secret."""

    def test_derived_anew_only_when_the_day_or_the_secret_changes(self) -> None:
        signer = SigV4Signer(endpoint=PATH_STYLE, region="eu-frankfurt-1")
        other = CustomerSecretKey(AWS_KEY.access_key_id, "another")
        day = 86400
        with patch.object(sigv4, "signing_key", wraps=sigv4.signing_key) as derive:
            for key, now, derived in [
                (AWS_KEY, AWS_EXAMPLE_TIME, 1),
                (AWS_KEY, AWS_EXAMPLE_TIME + day - 1, 1),
                (CustomerSecretKey(AWS_KEY.access_key_id, AWS_KEY.secret_access_key), AWS_EXAMPLE_TIME, 1),
                (AWS_KEY, AWS_EXAMPLE_TIME + day, 2),
                (other, AWS_EXAMPLE_TIME + day, 3),
            ]:
                url = signer.presign(object_request(), key=key, now=now)
                fresh = SigV4Signer(endpoint=PATH_STYLE, region="eu-frankfurt-1")
                assert derive.call_count == derived
                with patch.object(sigv4, "signing_key", new=derive._mock_wraps):
                    assert fresh.presign(object_request(), key=key, now=now) == url


ENDPOINTS = st.sampled_from([PATH_STYLE, VIRTUAL_HOSTED])
KEYS = (
    st.text(min_size=1, max_size=60)
    | st.text("/.%+ ~?#&=\\'\"<>(){}[]:;@!$*,^`|aé\u2028\U0001f600", min_size=1, max_size=60)
).filter(lambda key: not key_fault(key))
BUCKETS = st.from_regex(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", fullmatch=True)
ANY_BUCKETS = st.from_regex(r"[A-Za-z0-9._-]{1,256}", fullmatch=True).filter(lambda name: name not in (".", ".."))
NAMES = st.text("!#$%&'*+.^_`|~-" + string.ascii_letters + string.digits, min_size=1, max_size=20)
VALUES = st.text(string.ascii_letters + string.digits + string.punctuation + " ", min_size=1, max_size=60).map(
    lambda text: text.strip() or "x"
)
MEDIA_TYPES = st.sampled_from(
    ["text/plain", "image/svg+xml", 'text/html; charset="utf-8"', "application/x-y;a=b ; c=d"]
)
METADATA = st.dictionaries(NAMES, VALUES, max_size=4).filter(
    lambda found: len(set(map(str.lower, found))) == len(found)
)
TIMES = st.integers(0, calendar.timegm((2099, 12, 31, 23, 59, 59)))


def optional(**options: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries({}, optional=options)


READ_OPTIONS = optional(
    version_id=VALUES,
    download_as=st.text(min_size=1, max_size=60).filter(lambda name: not file_name_fault(name)),
    response_cache_control=VALUES,
    response_content_encoding=VALUES,
    response_content_language=VALUES,
    response_content_type=MEDIA_TYPES,
    response_expires=st.datetimes(datetime(1970, 1, 1), datetime(2099, 1, 1), timezones=st.timezones()),
) | optional(response_content_disposition=VALUES, version_id=VALUES)
PUT_OPTIONS = optional(
    content_type=MEDIA_TYPES,
    content_length=st.integers(0, 50 * 1024**3),
    content_md5=st.just("1B2M2Y8AsgTpgAmY7PhCfg=="),
    checksum_sha256=st.just("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    cache_control=VALUES,
    content_disposition=VALUES,
    content_encoding=VALUES,
    metadata=st.dictionaries(NAMES, VALUES, max_size=4).filter(
        lambda pairs: len({k.lower() for k in pairs}) == len(pairs)
    ),
    if_none_match=st.just("*"),
)


@st.composite
def cases(
    draw: st.DrawFn, operation: type[Operation], options: st.SearchStrategy[dict[str, object]]
) -> tuple[StorageEndpoint, ObjectRequest, int]:
    endpoint = draw(ENDPOINTS)
    bucket = draw(BUCKETS if endpoint.virtual_hosted else ANY_BUCKETS)
    asked = operation(key=draw(KEYS), **draw(options))
    assert not list(asked.faults())
    return endpoint, asked.request(bucket=bucket, expires_in=draw(st.integers(1, MAX_EXPIRES_IN))), draw(TIMES)


class TestSameAsBoto3:
    """Every URL is the one that boto3 gives for the same request at the same time."""

    signers: ClassVar = {
        endpoint: (
            SigV4Signer(endpoint=endpoint, region="eu-frankfurt-1"),
            Boto3Signer(endpoint=endpoint, region="eu-frankfurt-1"),
        )
        for endpoint in (PATH_STYLE, VIRTUAL_HOSTED)
    }

    def check(self, case: tuple[StorageEndpoint, ObjectRequest, int]) -> None:
        endpoint, request, now = case
        ours, theirs = self.signers[endpoint]
        with patch("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: datetime.fromtimestamp(now, UTC)):
            expected = theirs.presign(request, key=AWS_KEY, now=now)
        assert ours.presign(request, key=AWS_KEY, now=now) == expected

    @settings(max_examples=600, deadline=None)
    @given(cases(GetObject, READ_OPTIONS))
    def test_get_object(self, case: tuple[StorageEndpoint, ObjectRequest, int]) -> None:
        self.check(case)

    @settings(max_examples=600, deadline=None)
    @given(cases(HeadObject, READ_OPTIONS))
    def test_head_object(self, case: tuple[StorageEndpoint, ObjectRequest, int]) -> None:
        self.check(case)

    @settings(max_examples=600, deadline=None)
    @given(cases(PutObject, PUT_OPTIONS))
    def test_put_object(self, case: tuple[StorageEndpoint, ObjectRequest, int]) -> None:
        self.check(case)

    @settings(max_examples=600, deadline=None)
    @given(cases(DeleteObject, optional(version_id=VALUES)))
    def test_delete_object(self, case: tuple[StorageEndpoint, ObjectRequest, int]) -> None:
        self.check(case)
