"""OCI Vault, as far as the function uses it: the Secret Retrieval API (20190301), with its authentication."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request, Response

from local.api import ApiError, SignedApi, json_answer, not_found
from local.identity.resource_principal import ResourcePrincipal

API = "/20190301/secretbundles"
STAGES = {"CURRENT", "PENDING", "LATEST", "PREVIOUS", "DEPRECATED"}


@dataclass(frozen=True)
class _Secret:
    secret_id: str
    name: str
    vault_id: str
    version: int
    content: str


class Vault(SignedApi):
    """Gives its secrets to the function, and to nobody else.

    Args:
        identity: the resource principal that may read the secrets.

    Attributes:
        contents: of every version of every secret.
    """

    def __init__(self, identity: ResourcePrincipal) -> None:
        super().__init__(identity)
        self.contents: list[str] = []
        self._secrets: dict[str, _Secret] = {}

    def put_secret(self, content: str, *, secret_id: str, name: str, vault_id: str) -> None:
        """Make a secret, or the next version of an existing one."""
        earlier = self._secrets.get(secret_id)
        version = earlier.version + 1 if earlier else 1
        self.contents.append(content)
        self._secrets[secret_id] = _Secret(secret_id, name, vault_id, version, content)

    def schedule_deletion(self, secret_id: str) -> None:
        """Give the secret to nobody any more: Oracle says that it is inaccessible at once."""
        del self._secrets[secret_id]

    def answer(self, request: Request) -> Response:
        """The answer to GetSecretBundle and GetSecretBundleByName.

        Raises:
            ApiError: there is no such secret, or no such version of it. Versions before the current one are not kept.
        """
        stage = request.args.get("stage", "CURRENT")
        if stage not in STAGES:
            raise ApiError(400, "InvalidParameter", f"stage must be one of {', '.join(sorted(STAGES))}.")
        found = None
        if request.method == "GET" and request.path.startswith(f"{API}/"):
            found = self._secrets.get(request.path.removeprefix(f"{API}/"))
        elif request.method == "POST" and request.path == f"{API}/actions/getByName":
            wanted = (request.args.get("vaultId"), request.args.get("secretName"))
            found = next((one for one in self._secrets.values() if (one.vault_id, one.name) == wanted), None)
        if found is None or stage not in _bundle(found)["stages"] or "secretVersionName" in request.args:
            raise not_found()
        if request.args.get("versionNumber", str(found.version)) != str(found.version):
            raise not_found()
        return json_answer(_bundle(found))


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
