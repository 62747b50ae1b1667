"""The doctor's probes find in stores that work what these do, and leave nothing behind."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import boto3
import pytest

from deploy.doctor.finding import Finding
from deploy.doctor.store import probes
from deploy.doctor.store.cors import s3_finding
from deploy.doctor.store.signed_bucket import SignedBucket
from deploy.doctor.store.trials import Trials
from deploy.doctor.web import ask
from local.object_storage.s3_target import VIRTUAL_HOSTED_DOMAIN
from presign.authorize.rules import parse_rules
from presign.issue.endpoint import StorageEndpoint
from presign.model.operations.prefixes import ListMultipartUploads, ListObjectsV2
from presign.services.key import CustomerSecretKey
from support.live_store import LIVE_VARIABLES
from support.store import ACCESS, BUCKET, LOWER_BUCKET, REGION, SECRET, Store

PREFIX = "presign-doctor-tests"
RULES, _ = parse_rules(json.dumps({"rules": [{"operations": ["*"], "bucket": "b", "prefix": ""}]}))


class Place(NamedTuple):
    """A bucket of a store that runs."""

    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str
    bucket: str

    def signed(self, *, template: str | None = None, secret: str | None = None) -> SignedBucket:
        """The bucket as the doctor uses it."""
        return SignedBucket(
            endpoint=StorageEndpoint.from_template(template or self.endpoint, namespace="", region=self.region),
            region=self.region,
            key=CustomerSecretKey(self.access_key_id, secret or self.secret_access_key),
            name=self.bucket,
        )

    def boto3(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
        )


class Removals:
    """Removes by presigned URLs of boto3, since the local store knows no other requests."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def delete_object(self, key: str) -> None:
        self._send("delete_object", Key=key)

    def abort_uploads(self, key: str) -> None:
        listed = self.place.signed().send(ListMultipartUploads(prefix=key)).body.decode()
        upload_id = listed.partition("<UploadId>")[2].partition("</UploadId>")[0]
        assert upload_id
        self._send("abort_multipart_upload", Key=key, UploadId=upload_id)

    def _send(self, operation: str, **parameters: str) -> None:
        url = self.place.boto3().generate_presigned_url(operation, Params={"Bucket": self.place.bucket, **parameters})
        assert ask("DELETE", url).status == 204


@pytest.fixture(scope="module", params=["local", pytest.param("live", marks=pytest.mark.live)])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "live":
        variables: Mapping[str, str] = request.getfixturevalue("live")
        yield Place(*(variables[name] for name in LIVE_VARIABLES))
        return
    store = Store()
    yield Place(store.server.url, REGION, ACCESS, SECRET, BUCKET)
    store.server.stop()


@pytest.mark.parametrize(
    ("probe", "text"),
    [
        (probes.create_only, "The store obeys If-None-Match: *"),
        (probes.unsigned_copies, "The store makes no copy for an x-amz-copy-source that nobody has signed"),
        (probes.forms, "The store takes forms (post_object), and refuses one with too large a file."),
    ],
)
def test_probes_that_write(place: Place, probe: Callable[..., Finding], text: str) -> None:
    trials = Trials(place.signed(), prefix=PREFIX, remover=Removals(place))
    finding = probes.with_trials(trials, probe, RULES)
    assert (finding.state, finding.details) == ("ok", ())
    assert finding.text.startswith(text)
    listed = place.signed().send(ListObjectsV2(prefix=PREFIX))
    assert listed.status == 200
    assert b"<Key>" not in listed.body


def test_probes_that_read(place: Place) -> None:
    assert probes.listing(place.signed(), RULES).text == "The store knows list-type=2, so list_objects_v2 works."
    longest = probes.longest_expiry(place.signed(), max_expires_in=604_800)
    assert longest.text == "The store takes URLs that are valid for seven days."


def test_a_key_that_the_store_does_not_know(place: Place) -> None:
    stranger = place.signed(secret="another")
    longest = probes.longest_expiry(stranger, max_expires_in=604_800)
    assert longest.state == "skipped"
    assert longest.text.endswith("gets 403 SignatureDoesNotMatch: nothing can be tried.")
    assert probes.listing(stranger, RULES).state == "skipped"
    trials = Trials(stranger, prefix=PREFIX, remover=Removals(place))
    assert probes.with_trials(trials, probes.create_only, RULES).state == "skipped"


@pytest.mark.live
def test_cors_of_seaweedfs(live: Mapping[str, str]) -> None:
    if live.get("LIVE_S3_STORE") != "seaweedfs":
        pytest.skip("LIVE_S3_* name a store that may have CORS rules or not")
    url = f"{live['LIVE_S3_ENDPOINT']}/{live['LIVE_S3_BUCKET']}/a"
    assert s3_finding(url, origin="https://app.example.com", rules=RULES).state == "ok"


def test_virtual_hosted_style(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def loopback(host: str, *arguments: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", loopback)  # as RFC 6761, 6.3 says; not every system does so
    store = Store()
    lower = Place(store.server.url, REGION, ACCESS, SECRET, LOWER_BUCKET)
    missing = lower._replace(bucket="missing")
    template = f"http://{{bucket}}.{VIRTUAL_HOSTED_DOMAIN}:{store.port}"
    works, fails = lower.signed(template=template), missing.signed(template=template)
    assert probes.virtual_hosted([works], in_use=True) == Finding("ok", "Virtual-hosted style works for lower.")
    finding = probes.virtual_hosted([works, fails], in_use=True)
    text = "Virtual-hosted style does not work for missing (404 NoSuchBucket)."
    assert (finding.state, finding.text) == ("wrong", text)
    assert "leave {bucket} out of STORAGE_ENDPOINT" in str(finding.mend)
    assert probes.virtual_hosted([fails], in_use=False).state == "ok"
    upper = lower._replace(bucket=BUCKET).signed(template=template)
    assert "PresignedBlog (must be" in probes.virtual_hosted([upper], in_use=True).text
    stranger = lower.signed(template=template, secret="another")
    assert probes.virtual_hosted([stranger], in_use=True).state == "skipped"
    store.server.stop()
