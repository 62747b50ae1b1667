"""`presign.issue.boto3`: where boto3 has a mind of its own. Equality with `sigv4` is in `test_sigv4`."""

from __future__ import annotations

import base64
import json
import re
import time
from urllib.parse import parse_qs, urlsplit

import boto3
import botocore.auth
import botocore.compat
import pytest
from botocore.config import Config

from presign.issue.boto3 import Boto3Issuer
from presign.issue.endpoint import StorageEndpoint
from presign.issue.sigv4 import SigV4Issuer
from presign.model.operation import Operation
from presign.model.operations.form import PostObject
from presign.model.operations.objects import GetObject, PutObject
from presign.services.key import CustomerSecretKey
from support.grants import grant

KEY = CustomerSecretKey("access", "secret")
ENDPOINT = StorageEndpoint.from_template("http://127.0.0.1:9000", namespace="", region="us-ashburn-1")


def presign(operation: Operation, bucket: str = "b") -> str:
    issuer = Boto3Issuer(endpoint=ENDPOINT, region="us-ashburn-1")
    return issuer.issue(grant(operation, bucket=bucket), key=KEY, now=0).url


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded; charset=utf-8",
        "application/x-www-form-urlencoded;charset=utf-8",
        'text/plain; name="a b  c"',
    ],
)
def test_a_content_type_is_signed_as_sigv4_signs_it(content_type: str) -> None:
    request = PutObject(key="k", content_type=content_type)
    expected = SigV4Issuer(endpoint=ENDPOINT, region="us-ashburn-1").issue(grant(request), key=KEY, now=0)
    issued = Boto3Issuer(endpoint=ENDPOINT, region="us-ashburn-1").issue(grant(request), key=KEY, now=0)
    assert issued == expected
    assert "&X-Amz-SignedHeaders=content-type%3Bhost&" in issued.url
    assert issued.headers == {"Content-Type": content_type}


@pytest.mark.parametrize("bucket", ["b" * 256, "Mixed.Case_Name", "express--x-s3", "a..b", "xn--alias-s3alias"])
def test_bucket_names_that_amazon_would_treat_in_its_own_way_stay_in_the_path(bucket: str) -> None:
    url = presign(GetObject(key="k"), bucket)
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
    url = presign(GetObject(key="k"))
    assert url.startswith("http://127.0.0.1:9000/b/k?")
    assert "X-Amz-Credential=access%2F" in url
    assert "%2Fus-ashburn-1%2Fs3%2F" in url
    assert "Security-Token" not in url


def test_the_client_is_made_anew_when_the_key_changes() -> None:
    issuer = Boto3Issuer(endpoint=ENDPOINT, region="us-ashburn-1")
    granted = grant(GetObject(key="k"))
    issuer.issue(granted, key=KEY, now=0)
    assert "X-Amz-Credential=second%2F" in issuer.issue(granted, key=CustomerSecretKey("second", "s"), now=0).url


def test_the_url_is_signed_at_the_time_of_the_call_and_not_of_the_day() -> None:
    url = presign(GetObject(key="k"))
    assert "X-Amz-Date=19700101T000000Z&X-Amz-Expires=60" in url


@pytest.mark.usefixtures("east_of_greenwich")
def test_the_url_is_signed_at_the_same_moment_in_every_time_zone() -> None:
    assert "X-Amz-Date=19700101T000000Z&X-Amz-Expires=60" in presign(GetObject(key="k"))


def test_what_boto3_signs_for_others_has_the_time_of_day() -> None:
    presign(GetObject(key="k"))
    client = boto3.client(
        "s3",
        aws_access_key_id="access",
        aws_secret_access_key="secret",
        region_name="us-ashburn-1",
        config=Config(signature_version="s3v4"),
    )
    earliest = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    url = client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    latest = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    [signed_at] = parse_qs(urlsplit(url).query)["X-Amz-Date"]
    assert earliest <= signed_at <= latest


def test_the_form_too() -> None:
    issuer = Boto3Issuer(endpoint=ENDPOINT, region="us-ashburn-1")
    form = PostObject(
        key="k", content_type="image/png", success_action_status=201, min_content_length=1, max_content_length=9
    )
    issued = issuer.issue(grant(form), key=KEY, now=0)
    assert (issued.url, issued.method, issued.key, issued.expires_in) == ("http://127.0.0.1:9000/b", "POST", "k", 60)
    assert (issued.expires_at, issued.headers) == ("1970-01-01T00:01:00Z", {})
    fields = issued.fields
    assert fields is not None
    policy = json.loads(base64.b64decode(fields.pop("policy")))
    assert re.fullmatch("[0-9a-f]{64}", fields.pop("x-amz-signature"))
    authentication = {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": "access/19700101/us-ashburn-1/s3/aws4_request",
        "x-amz-date": "19700101T000000Z",
    }
    assert fields == {"key": "k", "Content-Type": "image/png", "success_action_status": "201", **authentication}
    assert policy["expiration"] == "1970-01-01T00:01:00Z"
    conditions = [
        {"Content-Type": "image/png"},
        {"success_action_status": "201"},
        ["content-length-range", 1, 9],
        {"bucket": "b"},
        {"key": "k"},
        *({name: value} for name, value in authentication.items()),
    ]
    assert sorted(map(str, policy["conditions"])) == sorted(map(str, conditions))


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        (GetObject(key="k"), "boto3 did not sign host, or not at the time of the call"),
        (PostObject(key="k"), "boto3 did not sign at the time of the call"),
    ],
)
def test_nothing_is_given_that_botocore_signed_at_another_time(
    operation: Operation, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer botocore may ask for the time in another way; a URL of the time of day could outlive its `expires_at`."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", botocore.compat.get_current_datetime)
    with pytest.raises(RuntimeError) as caught:
        presign(operation)
    assert str(caught.value) == told
