"""`presign.services.key`: the key stays in memory, as answering a call opens no file to write into it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from local.identity.resource_principal import ResourcePrincipal
from local.server import Server
from local.stack import ROOT
from local.vault import Vault

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
