"""Lets the packaged function answer: each signer, every operation, through the FDK, and while Vault fails.

Runs on the function's own packages, without any of the project's tools, so a module that is missing from them ends it.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fdk.runner import handle_request
from fdk.scripts import fdk as stock_entry_point  # noqa: F401 - a deployment may start the function with it

import func
from presign.app import App
from presign.model.invocation import Invocation
from presign.model.operations import OPERATIONS
from presign.services import sdk
from presign.settings import SIGNERS

REQUIRED = {"key": "a/ü b.txt", "prefix": "a/", "source_key": "b", "upload_id": "upload", "part_number": 1}
POLICY = {"rules": [{"operations": ["*"], "bucket": "bucket", "prefix": "", "via": via} for via in ("s3", "par")]}
KEY = {"access_key_id": "access", "secret_access_key": "secret"}
PAR = {"id": "1", "name": "a", "accessUri": "/p/token/n/namespace/b/bucket/o/a", "accessType": "AnyObjectRead"}


class _Services(BaseHTTPRequestHandler):
    """Vault, and Object Storage as far as it tells the namespace and makes PARs; a secret's OCID may name a failure."""

    def do_GET(self) -> None:
        content = base64.b64encode(json.dumps(KEY).encode()).decode()
        self._answer({"secretBundleContent": {"contentType": "BASE64", "content": content}})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(PAR)

    def _answer(self, document: object) -> None:
        body = json.dumps("namespace" if self.path in ("/n", "/n/") else document).encode()
        self.send_response(next((status for status in (404, 503) if f".fails{status}" in self.path), 200))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def principal(directory: Path) -> dict[str, str]:
    """A resource principal that nobody knows, as OCI Functions would tell it to the function."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (directory / "key.pem").write_bytes(pem)
    parts = ({"alg": "RS256"}, {"exp": int(time.time()) + 3600, "res_tenant": "tenancy"}, "signature")
    token = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    (directory / "rpst").write_bytes(token)
    return {
        "OCI_RESOURCE_PRINCIPAL_VERSION": "2.2",
        "OCI_RESOURCE_PRINCIPAL_RPST": str(directory / "rpst"),
        "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM": str(directory / "key.pem"),
        "OCI_RESOURCE_PRINCIPAL_REGION": "eu-frankfurt-1",
    }


def deadline() -> str:
    """Two minutes from now, as a machine that builds images may be busy (RFC 3339)."""
    return (datetime.now(UTC) + timedelta(minutes=2)).isoformat()


def ask(config: dict[str, str], operations: Iterable[str], *, expected: bytes) -> None:
    """Send a request for each of the operations to an app of these settings; `expected` must be in each answer."""
    app = App(config, root=Path(func.__file__).parent, audit_stream=io.BytesIO())
    app.warm()
    for name in operations:
        members = {member: REQUIRED[member] for member in OPERATIONS[name].__struct_fields__ if member in REQUIRED}
        body = json.dumps({"operation": name, "bucket": "bucket", **members}).encode()
        reply = app.handle(Invocation(call_id="smoke", caller="invoke", body=body, deadline=deadline()))
        if expected not in reply.body:
            sys.exit(f"{config.get('SIGNER')}, {body!r}: {reply.body!r}")


def call_through_fdk() -> None:
    """Send requests as the FDK does."""
    function = func.loaded_function()
    for method, target, expected in (
        ("POST", "/v1/presign", b'"url"'),
        ("GET", "/v1/openapi.json", b'"openapi"'),
        ("GET", "/", b"not_found"),
    ):
        headers = {
            "fn-call-id": "smoke",
            "fn-intent": "httprequest",
            "fn-http-method": method,
            "fn-deadline": deadline(),
        }
        call = {**headers, "fn-http-request-url": target}
        response = asyncio.run(handle_request(function, "http-stream", headers=call, data=io.BytesIO(b'{"key": "a"}')))
        if expected not in response.body_bytes():
            sys.exit(f"{method} {target}: {response.body_bytes()!r}")


def main() -> None:
    """Try everything."""
    services = ThreadingHTTPServer(("127.0.0.1", 0), _Services)
    threading.Thread(target=services.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{services.server_port}"
    with tempfile.TemporaryDirectory() as directory:
        os.environ.update(principal(Path(directory)))  # where the SDK looks for it
        common = {
            **os.environ,
            "VAULT_ENDPOINT": f"http://{address}",
            "OBJECT_STORAGE_ENDPOINT": f"http://{address}",
            "SECRET_OCID": "ocid1.vaultsecret.oc1.fra.a",
            "POLICY": json.dumps(POLICY),
        }
        for signer in SIGNERS:
            ask({**common, "SIGNER": signer}, OPERATIONS, expected=b'"url"')
        for failing in (
            {"SECRET_OCID": "ocid1.vaultsecret.oc1.fra.fails404"},
            {"SECRET_OCID": "ocid1.vaultsecret.oc1.fra.fails503"},
            {"VAULT_ENDPOINT": f"https://{address}"},  # no TLS is spoken here, but all that it needs is loaded
        ):
            ask({**common, **failing, "LOG_LEVEL": "CRITICAL"}, ["get_object"], expected=b"secret_unavailable")
        os.environ.update({**common, "DEFAULT_BUCKET": "bucket"})
        call_through_fdk()
    assert sdk.load("oci").Response  # noqa: S101 - runs the deferred code, so all that the SDK imports must be there


if __name__ == "__main__":
    main()
