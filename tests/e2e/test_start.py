"""`python func.py`, which the image starts: the function is ready before its first caller, whatever Vault does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.api import Fault
from local.functions.function import START_COMMAND
from local.stack import OBJECT
from support.systems import Running
from support.waiting import wait_until


@pytest.fixture
def started(start: Callable[..., Running]) -> Running:
    return start(command=START_COMMAND)


def start_again(running: Running, fault: Fault) -> None:
    """End the function's process, so that another is started while Vault has a fault."""
    wait_until(lambda: running.stack.vault.requests == 1)
    running.stack.vault.fault = fault
    pid = running.stack.function.pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: running.stack.function.pid != pid)


class TestStart:
    """The function fetches its key while the container starts, so that the first call need not wait for it."""

    def test_the_secret_is_fetched_before_anybody_calls(self, started: Running) -> None:
        wait_until(lambda: started.stack.vault.requests == 1)
        assert started.ask(key=OBJECT).status_code == 200
        assert started.stack.vault.requests == 1

    def test_the_namespace_too(self, start: Callable[..., Running]) -> None:
        endpoint = "https://{namespace}.compat.objectstorage.{region}.oraclecloud.com"
        running = start({"STORAGE_ENDPOINT": endpoint}, command=START_COMMAND)
        stack = running.stack
        wait_until(lambda: (stack.vault.requests, stack.storage.requests) == (1, 1))
        assert running.ask(key=OBJECT).status_code == 200
        assert (stack.vault.requests, stack.storage.requests) == (1, 1)

    def test_settings_that_are_wrong_are_told_in_the_log_and_to_the_caller(self, start: Callable[..., Running]) -> None:
        running = start({"SECRET_OCID": ""}, command=START_COMMAND)
        wait_until(lambda: "start: setting /SECRET_OCID: is required" in running.log())
        assert running.ask(key=OBJECT).json()["code"] == "not_configured"


class TestVaultIsNotReady:
    """A Vault that is slow or down while the container starts does not keep the function from starting."""

    def test_slow(self, started: Running) -> None:
        is_ready = threading.Event()
        start_again(started, Fault(until=is_ready))
        wait_until(lambda: started.stack.vault.requests == 2)
        assert started.ask(key="../a").status_code == 400
        assert started.stack.vault.requests == 2  # the fetch is still under way
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(started.ask, key=OBJECT)  # needs the key, so it waits for this fetch
            is_ready.set()
            assert answer.result().status_code == 200
        assert started.stack.vault.requests == 2

    def test_down(self, started: Running) -> None:
        start_again(started, Fault(status=500))
        wait_until(lambda: "start: Vault did not give" in started.log())
        assert started.ask(key="../a").status_code == 400
        assert started.ask(key=OBJECT).json()["code"] == "secret_unavailable"
        started.stack.vault.fault = None
        wait_until(lambda: started.ask(key=OBJECT).status_code == 200)
