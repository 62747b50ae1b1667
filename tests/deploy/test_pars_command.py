"""`python -m deploy pars`: operators see, revoke and sweep the pre-authenticated requests of the function."""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from oci.retry import NoneRetryStrategy

from deploy import pars as pars_command
from local.api import Fault
from local.stack import BUCKET, FUNCTION_OCID, ROOT
from presign.settings import function_tag
from support.systems import Running

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
        env={**os.environ, **running.stack.principal.environment()},
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


def given(running: Running, *keys: str, **claims: str) -> list[str]:
    """The ids of new PARs for these objects."""
    claims = {"sub": "alice", **claims}
    return [str(running.ask(operation="put_object", key=key, claims=claims).json()["id"]) for key in keys]


def test_those_that_are_gone_already_do_not_end_it(pars: Running) -> None:
    given(pars, "users/alice/gone/1", "users/alice/gone/2")
    pars.stack.storage.fault = Fault(status=404, api="native", method="DELETE", is_carried_out=True)
    ended = run(pars, "revoke", "--prefix", "users/alice/gone/")
    pars.stack.storage.fault = None
    assert (ended.returncode, ended.stderr) == (0, "")
    assert run(pars, "list", "--prefix", "users/alice/gone/").stdout == ""


@pytest.mark.parametrize("status", [401, 403, 404])
def test_those_that_can_not_be_deleted_are_told_at_the_end(pars: Running, status: int) -> None:
    prefix = f"users/alice/kept/{status}/"
    ids = given(pars, f"{prefix}1", f"{prefix}2")
    pars.stack.storage.fault = Fault(status=status, api="native", method="DELETE")
    ended = run(pars, "revoke", "--prefix", prefix)
    pars.stack.storage.fault = None
    assert ended.returncode == 1
    lines = ended.stderr.splitlines()
    assert [line.startswith("Not deleted: ObjectWrite ") for line in lines] == [True, True]
    assert [par_id in line for par_id, line in zip(ids, lines, strict=True)] == [True, True]
    assert [line.endswith(f"OCI answered {status} Fault: A test asked for this.") for line in lines] == [True, True]
    assert all(par_id in run(pars, "list", "--prefix", prefix).stdout for par_id in ids)


@contextmanager
def vanishing(port: int) -> Iterator[str]:
    """The address of the server at `port`, which takes no connection any more when it has answered a DELETE."""
    with ExitStack() as kept:
        # With a backlog of 0, one connection may wait to be accepted, and Linux does not answer the next ones.
        listener = kept.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))

        def answer_until_then() -> None:
            request = b""
            while not request.startswith(b"DELETE "):
                client, _ = listener.accept()
                with client, socket.create_connection(("127.0.0.1", port)) as server:
                    request = client.recv(65_536)
                    server.sendall(request)
                    server.shutdown(socket.SHUT_WR)  # so that the server closes the connection
                    answer = server.makefile("rb").read().replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
                    if request.startswith(b"DELETE "):
                        kept.enter_context(socket.create_connection(listener.getsockname()))
                    client.sendall(answer)

        threading.Thread(target=answer_until_then, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def run_until_connections_time_out(running: Running, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the command in this process, with 0.5 s to connect and no retries; gives its exit status."""
    monkeypatch.setattr("oci.base_client.DEFAULT_CONNECTION_TIMEOUT", 0.5)
    monkeypatch.setattr("oci.retry.DEFAULT_RETRY_STRATEGY", NoneRetryStrategy())
    for name, value in running.stack.principal.environment().items():
        monkeypatch.setenv(name, value)
    parser = argparse.ArgumentParser()
    pars_command.add_arguments(parser)
    with vanishing(int(running.stack.storage_url.rpartition(":")[2])) as url:
        options = ["--bucket", BUCKET, "--auth", "resource_principal", "--endpoint", url]
        return pars_command.run(parser.parse_args([*arguments, *options]))


def test_a_connection_that_times_out_does_not_end_it(
    pars: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first is deleted, each other is tried, and all that may be alive are listed."""
    prefix = "users/alice/unreachable/"
    ids = given(pars, *(f"{prefix}{number}" for number in range(4)))
    assert run_until_connections_time_out(pars, "revoke", "--prefix", prefix, monkeypatch=monkeypatch) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("Not deleted: ObjectWrite ") for line in lines] == [True] * 3
    assert [par_id in line for par_id, line in zip(ids[1:], lines, strict=True)] == [True] * 3
    assert ["OCI can't be asked: " in line and "timed out" in line for line in lines] == [True] * 3
    left = run(pars, "list", "--prefix", prefix).stdout
    assert [par_id in left for par_id in ids] == [False, True, True, True]


def test_whether_one_is_gone_can_not_be_asked(
    pars: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [par_id] = given(pars, "users/alice/unknown")
    pars.stack.storage.fault = Fault(status=404, api="native", method="DELETE", is_carried_out=True)
    status = run_until_connections_time_out(pars, "revoke", "--key", "users/alice/unknown", monkeypatch=monkeypatch)
    pars.stack.storage.fault = None
    [line] = capsys.readouterr().err.splitlines()
    assert (status, line.startswith("Not deleted: ObjectWrite "), par_id in line) == (1, True, True)
    assert line.endswith("OCI answered 404 Fault: A test asked for this.")


def test_the_list_has_the_tag_and_the_call(pars: Running) -> None:
    """With the call's record it tells of a PAR whose URL nobody got."""
    [par_id] = given(pars, "users/alice/told")
    [record] = [json.loads(line) for line in pars.log().splitlines() if par_id in line]
    line = f"{par_id}  tag {function_tag(FUNCTION_OCID)}, call {record['call_id']}\n"
    assert run(pars, "list", "--key", "users/alice/told").stdout.endswith(line)
    assert run(pars, "list", "--key", "users/alice/told", "--prefix", "users/alice/").stdout.endswith(line)
    assert run(pars, "list", "--key", "users/alice/told", "--prefix", "users/bob/").stdout == ""


def test_those_of_one_tag_and_of_one_issuer(pars: Running) -> None:
    alice, of_a, of_b = (
        "K9gGyX8OAK8aH8Myj6djqSaXI8jbj6xPk69x2xhtbpA",
        "OGEsllqcTDXXE0OZGYBK2WDrVNCtQbQ2L_2FND1Lu08",
        "NbIsbLx5iPgNjtG-DsG_jepBwbXjXHUFMORPAiRHUfE",
    )
    ids = {}
    for name in (f"team-a:gateway:{alice}", f"team-a:gateway:{alice}.{of_a}", f"team-b:gateway:{alice}.{of_b}"):
        details = {"name": f"presign:{name}:1", "accessType": "ObjectRead", "objectName": "named"}
        body = json.dumps({**details, "timeExpires": "2099-01-01T00:00:00Z"}).encode()
        ids[name.partition(":")[0], name.partition(".")[2]] = pars.stack.storage.pars.create(BUCKET, body).id

    def listed(*arguments: str) -> set[tuple[str, str]]:
        shown = run(pars, "list", "--key", "named", *arguments).stdout
        return {chosen for chosen, par_id in ids.items() if f"{par_id}  tag " in shown}

    assert listed("--tag", "team-a") == {("team-a", ""), ("team-a", of_a)}
    assert listed("--subject", "alice") == set(ids)
    assert listed("--subject", "alice", "--issuer", "https://a.example") == {("team-a", ""), ("team-a", of_a)}
    refused = run(pars, "revoke", "--issuer", "https://a.example", "--all")
    assert (refused.returncode, refused.stderr) == (1, "--issuer needs --subject.\n")
    assert listed() == set(ids)


def test_expired_ones_are_swept(pars: Running) -> None:
    running_on = pars.ask(key="users/alice/on", expires_in=600).json()
    ended = pars.ask(key="users/alice/ended", expires_in=3).json()
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


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("prefix", "", "must not be empty"),
        ("key", "", "must not be empty"),
        ("subject", "", "must not be empty"),
        ("tag", "", "must not be empty"),
        ("older-than", "-1", "must be a number of seconds, up to 315360000"),
        ("older-than", "99999999999999", "must be a number of seconds, up to 315360000"),
        ("bucket", "", "must be 1 to 256 letters, digits, hyphens, underscores and periods"),
        ("bucket", "a/b", "must be 1 to 256 letters, digits, hyphens, underscores and periods"),
    ],
)
def test_an_option_whose_value_makes_no_sense(pars: Running, option: str, value: str, told: str) -> None:
    """The empty one is that of a variable of the shell which is not set. It chose all."""
    [par_id] = given(pars, "users/alice/stays")
    bucket = {"bucket": value} if option == "bucket" else {}
    ended = run(pars, "revoke", *([] if bucket else [f"--{option}={value}"]), **bucket)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.endswith(f"error: argument --{option}: {told}\n")
    assert par_id in run(pars, "list", "--key", "users/alice/stays").stdout


def test_a_bucket_that_is_not_there(pars: Running) -> None:
    ended = run(pars, "list", bucket="none")
    assert ended.returncode == 1
    assert ended.stderr.startswith("OCI answered 404 BucketNotFound: ")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[DEFAULT]\ntenancy = ocid1.tenancy.oc1..tenancy\nregion = eu-frankfurt-1\n", "'user': 'missing'"),
        (b"tenancy = ocid1.tenancy.oc1..tenancy\n", "can't be read: File contains no section headers."),
        (b"[DEFAULT]\ntenancy = \xff\n", "can't be read: 'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_a_profile_that_can_not_be_used(tmp_path: Path, content: bytes, told: str) -> None:
    profile = tmp_path / "config"
    profile.write_bytes(content)
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
    assert told in ended.stderr
