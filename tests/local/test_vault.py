"""`local.vault` answers the OCI SDK, and refuses requests that the function's resource principal did not sign."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import requests
from oci.auth.signers import get_resource_principals_signer
from oci.exceptions import ServiceError
from oci.secrets import SecretsClient

from local.api import Fault
from local.identity.resource_principal import ResourcePrincipal
from local.server import Server
from local.vault import Vault

REGION = "eu-frankfurt-1"
SECRET_OCID = "ocid1.vaultsecret.oc1.x"
VAULT_OCID = "ocid1.vault.oc1.x"
TARGET = f"/20190301/secretbundles/{SECRET_OCID}"


class Running:
    """A Vault that runs, the identity it knows, and the SDK's signer of that identity."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.identity = ResourcePrincipal(directory, region=REGION)
        self.vault = Vault(self.identity)
        self.vault.put_secret("first", secret_id=SECRET_OCID, name="presign key", vault_id=VAULT_OCID)
        self.server = Server(self.vault)
        for name, value in self.identity.environment().items():
            monkeypatch.setenv(name, value)
        self.signer = get_resource_principals_signer()
        self.secrets = SecretsClient({}, signer=self.signer, service_endpoint=self.server.url)

    def content(self) -> str:
        """The secret, as the SDK gets it."""
        bundle = self.secrets.get_secret_bundle(SECRET_OCID).data
        return base64.b64decode(bundle.secret_bundle_content.content).decode()

    def signed(self, method: str = "GET", target: str = TARGET, body: str | None = None) -> requests.PreparedRequest:
        """A request that the SDK's signer has signed."""
        headers = {"date": formatdate(usegmt=True), "content-type": "application/json"} if body is not None else {}
        request = requests.Request(method, f"{self.server.url}{target}", data=body, headers=headers)
        signed: requests.PreparedRequest = self.signer(request.prepare())
        return signed

    def status(self, request: requests.PreparedRequest) -> int:
        """The status of the answer to a request that is sent as it is."""
        with requests.Session() as session:
            return session.send(request, timeout=10).status_code


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    it = Running(tmp_path, monkeypatch)
    yield it
    it.server.stop()


class TestAnswers:
    """The OCI SDK finds what it asks for."""

    def test_a_secret_by_its_ocid(self, running: Running) -> None:
        assert running.content() == "first"

    def test_a_secret_by_its_name(self, running: Running) -> None:
        bundle = running.secrets.get_secret_bundle_by_name("presign key", VAULT_OCID).data
        assert bundle.secret_id == SECRET_OCID
        assert bundle.version_number == 1

    def test_the_newest_version(self, running: Running) -> None:
        running.vault.put_secret("second", secret_id=SECRET_OCID, name="presign key", vault_id=VAULT_OCID)
        assert running.content() == "second"
        assert running.secrets.get_secret_bundle(SECRET_OCID).data.version_number == 2

    def test_what_is_not_there(self, running: Running) -> None:
        questions: tuple[Callable[[], object], ...] = (
            lambda: running.secrets.get_secret_bundle("ocid1.vaultsecret.oc1.none"),
            lambda: running.secrets.get_secret_bundle_by_name("none", VAULT_OCID),
            lambda: running.secrets.get_secret_bundle_by_name("presign key", "ocid1.vault.oc1.none"),
        )
        for ask in questions:
            with pytest.raises(ServiceError) as caught:
                ask()
            assert (caught.value.status, caught.value.code) == (404, "NotAuthorizedOrNotFound")

    def three_versions(self, running: Running) -> None:
        for content in ("second", "third"):
            running.vault.put_secret(content, secret_id=SECRET_OCID, name="presign key", vault_id=VAULT_OCID)

    @pytest.mark.parametrize(
        ("asked", "version", "content", "stages"),
        [
            ({}, 3, b"third", ["CURRENT", "LATEST"]),
            ({"stage": "CURRENT"}, 3, b"third", ["CURRENT", "LATEST"]),
            ({"stage": "LATEST"}, 3, b"third", ["CURRENT", "LATEST"]),
            ({"stage": "PREVIOUS"}, 2, b"second", ["PREVIOUS"]),
            ({"version_number": 2}, 2, b"second", ["PREVIOUS"]),
            ({"version_number": 1}, 1, b"first", ["DEPRECATED"]),
            ({"stage": "DEPRECATED"}, 1, b"first", ["DEPRECATED"]),
        ],
    )
    def test_each_version(self, running: Running, asked: Any, version: int, content: bytes, stages: list[str]) -> None:
        self.three_versions(running)
        found = running.secrets.get_secret_bundle(SECRET_OCID, **asked).data
        assert (found.version_number, found.stages) == (version, stages)
        assert base64.b64decode(found.secret_bundle_content.content) == content
        by_name = running.secrets.get_secret_bundle_by_name("presign key", VAULT_OCID, **asked).data
        assert by_name.version_number == version

    @pytest.mark.parametrize(
        "asked",
        [
            {"stage": "PENDING"},
            {"version_number": 4},
            {"version_number": 0},
            {"version_number": 3, "stage": "PREVIOUS"},
            {"secret_version_name": "first"},
        ],
    )
    def test_a_version_that_there_is_not(self, running: Running, asked: Any) -> None:
        self.three_versions(running)
        with pytest.raises(ServiceError) as caught:
            running.secrets.get_secret_bundle(SECRET_OCID, **asked)
        assert (caught.value.status, caught.value.code) == (404, "NotAuthorizedOrNotFound")

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("stage=current", "InvalidParameter"),
            ("versionNumber=one", "InvalidParameter"),
            ("versionNumber=-1", "InvalidParameter"),
            (f"versionNumber={'9' * 5000}", "InvalidParameter"),
        ],
    )
    def test_parameters_that_are_not_valid(self, running: Running, query: str, code: str) -> None:
        with requests.Session() as session:
            answer = session.send(running.signed(target=f"{TARGET}?{query}"), timeout=10)
        assert (answer.status_code, answer.json()["code"]) == (400, code)

    @pytest.mark.parametrize(
        "query", ["", "?secretName=presign%20key", f"?vaultId={VAULT_OCID}", "?vaultId=&secretName="]
    )
    def test_a_name_needs_its_vault(self, running: Running, query: str) -> None:
        request = running.signed("POST", f"/20190301/secretbundles/actions/getByName{query}", "")
        with requests.Session() as session:
            answer = session.send(request, timeout=10)
        assert (answer.status_code, answer.json()["code"]) == (400, "MissingParameter")

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_a_method_that_there_is_not(self, running: Running, method: str) -> None:
        with requests.Session() as session:
            answer = session.send(running.signed(method, TARGET, ""), timeout=10)
        assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")

    def test_each_answer_has_an_id(self, running: Running) -> None:
        with requests.Session() as session:
            answers = [session.send(running.signed(target=target), timeout=10) for target in (TARGET, "/none")]
        assert [answer.status_code for answer in answers] == [200, 404]
        assert all(answer.headers["opc-request-id"] for answer in answers)

    def test_a_secret_that_is_to_be_deleted(self, running: Running) -> None:
        running.vault.schedule_deletion(SECRET_OCID)
        assert running.status(running.signed()) == 404

    def test_faults_and_their_count(self, running: Running) -> None:
        running.vault.fault = Fault(status=429)
        assert running.status(running.signed()) == 429
        running.vault.fault = Fault(delay_seconds=0.2)
        began = time.monotonic()
        assert running.status(running.signed()) == 200
        assert time.monotonic() - began >= 0.2
        assert running.vault.requests == 2


class TestAuthentication:
    """401 for everything that the function's session key has not signed as it is."""

    def test_what_is_signed_is_answered(self, running: Running) -> None:
        assert running.status(running.signed()) == 200

    def test_no_signature(self, running: Running) -> None:
        response = requests.get(f"{running.server.url}{TARGET}", timeout=10)
        assert response.status_code == 401
        assert response.json()["code"] == "NotAuthenticated"

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            ('version="1"', 'version="2"'),
            ("rsa-sha256", "rsa-sha512"),
            ("date (request-target) host", "date host"),
            ("date (request-target) host", "(request-target) host"),
            ("date (request-target) host", "date (request-target) host x-other"),
            ('signature="', 'signature="AAAA'),
            ('signature="', 'signature="?'),
            ('keyId="ST$', 'keyId="ST$x'),
            ("Signature ", "Bearer "),
        ],
    )
    def test_another_authorization(self, running: Running, ours: str, theirs: str) -> None:
        request = running.signed()
        authorization = request.headers["authorization"]
        assert ours in authorization
        request.headers["authorization"] = authorization.replace(ours, theirs, 1)
        assert running.status(request) == 401

    def test_another_target(self, running: Running) -> None:
        request = running.signed()
        request.url = f"{request.url}?stage=PREVIOUS"
        assert running.status(request) == 401

    def test_another_date(self, running: Running) -> None:
        request = running.signed()
        request.headers["date"] = formatdate(time.time() - 60, usegmt=True)
        assert running.status(request) == 401

    @pytest.mark.parametrize("date", ["yesterday", formatdate(time.time() - 400, usegmt=True)], ids=["words", "late"])
    def test_a_date_that_is_off(self, running: Running, date: str) -> None:
        request = requests.Request("GET", f"{running.server.url}{TARGET}", headers={"date": date}).prepare()
        assert running.status(running.signer(request)) == 401

    def test_another_body(self, running: Running) -> None:
        target = f"/20190301/secretbundles/actions/getByName?secretName=presign%20key&vaultId={VAULT_OCID}"
        assert running.status(running.signed("POST", target, "")) == 200
        request = running.signed("POST", target, "{}")
        assert running.status(request) == 200
        request.body = "[]"
        assert running.status(request) == 401
        request.headers["x-content-sha256"] = base64.b64encode(hashlib.sha256(b"[]").digest()).decode()
        assert running.status(request) == 401

    def test_the_key_of_somebody_else(self, running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "other").mkdir()
        other = ResourcePrincipal(tmp_path / "other", region=REGION)
        for name, value in other.environment().items():
            monkeypatch.setenv(name, value)
        running.signer = get_resource_principals_signer()
        assert running.status(running.signed()) == 401

    def test_a_token_that_has_expired(self, running: Running) -> None:
        running.identity.renew(lifetime_seconds=-1)
        running.signer = get_resource_principals_signer()
        assert running.status(running.signed()) == 401

    def test_a_token_that_was_replaced(self, running: Running) -> None:
        request = running.signed()
        running.identity.renew()
        assert running.status(request) == 401
        assert running.content() == "first"  # the SDK reads the new one


def test_the_identity_is_for_this_user_alone(running: Running) -> None:
    environment = running.identity.environment()
    for name in ("OCI_RESOURCE_PRINCIPAL_RPST", "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM"):
        assert Path(environment[name]).stat().st_mode & 0o777 == 0o600
    assert environment["OCI_RESOURCE_PRINCIPAL_REGION"] == REGION
