"""`python func.py`, which the image starts: the function is ready before its first caller, whatever Vault does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from conftest import Running
from local.api import Fault
from local.functions.function import START_COMMAND
from local.stack import OBJECT


def eventually(holds: Callable[[], bool], *, seconds: float) -> bool:
    """Whether it holds before the time is over."""
    give_up_at = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def started(start: Callable[..., Running]) -> Running:
    return start(command=START_COMMAND)


def start_again(running: Running, fault: Fault) -> None:
    """End the function's process, so that another is started while Vault has a fault."""
    assert eventually(lambda: running.stack.vault.requests == 1, seconds=20)
    running.stack.vault.fault = fault
    pid = running.stack.function.pid
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: running.stack.function.pid != pid, seconds=10)


class TestStart:
    """What the first call would have to wait for is done while the container starts."""

    def test_the_secret_is_fetched_before_anybody_calls(self, started: Running) -> None:
        assert eventually(lambda: started.stack.vault.requests == 1, seconds=20)
        assert started.ask(key=OBJECT).status_code == 200
        assert started.stack.vault.requests == 1

    def test_the_namespace_too(self, start: Callable[..., Running]) -> None:
        endpoint = "https://{namespace}.compat.objectstorage.{region}.oraclecloud.com"
        running = start({"STORAGE_ENDPOINT": endpoint}, command=START_COMMAND)
        stack = running.stack
        assert eventually(lambda: (stack.vault.requests, stack.storage.requests) == (1, 1), seconds=20)
        assert running.ask(key=OBJECT).status_code == 200
        assert (stack.vault.requests, stack.storage.requests) == (1, 1)

    def test_settings_that_are_wrong_are_told_in_the_log_and_to_the_caller(self, start: Callable[..., Running]) -> None:
        running = start({"SECRET_OCID": ""}, command=START_COMMAND)
        assert eventually(lambda: "start: setting /SECRET_OCID: is required" in running.log(), seconds=20)
        assert running.ask(key=OBJECT).json()["code"] == "not_configured"


class TestVaultIsNotReady:
    """A Vault that is slow or down while the container starts does not keep the function from starting."""

    def test_slow(self, started: Running) -> None:
        start_again(started, Fault(delay_seconds=1.5))
        assert eventually(lambda: started.stack.vault.requests == 2, seconds=20)
        asked_at = time.monotonic()
        assert started.ask(key="../a").status_code == 400
        assert time.monotonic() - asked_at < 1
        # Whoever needs the key waits for the fetch that is under way.
        assert started.ask(key=OBJECT).status_code == 200
        assert started.stack.vault.requests == 2

    def test_down(self, started: Running) -> None:
        start_again(started, Fault(status=500))
        assert eventually(lambda: "start: Vault did not give" in started.log(), seconds=20)
        assert started.ask(key="../a").status_code == 400
        assert started.ask(key=OBJECT).json()["code"] == "secret_unavailable"
        started.stack.vault.fault = None
        assert eventually(lambda: started.ask(key=OBJECT).status_code == 200, seconds=20)
