"""Makes the function do all it can, and prints the files that it opened for that and the modules that it imported.

Runs on the packages of the image alone, without any of the project's tools. Vault is played by a few lines here, since
what matters is which code of the SDK runs, not whether it may.
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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

opened: set[str] = set()
sys.addaudithook(lambda event, args: opened.add(args[0]) if event == "open" and isinstance(args[0], str) else None)

from cryptography.hazmat.primitives import serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: E402
from fdk.runner import handle_request  # noqa: E402
from fdk.scripts import fdk as stock_entry_point  # noqa: E402, F401 - a deployment may start the function with it

import func  # noqa: E402
from presign.app import App  # noqa: E402
from presign.issue import SIGNERS  # noqa: E402
from presign.request.model import Invocation  # noqa: E402
from presign.request.operations import OPERATIONS  # noqa: E402

OPTIONS = {
    "key": "a/ü b.txt",
    "bucket": "bucket",
    "expires_in": 60,
    "version_id": "1",
    "download_as": "ü.txt",
    "response_cache_control": "no-store",
    "response_content_encoding": "gzip",
    "response_content_language": "en",
    "response_content_type": "text/plain; charset=utf-8",
    "response_expires": "2030-01-01T00:00:00Z",
    "content_type": "image/png",
    "content_length": 1,
    "content_md5": "1B2M2Y8AsgTpgAmY7PhCfg==",
    "checksum_sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "cache_control": "no-store",
    "content_disposition": "inline",
    "content_encoding": "gzip",
    "metadata": {"a": "b"},
    "if_none_match": "*",
    "min_content_length": 1,
    "max_content_length": 2,
    "success_action_status": 201,
    "upload_id": "upload",
    "part_number": 1,
    "part_number_marker": 1,
    "max_parts": 10,
}
"""A value for every option there is, but for `response_content_disposition`, which `download_as` excludes."""

POLICY = {"rules": [{"operations": ["*"], "bucket": "bucket", "prefix": "", "max_expires_in": 3600}]}
_SECRET = {"access_key_id": "access", "secret_access_key": "secret", "retire_at": "2099-01-01T00:00:00Z"}


class _Services(BaseHTTPRequestHandler):
    """Vault, and Object Storage's answer to the question for the namespace; a secret's name says how it goes wrong."""

    def do_GET(self) -> None:
        faults = [status for status in (401, 404, 429, 500, 503) if f".{status}" in self.path]
        if faults:
            self._answer(faults[0], {"code": "Fault", "message": "This was asked for."})
        elif self.path.startswith("/n"):
            self._answer(200, "namespace")
        else:
            content = base64.b64encode(json.dumps(_SECRET).encode()).decode()
            self._answer(200, {"secretBundleContent": {"contentType": "BASE64", "content": content}})

    do_POST = do_GET  # noqa: N815 - the name that the server calls

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def identity(directory: Path) -> dict[str, str]:
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


def bodies() -> list[bytes]:
    """A request for every operation with all its options, a batch of them all, an event, and one that is no request."""
    requests = [
        {"operation": name, **{member: OPTIONS[member] for member in operation.__struct_fields__ if member in OPTIONS}}
        for name, operation in OPERATIONS.items()
    ]
    event = {
        "eventType": "com.oraclecloud.objectstorage.createobject",
        "data": {"resourceName": "a", "additionalDetails": {"bucketName": "bucket"}},
    }
    return [json.dumps(body).encode() for body in (*requests, {"requests": requests}, event, {"key": "../a", "x": 1})]


def ask_all(config: dict[str, str], *, expected: str) -> None:
    """Send every request to an app of these settings, and check that a URL, or a refusal, is what comes back."""
    app = App(config, root=Path(func.__file__).parent, audit_stream=io.BytesIO())
    app.warm()
    for body in bodies():
        reply = app.handle(Invocation(call_id="build", caller="invoke", body=body))
        if b'"internal_error"' in reply.body or (b"../a" not in body and expected.encode() not in reply.body):
            sys.exit(f"{config.get('SIGNER')}, {body!r}: {reply.body!r}")


def call_through_fdk() -> None:
    """Send one request as the FDK does."""
    headers = {"fn-call-id": "build", "fn-intent": "httprequest"}
    function = func.loaded_function()
    for method, target, expected in (
        ("POST", "/v1/presign", b'{"url"'),
        ("GET", "/v1/openapi.json", b'"openapi"'),
        ("GET", "/", b"not_found"),
    ):
        call = {**headers, "fn-http-method": method, "fn-http-request-url": target}
        response = asyncio.run(handle_request(function, "http-stream", headers=call, data=io.BytesIO(b'{"key": "a"}')))
        if expected not in response.body_bytes():
            sys.exit(f"{method} {target}: {response.body_bytes()!r}")


def main() -> None:
    """Do everything, and print what it took."""
    services = ThreadingHTTPServer(("127.0.0.1", 0), _Services)
    threading.Thread(target=services.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{services.server_port}"
    with tempfile.TemporaryDirectory() as directory:
        # The SDK looks for the identity in the environment.
        os.environ.update(identity(Path(directory)))
        by_ocid = {"SECRET_OCID": "ocid1.vaultsecret.oc1.fra.a"}
        by_name = {"VAULT_OCID": "ocid1.vault.oc1.fra.a", "SECRET_NAME": "a"}
        services_at = {"VAULT_ENDPOINT": f"http://{address}", "OBJECT_STORAGE_ENDPOINT": f"http://{address}"}
        common = {**os.environ, **services_at, "POLICY": json.dumps(POLICY)}
        hosted = {"NAMESPACE": "n", "STORAGE_ENDPOINT": "https://{bucket}.example.com"}
        for signer in SIGNERS:
            ask_all({**common, **by_ocid, "SIGNER": signer}, expected='"url"')
            ask_all({**common, **by_name, **hosted, "SIGNER": signer}, expected='"url"')
        for status in (401, 404, 429, 500, 503):
            faulty = {"SECRET_OCID": f"ocid1.vaultsecret.oc1.fra.{status}"}
            ask_all({**common, **faulty}, expected="secret_unavailable")
        # Nobody speaks TLS here, but all that could is loaded on the way; nor does anybody listen at port 9.
        for endpoint in (f"https://{address}", "http://127.0.0.1:9"):
            ask_all({**common, **by_ocid, "VAULT_ENDPOINT": endpoint}, expected="secret_unavailable")
        ask_all({**common, "SIGNER": "none"}, expected="not_configured")
        os.environ.update({**common, **by_ocid, "DEFAULT_BUCKET": "bucket"})
        call_through_fdk()
    modules = [module.__file__ for module in sys.modules.values() if getattr(module, "__file__", None)]
    json.dump({"modules": modules, "opened": sorted(opened)}, sys.stdout)


if __name__ == "__main__":
    main()
