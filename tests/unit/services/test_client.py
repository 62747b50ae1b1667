"""`presign.services.client` and `key`: the answers of OCI through the real SDK, and its refusals."""

from __future__ import annotations

import io
import json
import logging
import math
import os
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from oci.exceptions import ServiceError
from werkzeug.wrappers import Response

from local.api import Fault
from local.identity.resource_principal import ResourcePrincipal
from local.object_storage.storage import Storage
from local.server import Server
from local.stack import ROOT
from local.vault import Vault
from presign.app import App
from presign.model.invocation import Invocation
from presign.problems import SecretUnavailable
from presign.services.client import OciClient, PrincipalFiles, SecretReference
from presign.services.key import CustomerSecretKey, parse_key

SECRET = SecretReference(secret_ocid="ocid1.vaultsecret.oc1.x")
STATEMENT = "allow dynamic-group <the function's> to read secret-bundles"


class Running:
    """A Vault, and the tenancy as the function sees it."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.identity = ResourcePrincipal(directory, region="eu-frankfurt-1")
        self.vault = Vault(self.identity)
        self.vault.put_secret("first", secret_id="ocid1.vaultsecret.oc1.x", name="key", vault_id="ocid1.vault.oc1.x")
        self.server = Server(self.vault)
        for name, value in self.identity.environment().items():
            monkeypatch.setenv(name, value)
        self.principal = PrincipalFiles(
            token_path=directory / "rpst", key_path=directory / "session_key.pem", passphrase_path=None, region=None
        )
        self.tenancy = self.client(self.principal)

    def client(self, principal: PrincipalFiles | None, **others: Any) -> OciClient:
        of_vault = {"vault_endpoint": self.server.url, "object_storage_endpoint": self.server.url, **others}
        return OciClient(principal=principal, clock=time.time, **of_vault)

    def content(self) -> str:
        return self.tenancy.secret_content(SECRET)

    def unavailable(self) -> SecretUnavailable:
        with pytest.raises(SecretUnavailable) as caught:
            self.content()
        return caught.value


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    it = Running(tmp_path, monkeypatch)
    yield it
    it.server.stop()


class TestRetryAfter:
    """The pause is Vault's, if it asks for one."""

    @pytest.mark.parametrize(
        ("asked", "seconds"),
        [
            (None, "2"),
            ("1", "2"),
            ("7", "7"),
            ("86400", "3600"),
            ("soon", "2"),
            ("-5", "2"),
            ("Fri, 31 Dec 9999 23:59:59 -0000", "2"),
            ("²", "2"),
            ("9" * 5000, "3600"),
            ("Tue, 24 Nov 99999999999 12:00:00 GMT", "2"),
        ],
    )
    @pytest.mark.parametrize("status", [429, 503])
    def test_seconds(self, running: Running, status: int, asked: str | None, seconds: str) -> None:
        running.vault.fault = Fault(status=status, retry_after=asked)
        assert running.unavailable().headers == {"Retry-After": seconds}

    def test_a_date_on_the_clock_of_vault(self, running: Running) -> None:
        two_days = 2 * 86400
        running.vault.fault = Fault(
            status=429, clock_ahead_seconds=two_days, retry_after="Fri, 31 Dec 9999 23:59:59 GMT"
        )
        assert running.unavailable().headers == {"Retry-After": "3600"}
        running.vault.fault = Fault(status=429, retry_after="Tue, 24 Nov 2020 12:00:00 GMT")
        assert running.unavailable().headers == {"Retry-After": "2"}

    def test_a_date_without_one_of_vault(self, running: Running) -> None:
        def call() -> None:
            raise ServiceError(429, "TooManyRequests", {"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, "Later.")

        with pytest.raises(SecretUnavailable) as caught:
            running.tenancy.ask(call, failure="Vault did not answer", statement="")
        assert caught.value.headers == {"Retry-After": "2"}


class TestSecret:
    """A secret is asked for by its OCID, or else by its vault and its name there."""

    def test_by_its_name(self, running: Running) -> None:
        for number, vault_id in enumerate(("ocid1.vault.oc1.y", "ocid1.vault.oc1.z")):
            running.vault.put_secret(
                vault_id, secret_id=f"ocid1.vaultsecret.oc1.{number}", name="key", vault_id=vault_id
            )
        secret = SecretReference(vault_ocid="ocid1.vault.oc1.z", name="key")
        assert running.tenancy.secret_content(secret) == "b2NpZDEudmF1bHQub2MxLno="

    def test_a_name_that_its_vault_does_not_have(self, running: Running) -> None:
        with pytest.raises(SecretUnavailable) as caught:
            running.tenancy.secret_content(SecretReference(vault_ocid="ocid1.vault.oc1.x", name="other"))
        assert re.fullmatch(
            r"Vault did not give secret other in ocid1\.vault\.oc1\.x: 404 NotAuthorizedOrNotFound, Authorization "
            r"failed or requested resource not found\. \(opc-request-id \w+\); this IAM policy statement is likely "
            r"missing: allow dynamic-group <the function's> to read secret-bundles in compartment <the secret's>",
            caught.value.cause,
        )


@pytest.fixture(params=["files", "the SDK's own signer"])
def signing(running: Running, request: pytest.FixtureRequest) -> Running:
    """Calls that are signed by what the principal's files hold, and by the SDK's own signer."""
    if request.param != "files":
        running.tenancy = running.client(None)
    return running


class TestIdentity:
    """The token and its key are read again when Vault refuses them."""

    def test_a_token_that_expires_and_is_replaced(self, signing: Running) -> None:
        signing.content()
        signing.identity.renew(lifetime_seconds=-1)
        assert signing.unavailable().cause.startswith("Vault did not give ocid1.vaultsecret.oc1.x: 401 ")
        signing.identity.renew()
        assert signing.content()

    def test_a_token_file_that_is_half_written(self, signing: Running) -> None:
        signing.content()
        path = signing.principal.token_path
        signing.identity.renew()
        whole = path.read_bytes()
        path.write_bytes(whole[:200])
        assert signing.unavailable().cause.startswith("Vault did not give ocid1.vaultsecret.oc1.x: ")
        path.write_bytes(whole)
        assert signing.content()

    @pytest.mark.parametrize("end", ["\n{}", "\r\nX: y", "\0", "\u20ac"])
    def test_a_token_that_can_not_be_sent_is_not_told(self, signing: Running, end: str) -> None:
        path = signing.principal.token_path
        token = path.read_text("utf-8")
        path.write_text(token + end.format(token), encoding="utf-8")
        cause = signing.unavailable().cause
        assert cause.startswith("Vault did not give ocid1.vaultsecret.oc1.x: ")
        assert token[:20] not in cause
        assert "signature" not in cause

    def test_files_that_come_late(self, signing: Running) -> None:
        path = signing.principal.key_path
        whole = path.read_bytes()
        path.unlink()
        signing.unavailable()
        path.write_bytes(whole)
        assert signing.content()

    def test_a_renewal_that_vault_is_not_asked_to_notice(self, running: Running) -> None:
        running.content()
        running.identity.renew()
        running.content()
        assert running.vault.requests == 2

    def test_a_renewal_that_the_time_of_the_file_does_not_tell(self, running: Running) -> None:
        path = running.principal.token_path
        right = path.read_bytes()
        path.write_bytes(b"x" * len(right))
        assert ": 401 " in running.unavailable().cause
        time_ns = path.stat().st_mtime_ns
        path.write_bytes(right)
        os.utime(path, ns=(time_ns, time_ns))
        assert running.content()
        assert running.vault.requests == 2 + 2

    def test_one_more_try_after_a_401_and_none_after_that(self, signing: Running) -> None:
        signing.vault.fault = Fault(status=401)
        signing.unavailable()
        assert signing.vault.requests == 2

    def test_no_other_try_where_the_key_is_not_the_cause(self, running: Running) -> None:
        running.vault.fault = Fault(status=404)
        running.unavailable()
        assert running.vault.requests == 1

    @pytest.mark.parametrize("region", ["us-ashburn-1", "iad"])
    def test_the_endpoint_is_that_of_the_region(self, running: Running, region: str) -> None:
        client = running.client(msgspec.structs.replace(running.principal, region=region), object_storage_endpoint=None)
        assert client.object_storage.base_client.get_endpoint() == "https://objectstorage.us-ashburn-1.oraclecloud.com"


class TestNamespace:
    """The namespace is asked of Object Storage."""

    def test_the_answer(self, running: Running) -> None:
        keys = {"access_key_id": "a", "secret_access_key": "s"}
        server = Server(Storage(**keys, region="r", principal=running.identity, namespace="axaxnpcrorw5"))
        try:
            assert running.client(running.principal, object_storage_endpoint=server.url).namespace() == "axaxnpcrorw5"
        finally:
            server.stop()

    def test_a_refusal_names_the_statement_and_the_setting(self, running: Running) -> None:
        running.vault.fault = Fault(status=404)
        with pytest.raises(SecretUnavailable) as caught:
            running.tenancy.namespace()
        assert re.fullmatch(
            r"Object Storage did not tell the namespace \(or else NAMESPACE can be set\): 404 .*; this IAM policy "
            r"statement is likely missing: "
            r"allow dynamic-group <the function's> to read objectstorage-namespaces in tenancy",
            caught.value.cause,
        )


class TestAnswers:
    """Not each answer of the status 200 is one of OCI: an endpoint may lead somewhere else."""

    @pytest.fixture(params=["", "<!doctype html>", "{}", '{"secretBundleContent": {"contentType": "OTHER"}}'])
    def tenancy(self, running: Running, request: pytest.FixtureRequest) -> Iterator[OciClient]:
        server = Server(lambda _: Response(request.param, content_type="application/json"))
        yield running.client(running.principal, vault_endpoint=server.url, object_storage_endpoint=server.url)
        server.stop()

    def test_no_secret(self, tenancy: OciClient) -> None:
        with pytest.raises(SecretUnavailable) as caught:
            tenancy.secret_content(SECRET)
        assert caught.value.cause == "Vault's answer does not hold the content of ocid1.vaultsecret.oc1.x"
        assert not caught.value.refused

    def test_no_namespace(self, tenancy: OciClient) -> None:
        with pytest.raises(SecretUnavailable, match="Object Storage's answer is not a namespace"):
            tenancy.namespace()


class TestIdleConnections:
    """A connection may have died while the container was frozen, and nothing tells."""

    def test_one_that_was_idle_for_long_is_not_used_again(self, running: Running) -> None:
        ports = []

        class Handler(BaseHTTPRequestHandler):
            """Vault with connections that stay open, which the local one's do not."""

            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # the name is the base class's
                ports.append(self.client_address[1])
                body = b'{"secretBundleContent": {"contentType": "BASE64", "content": "eA=="}}'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Write nothing."""

        now = 1000.0
        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever).start()
            url = f"http://127.0.0.1:{server.server_port}"
            client = OciClient(vault_endpoint=url, object_storage_endpoint=None, clock=time.time, monotonic=lambda: now)
            for seconds in (0, 30, 31, 30):
                now += seconds
                client.secret_content(SECRET)
            server.shutdown()
        assert [ports.index(port) for port in ports] == [0, 0, 2, 2]


class TestTimeOuts:
    """A service that does not answer is waited for so long, and no longer."""

    def test_of_a_request(self, running: Running) -> None:
        """A second to connect, and two for the answer."""
        assert running.tenancy.object_storage.base_client.timeout == (1.0, 2.0)

    def test_one_more_try(self, running: Running) -> None:
        """So a namespace takes 4 s and a pause, and the PAR, which is asked for once, 2 s more."""
        released = threading.Event()
        running.vault.fault = Fault(until=released)
        with pytest.raises(SecretUnavailable, match="Read timed out"):
            running.tenancy.namespace()
        released.set()
        assert running.vault.requests == 2


class TestTries:
    """A failure of the service is tried once more; a refusal and a request for patience are not."""

    @pytest.mark.parametrize(
        ("status", "tries"), [(400, 1), (401, 2), (404, 1), (409, 1), (429, 1), (500, 2), (502, 2), (503, 2), (504, 2)]
    )
    def test_by_the_status(self, running: Running, status: int, tries: int) -> None:
        running.vault.fault = Fault(status=status)
        running.unavailable()
        assert running.vault.requests == tries

    def test_the_pause_between_them_is_short(self, running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        """For the SDK, an hour passes between any two looks at the clock, since the container is frozen and thawed."""
        pauses: list[float] = []
        monkeypatch.setattr("oci.retry.retry.time", SimpleNamespace(time=count(0, 3600).__next__, sleep=pauses.append))
        running.vault.fault = Fault(status=503)
        for _ in range(4):
            running.unavailable()
        assert running.vault.requests == 8
        assert 0.1 <= min(pauses) <= max(pauses) <= 0.2

    def test_a_service_that_failed_often_is_asked_all_the_same(self, running: Running) -> None:
        """The SDK would give up on it for half a minute after ten failures."""
        running.vault.fault = Fault(status=429)
        for _ in range(12):
            running.unavailable()
        running.vault.fault = None
        assert running.content() == "Zmlyc3Q="


class TestRefusal:
    """A refusal is final; a request for patience, a failure, and no answer are not."""

    @pytest.mark.parametrize(
        ("status", "refused"),
        [(400, True), (401, True), (403, True), (404, True), (409, True), (408, False), (429, False), (500, False)],
    )
    def test_by_the_status(self, running: Running, status: int, refused: bool) -> None:
        running.vault.fault = Fault(status=status)
        problem = running.unavailable()
        assert problem.refused is refused
        assert (STATEMENT in problem.cause) is (status in (401, 403, 404))

    def test_a_wrong_clock_is_none(self, running: Running) -> None:
        running.vault.fault = Fault(clock_ahead_seconds=7200)
        assert running.unavailable().refused is False


class TestClock:
    """A wrong clock is the cause of a refusal, not an IAM policy."""

    def test_vault_refuses_what_is_signed_at_the_wrong_time(
        self, running: Running, caplog: pytest.LogCaptureFixture
    ) -> None:
        running.vault.fault = Fault(clock_ahead_seconds=7200)
        with caplog.at_level(logging.ERROR):
            causes = [running.unavailable().cause for _ in range(2)]
        told = r"The clock of this machine is (1:59:5.|2:00:00) \(h:mm:ss\) behind that of OCI\."
        assert re.match(told, caplog.records[0].message)
        assert len(caplog.records) == 1
        assert ": 401 NotAuthenticated, " in causes[0]
        assert STATEMENT not in causes[0]

    def test_the_clock_is_right(self, running: Running, caplog: pytest.LogCaptureFixture) -> None:
        running.content()
        running.vault.fault = Fault(status=401)
        assert STATEMENT in running.unavailable().cause
        assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []

    @pytest.mark.parametrize("jump_seconds", [-86400.0, 86400.0, 365 * 86400.0])
    def test_one_that_jumps_makes_nobody_wait(self, running: Running, jump_seconds: float) -> None:
        """The key is no older than before; only what is signed has the new time."""
        running.vault.put_secret(
            '{"access_key_id": "id", "secret_access_key": "secret"}',
            secret_id="ocid1.vaultsecret.oc1.x",
            name="key",
            vault_id="ocid1.vault.oc1.x",
        )
        now = 1_795_521_600.0  # 2026-11-24T12:00:00Z
        app = App(
            {
                "SECRET_OCID": "ocid1.vaultsecret.oc1.x",
                "VAULT_ENDPOINT": running.server.url,
                "REGION": "eu-frankfurt-1",
                "NAMESPACE": "ns",
                "DEFAULT_BUCKET": "a",
                "POLICY": '{"rules": [{"operations": ["*"], "bucket": "a", "prefix": ""}]}',
            },
            root=ROOT,
            clock=lambda: now,
            audit_stream=io.BytesIO(),
        )
        invocation = Invocation(call_id="1", caller="invoke", body=b'{"key": "a"}', deadline="2026-11-24T12:00:30Z")
        assert b"X-Amz-Date=20261124T120000Z" in app.handle(invocation).body
        now += jump_seconds
        running.vault.fault = Fault(delay_seconds=2)
        began = time.monotonic()
        body = app.handle(invocation).body
        assert time.monotonic() - began < 0.5
        assert time.strftime("X-Amz-Date=%Y%m%dT120000Z", time.gmtime(now)).encode() in body
        assert running.vault.requests == 1

    @pytest.mark.parametrize(
        ("via", "told"),
        [
            ("s3", "1: the answer did not come before the caller's deadline; the next call may get it"),
            ("par", "1: Object Storage did not create a pre-authenticated request before the deadline"),
        ],
    )
    def test_one_that_is_ahead_of_the_deadline(
        self, running: Running, via: str, told: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = App(
            {
                "SECRET_OCID": "ocid1.vaultsecret.oc1.x",
                "VAULT_ENDPOINT": running.server.url,
                "OBJECT_STORAGE_ENDPOINT": running.server.url,
                "REGION": "eu-frankfurt-1",
                "NAMESPACE": "ns",
                "POLICY": json.dumps({"rules": [{"operations": ["*"], "bucket": "a", "prefix": "", "via": via}]}),
            },
            root=ROOT,
            clock=lambda: 1_795_608_000.0,  # 2026-11-25T12:00:00Z
            audit_stream=io.BytesIO(),
        )
        body = b'{"bucket": "a", "key": "a"}'
        invocation = Invocation(call_id="1", caller="invoke", body=body, deadline="2026-11-24T12:00:30Z")
        running.vault.fault = Fault(delay_seconds=2)
        reply = app.handle(invocation)
        assert (reply.status, json.loads(reply.body)["code"]) == (503, "secret_unavailable")
        assert caplog.messages == [told]


class TestKey:
    """The content of the secret becomes the key (`presign.services.key`)."""

    def key(self, running: Running, **more: object) -> CustomerSecretKey:
        content = json.dumps({"access_key_id": "id", "secret_access_key": "hunter2", **more})
        running.vault.put_secret(content, secret_id="ocid1.vaultsecret.oc1.x", name="key", vault_id="ocid1.vault.oc1.x")
        held = running.tenancy.secret_content(SECRET)
        return parse_key(held, SECRET, now=1_795_521_600.0)  # 2026-11-24T12:00:00Z

    def test_it_shows_nothing_secret(self, running: Running) -> None:
        key = self.key(running)
        assert key.secret_access_key == "hunter2"
        assert "hunter2" not in repr(key)

    @pytest.mark.parametrize(
        "retire_at", ["2026-11-24T12:01:40Z", "2026-11-24T17:31:40+05:30", "2026-11-24T12:01:40.9Z"]
    )
    def test_it_is_good_until_it_is_retired(self, running: Running, retire_at: str) -> None:
        assert self.key(running, retire_at=retire_at).seconds_left(1_795_521_600) == 100
        assert self.key(running).seconds_left(1_795_521_600) == math.inf

    @pytest.mark.parametrize("retire_at", ["2026-11-24T12:00:00.9Z", "2026-11-24T12:00:00Z", "2020-01-01T00:00:00Z"])
    def test_one_that_is_retired_is_none(self, running: Running, retire_at: str) -> None:
        with pytest.raises(SecretUnavailable, match=r"The key id in ocid1\.vaultsecret\.oc1\.x is retired since 202"):
            self.key(running, retire_at=retire_at)

    @pytest.mark.parametrize("retire_at", ["2026-12-01", "2026-12-01T00:00:00", "hunter2", 1795521600])
    def test_a_time_that_is_not_rfc_3339(self, running: Running, retire_at: object) -> None:
        with pytest.raises(SecretUnavailable) as caught:
            self.key(running, retire_at=retire_at)
        assert "and optionally the time retire_at (RFC 3339): " in caught.value.cause
        assert "$.retire_at" in caught.value.cause
        assert "hunter2" not in caught.value.cause


def test_a_server_that_drops_the_connection(running: Running) -> None:
    running.content()
    running.server.stop()
    assert running.unavailable().cause.startswith("Vault did not give ocid1.vaultsecret.oc1.x: ")


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (TimeoutError("the read\n  timed out"), "TimeoutError, the read timed out"),
        (
            ServiceError(502, None, {}, "<h1>\nBad\u2028Gateway\n</h1>"),
            "502 None, <h1> Bad Gateway </h1> (opc-request-id None)",
        ),
    ],
)
def test_a_failure_of_any_kind_is_told_in_one_line(running: Running, failure: Exception, told: str) -> None:
    def call() -> None:
        raise failure

    with pytest.raises(SecretUnavailable) as caught:
        running.tenancy.ask(call, failure="Vault did not answer", statement="")
    assert caught.value.cause == f"Vault did not answer: {told}"
