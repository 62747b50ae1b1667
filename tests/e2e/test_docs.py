"""The README and the pages of `docs/`: their lines run, their tables are complete, their links lead somewhere."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from werkzeug.wrappers import Request, Response

from gateway.fill import PLACEHOLDERS, STORE_PLACEHOLDERS
from local.events import object_event
from local.functions.fn_agent import invoke
from local.functions.function import Function
from local.server import Server
from local.stack import BUCKET, CONTENT, NAMESPACE, OBJECT, QUEUE_OCID
from presign import problems
from presign.authorize.rules import Rule, parse_rules
from presign.model.operation import ObjectOperation
from presign.model.operations import OPERATIONS
from presign.model.operations.prefixes import GetPrefix
from presign.model.outcomes import PresignedUrl
from presign.problems import Problem
from presign.record import AuditRecord
from presign.settings import Settings
from support.pages import ROOT, blocks
from support.systems import Running

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("gateway/*.md"))
}
README = PAGES["README.md"]
JAVASCRIPT = PAGES["docs/clients-javascript.md"]
DEPLOY = PAGES["docs/deploy-by-hand.md"]
INVOKE = PAGES["docs/invoke.md"]
OPERATIONS_PAGE = PAGES["docs/operations.md"]
POLICY = PAGES["docs/policy.md"]
REFERENCE = PAGES["docs/reference.md"]


def section(page: str, heading: str) -> str:
    """The part of a page below a heading of the second level."""
    [found] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    return str(found)


def first_cells(table: str) -> set[str]:
    """The names in the first column of a table."""
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class TestReadme:
    """The first page is short, and shows what happens."""

    def test_it_has_at_most_120_lines(self) -> None:
        assert len(README.splitlines()) <= 120

    def test_it_leads_to_every_page(self) -> None:
        linked = set(re.findall(r"\]\(([^)#\s]+\.md)\)", README))
        assert linked == set(PAGES) - {"README.md"}

    def test_the_answer_is_one_that_the_function_gives(self, running: Running) -> None:
        [example] = [json.loads(block) for block in blocks(README, "json")]
        answer = running.ask(key=OBJECT).json()
        assert list(answer) == list(example)
        changing = ("url", "expires_at")
        assert {**answer, **dict.fromkeys(changing)} == {**example, **dict.fromkeys(changing)}

    @pytest.mark.needs("curl")
    def test_its_curl_line_asks_for_that(self, running: Running, tmp_path: Path) -> None:
        [line] = [block for block in blocks(README, "console") if "curl" in block]
        command = re.sub(r"^\$ ", "", line, flags=re.MULTILINE).replace("http://127.0.0.1:8080", running.stack.url)
        script = tmp_path / "ask.sh"
        script.write_text(re.sub(r"\$\(.*?\)", running.stack.token(), command), encoding="utf-8")
        done = subprocess.run(  # noqa: S603
            ["/bin/sh", script], capture_output=True, encoding="utf-8", timeout=30, check=True
        )
        assert json.loads(done.stdout)["key"] == "PresignedBlogTest.txt"


class TestLinks:
    """Each link to a file or a heading of the project leads there."""

    @pytest.mark.parametrize("name", sorted(PAGES))
    def test_of_a_page(self, name: str) -> None:
        missing = []
        for link in re.findall(
            r"(?:\]\(|<img src=\")([^)\s\"]+)", re.sub(r"```.*?```", "", PAGES[name], flags=re.DOTALL)
        ):
            path, _, anchor = link.partition("#")
            if "://" in link:
                continue
            file = (ROOT / name).parent / path if path else ROOT / name
            if not file.exists() or (anchor and anchor not in anchors(file.read_text("utf-8"))):
                missing.append(link)
        assert missing == []


class TestVersion:
    """The version stands in `func.yaml`; the OpenAPI document and the changelog have the same."""

    VERSION = re.findall(r"^version: (.+)$", (ROOT / "func.yaml").read_text("utf-8"), re.MULTILINE)

    def test_of_the_changelog(self) -> None:
        assert re.findall(r"^## \[(\d.*?)\]", PAGES["CHANGELOG.md"], re.MULTILINE)[:1] == self.VERSION

    def test_of_the_openapi_document(self) -> None:
        document = json.loads((ROOT / "gateway" / "openapi.json").read_text("utf-8"))
        assert [document["info"]["version"]] == self.VERSION


class TestPolicies:
    """The policies in the pages are free of errors."""

    def test_those_of_all_pages(self) -> None:
        policies = [block for page in PAGES.values() for block in blocks(page, "json") if block.startswith('{"rules"')]
        policies += [json.loads(block)["POLICY"] for block in blocks(DEPLOY, "json")]
        assert len(policies) >= 3
        assert [parse_rules(policy)[1] for policy in policies] == [[] for _ in policies]

    def test_every_field_of_a_rule_is_explained(self) -> None:
        assert first_cells(POLICY) == set(Rule.__struct_fields__)


class TestReference:
    """The tables name what the code has, and nothing else."""

    def test_every_setting(self) -> None:
        source = Path(Settings.__module__.replace(".", "/") + ".py").read_text("utf-8")
        read = set(re.findall(r'"([A-Z][A-Z_]+)"', source))
        own = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "OCI_RESOURCE_PRINCIPAL_REGION", "FN_FN_ID"}
        assert first_cells(section(REFERENCE, "Settings")) == read - own

    def test_every_operation_with_its_options(self) -> None:
        rows = re.findall(r"^\| (`.*?`) \| (.*) \|$", section(REFERENCE, "Requests"), re.MULTILINE)
        told = {
            operation: set(re.findall(r"`(\w+)`", options))
            for operations, options in rows
            for operation in re.findall(r"`(\w+)`", operations)
        }
        common = set(ObjectOperation.__struct_fields__)
        for name, kind in OPERATIONS.items():
            assert set(kind.__struct_fields__) - common <= told[name], name
        assert set(told) - {"operation", *common} == set(OPERATIONS)

    def test_every_problem_with_its_status(self) -> None:
        rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", section(REFERENCE, "Errors"), re.MULTILINE)
        kinds = [kind for kind in vars(problems).values() if isinstance(kind, type) and issubclass(kind, Problem)]
        assert {(str(int(kind.status)), kind.code) for kind in kinds} == set(rows)

    def test_every_error_of_the_gateway(self) -> None:
        rows = re.findall(r"^\| ([\d, ]+) \| ([\d, ]+) \|", section(REFERENCE, "Errors"), re.MULTILINE)
        assert {"401", "415", "429"} <= {status for statuses, _ in rows for status in statuses.split(", ")}
        assert all(statuses == codes for statuses, codes in rows)

    def test_every_field_of_an_audit_record(self) -> None:
        assert first_cells(section(REFERENCE, "Log")) == set(AuditRecord.__struct_fields__)

    def test_every_member_of_an_answer(self) -> None:
        answers = section(REFERENCE, "Answers") + section(REFERENCE, "Pre-authenticated requests")
        assert [name for name in PresignedUrl.__struct_fields__ if name not in answers] == []

    def test_the_problem_is_one_that_the_function_gives(self, running: Running) -> None:
        [example] = [json.loads(block) for block in blocks(REFERENCE, "json") if block.startswith('{"type"')]
        problem = running.ask(key="../a").json()
        assert {**problem, "request_id": "01H…"} == example

    def test_the_error_of_the_gateway_is_one_that_it_gives(self, running: Running) -> None:
        [example] = re.findall(r'`(\{"code": 401.*?\})`', REFERENCE)
        assert running.post(headers={}, json={"key": "a"}).json() == json.loads(example)

    def test_the_answer_for_a_folder_is_one_that_the_function_gives(self, start: Any) -> None:
        rules = [{"operations": ["get_prefix"], "bucket": "PresignedBlog", "prefix": "", "via": "par"}]
        running = start({"POLICY": json.dumps({"rules": rules})})
        [example] = [json.loads(block) for block in blocks(REFERENCE, "json") if '"get_prefix"' in block]
        answer = running.ask(operation=GetPrefix.name, prefix="users/alice/").json()
        assert list(answer) == list(example)
        own = {"url": "", "id": "", "expires_at": "", "bucket": ""}
        assert {**answer, **own} == {**example, **own}


class TestDeployByHand:
    """The lines that need no tenancy are run."""

    def test_every_placeholder_of_the_deployment_is_filled(self) -> None:
        command, of_route = [block for block in blocks(DEPLOY, "console") if "gateway.fill" in block]
        assert set(re.findall(r"([A-Z_]+)=", command)) == set(PLACEHOLDERS)
        # The policy names the buckets.
        assert set(re.findall(r"([A-Z_]+)=", of_route)) == set(STORE_PLACEHOLDERS) - {"BUCKET"} | {"POLICY"}

    @pytest.mark.parametrize("page", [DEPLOY, OPERATIONS_PAGE])
    @pytest.mark.needs("jq")
    def test_a_customer_secret_key_becomes_a_secret(self, page: str, tmp_path: Path) -> None:
        [line] = re.findall(r"^ *\$ (jq '\{secretContentContent.*)$", page, re.MULTILINE)
        created = {"data": {"id": "the id", "key": "the key", "display-name": "presign"}}
        (tmp_path / "key.json").write_text(json.dumps(created), encoding="utf-8")
        subprocess.run(line, shell=True, cwd=tmp_path, timeout=30, check=True)  # noqa: S602 - the page's own line
        secret = json.loads((tmp_path / "secret.json").read_text(encoding="utf-8"))
        assert json.loads(b64decode(secret["secretContentContent"])) == {
            "access_key_id": "the id",
            "secret_access_key": "the key",
        }

    @pytest.mark.needs("jq")
    def test_a_token_is_decoded(self, running: Running) -> None:
        [line] = [block for block in blocks(PAGES["docs/get-a-token.md"], "console") if block.startswith("$ printf")]
        script = line.removeprefix("$ ").replace("$TOKEN", running.stack.token(sub="zoë", groups=["a", "b"]))
        done = subprocess.run(  # noqa: S602 - the page's own line
            script, shell=True, capture_output=True, encoding="utf-8", timeout=30, check=True
        )
        assert json.loads(done.stdout)["sub"] == "zoë"


@pytest.mark.needs("node")
def test_a_web_page_uploads_a_file(running: Running, tmp_path: Path) -> None:
    [example] = [block for block in blocks(JAVASCRIPT, "js") if "const gateway" in block]
    script = tmp_path / "page.mjs"
    script.write_text(
        example.replace("https://<hostname>/presigner", running.stack.url)
        + 'await upload("users/alice/a b.txt", new Blob(["hello"], { type: "text/plain" }), process.argv[2]);\n'
        + 'await presign({ key: "../a" }, process.argv[2]).catch((e) => console.log(e.message, e.errors[0].pointer));\n'
        + 'await presign({ key: "a" }, "no token").catch((error) => console.log(error.message));\n',
        encoding="utf-8",
    )
    node = subprocess.run(  # noqa: S603
        ["node", script, running.stack.token()],  # noqa: S607
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=True,
    )
    sentence = "The request is not valid: /key must not have a '.' or '..' segment."
    assert node.stdout == f"{sentence} /key\nUnauthorized\n"
    _, answer = running.invoke(key="users/alice/a b.txt")
    stored = requests.get(answer["url"], timeout=10)
    assert (stored.text, stored.headers["Content-Type"]) == ("hello", "text/plain")


@pytest.fixture
def names(running: Running, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that the page's own lines define, in a function that may call this one."""
    for name, value in running.stack.caller_environment().items():
        monkeypatch.setenv(name, value)
    defined: dict[str, Any] = {}
    for example in blocks(INVOKE, "python"):
        exec(example, defined)  # noqa: S102 - the page's own lines
    return defined


def test_a_function_calls_another(names: dict[str, Any]) -> None:
    answer = names["presign"](key=OBJECT, expires_in=300)
    assert (answer["key"], answer["expires_in"]) == (OBJECT, 300)
    with pytest.raises(names["Refused"], match="access_denied: The policy does not allow this request"):
        names["presign"](key=OBJECT, bucket="other")
    with pytest.raises(names["Refused"], match="invalid_request: The request is not valid: /key must not") as refused:
        names["presign"](key="../a")
    assert refused.value.problem["errors"] == [{"pointer": "/key", "detail": "must not have a '.' or '..' segment"}]


class TestCallerFunction:
    """The page's functions run as OCI runs functions: in a process of the FDK."""

    CALLER, _, CHAT = blocks(INVOKE, "python")

    @contextmanager
    def started(self, running: Running, folder: Path, **environment: str) -> Iterator[Path]:
        """A process with the `func.py` in `folder`; gives its socket."""
        with (
            tempfile.TemporaryDirectory(prefix="caller-") as directory,
            Function(
                root=folder,
                environment={**running.stack.caller_environment(), **environment},
                socket_path=Path(directory) / "function.sock",
            ),
        ):
            yield Path(directory) / "function.sock"

    def test_it_answers_with_a_url(self, running: Running, tmp_path: Path) -> None:
        running.stack.storage.put_object(BUCKET, "reports/2026-11.pdf", b"the report")
        (tmp_path / "func.py").write_text(self.CALLER, encoding="utf-8")
        with self.started(running, tmp_path) as socket_path:
            answer = invoke(socket_path, b'{"report": "2026-11"}')
            refused = invoke(socket_path, b'{"report": "../a"}')
        assert answer.status == 200
        assert requests.get(answer.body.decode(), timeout=10).content == b"the report"
        assert refused.status == 502

    def test_an_event_becomes_a_chat_message(self, running: Running, tmp_path: Path) -> None:
        posted: list[Any] = []

        def webhook(request: Request) -> Response:
            posted.append(request.get_json())
            return Response("ok")

        (tmp_path / "func.py").write_text(self.CALLER + "\n\n" + self.CHAT, encoding="utf-8")
        stored = running.stack.storage.find(BUCKET, OBJECT)
        assert stored
        event = object_event(NAMESPACE, BUCKET, stored, is_update=False)
        with (
            Server(webhook) as server,
            self.started(running, tmp_path, SLACK_WEBHOOK_URL=server.url) as socket_path,
        ):
            assert invoke(socket_path, json.dumps(event).encode()).status == 200
        [message] = posted
        url = message["text"].removeprefix("New file: <").removesuffix(f"|{OBJECT}>")
        assert requests.get(url, timeout=10).content == CONTENT
        assert message["unfurl_links"] is False

    def test_its_files_name_what_it_uses(self) -> None:
        [text] = blocks(INVOKE, "yaml")
        document = yaml.safe_load(text)
        assert list(document) == [
            *("schema_version", "name", "version", "runtime", "build_image", "run_image", "entrypoint", "memory"),
            "config",
        ]
        assert document["entrypoint"] == "/python/bin/fdk /function/func.py handler"
        assert list(document["config"]) == ["PRESIGN_INVOKE_ENDPOINT", "PRESIGN_FUNCTION_OCID"]
        assert set(re.findall(r"environ\[\"(\w+)\"\]", self.CALLER)) == set(document["config"])
        assert "\n```\nfdk\noci\n```\n" in INVOKE


class TestMessages:
    """The message in the page is one that the function delivers, and the page's consumer receives it."""

    def test_the_example(self, start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        running = start(deliver_to="queue", events=True)
        for name, value in running.stack.caller_environment().items():
            monkeypatch.setenv(name, value)
        consumer: dict[str, Any] = {}
        exec(blocks(INVOKE, "python")[1], consumer)  # noqa: S102 - the page's own lines
        received: list[Any] = []
        running.stack.storage.put_object(BUCKET, "users/alice/photo.png", b"a photo")
        consumer["receive"](lambda *message: received.append(message))
        [(event, answer)] = received
        [example] = [json.loads(block) for block in blocks(INVOKE, "json") if block.startswith('{"event"')]
        assert [list(event), list(answer)] == [list(example["event"]), list(example["answer"])]
        own = {"bucket": "", "eventID": "", "eventTime": "", "eTag": "", "versionId": "", "compartmentId": ""}
        assert {**event, **own} == {**example["event"], **own}
        own = {"bucket": "", "url": "", "expires_at": ""}
        assert {**answer, **own} == {**example["answer"], **own}
        assert requests.get(answer["url"], timeout=10).content == b"a photo"
        left = consumer["queue"].get_messages(QUEUE_OCID, timeout_in_seconds=0, visibility_in_seconds=0).data.messages
        assert left == []
