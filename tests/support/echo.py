"""A function that answers with the headers and the body that it got, behind the local gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import requests

from local.api_gateway.deployed_api import DeployedApi
from local.api_gateway.deployment import filled, parse
from local.api_gateway.gateway import Gateway
from local.functions.function import Function
from local.identity.identity_provider import AUDIENCE, ISSUER, IdentityProvider
from local.server import Server

CLAIMS_KEY = "0123456789abcdef0123456789abcdef"
HANDLER = """
import json
from fdk.response import Response

def handler(ctx, data):
    body = data.getvalue().decode("latin-1")
    found = {"headers": ctx.HTTPHeaders(), "body": body[:1000], "length": len(body)}
    answer = json.dumps(found)
    if body.startswith('{"answer_bytes"'):
        answer = "a" * json.loads(body)["answer_bytes"]
    return Response(ctx, response_data=answer, headers={"Content-Type": "application/json"})
"""
"""The body `{"answer_bytes": N}` gets an answer of that size instead."""


class Echo(NamedTuple):
    """The gateway, and the identity provider whose tokens it accepts."""

    url: str
    identity_provider: IdentityProvider

    def post(self, *, token: str | None = None, **options: Any) -> requests.Response:
        """Send a request with `token`, by default a token of alice."""
        headers = {**self.authorization(token), **options.pop("headers", {})}
        if "data" not in options:
            options.setdefault("json", {})
        return requests.post(f"{self.url}/v1/presign", headers=headers, timeout=30, **options)

    def authorization(self, token: str | None = None) -> dict[str, str]:
        """The header that carries `token`, by default a token of alice."""
        return {"Authorization": f"Bearer {self.token() if token is None else token}"}

    def token(self, **claims: Any) -> str:
        """A token with `claims`; its `sub` is `alice` by default."""
        return self.identity_provider.token({"sub": "alice", **claims})


@contextmanager
def echo(directory: Path, *, socket_path: Path, specification: Any = None) -> Iterator[Echo]:
    """Run one; its handler is written to `directory`."""
    (directory / "func.py").write_text(HANDLER, encoding="utf-8")
    provider = IdentityProvider()
    with Server(provider) as jwks, Function(root=directory, environment={}, socket_path=socket_path):
        deployment = parse(specification or project_specification(jwks_url=jwks.url))
        gateway = Gateway()
        gateway.deploy("", DeployedApi(deployment, socket_path=socket_path))
        with Server(gateway) as server:
            yield Echo(server.url, provider)


def project_specification(*, jwks_url: str = "https://idp.example.com/jwks") -> Any:
    """The project's own specification, filled."""
    return filled(
        {
            "FUNCTION_OCID": ["ocid1.fnfunc.oc1.local"],
            "ISSUER": [ISSUER],
            "AUDIENCE": [AUDIENCE],
            "JWKS_URI": [jwks_url],
            "ALLOWED_ORIGINS": ["https://app.example.com", "https://admin.example.com"],
            "CLAIMS_KEY": [CLAIMS_KEY],
        }
    )
