"""Fixtures that start the whole system, and the summary of what was skipped."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import requests
from hypothesis import HealthCheck, Phase, settings

from local import stack
from local.api_gateway.deployment import NO_RATE_LIMIT
from local.functions.fn_agent import Answer, invoke_http
from local.identity import resource_principal
from local.identity.identity_provider import IdentityProvider
from local.stack import SECRET_NAME, SECRET_OCID, VAULT_OCID, Stack
from presign.settings import SIGNERS
from support.echo import Echo
from support.echo import echo as run_echo
from support.keys import short_key
from support.leaks import leaks, leaks_of_answer, recorded_answers, secrets_of
from support.programs import needs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from support.native_storage import NativeStorage
    from support.oci_services import World
    from support.store import Store

LIVE_VARIABLES = [f"LIVE_S3_{name}" for name in ("ENDPOINT", "REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "BUCKET")]


class Running(NamedTuple):
    """A running system, and the log of its function."""

    stack: Stack
    log_path: Path

    def ask(self, *, claims: Mapping[str, Any] | None = None, **request: Any) -> requests.Response:
        """Send a request for a URL through the gateway, with a token that has `claims`."""
        return self.post(json=request, headers=self.authorization(**(claims or {})))

    def post(self, path: str = "/v1/presign", **options: Any) -> requests.Response:
        """Send a POST request to the gateway, with alice's token unless `options` have headers."""
        options.setdefault("headers", self.authorization())
        return requests.post(f"{self.stack.url}{path}", timeout=30, **options)

    def authorization(self, **claims: Any) -> dict[str, str]:
        """The header with a token that has `claims`; its `sub` is `alice` unless they say otherwise."""
        return {"Authorization": f"Bearer {self.stack.token(**claims)}"}

    def call(
        self,
        target: str = "/v1/presign",
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        body: bytes,
    ) -> Answer:
        """Call the function as API Gateway does, also with requests that API Gateway would refuse."""
        # API Gateway always sends a claim.
        marked = {"X-Claim-Jti": f"{self.stack.claims_key}:1:", **(headers or {})}
        return invoke_http(self.stack.socket_path, method=method, target=target, headers=marked.items(), body=body)

    def invoke(self, **request: Any) -> tuple[Answer, Any]:
        """Send a request for a URL straight to the function; return the answer, and the JSON in it."""
        answer = self.stack.invoke(json.dumps(request).encode())
        return answer, json.loads(answer.body)

    def put_key(self, access_key_id: str, secret_access_key: str, **more: str) -> None:
        """Give the function's secret a new version that holds this key."""
        content = {"access_key_id": access_key_id, "secret_access_key": secret_access_key, **more}
        self.stack.vault.put_secret(json.dumps(content), secret_id=SECRET_OCID, name=SECRET_NAME, vault_id=VAULT_OCID)

    def log(self) -> str:
        """The function's log so far."""
        return self.log_path.read_text(encoding="utf-8")


def pytest_configure() -> None:
    """Let programs that tests start end by SIGINT, which in a shell's background job they would ignore."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # mutmut runs one test in several ways, and thousands of times; nobody reads what fails.
    settings.register_profile(
        "mutants",
        max_examples=20,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.differing_executors],
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for systems whose tests set neither: the signer, and the folder to run."""
    parser.addoption("--signer", choices=SIGNERS, default="sigv4")
    parser.addoption("--image", type=Path, help="folder of an image; the tests run it instead of the project")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hold each test to its mark `needs`."""
    for mark in item.iter_markers("needs"):
        needs(*mark.args)


@pytest.fixture(scope="session", autouse=True)
def session_keys() -> Iterator[None]:
    """Few keys serve all resource principals and all identity providers in turn, since it takes time to make one."""
    signing_keys = cycle([short_key() for _ in range(3)])
    providers = cycle([IdentityProvider() for _ in range(3)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resource_principal, "new_key", signing_keys.__next__)
        patch.setattr(stack, "IdentityProvider", providers.__next__)
        yield


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A tenancy in which all is right, and an operator's credentials for it."""
    from support.oci_services import World  # imports the SDK, which few tests need

    with World(tmp_path) as world:
        monkeypatch.setenv("OCI_CLI_CONFIG_FILE", str(world.api_key.file))
        yield world


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """A store that runs; its two buckets are empty before the module's first test."""
    from support.store import Store  # imports boto3

    it = Store()
    with it.server:
        yield it


@pytest.fixture
def fresh_store() -> Iterator[Store]:
    """A store of the test's own."""
    from support.store import Store

    it = Store()
    with it.server:
        yield it


@pytest.fixture
def native(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NativeStorage]:
    """A store of the test's own, and the OCI SDK for its native API."""
    from support.native_storage import NativeStorage  # imports the SDK

    it = NativeStorage(tmp_path, monkeypatch)
    with it.server:
        yield it


@pytest.fixture
def east_of_greenwich() -> Iterator[None]:
    """A machine whose local time is not UTC."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TZ", "IST-5:30")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(scope="session")
def answers() -> Iterator[dict[Path, list[Answer]]]:
    """The answers of functions that run, by the paths of their sockets."""
    with recorded_answers() as recorded:
        yield recorded


@contextmanager
def starting(
    config: pytest.Config, directory: Path, answers: dict[Path, list[Answer]]
) -> Iterator[Callable[..., Running]]:
    """Starts systems, and stops them at the end. Their answers and logs (at DEBUG) are then searched for secrets."""
    signer, image = config.getoption("--signer"), config.getoption("--image")
    systems: list[Running] = []
    with ExitStack() as started:

        def start_one(config: Mapping[str, str] | None = None, **options: Any) -> Running:
            options.setdefault("specification", NO_RATE_LIMIT)
            options.setdefault("image", image)
            log_path = directory / f"{len(systems)}.log"
            log = started.enter_context(log_path.open("wb"))
            settings = {"LOG_LEVEL": "DEBUG", "SIGNER": signer, **(config or {})}
            systems.append(Running(Stack(config=settings, log=log, **options).__enter__(), log_path))
            return systems[-1]

        yield start_one
        with ThreadPoolExecutor(16) as pool:  # as each of them takes a while to stop
            list(pool.map(lambda system: system.stack.__exit__(), systems))
        found = []
        for system in systems:
            secrets = secrets_of(system.stack)
            found += leaks(system.log(), secrets)
            for answer in answers.pop(system.stack.socket_path, []):
                found += leaks_of_answer(answer, secrets)
    assert found == []


@pytest.fixture(scope="module")
def start(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, answers: dict[Path, list[Answer]]
) -> Iterator[Callable[..., Running]]:
    """Starts systems with settings of a test's own, and stops them after the module's last test."""
    with starting(pytestconfig, tmp_path_factory.mktemp("logs"), answers) as start_one:
        yield start_one


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for the tests of one module."""
    from support.browsers import chromium  # imports Playwright, which few tests need

    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a page with the browser module, of another origin than all else."""
    from support.sites import site

    with site() as url:
        yield url


@pytest.fixture(scope="session")
def running(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, answers: dict[Path, list[Answer]]
) -> Iterator[Running]:
    """A system whose policy allows everything."""
    with starting(pytestconfig, tmp_path_factory.mktemp("logs"), answers) as start_one:
        yield start_one()


@pytest.fixture(scope="session")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Echo]:
    """A function that returns the request it received, behind the local gateway."""
    with tempfile.TemporaryDirectory(prefix="echo-") as directory:
        socket_path = Path(directory) / "function.sock"
        with run_echo(tmp_path_factory.mktemp("echo"), socket_path=socket_path) as started:
            yield started


@pytest.fixture(scope="session")
def live() -> Iterator[Mapping[str, str]]:
    """The variables `LIVE_S3_*`: those that are set, or those of a SeaweedFS that runs for these tests."""
    if any(os.environ.get(name) for name in LIVE_VARIABLES):
        missing = [name for name in LIVE_VARIABLES if not os.environ.get(name)]
        assert not missing, f"not set: {', '.join(missing)}"
        yield os.environ
        return
    from support.seaweedfs import seaweedfs  # beside the tests that need it

    with seaweedfs() as variables:
        yield variables


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one line for each reason to skip, with the number of tests."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped")
    )
    for reason, count in reasons.items():
        terminalreporter.write_line(f"SKIPPED {count} tests: {reason}")
