"""The local store accepts the forms that boto3's POST policies allow, and no others."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import requests

from support.store import BUCKET, LOWER_BUCKET, Answer, Store, bytes_of, form, refused, send, send_form, told

CONTENT = b"0123456789"
DENIED = (403, "AccessDenied")


def presign(
    store: Store,
    key: str = "a.txt",
    *,
    bucket: str = BUCKET,
    fields: dict[str, str] | None = None,
    conditions: list[Any] | None = None,
    expires_in: int = 60,
    **client: Any,
) -> tuple[str, dict[str, str]]:
    """The URL and the fields of a form that boto3 signed."""
    signed = store.client(**client).generate_presigned_post(
        bucket, key, Fields=dict(fields or {}), Conditions=list(conditions or []), ExpiresIn=expires_in
    )
    return signed["url"], signed["fields"]


def post(
    store: Store, content: bytes = CONTENT, *, change: dict[str, str | None] | None = None, **signed: Any
) -> Answer:
    """Sign a form, change it, and post it."""
    url, fields = presign(store, **signed)
    for name, value in (change or {}).items():
        fields.pop(name, None)
        if value is not None:
            fields[name] = value
    return send_form(url, fields, content)


def message(answer: Answer) -> str | None:
    return told(answer, "Message")


class TestTaken:
    """A file that the policy allows is stored."""

    def test_path_style(self, store: Store) -> None:
        answer = post(store, key="path.txt")
        assert answer == (204, b"")
        assert answer.headers["ETag"] == '"781e5e245d69b566979b86e28d23f2c7"'
        assert answer.headers["Location"] == f"{store.server.url}/{BUCKET}/path.txt"
        assert store.content("path.txt") == CONTENT

    def test_virtual_hosted_style(self, store: Store) -> None:
        url, fields = presign(store, "virtual.txt", bucket=LOWER_BUCKET, virtual=True)
        assert url == f"http://lower.storage.localhost:{store.port}/"
        assert send_form(url, fields, CONTENT)[0] == 204
        assert store.content("virtual.txt", LOWER_BUCKET) == CONTENT

    @pytest.mark.parametrize("key", ["a b+c%41?&#", "ü/日本", "a//b/", "$"])
    def test_keys_stay_as_they_are(self, store: Store, key: str) -> None:
        assert post(store, key=key)[0] == 204
        assert store.content(key) == CONTENT

    def test_what_is_stored_with_the_object(self, store: Store) -> None:
        fields = {"Content-Type": "text/csv", "Cache-Control": "no-store", "x-amz-meta-Author": "Ada"}
        conditions = [{name: value} for name, value in fields.items()]
        assert post(store, key="fields.txt", fields=fields, conditions=conditions)[0] == 204
        found = store.do("HEAD", "head_object", Key="fields.txt").headers
        assert (found["Content-Type"], found["Cache-Control"], found["x-amz-meta-author"]) == (
            "text/csv",
            "no-store",
            "Ada",
        )

    @pytest.mark.parametrize(("wanted", "status"), [("200", 200), ("204", 204), ("302", 204)])
    def test_the_status_that_was_asked_for(self, store: Store, wanted: str, status: int) -> None:
        fields = {"success_action_status": wanted}
        assert post(store, fields=fields, conditions=[fields]) == (status, b"")

    def test_status_201_tells_what_was_stored(self, store: Store) -> None:
        fields = {"success_action_status": "201"}
        answer = post(store, key="d/ü.txt", fields=fields, conditions=[fields])
        assert answer[0] == 201
        assert told(answer, "Bucket") == BUCKET
        assert told(answer, "Key") == "d/ü.txt"
        assert told(answer, "ETag") == answer.headers["ETag"] == '"781e5e245d69b566979b86e28d23f2c7"'
        assert told(answer, "Location") == answer.headers["Location"] == f"{store.server.url}/{BUCKET}/d/%C3%BC.txt"

    @pytest.mark.parametrize("filename", ["me.png", "holiday/me.png", "../me.png"])
    def test_the_name_of_the_file_in_the_key(self, store: Store, filename: str) -> None:
        url, fields = presign(store, "photos/${filename}")
        assert send_form(url, fields, filename.encode(), filename)[0] == 204
        assert store.content("photos/me.png") == filename.encode()

    def test_a_field_to_ignore(self, store: Store) -> None:
        assert post(store, change={"x-ignore-me": "1"})[0] == 204

    def test_what_comes_after_the_file_is_ignored(self, store: Store) -> None:
        url, fields = presign(store, "after.txt")
        request = form(url, fields, CONTENT)
        boundary = request.headers["Content-Type"].partition("boundary=")[2].encode()
        extra = b'--%s\r\nContent-Disposition: form-data; name="key"\r\n\r\nother.txt\r\n--%s--' % (boundary, boundary)
        body = bytes_of(request).replace(b"--%s--" % boundary, extra)
        assert send("POST", url, {"Content-Type": request.headers["Content-Type"]}, body)[0] == 204
        assert store.content("after.txt") == CONTENT
        assert store.content("other.txt") is None

    def test_a_file_that_looks_like_a_form(self, store: Store) -> None:
        content = b'\r\n--x\r\nContent-Disposition: form-data; name="key"\r\n\r\n--x--\r\n\r' * 50_000
        assert post(store, content, key="form.bin")[0] == 204
        assert store.content("form.bin") == content


class TestSize:
    """A file's size is within the range that was signed."""

    @pytest.mark.parametrize("size", [10, 20])
    def test_within(self, store: Store, size: int) -> None:
        assert post(store, b"x" * size, conditions=[["content-length-range", 10, 20]])[0] == 204

    def test_above(self, store: Store) -> None:
        answer = post(store, b"x" * 21, key="above.txt", conditions=[["content-length-range", 10, 20]])
        assert refused(answer) == (400, "EntityTooLarge")
        assert (told(answer, "ProposedSize"), told(answer, "MaxSizeAllowed")) == ("21", "20")
        assert store.content("above.txt") is None

    def test_below(self, store: Store) -> None:
        answer = post(store, b"x" * 9, key="below.txt", conditions=[["content-length-range", 10, 20]])
        assert refused(answer) == (400, "EntityTooSmall")
        assert (told(answer, "ProposedSize"), told(answer, "MinSizeAllowed")) == ("9", "10")
        assert store.content("below.txt") is None


class TestConditions:
    """Each field has the value that the policy names, and the policy names each field."""

    @pytest.mark.parametrize(
        ("condition", "change", "failed"),
        [
            ({"Content-Type": "image/png"}, {"Content-Type": "image/gif"}, '["eq", "$Content-Type", "image/png"]'),
            (["eq", "$x-amz-meta-a", "b"], {"x-amz-meta-a": "B"}, '["eq", "$x-amz-meta-a", "b"]'),
            (["eq", "$x-amz-meta-a", "b"], {}, '["eq", "$x-amz-meta-a", "b"]'),
            (["starts-with", "$Content-Type", "image/"], {"Content-Type": "text/html"}, "starts-with"),
            (["starts-with", "$Content-Type", "image/"], {"Content-Type": "image/png,text/html"}, "starts-with"),
            (["starts-with", "$Cache-Control", ""], {}, "starts-with"),
        ],
    )
    def test_not_met(self, store: Store, condition: Any, change: dict[str, str | None], failed: str) -> None:
        answer = post(store, key="unmet.txt", conditions=[condition], change=change)
        assert refused(answer) == DENIED
        assert (message(answer) or "").startswith("Invalid according to Policy: Policy Condition failed: ")
        assert failed in (message(answer) or "")
        assert store.content("unmet.txt") is None

    @pytest.mark.parametrize(
        ("condition", "change"),
        [
            (["starts-with", "$Content-Type", "image/"], {"content-type": "image/png"}),
            (["starts-with", "$Content-Type", "image/"], {"Content-Type": "image/png, image/gif"}),
            (["starts-with", "$x-amz-meta-a", ""], {"x-amz-meta-a": "anything"}),
            (["eq", "$X-Amz-Meta-A", "b"], {"x-amz-meta-a": "b"}),
        ],
    )
    def test_met(self, store: Store, condition: Any, change: dict[str, str | None]) -> None:
        assert post(store, conditions=[condition], change=change)[0] == 204

    @pytest.mark.parametrize(("field", "value"), [("key", "b.txt"), ("x-amz-algorithm", None), ("key", None)])
    def test_another_field_than_was_signed(self, store: Store, field: str, value: str | None) -> None:
        answer = post(store, change={field: value})
        assert refused(answer) == (DENIED if value else (400, "InvalidArgument"))

    def test_another_bucket(self, store: Store) -> None:
        url, fields = presign(store)
        answer = send_form(url.replace(BUCKET, LOWER_BUCKET), fields, CONTENT)
        assert refused(answer) == DENIED
        assert '"$bucket", "PresignedBlog"' in (message(answer) or "")

    def test_the_name_of_the_file_counts_before_the_key_is_checked(self, store: Store) -> None:
        url, fields = presign(store, "photos/${filename}", conditions=[["starts-with", "$key", "photos/a"]])
        assert send_form(url, fields, CONTENT, "a.png")[0] == 204
        assert refused(send_form(url, fields, CONTENT, "b.png")) == DENIED

    @pytest.mark.parametrize("field", ["x-amz-meta-a", "Content-Type", "success_action_status", "acl", "anything"])
    def test_a_field_that_the_policy_does_not_mention(self, store: Store, field: str) -> None:
        answer = post(store, change={field: "1"})
        assert refused(answer) == DENIED
        assert message(answer) == f"Invalid according to Policy: Extra input fields: {field.lower()}"


class TestSignature:
    """The policy is what a known key has signed, not long ago and for this store."""

    def test_another_secret(self, store: Store) -> None:
        assert refused(post(store, secret="other")) == (403, "SignatureDoesNotMatch")

    def test_another_signature(self, store: Store) -> None:
        assert refused(post(store, change={"x-amz-signature": "0" * 64})) == (403, "SignatureDoesNotMatch")
        assert refused(post(store, change={"x-amz-signature": "é"})) == (403, "SignatureDoesNotMatch")

    def test_another_policy(self, store: Store) -> None:
        _, other = presign(store, expires_in=3600)
        assert refused(post(store, change={"policy": other["policy"]})) == (403, "SignatureDoesNotMatch")

    def test_no_policy(self, store: Store) -> None:
        assert refused(post(store, change={"policy": None})) == DENIED

    @pytest.mark.parametrize("field", ["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "key"])
    def test_a_field_that_must_be_there(self, store: Store, field: str) -> None:
        answer = post(store, change={field: None})
        assert refused(answer) == (400, "InvalidArgument")
        assert told(answer, "ArgumentName") == field

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("x-amz-algorithm", "AWS4-HMAC-MD5"),
            ("x-amz-date", "yesterday"),
            ("x-amz-credential", "access"),
            ("x-amz-credential", "access/20200101/eu-frankfurt-1/s3/aws4_request"),
        ],
    )
    def test_malformed(self, store: Store, field: str, value: str) -> None:
        assert refused(post(store, change={field: value})) == (400, "InvalidArgument")

    def test_another_region(self, store: Store) -> None:
        assert refused(post(store, region="us-east-1")) == (400, "InvalidArgument")

    def test_a_key_that_is_not_known(self, store: Store) -> None:
        _, fields = presign(store)
        change: dict[str, str | None] = {"x-amz-credential": fields["x-amz-credential"].replace("access", "other")}
        assert refused(post(store, change=change)) == (403, "InvalidAccessKeyId")

    def test_expired(self, store: Store) -> None:
        past = datetime.now(UTC) - timedelta(seconds=61)
        with patch("botocore.signers.get_current_datetime", lambda remove_tzinfo=True: past):
            url, fields = presign(store, expires_in=60)
        answer = send_form(url, fields, CONTENT)
        assert refused(answer) == DENIED
        assert message(answer) == "Invalid according to Policy: Policy expired."

    @pytest.mark.parametrize("moment", [timedelta(minutes=16), timedelta(days=-7)])
    def test_signed_too_long_ago_or_in_the_future(self, store: Store, moment: timedelta) -> None:
        with patch("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: datetime.now(UTC) + moment):
            url, fields = presign(store, expires_in=3600)
        assert refused(send_form(url, fields, CONTENT)) == DENIED

    @pytest.mark.parametrize(
        "policy",
        [
            "not JSON",
            "[]",
            '{"expiration": "2100-01-01T00:00:00Z"}',
            '{"expiration": "2100-01-01T00:00:00", "conditions": []}',
            '{"expiration": "tomorrowZ", "conditions": []}',
            '{"conditions": []}',
            '{"expiration": "2100-01-01T00:00:00Z", "conditions": [["matches", "$key", ".*"]]}',
            '{"expiration": "2100-01-01T00:00:00Z", "conditions": [["eq", "key", "a.txt"]]}',
            '{"expiration": "2100-01-01T00:00:00Z", "conditions": [["content-length-range", 1]]}',
            '{"expiration": "2100-01-01T00:00:00Z", "conditions": [{"key": 1}]}',
        ],
    )
    def test_a_policy_that_is_none(self, store: Store, policy: str) -> None:
        with patch("botocore.auth.json.dumps", lambda _: policy):
            url, fields = presign(store)
        assert base64.b64decode(fields["policy"]).decode() == policy
        assert refused(send_form(url, fields, CONTENT)) == (400, "InvalidPolicyDocument")


class TestForm:
    """The body must be a form with one file."""

    def test_not_a_form(self, store: Store) -> None:
        url, fields = presign(store)
        response = requests.post(url, data=fields, timeout=10)
        assert refused((response.status_code, response.content)) == (412, "PreconditionFailed")

    def test_no_file(self, store: Store) -> None:
        url, fields = presign(store)
        parts = {name: (None, value) for name, value in fields.items()}
        response = requests.post(url, files=parts, timeout=10)
        assert refused((response.status_code, response.content)) == (400, "InvalidArgument")

    def test_a_file_that_is_text(self, store: Store) -> None:
        url, fields = presign(store, "text.txt")
        parts = {name: (None, value) for name, value in {**fields, "file": "typed in"}.items()}
        assert requests.post(url, files=parts, timeout=10).status_code == 204
        assert store.content("text.txt") == b"typed in"

    def test_fields_that_come_after_the_file(self, store: Store) -> None:
        url, fields = presign(store)
        parts = {"file": ("a.txt", CONTENT), **{name: (None, value.encode()) for name, value in fields.items()}}
        response = requests.post(url, files=parts, timeout=10)
        assert refused((response.status_code, response.content)) == DENIED

    def test_a_field_that_is_there_twice(self, store: Store) -> None:
        assert refused(post(store, change={"Key": "a.txt"})) == (400, "MalformedPOSTRequest")

    def test_too_much_before_the_file(self, store: Store) -> None:
        answer = post(store, change={"x-ignore-me": "x" * 20_000})
        assert refused(answer) == (400, "MaxPostPreDataLengthExceededError")

    @pytest.mark.parametrize("cut", [10, 60, 200])
    def test_a_form_that_breaks_off(self, store: Store, cut: int) -> None:
        url, fields = presign(store, "broken.txt")
        request = form(url, fields, CONTENT)
        body = bytes_of(request)[:-cut]
        answer = send("POST", url, {"Content-Type": request.headers["Content-Type"]}, body)
        assert refused(answer) == (400, "MalformedPOSTRequest")
        assert store.content("broken.txt") is None

    def test_no_length(self, store: Store) -> None:
        url, _ = presign(store)
        headers = {"Content-Type": "multipart/form-data; boundary=x", "Transfer-Encoding": "chunked"}
        assert refused(send("POST", url, headers, b"0\r\n\r\n")) == (411, "MissingContentLength")

    def test_a_checksum_that_does_not_fit(self, store: Store) -> None:
        fields = {"x-amz-checksum-sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}
        assert post(store, b"test", key="sum.txt", fields=fields, conditions=[fields])[0] == 204
        answer = post(store, b"tests", key="sum2.txt", fields=fields, conditions=[fields])
        assert refused(answer) == (400, "BadDigest")
        assert store.content("sum2.txt") is None

    @pytest.mark.parametrize("field", ["acl", "success_action_redirect", "redirect", "tagging"])
    def test_what_this_store_does_not_do(self, store: Store, field: str) -> None:
        assert refused(post(store, fields={field: "x"}, conditions=[{field: "x"}])) == (501, "NotImplemented")

    def test_no_such_bucket(self, store: Store) -> None:
        assert refused(post(store, bucket="none")) == (404, "NoSuchBucket")
