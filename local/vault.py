"""OCI Vault, as far as the function uses it: the Secret Retrieval API (20190301), with its authentication."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from werkzeug.wrappers import Request, Response

from local.identity.request_signature import NotAuthenticated
from local.identity.resource_principal import ResourcePrincipal
from local.server import headers, target

API = "/20190301/secretbundles"


@dataclass(frozen=True)
class Fault:
    """A failure that befalls each request while it is set.

    Args:
        status: of the answer, instead of the right one.
        delay_seconds: before the answer.
        retry_after: the header `Retry-After` of the answer.
        clock_ahead_seconds: how far Vault's clock is ahead of this machine's.
    """

    status: int | None = None
    delay_seconds: float = 0
    retry_after: str | None = None
    clock_ahead_seconds: float = 0


@dataclass(frozen=True)
class _Secret:
    secret_id: str
    name: str
    vault_id: str
    version: int
    content: str


class Vault:
    """Answers requests.

    Args:
        identity: the resource principal that may read the secrets.

    Attributes:
        requests: how many have come.
        contents: of every version of every secret.
        fault: befalls the next requests.
    """

    def __init__(self, identity: ResourcePrincipal) -> None:
        self.requests = 0
        self.contents: list[str] = []
        self.fault: Fault | None = None
        self._identity = identity
        self._secrets: dict[str, _Secret] = {}
        self._lock = threading.Lock()

    def put_secret(self, content: str, *, secret_id: str, name: str, vault_id: str) -> None:
        """Make a secret, or the next version of an existing one."""
        earlier = self._secrets.get(secret_id)
        version = earlier.version + 1 if earlier else 1
        self.contents.append(content)
        self._secrets[secret_id] = _Secret(secret_id, name, vault_id, version, content)

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.requests += 1
        fault = self.fault or Fault()
        time.sleep(fault.delay_seconds)
        now = time.time() + fault.clock_ahead_seconds
        if fault.status:
            status, document = fault.status, _error("Fault", "A test asked for this.")
        else:
            status, document = self._answer(request, now)
        answer = Response(json.dumps(document), status, content_type="application/json")
        answer.headers["opc-request-id"] = request.headers.get("opc-request-id", uuid.uuid4().hex.upper())
        answer.headers["Date"] = formatdate(now, usegmt=True)
        if fault.retry_after:
            answer.headers["Retry-After"] = fault.retry_after
        return answer

    def _answer(self, request: Request, now: float) -> tuple[int, Any]:
        try:
            self._identity.verify(
                method=request.method,
                target=target(request),
                headers={name.lower(): value for name, value in headers(request)},
                body=request.get_data(),
                now=now,
            )
        except NotAuthenticated as exc:
            return 401, _error("NotAuthenticated", str(exc))
        found = None
        if request.method == "GET" and request.path.startswith(f"{API}/"):
            found = self._secrets.get(request.path.removeprefix(f"{API}/"))
        elif request.method == "POST" and request.path == f"{API}/actions/getByName":
            wanted = (request.args.get("vaultId"), request.args.get("secretName"))
            found = next((one for one in self._secrets.values() if (one.vault_id, one.name) == wanted), None)
        if found is None:
            return 404, _error("NotAuthorizedOrNotFound", "Authorization failed or requested resource not found.")
        return 200, _bundle(found)


def _bundle(secret: _Secret) -> dict[str, Any]:
    return {
        "secretId": secret.secret_id,
        "versionNumber": secret.version,
        "versionName": None,
        "timeCreated": "2026-01-01T00:00:00.000Z",
        "stages": ["CURRENT", "LATEST"],
        "secretBundleContent": {
            "contentType": "BASE64",
            "content": base64.b64encode(secret.content.encode()).decode(),
        },
        "metadata": None,
    }


def _error(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}
