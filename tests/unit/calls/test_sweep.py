"""`presign.calls.sweep`: expired PARs are deleted, and the answer comes in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from local.api import Fault
from support.in_process import InProcess
from support.native_storage import NativeStorage
from support.store import BUCKET

SWEEP = {"sweep": {"bucket": BUCKET}}


@pytest.fixture
def function(native: NativeStorage) -> Iterator[InProcess]:
    with InProcess(native) as it:
        yield it


def test_expired_ones_of_all_its_tags(function: InProcess) -> None:
    [earlier], [foreign], [stays] = (
        function.make_expired_pars(1),
        function.make_expired_pars(1, tag="another"),
        function.make_pars(1),
    )
    [tagged] = function.make_expired_pars(1, tag="team-a")
    answer = function.invoke(SWEEP, app=function.another(FUNCTION_TAG="team-a"))
    assert answer == (200, {"bucket": BUCKET, "deleted": 2, "done": True})
    left = {par.id for par in function.live()}
    assert left == {foreign, stays}
    assert left.isdisjoint({earlier, tagged})


def test_nothing_may_stand_beside_it(function: InProcess) -> None:
    function.make_expired_pars(1)
    status, problem = function.invoke({**SWEEP, "bucket": BUCKET, "dry/run": True})
    told = "can't be given beside sweep"
    assert (status, problem["errors"]) == (
        400,
        [{"pointer": "/bucket", "detail": told}, {"pointer": "/dry~1run", "detail": told}],
    )
    assert len(function.live()) == 1


def test_pages_that_take_too_long(function: InProcess) -> None:
    function.make_pars(6000)
    function.storage.fault = Fault(delay_seconds=0.4, api="native")
    began = time.monotonic()
    answer = function.invoke(SWEEP, seconds=1.5)
    assert answer == (200, {"bucket": BUCKET, "deleted": 0, "done": False})
    assert time.monotonic() - began < 1.5
    assert function.storage.requests < 6


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_store_that_does_not_answer(function: InProcess, method: str) -> None:
    function.make_expired_pars(3)
    released = threading.Event()
    function.storage.fault = Fault(until=released, api="native", method=method)
    try:
        assert function.invoke(SWEEP, seconds=1.5) == (200, {"bucket": BUCKET, "deleted": 0, "done": False})
        assert not released.is_set()
    finally:
        released.set()


def test_nothing_is_deleted_while_the_clock_is_ahead_of_the_deadline(function: InProcess) -> None:
    function.make_expired_pars(1)
    assert function.invoke(SWEEP, seconds=-3600) == (200, {"bucket": BUCKET, "deleted": 0, "done": False})
    assert len(function.live()) == 1
    assert function.storage.requests == 0


def test_a_deadline_that_does_not_limit(function: InProcess) -> None:
    """Python can't wait for thousands of years."""
    assert function.invoke(SWEEP, seconds=1e11) == (200, {"bucket": BUCKET, "deleted": 0, "done": True})


def test_one_that_is_gone_already_does_not_end_it(function: InProcess) -> None:
    function.make_expired_pars(3)
    function.storage.fault = Fault(status=404, api="native", method="DELETE", is_carried_out=True)
    assert function.invoke(SWEEP) == (200, {"bucket": BUCKET, "deleted": 3, "done": True})
    assert function.live() == []


def test_a_failure_is_recorded_with_those_that_were_deleted(function: InProcess) -> None:
    function.make_expired_pars(1)
    function.storage.fault = Fault(status=404, api="native", method="DELETE")
    status, problem = function.invoke(SWEEP)
    assert (status, problem["code"]) == (503, "secret_unavailable")
    [record] = function.records
    assert (record["event"], record["deleted"], record["outcome"]) == ("sweep", 0, "failed")
    assert len(function.live()) == 1
