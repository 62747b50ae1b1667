"""The function in the test's own process, and the local services that it asks through the real SDK."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from local.object_storage.preauthenticated_requests import PreauthenticatedRequest
from local.queue import Queue
from local.server import Server
from local.stack import ROOT
from local.vault import Vault
from presign.app import App
from presign.model.invocation import Invocation
from support.native_storage import NAMESPACE, NativeStorage
from support.store import ACCESS, BUCKET, REGION, SECRET
from support.waiting import wait_until

CLAIMS_KEY = "gateway-secret-of-32-characters-0"
QUEUE_OCID = "ocid1.queue.oc1.eu-frankfurt-1.x"
SECRET_OCID = "ocid1.vaultsecret.oc1.x"
FUNCTION_OCID = "ocid1.fnfunc.oc1.x"
TAG = "e11781bb0910"
"""The digest of the function's OCID."""


class InProcess:
    """The function, as a context manager.

    Args:
        native: object storage.
        rules: of the policy.
        config: other settings.
    """

    def __init__(self, native: NativeStorage, *rules: dict[str, Any], **config: str) -> None:
        self.pars = native.storage.pars
        self.storage = native.storage
        self.vault = Vault(native.principal)
        self.queue = Queue(native.principal, queue_id=QUEUE_OCID)
        self._servers = [Server(self.vault), Server(self.queue)]
        key = json.dumps({"access_key_id": ACCESS, "secret_access_key": SECRET})
        self.vault.put_secret(key, secret_id=SECRET_OCID, name="key", vault_id="ocid1.vault.oc1.x")
        self._audit = io.BytesIO()
        self.config = {
            "SECRET_OCID": SECRET_OCID,
            "FN_FN_ID": FUNCTION_OCID,
            "REGION": REGION,
            "NAMESPACE": NAMESPACE,
            "DEFAULT_BUCKET": BUCKET,
            "CLAIMS_KEY": CLAIMS_KEY,
            "VAULT_ENDPOINT": self._servers[0].url,
            "DELIVER_TO": QUEUE_OCID,
            "DELIVERY_ENDPOINT": self._servers[1].url,
            "OBJECT_STORAGE_ENDPOINT": native.server.url,
            "STORAGE_ENDPOINT": native.server.url,
            "POLICY": json.dumps({"rules": rules}),
            **config,
        }
        self.app = self.another()

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        for server in self._servers:
            self._stack.enter_context(server)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def another(self, **config: str) -> App:
        """The function with other settings."""
        return App({**self.config, **config}, root=ROOT, audit_stream=self._audit)

    def invoke(self, document: Any, *, seconds: float = 30, app: App | None = None) -> tuple[int, Any]:
        """Status and JSON of the answer to a direct invocation whose caller waits for so many seconds."""
        deadline = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        invocation = Invocation(call_id="1", caller="invoke", body=json.dumps(document).encode(), deadline=deadline)
        return self._answer(invocation, app)

    def post(
        self, path: str, document: Any, *, claims: Mapping[str, str], call_id: str = "1", app: App | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of the answer to a request through the gateway, by a caller with these claims."""
        invocation = Invocation(
            call_id=call_id,
            caller="gateway",
            method="POST",
            target=path,
            headers={f"X-Claim-{name}": f"{CLAIMS_KEY}:{value}:" for name, value in claims.items()},
            body=json.dumps(document).encode(),
        )
        return self._answer(invocation, app)

    def _answer(self, invocation: Invocation, app: App | None) -> tuple[int, Any]:
        reply = (app or self.app).handle(invocation)
        return reply.status, json.loads(reply.body)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The audit records so far."""
        return [json.loads(line) for line in self._audit.getvalue().splitlines()]

    def live(self) -> list[PreauthenticatedRequest]:
        """The PARs of the bucket, expired ones too."""
        return self.pars.list(BUCKET, object_name_prefix="", after=0, limit=1_000_000)[0]

    def make_pars(self, count: int, *, seconds: float = 600, tag: str = TAG, key: str = "a") -> list[str]:
        """The ids of new PARs for uploads."""
        made = []
        ends_at = datetime.now(UTC) + timedelta(seconds=seconds)
        for _ in range(count):
            details = {"name": f"presign:{tag}:gateway:x:1", "accessType": "ObjectWrite", "objectName": key}
            body = json.dumps({**details, "timeExpires": ends_at.isoformat()}).encode()
            made.append(self.pars.create(BUCKET, body).id)
        return made

    def make_expired_pars(self, count: int, *, tag: str = TAG) -> list[str]:
        """The ids of PARs that have expired, to the second."""
        made = self.make_pars(count, seconds=0.5, tag=tag)
        ends_at = time.time() + 1.5
        wait_until(lambda: time.time() > ends_at)
        return made
