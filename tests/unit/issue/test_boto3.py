"""`presign.issue.boto3`: where boto3 has a mind of its own. Equality with `sigv4` is in `test_sigv4`."""

from __future__ import annotations

import pytest

from presign.issue import make_signer
from presign.issue.boto3 import Boto3Signer
from presign.issue.endpoint import StorageEndpoint
from presign.issue.sigv4 import SigV4Signer
from presign.keys.credentials import CustomerSecretKey
from presign.request.model import ObjectRequest
from presign.request.operations.objects import GetObject, PutObject

KEY = CustomerSecretKey("access", "secret")
ENDPOINT = StorageEndpoint.from_template("http://127.0.0.1:9000", namespace="", region="us-ashburn-1")


def presign(request: ObjectRequest) -> str:
    return Boto3Signer(endpoint=ENDPOINT, region="us-ashburn-1").presign(request, key=KEY, now=0)


def test_a_header_that_boto3_does_not_sign_is_an_error_and_not_a_url() -> None:
    content_type = "application/x-www-form-urlencoded; charset=utf-8"
    request = PutObject(key="k", bucket="b", expires_in=60, content_type=content_type).request()
    with pytest.raises(RuntimeError, match=r"boto3 signed the headers \['host'\]"):
        presign(request)
    url = SigV4Signer(endpoint=ENDPOINT, region="us-ashburn-1").presign(request, key=KEY, now=0)
    assert "&X-Amz-SignedHeaders=content-type%3Bhost&" in url


@pytest.mark.parametrize("bucket", ["b" * 256, "Mixed.Case_Name", "express--x-s3", "a..b", "xn--alias-s3alias"])
def test_bucket_names_that_amazon_would_treat_in_its_own_way_stay_in_the_path(bucket: str) -> None:
    url = presign(GetObject(key="k", bucket=bucket, expires_in=60).request())
    assert url.startswith(f"http://127.0.0.1:9000/{bucket}/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&")


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "other",
        "AWS_SECRET_ACCESS_KEY": "other",
        "AWS_SESSION_TOKEN": "token",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_S3": "https://elsewhere.example",
    }.items():
        monkeypatch.setenv(name, value)
    url = presign(GetObject(key="k", bucket="b", expires_in=60).request())
    assert url.startswith("http://127.0.0.1:9000/b/k?")
    assert "X-Amz-Credential=access%2F" in url
    assert "%2Fus-ashburn-1%2Fs3%2F" in url
    assert "Security-Token" not in url


def test_the_client_is_made_anew_when_the_key_changes() -> None:
    signer = Boto3Signer(endpoint=ENDPOINT, region="us-ashburn-1")
    request = GetObject(key="k", bucket="b", expires_in=60).request()
    signer.presign(request, key=KEY, now=0)
    assert "X-Amz-Credential=second%2F" in signer.presign(request, key=CustomerSecretKey("second", "s"), now=0)


def test_signers_are_made_by_name() -> None:
    assert isinstance(make_signer("boto3", endpoint=ENDPOINT, region="r"), Boto3Signer)
    assert isinstance(make_signer("sigv4", endpoint=ENDPOINT, region="r"), SigV4Signer)
