"""Replacing the customer secret key and the gateway secret as docs/operations.md says, while URLs are asked for."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests
from werkzeug.wrappers import Request, Response

from local.api_gateway.deployed_api import DeployedApi
from local.api_gateway.deployment import NO_RATE_LIMIT, filled, parse
from local.api_gateway.gateway import Gateway
from local.functions.function import Function
from local.identity.identity_provider import AUDIENCE, ISSUER
from local.server import Server
from local.stack import CONTENT, FUNCTION_OCID, OBJECT, ROOT
from support.systems import Running
from support.waiting import wait_until

CALLERS = 3
EXPIRES_IN = 4
TTL, MAX_STALE = 1, 1
SETTINGS = {"SECRET_TTL": str(TTL), "SECRET_MAX_STALE": str(MAX_STALE), "MAX_EXPIRES_IN": str(EXPIRES_IN)}
SHORT_SECONDS = 1.5
"""A URL that is valid for less is not used any more, lest it end on the way."""


class Load:
    """Callers that ask for URLs, and use each of them at once and again shortly before it ends."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._stopping = threading.Event()
        self.answers: list[dict[str, str]] = []
        self.used = 0
        self.failures: list[str] = []

    def work(self) -> None:
        held: list[tuple[float, str]] = []
        while not self._stopping.is_set() or held:
            if not self._stopping.is_set():
                response = self._running.ask(key=OBJECT, expires_in=EXPIRES_IN)
                if response.status_code != 200:
                    self.failures.append(response.text)
                    continue
                self.answers.append(response.json())
                ends_at = datetime.fromisoformat(response.json()["expires_at"]).timestamp()
                self.use(response.json()["url"], ends_at)
                held.append((ends_at, response.json()["url"]))
            while held and held[0][0] - time.time() < SHORT_SECONDS + 0.5:
                ends_at, url = held.pop(0)
                self.use(url, ends_at)
            time.sleep(0.05)

    def use(self, url: str, ends_at: float) -> None:
        if ends_at - time.time() < SHORT_SECONDS:
            return
        response = requests.get(url, timeout=10)
        self.used += 1
        if response.content != CONTENT:
            self.failures.append(response.text)

    def signed(self, *, since: float = 0) -> list[dict[str, str]]:
        """The answers whose URLs were signed since a moment (seconds since the epoch), whenever they arrived."""
        return [answer for answer in self.answers if signed_at(answer["url"]) >= since]

    def keys(self, *, since: float = 0) -> set[str]:
        """The access key ids in these URLs."""
        return {access_key_id(answer["url"]) for answer in self.signed(since=since)}

    @contextmanager
    def going_on(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.work) for _ in range(CALLERS)]
        for thread in threads:
            thread.start()
        ends_at = time.monotonic() + 20
        while len(self.answers) < CALLERS and time.monotonic() < ends_at:
            time.sleep(0.05)
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join()


def access_key_id(url: str) -> str:
    """The id of the key that signed the URL."""
    return parse_qs(urlsplit(url).query)["X-Amz-Credential"][0].partition("/")[0]


def signed_at(url: str) -> float:
    """The second at which the URL was signed, since the epoch."""
    return datetime.strptime(parse_qs(urlsplit(url).query)["X-Amz-Date"][0], "%Y%m%dT%H%M%S%z").timestamp()


def test_a_key_is_replaced_and_no_url_fails(start: Callable[..., Running]) -> None:
    running = start(SETTINGS)
    old = running.stack.credentials[0]
    load = Load(running)
    with load.going_on():
        assert load.keys() == {old}
        # 1. Another key of the same user; Object Storage takes both.
        running.stack.storage.add_key("new", "new-secret")
        # 2. A new version of the secret.
        running.put_key("new", "new-secret")
        time.sleep(TTL + MAX_STALE)
        replaced_at = time.time()
        # 3. Wait until the last URL that the old key may have signed has ended.
        time.sleep(EXPIRES_IN)
        assert load.keys(since=replaced_at) == {"new"}
        # 4. Delete the old key.
        running.stack.storage.remove_key(old)
        time.sleep(1)
    assert load.failures == []
    assert load.keys(since=replaced_at) == {"new"}
    assert load.used > 20


def test_a_key_whose_end_is_planned_is_replaced_and_no_url_fails(start: Callable[..., Running]) -> None:
    running = start(SETTINGS)
    load = Load(running)
    with load.going_on():
        retire_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=6)
        old, secret_access_key = running.stack.credentials
        running.put_key(old, secret_access_key, retire_at=retire_at.isoformat())
        time.sleep(TTL + MAX_STALE)
        planned_at = time.time()
        wait_until(lambda: load.signed(since=planned_at))
        running.stack.storage.add_key("new", "new-secret")
        running.put_key("new", "new-secret")
        time.sleep(max(0, (retire_at - datetime.now(UTC)).total_seconds()))
        running.stack.storage.remove_key(old)
        time.sleep(1)
    assert load.failures == []
    ends = [
        datetime.fromisoformat(answer["expires_at"])
        for answer in load.signed(since=planned_at)
        if access_key_id(answer["url"]) == old
    ]
    assert max(ends) <= retire_at
    assert access_key_id(load.answers[-1]["url"]) == "new"


class ChangingGateway:
    """A gateway whose deployment can be updated while it answers.

    Args:
        running: the system whose identity provider it trusts.
    """

    def __init__(self, running: Running) -> None:
        self._running = running
        self._gateway: Gateway | None = None

    def deploy(self, *, secret: str, socket_path: Path) -> None:
        """From now on, pass claims with this gateway secret to the function at `socket_path`."""
        specification = filled(
            {
                "FUNCTION_OCID": [FUNCTION_OCID],
                "ISSUER": [ISSUER],
                "AUDIENCE": [AUDIENCE],
                "JWKS_URI": [self._running.stack.jwks_url],
                "ALLOWED_ORIGINS": ["*"],
                "CLAIMS_KEY": [secret],
            },
            NO_RATE_LIMIT,
        )
        gateway = Gateway()
        gateway.deploy("", DeployedApi(parse(specification), socket_path=socket_path))
        self._gateway = gateway

    def __call__(self, request: Request) -> Response:
        assert self._gateway is not None
        return self._gateway(request)


def test_the_gateway_secret_is_replaced_and_no_call_fails(start: Callable[..., Running]) -> None:
    old, new = "a" * 32, "b" * 32
    running = start()
    gateway = ChangingGateway(running)
    statuses: list[int] = []
    stopping = threading.Event()

    def ask() -> int:
        response = requests.post(
            f"{server.url}/v1/presign", json={"key": "users/alice/a"}, headers=running.authorization(), timeout=10
        )
        return response.status_code

    def call_on_and_on() -> None:
        while not stopping.is_set():
            statuses.append(ask())

    def wait_for_calls(count: int = 30) -> None:
        enough, ends_at = len(statuses) + count, time.monotonic() + 30
        while len(statuses) < enough:
            assert time.monotonic() < ends_at
            time.sleep(0.01)

    with ExitStack() as started:
        containers = {
            setting: started.enter_context(container(running, claims_key=setting))
            for setting in (old, f"{old},{new}", new)
        }
        gateway.deploy(secret=old, socket_path=containers[old])
        server = started.enter_context(Server(gateway))
        threads = [threading.Thread(target=call_on_and_on) for _ in range(CALLERS)]
        for thread in threads:
            thread.start()
        try:
            wait_for_calls()
            # 1. The function accepts both.
            gateway.deploy(secret=old, socket_path=containers[f"{old},{new}"])
            wait_for_calls()
            # 2. The gateway sends the new one.
            gateway.deploy(secret=new, socket_path=containers[f"{old},{new}"])
            wait_for_calls()
            # 3. The function accepts the new one alone.
            gateway.deploy(secret=new, socket_path=containers[new])
            wait_for_calls()
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
        assert set(statuses) == {200}
        # The old one is of no use any more.
        gateway.deploy(secret=old, socket_path=containers[new])
        assert ask() == 403


@contextmanager
def container(running: Running, *, claims_key: str) -> Iterator[Path]:
    """Another process of the function, as after a change of the setting `CLAIMS_KEY`; gives its socket."""
    stack = running.stack
    with tempfile.TemporaryDirectory(prefix="presign-") as directory, Path(directory, "log").open("wb") as log:
        socket_path = Path(directory) / "function.sock"
        environment = {**stack.principal.environment(), **stack.settings(), "CLAIMS_KEY": claims_key}
        with Function(root=ROOT, environment=environment, socket_path=socket_path, log=log):
            yield socket_path


class TestRetirement:
    """No URL outlives its key."""

    def test_the_answer_says_that_the_url_is_shorter(self, start: Callable[..., Running]) -> None:
        running = start()
        retire_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=100)
        running.put_key(*running.stack.credentials, retire_at=retire_at.isoformat())
        answer = running.ask(key=OBJECT, expires_in=3600).json()
        assert 90 <= answer["expires_in"] <= 100
        assert datetime.fromisoformat(answer["expires_at"]) == retire_at
        assert parse_qs(urlsplit(answer["url"]).query)["X-Amz-Expires"] == [str(answer["expires_in"])]
        assert running.ask(key=OBJECT, expires_in=10).json()["expires_in"] == 10
        assert f'"expires_in":{answer["expires_in"]},"rule":0,"via":"s3","outcome":"granted"' in running.log()

    def test_a_key_that_is_retired_signs_nothing_until_there_is_another(self, start: Callable[..., Running]) -> None:
        running = start()
        running.put_key(*running.stack.credentials, retire_at="2026-01-01T00:00:00Z")
        response = running.ask(key=OBJECT)
        assert (response.status_code, response.json()["code"]) == (503, "secret_unavailable")
        assert f"The key {running.stack.credentials[0]} in ocid1.vaultsecret" in running.log()
        assert "is retired since" in running.log()
        running.put_key(*running.stack.credentials)
        time.sleep(int(response.headers["Retry-After"]))
        assert running.ask(key=OBJECT).status_code == 200

    def test_a_key_that_is_retired_while_another_is_cached(self, start: Callable[..., Running]) -> None:
        """The cached one signs, and the log quotes no more of the secret than the id and `retire_at`."""
        running = start({"SECRET_TTL": "1"})
        assert running.ask(key=OBJECT).status_code == 200
        running.put_key("retired", "hunter2", retire_at="2026-01-01T00:00:00Z", note="hunter3")
        wait_until(lambda: "using the cached value" in running.log() or running.ask(key=OBJECT).status_code != 200)
        assert access_key_id(running.ask(key=OBJECT).json()["url"]) == running.stack.credentials[0]
        assert "is retired since 2026-01-01 00:00:00+00:00: " in running.log()
        assert "The key retired in ocid1.vaultsecret" in running.log()
        assert "hunter" not in running.log()

    def test_a_key_that_retires_while_it_is_fresh(self, start: Callable[..., Running]) -> None:
        running = start({"SECRET_TTL": "300"})
        running.ask(bucket="elsewhere", key="a")  # so that the function has started
        retire_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=5)
        running.put_key(*running.stack.credentials, retire_at=retire_at.isoformat())
        assert running.ask(key=OBJECT).status_code == 200
        running.stack.storage.add_key("new", "new-secret")
        running.put_key("new", "new-secret")
        time.sleep(max(0, (retire_at - datetime.now(UTC)).total_seconds()))
        answer = running.ask(key=OBJECT).json()
        assert access_key_id(answer["url"]) == "new"
        assert answer["expires_in"] == 3600
