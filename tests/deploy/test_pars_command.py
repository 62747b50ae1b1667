"""`python -m deploy pars`: operators see, revoke and sweep the pre-authenticated requests of the function."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from conftest import Running
from local.stack import BUCKET, FUNCTION_OCID, ROOT

POLICY = {"rules": [{"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/", "via": "par"}]}


@pytest.fixture(scope="module")
def pars(start: Callable[..., Running]) -> Running:
    return start({"POLICY": json.dumps(POLICY)})


def run(running: Running, *arguments: str, bucket: str = BUCKET) -> subprocess.CompletedProcess[str]:
    """Run the command as an operator whose identity the local Object Storage knows."""
    command = [sys.executable, "-m", "deploy", "pars", *arguments]
    options = ["--bucket", bucket, "--auth", "resource_principal", "--endpoint", running.stack.storage_url]
    return subprocess.run(  # noqa: S603
        [*command, *options],
        cwd=ROOT,
        env={**os.environ, **running.stack.identity.environment()},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_those_of_one_user_are_listed_and_revoked(pars: Running) -> None:
    answers = {
        sub: pars.ask(operation="put_object", key=f"users/{sub}/a", claims={"sub": sub}).json()
        for sub in ("alice", "bob")
    }
    listed = run(pars, "list", "--subject", "alice")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "users/alice/a" in listed.stdout
    assert "users/bob/a" not in listed.stdout
    assert answers["alice"]["url"].split("/")[4] not in listed.stdout  # the token of the URL
    assert run(pars, "revoke", "--subject", "alice").returncode == 0
    statuses = {sub: requests.put(answer["url"], b"x", timeout=10).status_code for sub, answer in answers.items()}
    assert statuses == {"alice": 401, "bob": 200}


def test_expired_ones_are_swept(pars: Running) -> None:
    ended = pars.ask(key="users/alice/ended", expires_in=1).json()
    running_on = pars.ask(key="users/alice/on", expires_in=600).json()
    ends_at = datetime.fromisoformat(ended["expires_at"])
    while datetime.now(UTC) <= ends_at + timedelta(seconds=1):
        time.sleep(0.1)
    swept = run(pars, "sweep")
    assert ended["id"] in swept.stdout
    assert running_on["id"] not in swept.stdout
    assert ended["id"] not in run(pars, "list").stdout


def test_those_of_another_function_stay(pars: Running) -> None:
    answer = pars.ask(key="users/alice/c").json()
    assert run(pars, "revoke", "--all", "--function", f"{FUNCTION_OCID}.other").stdout == ""
    assert answer["id"] in run(pars, "list", "--function", FUNCTION_OCID).stdout


def test_all_are_revoked_only_if_that_is_said(pars: Running) -> None:
    answer = pars.ask(key="users/alice/b").json()
    refused = run(pars, "revoke")
    assert (refused.returncode, refused.stderr) == (
        1,
        "Choose with --subject, --key, --prefix or --older-than, or take --all.\n",
    )
    assert answer["id"] in run(pars, "list", "--key", "users/alice/b").stdout
    assert run(pars, "revoke", "--all").returncode == 0
    assert run(pars, "list").stdout == ""


def test_a_bucket_that_is_not_there(pars: Running) -> None:
    ended = run(pars, "list", bucket="none")
    assert ended.returncode == 1
    assert ended.stderr.startswith("OCI answered 404 BucketNotFound: ")


def test_a_profile_that_is_incomplete(tmp_path: Path) -> None:
    profile = tmp_path / "config"
    profile.write_text("[DEFAULT]\ntenancy = ocid1.tenancy.oc1..tenancy\nregion = eu-frankfurt-1\n", encoding="utf-8")
    ended = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "deploy", "pars", "list", "--bucket", BUCKET],
        cwd=ROOT,
        env={**os.environ, "OCI_CLI_CONFIG_FILE": str(profile), "OCI_CLI_AUTH": "api_key"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "OCI can't be asked: " in ended.stderr
    assert "'user': 'missing'" in ended.stderr
