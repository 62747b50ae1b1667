"""The local store accepts the URLs that boto3 signed, and refuses changed ones as S3 does."""

from __future__ import annotations

import base64
import hashlib
import http.client
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit
from xml.etree import ElementTree

import boto3
import pytest
import requests
from botocore.config import Config

from local.api import Fault
from local.object_storage.s3_target import VIRTUAL_HOSTED_DOMAIN
from local.object_storage.storage import Storage
from support.store import BUCKET, LOWER_BUCKET, REGION, Store, refused, send

CONTENT = b"0123456789"


@pytest.fixture(scope="module", autouse=True)
def _objects(store: Store) -> None:
    for bucket in (BUCKET, LOWER_BUCKET):
        store.storage.put_object(bucket, "a.txt", CONTENT)


@pytest.fixture
def presign(store: Store) -> Callable[..., str]:
    """Presigns with boto3."""

    def presign_one(operation: str = "get_object", *, expires_in: int = 60, **params: Any) -> str:
        options: dict[str, Any] = {
            "key": "access",
            "secret": "secret",
            "region": REGION,
            "style": "path",
            "url": store.server.url,
        }
        options.update({name: params.pop(name) for name in list(params) if name in options})
        client = boto3.client(
            "s3",
            aws_access_key_id=options["key"],
            aws_secret_access_key=options["secret"],
            region_name=options["region"],
            endpoint_url=options["url"],
            config=Config(signature_version="s3v4", s3={"addressing_style": options["style"]}),
        )
        params = {"Bucket": BUCKET, "Key": "a.txt", **params}
        return str(client.generate_presigned_url(operation, Params=params, ExpiresIn=expires_in))

    return presign_one


class TestTaken:
    """Requests that boto3 signed are answered."""

    def test_path_style(self, presign: Callable[..., str]) -> None:
        assert send("GET", presign()) == (200, CONTENT)

    def test_virtual_hosted_style(self, store: Store, presign: Callable[..., str]) -> None:
        port = store.port
        url = presign(Bucket=LOWER_BUCKET, style="virtual", url=f"http://{VIRTUAL_HOSTED_DOMAIN}:{port}")
        assert urlsplit(url).hostname == f"lower.{VIRTUAL_HOSTED_DOMAIN}"
        assert send("GET", url) == (200, CONTENT)

    def test_head_has_the_length_and_no_body(self, presign: Callable[..., str]) -> None:
        response = requests.head(presign("head_object"), timeout=10)
        assert (response.status_code, response.headers["Content-Length"], response.content) == (200, "10", b"")

    def test_a_range(self, presign: Callable[..., str]) -> None:
        assert send("GET", presign(), {"Range": "bytes=2-4"}) == (206, b"234")

    def test_metadata_keep_their_underscores(self, presign: Callable[..., str]) -> None:
        url = presign("put_object", Key="meta", Metadata={"a_b": "1", "c-d": "2"})
        assert send("PUT", url, {"Content-Length": "1", "x-amz-meta-a_b": "1", "x-amz-meta-c-d": "2"}, b"x")[0] == 200
        headers = requests.head(presign("head_object", Key="meta"), timeout=10).headers
        assert (headers["x-amz-meta-a_b"], headers["x-amz-meta-c-d"]) == ("1", "2")

    @pytest.mark.parametrize("key", ["a//b", "/a", "a/", " ", "%41", "a+b", "a?b#c", "ü", "a/../b", "."])
    def test_keys_stay_as_they_are(self, presign: Callable[..., str], key: str) -> None:
        content = key.encode()
        assert send("PUT", presign("put_object", Key=key), {"Content-Length": str(len(content))}, content)[0] == 200
        assert send("GET", presign(Key=key)) == (200, content)
        assert send("DELETE", presign("delete_object", Key=key))[0] == 204
        assert refused(send("GET", presign(Key=key))) == (404, "NoSuchKey")

    def test_another_key_once_it_is_added(self, store: Store, presign: Callable[..., str]) -> None:
        url = presign(key="second", secret="other")
        assert refused(send("GET", url)) == (403, "InvalidAccessKeyId")
        store.storage.add_key("second", "other")
        assert send("GET", url)[0] == 200
        store.storage.remove_key("second")
        assert refused(send("GET", url)) == (403, "InvalidAccessKeyId")


class TestSignature:
    """The URL is good for the very request that was signed."""

    MISMATCH = (403, "SignatureDoesNotMatch")

    def test_another_secret(self, presign: Callable[..., str]) -> None:
        assert refused(send("GET", presign(secret="other"))) == self.MISMATCH

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            ("/a.txt?", "/b.txt?"),
            ("/a.txt?", "//a.txt?"),
            ("versionId=1", "versionId=2"),
            ("versionId=1&", ""),
            ("versionId=1&", "versionId=1&tagging&"),
            ("X-Amz-Expires=60", "X-Amz-Expires=61"),
            ("X-Amz-Signature=", "X-Amz-Signature=0"),
            ("X-Amz-Signature=", "X-Amz-Signature=%C3%A9"),
        ],
    )
    def test_another_url(self, presign: Callable[..., str], ours: str, theirs: str) -> None:
        url = presign(VersionId="1")
        assert ours in url
        assert refused(send("GET", url.replace(ours, theirs, 1))) == self.MISMATCH

    def test_another_method(self, presign: Callable[..., str]) -> None:
        assert refused(send("DELETE", presign())) == self.MISMATCH

    def test_another_host(self, presign: Callable[..., str]) -> None:
        assert refused(send("GET", presign(), {"Host": "elsewhere"})) == self.MISMATCH

    @pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/html"}])
    def test_another_signed_header(self, presign: Callable[..., str], headers: dict[str, str]) -> None:
        url = presign("put_object", ContentType="text/plain")
        assert refused(send("PUT", url, {"Content-Length": "1", **headers}, b"x")) == self.MISMATCH

    def test_a_host_that_is_not_signed(self, presign: Callable[..., str]) -> None:
        url = presign().replace("SignedHeaders=host", "SignedHeaders=date")
        assert refused(send("GET", url, {"Date": "today"})) == self.MISMATCH

    def test_an_amazon_header_that_is_not_signed(self, presign: Callable[..., str]) -> None:
        status, body = send("PUT", presign("put_object"), {"Content-Length": "1", "X-Amz-Acl": "public-read"}, b"x")
        assert refused((status, body)) == (403, "AccessDenied")
        assert ElementTree.fromstring(body).findtext("HeadersNotSigned") == "x-amz-acl"

    def test_no_signature_at_all(self, store: Store) -> None:
        assert refused(send("GET", f"{store.server.url}/{BUCKET}/a.txt")) == (403, "AccessDenied")

    def test_an_error_gives_no_signature_away(self, presign: Callable[..., str]) -> None:
        right = presign()
        _, body = send("GET", right.replace("a.txt", "b.txt"))
        assert b"X-Amz" not in body
        assert right.rpartition("=")[2].encode() not in body


class TestParameters:
    """A missing or malformed parameter has an error of its own."""

    MALFORMED = (400, "AuthorizationQueryParametersError")

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            ("X-Amz-Algorithm=AWS4-HMAC-SHA256&", ""),
            ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS4-HMAC-MD5"),
            ("X-Amz-Expires=60&", ""),
            ("X-Amz-Expires=60", "X-Amz-Expires=60&X-Amz-Expires=60"),
            ("X-Amz-Expires=60", "X-Amz-Expires=0"),
            ("X-Amz-Expires=60", "X-Amz-Expires=604801"),
            ("X-Amz-Expires=60", "X-Amz-Expires=-1"),
            ("X-Amz-Expires=60", "X-Amz-Expires=soon"),
            ("X-Amz-SignedHeaders=host&", ""),
            ("X-Amz-Date=20", "X-Amz-Date=20x"),
            ("X-Amz-Credential=access%2F20", "X-Amz-Credential=access%2F19"),
            ("%2Feu-frankfurt-1%2F", "%2Fus-east-1%2F"),
            ("%2Fs3%2F", "%2Fec2%2F"),
            ("%2Faws4_request", "%2Faws5_request"),
            ("%2Faws4_request", ""),
        ],
    )
    def test_malformed(self, presign: Callable[..., str], ours: str, theirs: str) -> None:
        url = presign()
        assert ours in url
        assert refused(send("GET", url.replace(ours, theirs, 1))) == self.MALFORMED


class TestTime:
    """A URL works from when it was signed until it expires."""

    def presigned_at(self, moment: datetime, presign: Callable[..., str], **options: Any) -> str:
        with patch("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: moment):
            return presign(**options)

    def test_not_yet_expired(self, presign: Callable[..., str]) -> None:
        url = self.presigned_at(datetime.now(UTC) - timedelta(seconds=50), presign, expires_in=60)
        assert send("GET", url)[0] == 200

    def test_expired(self, presign: Callable[..., str]) -> None:
        status, body = send("GET", self.presigned_at(datetime.now(UTC) - timedelta(seconds=61), presign, expires_in=60))
        assert refused((status, body)) == (403, "AccessDenied")
        error = ElementTree.fromstring(body)
        assert error.findtext("Message") == "Request has expired"
        assert error.findtext("X-Amz-Expires") == "60"
        assert error.findtext("Expires")
        assert error.findtext("ServerTime")

    def test_signed_in_the_future(self, presign: Callable[..., str]) -> None:
        status, body = send("GET", self.presigned_at(datetime.now(UTC) + timedelta(minutes=16), presign))
        assert refused((status, body)) == (403, "AccessDenied")
        assert b"Request is not valid yet" in body


class TestBody:
    """A body is as long as was signed, and has the digests that were signed."""

    @pytest.mark.parametrize(("header", "algorithm"), [("ContentMD5", "md5"), ("ChecksumSHA256", "sha256")])
    def test_digests(self, presign: Callable[..., str], header: str, algorithm: str) -> None:
        digest = base64.b64encode(hashlib.new(algorithm, b"right").digest()).decode()
        name = {"ContentMD5": "Content-MD5", "ChecksumSHA256": "x-amz-checksum-sha256"}[header]
        url = presign("put_object", Key="digest", **{header: digest})
        assert send("PUT", url, {"Content-Length": "5", name: digest}, b"right")[0] == 200
        assert refused(send("PUT", url, {"Content-Length": "5", name: digest}, b"wrong")) == (400, "BadDigest")

    def test_a_digest_that_is_none(self, presign: Callable[..., str]) -> None:
        url = presign("put_object", Key="digest", ContentMD5="???")
        answer = send("PUT", url, {"Content-Length": "5", "Content-MD5": "???"}, b"right")
        assert refused(answer) == (400, "InvalidDigest")

    @pytest.mark.parametrize("length", [9, 11])
    def test_another_length_than_was_signed(self, presign: Callable[..., str], length: int) -> None:
        url = presign("put_object", Key="length", ContentLength=10)
        answer = send("PUT", url, {"Content-Length": str(length)}, b"x" * length)
        assert refused(answer) == (403, "SignatureDoesNotMatch")

    def test_no_length(self, presign: Callable[..., str]) -> None:
        answer = send("PUT", presign("put_object"), {"Transfer-Encoding": "chunked"}, b"1\r\nx\r\n0\r\n\r\n")
        assert refused(answer) == (411, "MissingContentLength")

    def test_fewer_bytes_than_the_length_says(self, presign: Callable[..., str]) -> None:
        url = urlsplit(presign("put_object", Key="few"))
        with socket.create_connection(("127.0.0.1", url.port or 80), timeout=10) as connection:
            head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 10\r\n\r\n"
            connection.sendall(head.encode() + b"x" * 9)
            connection.shutdown(socket.SHUT_WR)
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert refused((response.status, response.read())) == (400, "IncompleteBody")
        assert refused(send("GET", presign(Key="few"))) == (404, "NoSuchKey")

    def test_what_this_store_does_not_do(self, presign: Callable[..., str]) -> None:
        url = presign("put_object_acl", ACL="private")
        assert refused(send("PUT", url, {"x-amz-acl": "private"}, b"")) == (501, "NotImplemented")
        copy_source = {"x-amz-copy-source": f"{BUCKET}/a.txt"}
        url = presign("upload_part_copy", PartNumber=1, UploadId="x", CopySource=copy_source["x-amz-copy-source"])
        assert refused(send("PUT", url, copy_source, b"")) == (501, "NotImplemented")

    def test_create_only(self, presign: Callable[..., str]) -> None:
        url = presign("put_object", IfNoneMatch="*")
        answer = send("PUT", url, {"Content-Length": "1", "If-None-Match": "*"}, b"x")
        assert refused(answer) == (412, "PreconditionFailed")

    def test_create_only_many_at_a_time(self, presign: Callable[..., str]) -> None:
        url = presign("put_object", Key="race", IfNoneMatch="*")

        contents = [bytes([number]) * 6_000_000 for number in range(8)]  # so many that it takes a while

        def put(content: bytes) -> int:
            return send("PUT", url, {"If-None-Match": "*"}, content)[0]

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(put, contents))
        assert sorted(statuses) == [200] + [412] * 7
        assert send("GET", presign(Key="race")) == (200, contents[statuses.index(200)])


class TestNotThere:
    """A missing object or bucket is a 404."""

    def test_no_such_object(self, presign: Callable[..., str]) -> None:
        assert refused(send("GET", presign(Key="none"))) == (404, "NoSuchKey")

    def test_no_such_bucket(self, presign: Callable[..., str]) -> None:
        assert refused(send("GET", presign(Bucket="none"))) == (404, "NoSuchBucket")


class TestFaults:
    """A fault befalls requests as long as it is set."""

    @pytest.fixture
    def faulty(self, store: Store) -> Iterator[Storage]:
        store.storage.requests = store.storage.faulted = 0
        yield store.storage
        store.storage.fault = None

    def test_a_status(self, faulty: Storage, presign: Callable[..., str]) -> None:
        url = presign()
        faulty.fault = Fault(status=503)
        assert refused(send("GET", url)) == (503, "Fault")
        faulty.fault = None
        assert send("GET", url) == (200, CONTENT)
        assert (faulty.requests, faulty.faulted) == (2, 1)

    def test_one_method_only(self, faulty: Storage, presign: Callable[..., str]) -> None:
        faulty.fault = Fault(status=503, method="PUT")
        assert send("GET", presign()) == (200, CONTENT)
        assert send("PUT", presign("put_object", Key="faulty"), None, b"x")[0] == 503
        assert (faulty.requests, faulty.faulted) == (2, 1)

    def test_a_delay(self, faulty: Storage, presign: Callable[..., str]) -> None:
        faulty.fault = Fault(delay_seconds=0.3)
        begin = time.monotonic()
        assert send("GET", presign()) == (200, CONTENT)
        assert time.monotonic() - begin >= 0.3

    def test_a_clock_that_is_ahead(self, faulty: Storage, presign: Callable[..., str]) -> None:
        url = presign(expires_in=600)
        faulty.fault = Fault(clock_ahead_seconds=590)
        assert send("GET", url) == (200, CONTENT)
        faulty.fault = Fault(clock_ahead_seconds=600)
        assert refused(send("GET", url)) == (403, "AccessDenied")

    @pytest.mark.parametrize("cut_after_bytes", [0, 1_000_000])
    def test_a_connection_that_breaks(
        self, faulty: Storage, presign: Callable[..., str], cut_after_bytes: int, capfd: pytest.CaptureFixture[str]
    ) -> None:
        faulty.fault = Fault(cut_after_bytes=cut_after_bytes)
        with pytest.raises(OSError, match=r"Connection reset|Broken pipe|closed connection without response"):
            send("PUT", presign("put_object", Key="cut"), None, b"x" * 5_000_000)
        faulty.fault = None
        assert refused(send("GET", presign(Key="cut"))) == (404, "NoSuchKey")
        assert capfd.readouterr() == ("", "")

    def test_a_browser_that_goes_away(
        self, store: Store, presign: Callable[..., str], capfd: pytest.CaptureFixture[str]
    ) -> None:
        url = urlsplit(presign("put_object", Key="gone"))
        with socket.create_connection(("127.0.0.1", url.port or 80), timeout=10) as connection:
            head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 1000\r\n\r\n"
            connection.sendall(head.encode() + b"x" * 999)
        assert refused(send("GET", presign(Key="gone"))) == (404, "NoSuchKey")
        assert capfd.readouterr() == ("", "")
