"""The running function when Vault, its container or the time fail it: it answers, and recovers by itself."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from local.api import Fault
from local.functions.fn_agent import invoke
from local.stack import CONTENT, OBJECT, ROOT
from support.systems import Running
from support.waiting import wait_until

BODY = json.dumps({"key": OBJECT}).encode()
QUICK_SECONDS = 2
"""Less than the requests to a Vault that hangs take, and far more than an answer that waits for none."""


def ask(running: Running, *, timeout_seconds: float = 30) -> tuple[Any, float]:
    """Ask for a URL with a deadline; the answer, and the seconds that it took."""
    began = time.monotonic()
    answer = invoke(running.stack.socket_path, BODY, timeout_seconds=timeout_seconds)
    return json.loads(answer.body), time.monotonic() - began


def check_url(answer: Any) -> None:
    """The answer's URL gives the object."""
    assert requests.get(answer["url"], timeout=10).content == CONTENT


class TestAfterTheFirstFetch:
    """A call waits for Vault once, when the key is older than `SECRET_TTL`; then nobody does until Vault answers."""

    def test_while_vault_hangs(self, start: Callable[..., Running]) -> None:
        running = start({"SECRET_TTL": "1"})
        ask(running)
        running.stack.vault.fault = Fault(delay_seconds=5)
        time.sleep(1.1)
        check_url(ask(running)[0])
        ends_at = time.monotonic() + 2.5
        while time.monotonic() < ends_at:
            answer, seconds = ask(running)
            check_url(answer)
            assert seconds < QUICK_SECONDS
            time.sleep(0.05)
        assert running.stack.vault.requests <= 3  # the SDK tries once more

    def test_while_vault_fails_on_and_off(self, start: Callable[..., Running]) -> None:
        running = start({"SECRET_TTL": "1"})
        ask(running)
        for turn in range(30):
            running.stack.vault.fault = Fault(status=500) if turn // 10 % 2 else None
            answer, seconds = ask(running)
            check_url(answer)
            assert seconds < QUICK_SECONDS
            time.sleep(0.1)
        assert running.stack.vault.requests > 2
        assert "Vault did not give" in running.log()
        assert "using the cached value" in running.log()

    def test_while_its_container_is_frozen_in_the_middle_of_a_refresh(self, start: Callable[..., Running]) -> None:
        running = start({"SECRET_TTL": "1"})
        ask(running)
        running.stack.vault.fault = Fault(delay_seconds=5)
        time.sleep(1.1)
        check_url(ask(running)[0])
        for _ in range(2):
            os.kill(running.stack.function.pid, signal.SIGSTOP)
            time.sleep(1)
            os.kill(running.stack.function.pid, signal.SIGCONT)
            answer, seconds = ask(running)
            check_url(answer)
            assert seconds < QUICK_SECONDS
        running.stack.vault.fault = None
        running.stack.storage.add_key("second", "another-secret")
        running.put_key("second", "another-secret")
        wait_until(lambda: "X-Amz-Credential=second%2F" in ask(running)[0]["url"])


class TestBeforeTheFirstFetch:
    """A caller who needs the key waits until the deadline at most."""

    @pytest.fixture
    def ready(self, start: Callable[..., Running]) -> Running:
        """A function that has started, and has not needed the key so far."""
        running = start()
        running.invoke(bucket="elsewhere", key="a")
        assert running.stack.vault.requests == 0
        return running

    def test_an_answer_before_the_deadline(self, ready: Running) -> None:
        ready.stack.vault.fault = Fault(delay_seconds=30)
        answer, seconds = ask(ready, timeout_seconds=3)
        assert answer["code"] == "secret_unavailable"
        assert seconds < 3
        assert "the answer did not come before the caller's deadline" in ready.log()

    def test_what_one_caller_did_not_wait_for_serves_the_next(self, ready: Running) -> None:
        ready.stack.vault.fault = Fault(delay_seconds=1.5)
        assert ask(ready, timeout_seconds=1)[0]["code"] == "secret_unavailable"
        check_url(ask(ready)[0])
        assert ready.stack.vault.requests == 1

    @pytest.mark.parametrize("deadline", ["", "soon", "9999-12-31T23:59:59Z"])
    def test_a_deadline_that_does_not_limit(self, start: Callable[..., Running], deadline: str) -> None:
        running = start()
        check_url(json.loads(invoke(running.stack.socket_path, BODY, [("Fn-Deadline", deadline)]).body))

    def test_a_deadline_that_is_over(self, start: Callable[..., Running]) -> None:
        """Nobody may be waiting any more, but the key is fetched for those who come next."""
        running, deadline = start(), "2020-01-01T00:00:00Z"
        ends_at = time.monotonic() + 10
        answer: dict[str, Any] = {}
        while "url" not in answer and time.monotonic() < ends_at:
            answer = json.loads(invoke(running.stack.socket_path, BODY, [("Fn-Deadline", deadline)]).body)
            time.sleep(0.1)
        check_url(answer)

    @pytest.mark.parametrize(("status", "asked", "requests"), [(429, "60", 1), (429, "3600", 1), (503, "3600", 2)])
    def test_vault_asks_for_patience(
        self, start: Callable[..., Running], status: int, asked: str, requests: int
    ) -> None:
        running = start()
        running.stack.vault.fault = Fault(status=status, retry_after=asked)
        for _ in range(5):
            response = running.ask(key=OBJECT)
            assert response.status_code == 503
            assert 30 <= int(response.headers["Retry-After"]) <= 60
        assert running.stack.vault.requests == requests

    def test_the_process_can_be_ended_while_vault_hangs(self, start: Callable[..., Running]) -> None:
        running = start()
        running.stack.vault.fault = Fault(delay_seconds=30)
        ask(running, timeout_seconds=5)
        began = time.monotonic()
        running.stack.function.stop()
        assert time.monotonic() - began < 10


class TestTime:
    """A clock that is off by hours is told once; one that jumps changes nothing."""

    def test_a_clock_that_is_off(self, start: Callable[..., Running]) -> None:
        running = start({"SECRET_TTL": "1"})
        running.stack.vault.fault = Fault(clock_ahead_seconds=7200)
        for _ in range(3):
            assert ask(running)[0]["code"] == "secret_unavailable"
            time.sleep(0.8)
        log = running.log()
        assert len(re.findall("The clock of this machine is (?:1:59:5.|2:00:00) .* behind that of OCI", log)) == 1
        assert "deploy it again" in log
        assert "401 NotAuthenticated" in log
        assert "IAM policy" not in log

    def test_a_clock_that_goes_wrong_later(self, start: Callable[..., Running]) -> None:
        """The cached key signs URLs that the store refuses, until it ends."""
        running = start({"SECRET_TTL": "1", "SECRET_MAX_STALE": "5"})
        check_url(ask(running)[0])
        running.stack.vault.fault = running.stack.storage.fault = Fault(clock_ahead_seconds=7200)
        answers: list[Any] = []

        def is_over() -> bool:
            answers.append(ask(running)[0])
            return "url" not in answers[-1]

        wait_until(is_over)
        assert answers[-1]["code"] == "secret_unavailable"
        urls = [answer["url"] for answer in answers[:-1]]
        assert urls
        for url in (urls[0], urls[-1]):
            assert requests.get(url, timeout=10).status_code == 403
        log = running.log()
        assert len(re.findall("The clock of this machine is (?:1:59:5.|2:00:0.) .* behind that of OCI", log)) == 1
        assert "401 NotAuthenticated" in log
        assert "using the cached value" in log
        assert "IAM policy" not in log


def test_no_thread_before_it_is_needed() -> None:
    program = "import threading, func; print(threading.active_count())"
    ended = subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=20, check=True
    )
    assert ended.stdout == "1\n"
