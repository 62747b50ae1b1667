"""An OCI service that runs, and the OCI SDK's signer of the resource principal that may use it."""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import requests
from oci.auth.signers import get_resource_principals_signer

from local.api import SignedApi
from local.identity.resource_principal import ResourcePrincipal
from local.server import Server


def principal(directory: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ResourcePrincipal, Any]:
    """A new resource principal, and the SDK's signer for it."""
    directory.mkdir(exist_ok=True)
    made = ResourcePrincipal(directory, region="eu-frankfurt-1")
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    return made, get_resource_principals_signer()


def post(
    server: Server, target: str, body: bytes, *, signer: Any, content_type: str = "application/json"
) -> requests.Response:
    """Send a request as it is, signed if there is a signer."""
    headers = {"date": formatdate(usegmt=True), "content-type": content_type}
    request = requests.Request("POST", f"{server.url}{target}", data=body, headers=headers).prepare()
    with requests.Session() as session:
        return session.send(signer(request) if signer else request, timeout=10)


def check_authentication(api: SignedApi, server: Server, target: str, body: bytes, *, signer: Any, other: Any) -> None:
    """Assert that the service answers requests that `signer` signed as they are, and none else."""
    assert post(server, target, body, signer=signer).status_code < 300
    assert post(server, target, body, signer=None).status_code == 401
    assert post(server, target, body, signer=other).status_code == 401

    def changed(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request = signer(request)
        request.body = b"x" * len(body)
        return request

    answer = post(server, target, body, signer=changed)
    assert (answer.status_code, answer.json()["code"]) == (401, "NotAuthenticated")
    assert api.requests == 4
