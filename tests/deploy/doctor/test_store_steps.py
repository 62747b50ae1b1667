"""The steps of the store, with the operator's own rights to remove objects."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from deploy.doctor.diagnosis import findings_of
from deploy.doctor.finding import Finding
from deploy.doctor.steps.store import STEPS
from deploy.doctor.store.signed_bucket import SignedBucket
from local.api import not_found
from local.object_storage.storage import Storage
from local.server import Server
from presign.issue.endpoint import StorageEndpoint
from presign.model.operations.multipart import AbortMultipartUpload
from presign.model.operations.objects import DeleteObject
from presign.model.operations.prefixes import ListMultipartUploads, ListObjectsV2
from presign.services.key import CustomerSecretKey
from support.oci_answers import ACCESS_KEY_ID, BUCKET, NAMESPACE, REGION, SECRET_ACCESS_KEY, ago
from support.oci_services import World

ORIGIN = "https://app.example.com"


class StoreWorld(World):
    """A tenancy whose Object Storage stores; its bucket keeps versions."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.objects = Storage(
            access_key_id=ACCESS_KEY_ID, secret_access_key=SECRET_ACCESS_KEY, region=REGION, namespace=NAMESPACE
        )
        self.objects.create_bucket(BUCKET)
        self.s3_server = Server(self.objects)
        self.native_server = Server(lambda request: self._native(request))
        self.services.config["STORAGE_ENDPOINT"] = self.s3_server.url
        self.services.others = self._object_api
        self.versions: dict[str, list[str]] = defaultdict(list)
        self.deleted: list[str] = []
        self.methods: set[str] = set()
        self.bucket = SignedBucket(
            endpoint=StorageEndpoint.from_template(self.s3_server.url, namespace="", region=REGION),
            region=REGION,
            key=CustomerSecretKey(ACCESS_KEY_ID, SECRET_ACCESS_KEY),
            name=BUCKET,
        )

    def endpoints(self) -> dict[str, str]:
        return {**super().endpoints(), "ObjectStorageClient": self.native_server.url}

    def __exit__(self, *_: object) -> None:
        self.native_server.stop()
        self.s3_server.stop()
        super().__exit__()

    def policy(self, *rules: dict[str, Any]) -> None:
        """Set the policy."""
        whole = [{"bucket": BUCKET, "prefix": "", **rule} for rule in rules]
        self.services.config.pop("DELIVER_TO", None)
        self.services.config["POLICY"] = json.dumps({"rules": whole})

    def findings(self, **arguments: Any) -> dict[str, Finding]:
        """The findings of the steps, by their names."""
        return {step.name: finding for step, finding in findings_of(STEPS, self.tenancy(**arguments))}

    def _native(self, request: Request) -> Response:
        """Requests of PARs go to the objects, others are signed by the operator."""
        if request.path.startswith("/p/"):
            return self.objects(request)
        self.methods.add(request.method)
        path = f"/{REGION}{request.environ['PATH_INFO']}"  # as the services expect it
        return self.services(Request({**request.environ, "PATH_INFO": path}))

    def _object_api(self, request: Request) -> Any:
        """The native API as far as objects and uploads in parts are removed by it."""
        place, _, key = request.path.removeprefix(f"/{REGION}/n/{NAMESPACE}/b/{BUCKET}/").partition("/")
        match request.method, place:
            case "DELETE", "o" if "versionId" in request.args:
                self.versions[key].remove(request.args["versionId"])
                return {}
            case "DELETE", "o":
                assert self.bucket.send(DeleteObject(key=key)).status == 204
                self.deleted.append(key)
                self.versions[key] += ["object", "deletion"]
                return {}
            case "GET", "objectversions":
                key = request.args["prefix"]
                version = {"name": key, "timeModified": ago(days=0), "isDeleteMarker": False}
                return {"items": [{**version, "versionId": one} for one in self.versions[key]], "prefixes": []}
            case "GET", "u":
                uploads = self._uploads()
                common = {"namespace": NAMESPACE, "bucket": BUCKET, "timeCreated": ago(days=0)}
                return [{**common, "object": name, "uploadId": upload_id} for name, upload_id in uploads.items()]
            case "DELETE", "u":
                abort = AbortMultipartUpload(key=key, upload_id=request.args["uploadId"])
                assert self.bucket.send(abort).status == 204
                return {}
        return not_found()

    def _uploads(self) -> dict[str, str]:
        """The ids of all uploads in parts, by their keys."""
        listed = self.bucket.send(ListMultipartUploads()).body.decode()
        return dict(zip(*(re.findall(f"<{name}>(.*?)</{name}>", listed) for name in ("Key", "UploadId")), strict=True))

    def is_clean(self) -> bool:
        """Whether nothing is left of what was written."""
        listed = self.bucket.send(ListObjectsV2())
        assert listed.status == 200
        return b"<Key>" not in listed.body and not self._uploads() and not any(self.versions.values())


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreWorld]:
    world = StoreWorld(tmp_path)
    with world:
        monkeypatch.setenv("OCI_CLI_CONFIG_FILE", str(world.api_key.file))
        yield world


def test_all_that_can_be_found_out(world: StoreWorld) -> None:
    found = world.findings(origin=ORIGIN, write=f"{BUCKET}/trials")
    states = {name: finding.state for name, finding in found.items()}
    assert states == {step.name: "ok" for step in STEPS} | {"virtual-hosted style": "skipped"}
    assert all(finding.details == () for finding in found.values())
    assert len(world.deleted) == 3
    assert all(key.startswith("trials/presign-doctor-") for key in world.deleted)
    assert world.is_clean()


def test_without_options_it_only_reads(world: StoreWorld) -> None:
    written: list[object] = []
    world.objects.on_written(lambda *object_event: written.append(object_event))
    found = world.findings()
    skipped = {name for name, finding in found.items() if finding.state == "skipped"}
    assert skipped == {step.name for step in STEPS} - {"list-type=2", "URLs valid for seven days"}
    assert "--write BUCKET/PREFIX" in found["forms"].text
    assert "--origin" in found["uploads by pages through PARs"].text
    assert (written, world.methods - {"GET"}) == ([], set())


def test_a_policy_whose_pages_can_not_upload(world: StoreWorld) -> None:
    world.policy({"operations": ["read"]}, {"operations": ["put_object"], "create_only": True})
    found = world.findings(origin=ORIGIN)["uploads by pages through the S3 API"]
    assert found.state == "wrong"
    assert 'et "via": "par" in rule 1 of POLICY' in str(found.mend)


def test_objects_that_the_operator_may_not_delete_are_named(world: StoreWorld) -> None:
    world.services.others = lambda _: not_found()
    found = world.findings(write=f"{BUCKET}/trials")["forms"]
    assert found.state == "ok"
    (left,) = found.details
    assert left.startswith(f"Not deleted: {BUCKET}/trials/presign-doctor-")


def test_a_bucket_that_depends_on_a_claim(world: StoreWorld) -> None:
    world.policy({"operations": ["read"], "bucket": "of-{tenant}"})
    world.services.config["DEFAULT_BUCKET"] = ""
    assert world.findings()["list-type=2"] == Finding(
        "skipped", "Each bucket of POLICY depends on a claim: name one with --write BUCKET/PREFIX."
    )


def test_a_store_that_is_gone(world: StoreWorld) -> None:
    world.s3_server.stop()
    found = world.findings(origin=ORIGIN, write=f"{BUCKET}/trials")
    text = f"127.0.0.1:{world.s3_server.port} does not answer: ConnectionRefusedError."
    for name in ("uploads by pages through the S3 API", "list-type=2", "forms"):
        assert (found[name].state, found[name].text) == ("unknown", text)


def test_no_step_shows_a_signature_or_a_key(world: StoreWorld) -> None:
    world.services.put_secret(json.dumps({"access_key_id": ACCESS_KEY_ID, "secret_access_key": "another"}))
    found = world.findings(origin=ORIGIN, write=f"{BUCKET}/trials")
    assert found["list-type=2"].state == found["forms"].state == "skipped"
    shown = str(list(found.values()))
    assert "403 SignatureDoesNotMatch" in shown
    for secret in ("X-Amz", ACCESS_KEY_ID, SECRET_ACCESS_KEY, "another"):
        assert secret not in shown
