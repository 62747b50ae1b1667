"""`python -m local` shows a newcomer working commands, and leaves nothing running."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jwt
import pytest
import requests

from support.pages import blocks, docs_page
from support.ports import free_ports
from support.programs import argument, in_utf_8
from support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m local` to its end."""
    command: list[str | bytes] = [sys.executable, "-m", "local", *map(argument, arguments)]
    return subprocess.run(  # noqa: S603
        command, cwd=ROOT, env=in_utf_8(), capture_output=True, encoding="utf-8", timeout=60, check=False
    )


class Started(NamedTuple):
    """A system that runs, and its output until it was ready."""

    process: subprocess.Popen[str]
    port: int
    printed: str

    def ask(self, *, token: str | None = None, **request: Any) -> requests.Response:
        """Send a request to the gateway."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.post(f"http://127.0.0.1:{self.port}/v1/presign", json=request, headers=headers, timeout=10)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command that uses the system."""
        return run(*arguments, "--port", str(self.port))

    def token(self) -> str:
        """A token of alice's."""
        return self.run("token").stdout.strip()


@contextmanager
def start(*options: str, **environment: str) -> Iterator[Started]:
    """Run the system as a newcomer does."""
    [port] = free_ports(1)
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "local", "--port", str(port), *options],
        cwd=ROOT,
        env={**ENVIRONMENT, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert process.stdout
    printed = ""
    for line in process.stdout:
        printed += line
        if "Ctrl-C" in line:
            break
    try:
        yield Started(process, port, printed)
    finally:
        process.send_signal(signal.SIGINT)  # which stops the function too
        process.stdout.close()
        process.wait(timeout=30)


@pytest.fixture
def started() -> Iterator[Started]:
    """A system of the test's own."""
    with start() as it:
        yield it


@pytest.fixture(scope="module")
def shared() -> Iterator[Started]:
    """A system for tests that change nothing which another one sees."""
    with start() as it:
        yield it


@pytest.mark.needs("curl")
def test_it_prints_a_line_to_paste_and_what_it_gave(shared: Started) -> None:
    lines = [line.strip() for line in shared.printed.splitlines() if line.strip().startswith("curl ")]
    assert len(lines) == 2
    assert f"http://127.0.0.1:{shared.port}/v1/presign" in lines[0]
    assert "\nYour presigned URL works!\n" in shared.printed
    pasted = [subprocess.check_output(["/bin/sh", "-c", line], encoding="utf-8") for line in lines]  # noqa: S603
    assert json.loads(pasted[0])["key"] == "PresignedBlogTest.txt"
    assert pasted[1] == "Your presigned URL works!\n"


def test_a_token_of_another_process(shared: Started) -> None:
    claims_given = ("--claim", "tenant=a=b", "--claim", "groups=x", "--claim", "groups=y")
    token = shared.run("token", "--sub", "bob", *claims_given).stdout.strip()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["sub"], claims["tenant"], claims["groups"]) == ("bob", "a=b", ["x", "y"])
    assert claims["exp"] - claims["iat"] == 3600
    answers = [shared.ask(key=key, token=token) for key in ("users/bob/a", "users/alice/a")]
    assert [answer.status_code for answer in answers] == [200, 403]


def test_a_user_has_a_folder_of_their_own(shared: Started) -> None:
    """A user may do nothing without a token, nothing in another's folder, and anything in their own."""
    assert shared.ask(key="users/alice/a").status_code == 401
    token = shared.token()
    refused = shared.ask(key="users/bob/a", token=token)
    assert (refused.status_code, refused.json()["code"]) == (403, "access_denied")
    upload = shared.ask(operation="put_object", key="users/alice/a", token=token).json()["url"]
    assert requests.put(upload, b"hers", timeout=10).status_code == 200
    download = shared.ask(key="users/alice/a", token=token).json()["url"]
    assert requests.get(download, timeout=10).content == b"hers"


def test_a_direct_invocation(shared: Started) -> None:
    done = shared.run("invoke", '{"key": "PresignedBlogTest.txt"}')
    assert done.returncode == 0
    assert json.loads(done.stdout)["method"] == "GET"


def test_the_line_for_fn(shared: Started) -> None:
    """Its CLI finds the function by two names, and calls it without a signature."""
    [(url, app, function)] = re.findall(r"FN_API_URL=(\S+) fn invoke (\S+) (\S+)$", shared.printed, re.MULTILINE)
    [found] = requests.get(f"{url}/v2/apps", {"name": app}, timeout=10).json()["items"]
    asked = {"app_id": found["id"], "name": function}
    [found] = requests.get(f"{url}/v2/fns", asked, timeout=10).json()["items"]
    endpoint = found["annotations"]["fnproject.io/fn/invokeEndpoint"]
    body = b'{"key": "PresignedBlogTest.txt"}\n'
    answer = requests.post(endpoint, body, headers={"Content-Type": "text/plain"}, timeout=10)
    assert requests.get(answer.json()["url"], timeout=10).content == b"Your presigned URL works!\n"


def test_with_the_export_lines_the_samples_of_the_docs_run(started: Started, tmp_path: Path) -> None:
    exports = [line.strip() for line in started.printed.splitlines() if line.startswith("  export ")]
    page = docs_page("invoke.md")
    caller, consumer, _ = blocks(page, "python")
    (tmp_path / "func.py").write_text(caller, encoding="utf-8")
    (tmp_path / "consumer.py").write_text(consumer, encoding="utf-8")

    def printed(code: str) -> str:
        script = "\n".join([*exports, f"exec {shlex.quote(sys.executable)} -c {shlex.quote(code)}"])
        return subprocess.check_output(["/bin/sh", "-c", script], cwd=tmp_path, encoding="utf-8", timeout=60)  # noqa: S603

    [line] = re.findall(r"^\$ python -c '(.*)'$", page, re.MULTILINE)
    assert requests.get(printed(line).strip(), timeout=10).content == b"Your presigned URL works!\n"
    event = json.loads(started.run("event", "PresignedBlogTest.txt").stdout)
    received = printed("from consumer import receive; receive(lambda event, answer: print(event, answer['url']))")
    told, _, url = received.strip().rpartition(" ")
    assert f"'eventID': '{event['eventID']}'" in told
    assert requests.get(url, timeout=10).content == b"Your presigned URL works!\n"


class TestEvent:
    """`event` has the system send what Object Storage sends."""

    def test_of_an_object(self, shared: Started) -> None:
        upload = shared.ask(operation="put_object", key="users/alice/ä b", token=shared.token()).json()["url"]
        assert requests.put(upload, b"hers", timeout=10).status_code == 200
        done = shared.run("event", "users/alice/ä b")
        assert (done.returncode, done.stderr) == (0, "")
        event = json.loads(done.stdout)
        assert event["eventType"] == "com.oraclecloud.objectstorage.createobject"
        assert event["data"]["resourceName"] == "users/alice/ä b"
        wait_until(lambda: _answer_to(shared, event))
        assert requests.get(_answer_to(shared, event)["url"], timeout=10).content == b"hers"

    def test_where_the_terminal_lacks_a_letter_of_the_key(self) -> None:
        """It is written as an escape. An exception would make Object Storage send the event again and again."""
        with start(PYTHONIOENCODING="ascii") as system:
            upload = system.ask(operation="put_object", key="users/alice/ä", token=system.token()).json()["url"]
            assert requests.put(upload, b"hers", timeout=10).status_code == 200
            assert system.process.stdout
            told = next(
                line for line in system.process.stdout if line.startswith(("A message went", "Error on request"))
            )
        assert "users/alice/\\xe4 was written" in told

    def test_of_an_object_that_there_is_not(self, shared: Started) -> None:
        done = shared.run("event", "gone")
        assert done.returncode == 0
        assert done.stderr == "The bucket PresignedBlog has no such object, so its URL gets 404.\n"
        event = json.loads(done.stdout)
        wait_until(lambda: _answer_to(shared, event))
        assert requests.get(_answer_to(shared, event)["url"], timeout=10).status_code == 404

    @pytest.mark.parametrize("key", ["", "é" * 513, b"\xff"])
    def test_a_key_that_no_object_has(self, shared: Started, key: str | bytes) -> None:
        done = shared.run("event", os.fsdecode(key))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("The key is not valid: ")
        assert shared.run("event", "a").returncode == 0


def _answer_to(system: Started, event: dict[str, Any]) -> dict[str, Any]:
    """The answer that went to the queue, empty before it did."""
    messages = requests.get(f"http://127.0.0.1:{system.port}/messages", timeout=10).json()
    found = [one["content"] for one in messages if one["content"]["event"]["eventID"] == event["eventID"]]
    return found[0]["answer"] if found else {}


def test_how_long_a_token_is_accepted(shared: Started) -> None:
    done = shared.run("token", "--lifetime", "1")
    assert done.stderr == "The gateway accepts it for 30 s more, as clocks may differ (maxClockSkewInSeconds).\n"
    token = done.stdout.strip()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 1
    wait_until(lambda: time.time() > claims["exp"])
    assert shared.ask(key="PresignedBlogTest.txt", token=token).status_code == 200
    old = shared.run("token", "--lifetime", "-31").stdout.strip()
    assert shared.ask(key="PresignedBlogTest.txt", token=old).status_code == 401


def test_the_resource_principal_outlasts_a_working_day(shared: Started) -> None:
    """Nobody renews it while the system runs."""
    [path] = re.findall(r"export OCI_RESOURCE_PRINCIPAL_RPST=(.+)$", shared.printed, re.MULTILINE)
    claims = jwt.decode(Path(path).read_text("utf-8"), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] > 24 * 3600


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_everything_that_it_started(started: Started, how: signal.Signals) -> None:
    process = started.process
    children = _children(process.pid)
    assert len(children) == 1
    process.send_signal(how)
    assert process.stdout
    assert process.stdout.read().endswith("Stopped.\n")
    assert process.wait(timeout=10) == 0
    assert not Path(f"/proc/{children[0]}").exists()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", started.port))
    assert started.run("invoke", "{}").returncode == 1


def test_it_says_which_port_is_taken(shared: Started) -> None:
    done = shared.run()
    assert done.returncode == 1
    taken = f"Port {shared.port} is taken by another program. Choose another: --port, or `make run PORT=8081`.\n"
    assert done.stderr == taken
    # The one that has it goes on.
    assert shared.run("invoke", '{"key": "a"}').returncode == 0


@pytest.mark.parametrize("command", [["invoke", "{}"], ["token"], ["event", "a"]])
def test_a_command_without_a_running_system(command: list[str]) -> None:
    [port] = free_ports(1)
    done = run(*command, "--port", str(port))
    assert done.returncode == 1
    assert done.stderr == f"Nothing runs on port {port}: start it with `make run`.\n"


def test_the_function_ends_when_the_system_is_killed(started: Started) -> None:
    process = started.process
    (child,) = _children(process.pid)
    process.kill()
    process.wait(timeout=10)
    wait_until(lambda: not _runs(child))
    assert started.run("event", "a").stderr.startswith("Nothing runs on port ")


def test_cors_headers_of_the_s3_api_are_an_option(shared: Started) -> None:
    def allowed_origin(system: Started) -> str | None:
        url = system.ask(key="PresignedBlogTest.txt", token=system.token()).json()["url"]
        answer = requests.get(url, headers={"Origin": "https://app.example.com"}, timeout=10)
        assert answer.status_code == 200
        return answer.headers.get("Access-Control-Allow-Origin")

    assert allowed_origin(shared) is None
    with start("--s3-cors") as with_cors:
        assert allowed_origin(with_cors) == "*"


def test_it_says_where_things_are(shared: Started) -> None:
    _, port, printed = shared
    assert f"Web page for uploads and downloads:  http://127.0.0.1:{port}\n" in printed
    assert f"API, as behind API Gateway:          http://127.0.0.1:{port}/v1/presign\n" in printed
    assert re.search(r"The store, bucket PresignedBlog: +http://127\.0\.0\.1:\d+\n", printed)
    assert re.search(r"Policy: +the built-in one, see local/__main__\.py\n", printed)
    lines = printed.partition("Ready.\n\n")[2].partition("\n\n")[0].splitlines()
    assert {len(re.match(r"  .+?: +", line)[0]) for line in lines} == {39}  # type: ignore[index]


def test_an_upload_leads_to_a_message(started: Started) -> None:
    process, port, printed = started
    assert f"Messages about uploads:              http://127.0.0.1:{port}/messages\n" in printed
    upload = started.ask(operation="put_object", key="users/alice/a.txt", token=started.token()).json()["url"]
    assert requests.put(upload, b"hers", timeout=10).status_code == 200
    assert process.stdout
    line = next(line for line in process.stdout if line.startswith("A message"))
    answer = requests.get(f"http://127.0.0.1:{port}/messages", timeout=10)
    assert answer.headers["Cache-Control"] == "no-store"
    (message,) = answer.json()
    event = message["content"]["event"]
    assert (message["service"], event["key"]) == ("queue", "users/alice/a.txt")
    assert line == f"A message went to the queue: users/alice/a.txt was written (event {event['eventID']}).\n"
    assert requests.get(message["content"]["answer"]["url"], timeout=10).content == b"hers"


class TestPolicy:
    """`--policy` takes the place of the built-in policy."""

    @pytest.mark.needs("curl")
    def test_a_policy_of_ones_own(self, tmp_path: Path) -> None:
        path = tmp_path / "policy.json"
        path.write_text(
            '{"rules": [{"operations": ["read"], "bucket": "PresignedBlog", "prefix": "mine/"}]}', encoding="utf-8"
        )
        with start("--policy", str(path)) as system:
            assert "The policy refuses this request." in system.printed
            assert f"Policy:                              {path}\n" in system.printed
            none = "Messages about uploads: +none, as a rule for invoke has no max_expires_in\n"
            assert re.search(none, system.printed)
            token = system.token()
            answers = [system.ask(key=key, token=token).status_code for key in ("mine/a", "users/alice/a")]
        assert answers == [200, 403]

    def test_errors_are_listed(self, tmp_path: Path) -> None:
        path = tmp_path / "policy.json"
        path.write_text(
            '{"rules": [{"operations": ["fly"], "bucket": "B", "prefix": "", "colour": "red"}], "a": 1}',
            encoding="utf-8",
        )
        done = run("--policy", str(path))
        assert (done.returncode, done.stdout) == (1, "")
        lines = done.stderr.splitlines()
        assert lines[0] == f"The policy {path} is not valid:"
        assert sorted(line.split()[0] for line in lines[1:]) == ["/a", "/rules/0/colour"]

    def test_no_json(self, tmp_path: Path) -> None:
        path = tmp_path / "policy.json"
        path.write_text("{", encoding="utf-8")
        done = run("--policy", str(path))
        assert done.returncode == 1
        assert done.stderr.startswith(f"The policy {path} is not valid:\n  is not JSON: ")

    def test_no_file(self, tmp_path: Path) -> None:
        path = tmp_path / "none.json"
        done = run("--policy", str(path))
        assert done.returncode == 1
        assert done.stderr == f"The policy can't be read: [Errno 2] No such file or directory: '{path}'\n"

    def test_no_utf_8(self, tmp_path: Path) -> None:
        path = tmp_path / "policy.json"
        path.write_bytes(b"\xff")
        done = run("--policy", str(path))
        assert done.returncode == 1
        assert done.stderr.startswith(f"The policy {path} is not UTF-8 text: ")


def _runs(pid: int) -> bool:
    """Whether a process runs; one that has ended may wait for its parent as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _children(pid: int) -> list[int]:
    return [
        int(child) for child in re.findall(r"\d+", Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8"))
    ]
