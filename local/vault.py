"""OCI Vault, as far as the function uses it: the Secret Retrieval API (20190301), with its authentication."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request, Response

from local.api import SignedApi, json_answer, not_found
from local.identity.resource_principal import ResourcePrincipal

API = "/20190301/secretbundles"


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

    def answer(self, request: Request) -> Response:
        """The answer to GetSecretBundle and GetSecretBundleByName.

        Raises:
            ApiError: there is no such secret.
        """
        found = None
        if request.method == "GET" and request.path.startswith(f"{API}/"):
            found = self._secrets.get(request.path.removeprefix(f"{API}/"))
        elif request.method == "POST" and request.path == f"{API}/actions/getByName":
            wanted = (request.args.get("vaultId"), request.args.get("secretName"))
            found = next((one for one in self._secrets.values() if (one.vault_id, one.name) == wanted), None)
        if found is None:
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
