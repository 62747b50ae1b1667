"""Fixtures that start the whole system, and the summary of what was skipped."""

from __future__ import annotations

import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

from local import stack
from local.functions.fn_agent import Answer
from local.identity import resource_principal
from local.identity.identity_provider import IdentityProvider
from presign.settings import SIGNERS
from support.echo import Echo
from support.echo import echo as run_echo
from support.keys import short_key
from support.leaks import recorded_answers
from support.programs import needs
from support.systems import Running, starting

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from support.native_storage import NativeStorage
    from support.oci_services import World
    from support.store import Store


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
    from support.live_store import live_store  # imports boto3

    with live_store() as variables:
        yield variables


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one line for each reason to skip, with the number of tests."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped")
    )
    for reason, count in reasons.items():
        terminalreporter.write_line(f"SKIPPED {count} tests: {reason}")
