"""`presign.issue.sigv4` against AWS's published example, against literal values, and against boto3 byte for byte."""

from __future__ import annotations

import base64
import calendar
import hmac
import json
import string
from datetime import UTC, datetime
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from presign.issue import sigv4
from presign.issue.boto3 import Boto3Issuer
from presign.issue.endpoint import StorageEndpoint
from presign.issue.sigv4 import SigningKey, SigV4Issuer
from presign.issue.uri import uri_encode
from presign.model.header_values import file_name_error
from presign.model.object_names import key_error, prefix_error
from presign.model.operation import MAX_EXPIRES_IN, ObjectOperation
from presign.model.operations import OPERATIONS
from presign.model.operations.form import PostObject
from presign.model.operations.objects import GetObject
from presign.model.outcomes import Grant
from presign.problems import SecretUnavailable
from presign.services.key import CustomerSecretKey
from support.grants import grant

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


def issuer(endpoint: StorageEndpoint = PATH_STYLE, region: str = "eu-frankfurt-1") -> SigV4Issuer:
    return SigV4Issuer(endpoint=endpoint, region=region)


def download(expires_in: int = 86400) -> Grant:
    return grant(GetObject(key="test.txt"), bucket="examplebucket", expires_in=expires_in)


class TestPublishedExample:
    """The example of the Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters"."""

    def test_presigned_url(self) -> None:
        endpoint = StorageEndpoint.from_template("https://{bucket}.s3.amazonaws.com", namespace="", region="us-east-1")
        assert issuer(endpoint, "us-east-1").issue(download(), key=AWS_KEY, now=AWS_EXAMPLE_TIME).url == (
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
        assert uri_encode("a-_.~/ +é%") == "a-_.~%2F%20%2B%C3%A9%25"

    def test_the_slashes_of_a_key_stay(self) -> None:
        assert PATH_STYLE.path("b", "a/b c/ü~+%2e") == "/b/a/b%20c/%C3%BC~%2B%252e"
        assert VIRTUAL_HOSTED.path("b", "a/b c/ü~+%2e") == "/a/b%20c/%C3%BC~%2B%252e"


class TestExpiry:
    """S3 takes 1 second to 7 days."""

    @pytest.mark.parametrize("expires_in", [1, MAX_EXPIRES_IN])
    def test_in_range(self, expires_in: int) -> None:
        url = issuer().issue(download(expires_in), key=AWS_KEY, now=AWS_EXAMPLE_TIME).url
        assert f"&X-Amz-Expires={expires_in}&" in url

    @pytest.mark.parametrize("expires_in", [-1, 0, MAX_EXPIRES_IN + 1])
    def test_out_of_range(self, expires_in: int) -> None:
        with pytest.raises(ValueError, match="expires_in must be 1 to 604800 seconds"):
            issuer().issue(download(expires_in), key=AWS_KEY, now=AWS_EXAMPLE_TIME)

    def test_not_beyond_the_end_of_the_key(self) -> None:
        key = CustomerSecretKey("access", "secret", datetime.fromtimestamp(AWS_EXAMPLE_TIME + 5, UTC))
        issued = issuer().issue(download(60), key=key, now=AWS_EXAMPLE_TIME)
        assert (issued.expires_in, issued.expires_at) == (5, "2013-05-24T00:00:05Z")
        assert "&X-Amz-Expires=5&" in issued.url

    def test_a_retired_key_signs_nothing(self) -> None:
        key = CustomerSecretKey("access", "secret", datetime.fromtimestamp(AWS_EXAMPLE_TIME, UTC))
        with pytest.raises(SecretUnavailable, match=r"^the key was retired while the call was answered$"):
            issuer().issue(download(60), key=key, now=AWS_EXAMPLE_TIME)


class TestForm:
    """A form is signed with the policy that allows it (POST policy)."""

    def test_literal(self) -> None:
        form = PostObject(key="a/é.png", content_type="image/png", min_content_length=1, max_content_length=1000)
        issued = issuer().issue(grant(form, bucket="examplebucket"), key=AWS_KEY, now=AWS_EXAMPLE_TIME)
        fields = issued.fields
        assert fields is not None
        assert issued.url == "https://axaxnpcrorw5.compat.objectstorage.eu-frankfurt-1.oraclecloud.com/examplebucket"
        assert json.loads(base64.b64decode(fields.pop("policy"))) == {
            "expiration": "2013-05-24T00:01:00Z",
            "conditions": [
                {"Content-Type": "image/png"},
                ["content-length-range", 1, 1000],
                {"bucket": "examplebucket"},
                {"key": "a/é.png"},
                {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
                {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20130524/eu-frankfurt-1/s3/aws4_request"},
                {"x-amz-date": "20130524T000000Z"},
            ],
        }
        assert fields == {
            "Content-Type": "image/png",
            "key": "a/é.png",
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20130524/eu-frankfurt-1/s3/aws4_request",
            "x-amz-date": "20130524T000000Z",
            "x-amz-signature": "f5135caa76d44c6093f06833593abf50ad55f7dfab7ad781c893f4f8dec99a2b",
        }

    @pytest.mark.parametrize("expires_in", [-1, 0, MAX_EXPIRES_IN + 1])
    def test_an_expiry_out_of_range(self, expires_in: int) -> None:
        form = grant(PostObject(key="k"), expires_in=expires_in)
        with pytest.raises(ValueError, match="expires_in must be 1 to 604800 seconds"):
            issuer().issue(form, key=AWS_KEY, now=AWS_EXAMPLE_TIME)


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
        kept = issuer()
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
                url = kept.issue(download(), key=key, now=now).url
                fresh = issuer()
                assert derive.call_count == derived
                with patch.object(sigv4, "signing_key", new=derive._mock_wraps):
                    assert fresh.issue(download(), key=key, now=now).url == url


ENDPOINTS = st.sampled_from([PATH_STYLE, VIRTUAL_HOSTED])
KEYS = (
    st.text(min_size=1, max_size=60)
    | st.text("/.%+ ~?#&=\\'\"<>(){}[]:;@!$*,^`|aé\u2028\U0001f600", min_size=1, max_size=60)
).filter(lambda key: not key_error(key))
BUCKETS = st.text(string.ascii_lowercase + string.digits + "-", min_size=3, max_size=63).map(
    lambda name: name.strip("-").ljust(3, "0")
)
ANY_BUCKETS = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=256).filter(
    lambda name: name not in (".", "..")
)
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
    download_as=st.text(min_size=1, max_size=60).filter(lambda name: not file_name_error(name)),
    response_cache_control=VALUES,
    response_content_encoding=VALUES,
    response_content_language=VALUES,
    response_content_type=MEDIA_TYPES,
    response_expires=st.datetimes(datetime(1970, 1, 1), datetime(2099, 1, 1), timezones=st.timezones()),
) | optional(response_content_disposition=VALUES, version_id=VALUES)
CONTENT_LENGTHS = st.integers(0, 50 * 1024**3)
MD5S = st.just("1B2M2Y8AsgTpgAmY7PhCfg==")
SHA256S = st.just("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
UPLOAD_OPTIONS = {
    "content_type": MEDIA_TYPES,
    "cache_control": VALUES,
    "content_disposition": VALUES,
    "content_encoding": VALUES,
    "metadata": METADATA,
}
PUT_OPTIONS = optional(
    **UPLOAD_OPTIONS,
    content_length=CONTENT_LENGTHS,
    content_md5=MD5S,
    checksum_sha256=SHA256S,
    if_none_match=st.just("*"),
)
POST_OPTIONS = optional(
    content_type=MEDIA_TYPES,
    metadata=METADATA,
    min_content_length=CONTENT_LENGTHS,
    max_content_length=CONTENT_LENGTHS,
    success_action_status=st.sampled_from([200, 201, 204]),
)
PREFIXES = KEYS.filter(lambda prefix: not prefix_error(prefix))
LIST_OPTIONS = optional(
    prefix=PREFIXES, delimiter=VALUES, max_keys=st.integers(1, 1000), continuation_token=VALUES, start_after=PREFIXES
)
LIST_UPLOADS_OPTIONS = optional(
    prefix=PREFIXES,
    delimiter=VALUES,
    max_uploads=st.integers(1, 1000),
    key_marker=PREFIXES,
    upload_id_marker=st.just("u/1+="),
)
COPY_OPTIONS = st.fixed_dictionaries(
    {"source_bucket": ANY_BUCKETS, "source_key": KEYS},
    optional={"source_version_id": st.text(string.ascii_letters + string.digits + "-._~/+=", min_size=1)},
) | st.fixed_dictionaries(
    {"source_bucket": ANY_BUCKETS, "source_key": KEYS, "metadata_directive": st.just("REPLACE")},
    optional=UPLOAD_OPTIONS,
)
UPLOAD_IDS = st.text(string.ascii_letters + string.digits + string.punctuation, min_size=1, max_size=60)


def of_upload(
    required: dict[str, st.SearchStrategy[object]] | None = None, **options: st.SearchStrategy[object]
) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries({"upload_id": UPLOAD_IDS, **(required or {})}, optional=options)


@st.composite
def cases(
    draw: st.DrawFn, operation: str, options: st.SearchStrategy[dict[str, object]]
) -> tuple[StorageEndpoint, Grant, int]:
    endpoint = draw(ENDPOINTS)
    bucket = draw(BUCKETS if endpoint.virtual_hosted else ANY_BUCKETS)
    key = {"key": draw(KEYS)} if issubclass(OPERATIONS[operation], ObjectOperation) else {}
    members: dict[str, Any] = {**key, **draw(options)}
    asked = OPERATIONS[operation](**members)
    assume(not list(asked.validation_errors()))
    expires_in = draw(st.integers(1, MAX_EXPIRES_IN))
    return endpoint, grant(asked, bucket=bucket, expires_in=expires_in), draw(TIMES)


class TestSameAsBoto3:
    """Every URL is the one that boto3 gives for the same request at the same time."""

    issuers: ClassVar = {
        endpoint: (
            issuer(endpoint),
            Boto3Issuer(endpoint=endpoint, region="eu-frankfurt-1"),
        )
        for endpoint in (PATH_STYLE, VIRTUAL_HOSTED)
    }

    @pytest.mark.parametrize(
        ("operation", "options"),
        [
            ("get_object", READ_OPTIONS),
            ("head_object", READ_OPTIONS),
            ("put_object", PUT_OPTIONS),
            ("delete_object", optional(version_id=VALUES)),
            ("post_object", POST_OPTIONS),
            ("create_multipart_upload", optional(**UPLOAD_OPTIONS)),
            (
                "upload_part",
                of_upload(
                    {"part_number": st.integers(1, 10_000)},
                    content_length=CONTENT_LENGTHS,
                    content_md5=MD5S,
                    checksum_sha256=SHA256S,
                ),
            ),
            ("complete_multipart_upload", of_upload(if_none_match=st.just("*"))),
            ("abort_multipart_upload", of_upload()),
            ("list_objects_v2", LIST_OPTIONS),
            ("list_multipart_uploads", LIST_UPLOADS_OPTIONS),
            ("copy_object", COPY_OPTIONS),
            ("list_parts", of_upload(part_number_marker=st.integers(0, 10_000), max_parts=st.integers(1, 1000))),
        ],
    )
    @settings(max_examples=5 * settings().max_examples, deadline=None)
    @given(data=st.data())
    def test_every_operation(
        self, operation: str, options: st.SearchStrategy[dict[str, object]], data: st.DataObject
    ) -> None:
        endpoint, granted, now = data.draw(cases(operation, options))
        ours, theirs = self.issuers[endpoint]
        assert ours.issue(granted, key=AWS_KEY, now=now) == theirs.issue(granted, key=AWS_KEY, now=now)

    def test_no_operation_is_left_out(self) -> None:
        [compared] = [mark for mark in type(self).test_every_operation.pytestmark if mark.name == "parametrize"]
        assert {operation for operation, _ in compared.args[1]} == set(OPERATIONS) - {"get_prefix"}  # which has a PAR
