"""`presign.services.key`: a content that holds no key is refused, and the key stays in memory: no file gets it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from local.identity.resource_principal import ResourcePrincipal
from local.server import Server
from local.stack import ROOT
from local.vault import Vault
from presign.problems import SecretUnavailable
from presign.services.client import SecretReference
from presign.services.key import CustomerSecretKey, parse_key

NOON = 1_795_521_600.0  # 2026-11-24T12:00:00Z
NO_KEY = (
    "The content of ocid1.vaultsecret.oc1.x is not a JSON object with the texts access_key_id and secret_access_key, "
    "each of 1 to 256 printable ASCII characters, and optionally the time retire_at (RFC 3339): "
)

PROGRAM = """
import os, sys
from pathlib import Path

written = set()
writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and (arguments[2] or 0) & writing:
        written.add(arguments[0])

sys.addaudithook(watch)

from presign.app import App
from presign.model.invocation import Invocation

app = App(os.environ, root=Path.cwd())
for operation in ("get_object", "post_object"):
    body = f'{{"operation": "{operation}", "key": "a"}}'.encode()
    reply = app.handle(Invocation(call_id="1", caller="invoke", body=body))
    assert reply.status == 200, reply.body
open(os.devnull, "w").close()  # shows that it watches
print(sorted(written))
"""


@pytest.mark.parametrize("signer", ["sigv4", "boto3"])
def test_no_file_is_written(tmp_path: Path, signer: str) -> None:
    identity = ResourcePrincipal(tmp_path, region="eu-frankfurt-1")
    vault = Vault(identity)
    key = json.dumps({"access_key_id": "access", "secret_access_key": "secret"})
    vault.put_secret(key, secret_id="ocid1.vaultsecret.oc1.x", name="key", vault_id="ocid1.vault.oc1.x")
    with Server(vault) as server:
        environment = {
            **identity.environment(),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SECRET_OCID": "ocid1.vaultsecret.oc1.x",
            "VAULT_ENDPOINT": server.url,
            "NAMESPACE": "ns",
            "DEFAULT_BUCKET": "b",
            "POLICY": '{"rules": [{"operations": ["*"], "bucket": "b", "prefix": ""}]}',
            "SIGNER": signer,
        }
        command = [sys.executable, "-c", PROGRAM]
        ended = subprocess.run(  # noqa: S603 - our own command
            command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False
        )
    assert (ended.returncode, ended.stdout) == (0, "['/dev/null']\n"), ended.stderr


def parse(content: str) -> CustomerSecretKey:
    """The key in this content of a secret at noon."""
    return parse_key(content, SecretReference(secret_ocid="ocid1.vaultsecret.oc1.x"), now=NOON)


def refusal(content: str) -> str:
    """The reason why this content of a secret holds no key."""
    with pytest.raises(SecretUnavailable) as caught:
        parse(content)
    return caught.value.cause


def base64_of(document: bytes) -> str:
    return base64.b64encode(document).decode()


@pytest.mark.parametrize("inserted", ["!", "\u00e9"])
def test_a_content_that_is_not_base64(inserted: str) -> None:
    content = base64_of(b'{"access_key_id": "id", "secret_access_key": "hunter2"}')
    assert parse(content).access_key_id == "id"
    assert refusal(f"{content[:8]}{inserted}{content[8:]}").startswith(NO_KEY)


def test_a_key_that_is_not_utf_8_is_not_quoted() -> None:
    content = base64_of(b'{"access_key_id": "id", "secret_access_key": "hunter2\xff"}')
    assert refusal(content) == f"{NO_KEY}it is not UTF-8"


def test_a_key_is_good_until_less_than_a_second_is_left() -> None:
    document = b'{"access_key_id": "id", "secret_access_key": "s", "retire_at": "2026-11-24T12:00:0%dZ"}'
    assert parse(base64_of(document % 1)).seconds_left(NOON) == 1
    assert refusal(base64_of(document % 0)) == (
        "The key id in ocid1.vaultsecret.oc1.x is retired since 2026-11-24 12:00:00+00:00: make another customer "
        "secret key, and give the secret a version that holds it"
    )
