"""OCI Vault, as far as the function uses it: the Secret Retrieval API (20190301), with its authentication."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response

from local.api import ApiError, SignedApi, json_answer, not_found
from local.identity.resource_principal import ResourcePrincipal
from local.parameters import number, required

API = "/20190301/secretbundles"
BY_NAME = f"{API}/actions/getByName"
STAGES = {"CURRENT", "PENDING", "LATEST", "PREVIOUS", "DEPRECATED"}


@dataclass(frozen=True)
class _Secret:
    """A secret.

    Args:
        contents: of its versions, the first one first.
    """

    secret_id: str
    name: str
    vault_id: str
    contents: list[str] = field(default_factory=list, repr=False)

    def stages(self, version: int) -> list[str]:
        """The rotation states of a version, by its number."""
        match len(self.contents) - version:
            case 0:
                return ["CURRENT", "LATEST"]
            case 1:
                return ["PREVIOUS"]
        return ["DEPRECATED"]


class Vault(SignedApi):
    """Gives its secrets to the function, and to nobody else.

    Args:
        principal: the resource principal that may read the secrets.

    Attributes:
        contents: of every version of every secret.
    """

    def __init__(self, principal: ResourcePrincipal) -> None:
        super().__init__(principal)
        self.contents: list[str] = []
        self._secrets: dict[str, _Secret] = {}

    def put_secret(self, content: str, *, secret_id: str, name: str, vault_id: str) -> None:
        """Make a secret, or the next version of an existing one."""
        self.contents.append(content)
        secret = self._secrets.setdefault(secret_id, _Secret(secret_id, name, vault_id))
        secret.contents.append(content)

    def schedule_deletion(self, secret_id: str) -> None:
        """Give the secret to nobody any more: Oracle says that it is inaccessible at once."""
        del self._secrets[secret_id]

    def answer(self, request: Request) -> Response:
        """The answer to GetSecretBundle and GetSecretBundleByName.

        Raises:
            ApiError: a parameter is missing or wrong, or there is no such secret, or no such version of it.
        """
        match request.method, request.path:
            case "POST", path if path == BY_NAME:
                asked = [required(request, name) for name in ("vaultId", "secretName")]
                found = next((one for one in self._secrets.values() if [one.vault_id, one.name] == asked), None)
            case "GET", path if path.startswith(f"{API}/"):
                found = self._secrets.get(path.removeprefix(f"{API}/"))
            case _:
                raise ApiError(404, "NotFound", "There is no operation at this path with this method.")
        stage, asked_version = _stage(request), _version_number(request)
        if found is None or "secretVersionName" in request.args:  # versions have no names here
            raise not_found()
        for version in range(len(found.contents), 0, -1):
            if asked_version in (None, version) and (stage is None or stage in found.stages(version)):
                return json_answer(_bundle(found, version))
        raise not_found()


def _stage(request: Request) -> str | None:
    """The rotation state that is asked for; the current one if nothing else tells the version."""
    stage = request.args.get("stage", None if "versionNumber" in request.args else "CURRENT")
    if stage is not None and stage not in STAGES:
        raise ApiError(400, "InvalidParameter", f"stage must be one of {', '.join(sorted(STAGES))}.")
    return stage


def _version_number(request: Request) -> int | None:
    """The number of the version that is asked for; None if nothing tells it."""
    if "versionNumber" not in request.args:
        return None
    return number(request, "versionNumber", default=0, most=2**63 - 1)


def _bundle(secret: _Secret, version: int) -> dict[str, Any]:
    return {
        "secretId": secret.secret_id,
        "versionNumber": version,
        "versionName": None,
        "timeCreated": "2026-01-01T00:00:00.000Z",
        "stages": secret.stages(version),
        "secretBundleContent": {
            "contentType": "BASE64",
            "content": base64.b64encode(secret.contents[version - 1].encode()).decode(),
        },
        "metadata": None,
    }
