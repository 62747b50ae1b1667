"""The steps of the store, with the operator's own rights to remove objects."""

from __future__ import annotations

import copy
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
import requests
from werkzeug.wrappers import Request, Response

from deploy.doctor.diagnosis import findings_of
from deploy.doctor.finding import Finding
from deploy.doctor.steps import store_route
from deploy.doctor.steps.store import STEPS
from deploy.doctor.store.signed_bucket import SignedBucket
from local.api import not_found
from local.api_gateway.deployed_api import DeployedApi
from local.api_gateway.deployment import filled_store, parse
from local.api_gateway.gateway import Gateway
from local.object_storage.storage import Storage
from local.server import Server, headers, target
from presign.issue.endpoint import StorageEndpoint
from presign.model.operations.multipart import AbortMultipartUpload
from presign.model.operations.objects import DeleteObject
from presign.model.operations.prefixes import ListMultipartUploads, ListObjectsV2
from presign.services.key import CustomerSecretKey
from support.oci_answers import ACCESS_KEY_ID, BUCKET, COMPARTMENT, NAMESPACE, REGION, SECRET_ACCESS_KEY, ago
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


STORE_DEPLOYMENT = "ocid1.apideployment.oc1..store"


class TestStoreRoute:
    """The steps of the store route, which leads to the store through the local gateway."""

    @pytest.fixture(autouse=True)
    def gateway(self, world: StoreWorld) -> Iterator[Gateway]:
        """A gateway with the store route, which the function and the operator know."""
        values = {"STORE": [world.s3_server.url], "BUCKET": [BUCKET], "ALLOWED_ORIGINS": [ORIGIN]}
        self.specification = filled_store(values)
        gateway = Gateway()
        with Server(gateway) as server:
            self.route = f"{server.url}/store"
            self.deploy(gateway)
            world.policy({"operations": ["*"]})
            world.services.config["STORE_ROUTE"] = self.route
            deployment = {
                "id": STORE_DEPLOYMENT,
                "gatewayId": "ocid1.apigateway.oc1..g",
                "compartmentId": COMPARTMENT,
                "displayName": "presign-store",
                "pathPrefix": "/store",
                "endpoint": self.route,
                "lifecycleState": "ACTIVE",
                "specification": self.specification,
            }
            summary = {name: value for name, value in deployment.items() if name != "specification"}
            world.services.answers["GET /20190501/deployments"]["items"].append(summary)
            world.services.answers[f"GET /20190501/deployments/{STORE_DEPLOYMENT}"] = deployment
            yield gateway

    def deploy(self, gateway: Gateway, **options: Any) -> None:
        gateway.deploy("/store", DeployedApi(parse(self.specification), socket_path=Path("none"), **options))

    def look(self, world: StoreWorld, **arguments: Any) -> dict[str, Finding]:
        tenancy = world.tenancy(origin=ORIGIN, **arguments)
        return {step.name: finding for step, finding in findings_of(store_route.STEPS, tenancy)}

    @pytest.mark.parametrize("encoding", ["kept", "least", "most"])
    def test_all_is_right(self, world: StoreWorld, gateway: Gateway, encoding: Any) -> None:
        self.deploy(gateway, encoding=encoding)
        found = self.look(world, write=f"{BUCKET}/trials")
        assert {name: (finding.state, finding.details) for name, finding in found.items()} == {
            step.name: ("ok", ()) for step in store_route.STEPS
        }
        assert world.is_clean()

    def test_without_options_nothing_is_written(self, world: StoreWorld) -> None:
        written: list[object] = []
        world.objects.on_written(lambda *object_event: written.append(object_event))
        found = self.look(world)
        skipped = {name for name, finding in found.items() if finding.state == "skipped"}
        assert (skipped, written) == ({"awkward keys", "requests and answers"}, [])

    def test_no_route(self, world: StoreWorld) -> None:
        del world.services.config["STORE_ROUTE"]
        assert {finding.state for finding in self.look(world).values()} == {"skipped"}

    def test_a_proxy_of_the_users_own(self, world: StoreWorld) -> None:
        world.services.answers["GET /20190501/deployments"]["items"].pop()
        assert self.look(world)["specification"].state == "unknown"

    def test_logs_that_hold_urls(self, world: StoreWorld) -> None:
        self.specification["loggingPolicies"]["accessLog"]["isEnabled"] = True
        found = self.look(world)["specification"]
        assert found.text == "It differs from gateway/store.json in 1 place."
        assert found.details == ("loggingPolicies.accessLog.isEnabled is true, not false",)

    def test_a_bucket_without_routes(self, world: StoreWorld) -> None:
        world.policy({"operations": ["*"]}, {"operations": ["*"], "bucket": "films"})
        found = self.look(world)["specification"]
        assert found.details == ("routes[/films] is missing", "routes[/films/{object*}] is missing")

    def test_requests_without_a_signature_get_through(self, world: StoreWorld, gateway: Gateway) -> None:
        for route in self.specification["routes"]:
            del route["requestPolicies"]["queryParameterValidations"]
        self.deploy(gateway)
        found = self.look(world)["refusals"]
        assert found.text == "A request without a signature gets 403 AccessDenied, not the gateway's 400."

    def test_every_bucket_can_be_reached(self, world: StoreWorld, gateway: Gateway) -> None:
        other = copy.deepcopy(self.specification["routes"][1])
        other.update(path="/{object*}")
        other["backend"]["url"] = f"{world.s3_server.url}/${{request.path[object]}}"
        self.specification["routes"].append(other)
        self.deploy(gateway)
        found = self.look(world)["refusals"]
        assert found.text == (
            "A request for another bucket gets 400 AuthorizationQueryParametersError, not the gateway's 404."
        )

    def test_a_page_of_another_origin(self, world: StoreWorld, gateway: Gateway) -> None:
        self.specification["requestPolicies"]["cors"]["allowedOrigins"] = ["https://other.example.com"]
        self.deploy(gateway)
        found = self.look(world)["pages of an origin"]
        assert found.state == "wrong"
        assert found.text.endswith("its answer to the preflight lacks Access-Control-Allow-Origin.")

    def test_a_page_that_runs(self, world: StoreWorld, gateway: Gateway) -> None:
        for route in self.specification["routes"]:
            del route["responsePolicies"]
        self.deploy(gateway)
        found = self.look(world)["way to the store"]
        assert found.text == (
            "Its answers lack content-security-policy: sandbox, so an uploaded page may run in the API's origin."
        )

    def test_a_gateway_that_decodes_twice(self, world: StoreWorld) -> None:
        """The URLs of keys with a percent sign are no longer those that were signed."""

        def decode(path: str, body: bytes) -> tuple[str, bytes]:
            return quote(unquote(unquote(path)), safe="/"), body

        found = self.look_through(world, decode)["awkward keys"]
        assert found.state == "wrong"
        assert [line for line in found.details if "%2F" in line] == [
            "'%2Fb': the upload gets 403 SignatureDoesNotMatch"
        ]
        assert found.mend == (
            "set store_route = false in presign.tfvars, or take STORE_ROUTE away; "
            'web pages then need rules with "via": "par", in place of rule 0 of POLICY'
        )
        assert world.is_clean()

    def test_a_gateway_that_cuts_an_upload_to_its_signed_length(self, world: StoreWorld) -> None:
        found = self.look_through(world, lambda path, body: (path, b"a" if body == b"ab" else body))
        told = "an upload of another length, which must be refused: it gets 200"
        assert told in found["requests and answers"].details
        assert world.is_clean()

    def look_through(self, world: StoreWorld, change: Callable[[str, bytes], tuple[str, bytes]]) -> dict[str, Finding]:
        """The findings by a proxy before the gateway that changes the path and the body of each request."""
        host = self.route.removeprefix("http://").removesuffix("/store")

        def pass_on(request: Request) -> Response:
            path, _, query = target(request).partition("?")
            path, body = change(path, request.get_data())
            passed = {name: value for name, value in headers(request) if name not in ("Host", "Content-Length")}
            answer = requests.request(
                request.method, f"http://{host}{path}?{query}", headers=passed, data=body, timeout=10
            )
            return Response(answer.content, answer.status_code, dict(answer.headers))

        with Server(pass_on) as server:
            world.services.config["STORE_ROUTE"] = f"{server.url}/store"
            return self.look(world, write=f"{BUCKET}/trials")

    def test_pages_are_not_asked_to_use_the_s3_api(self, world: StoreWorld) -> None:
        found = world.findings(origin=ORIGIN)["uploads by pages through the S3 API"]
        assert (found.state, found.text) == ("skipped", "Web pages use the store route.")


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
