"""A call: an invocation whose caller and JSON are known, and the parts that answer it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import msgspec

from presign.assembly import Service
from presign.model.invocation import Invocation, Principal
from presign.problems import SecretUnavailable
from presign.record import AuditLog

Item = TypeVar("Item")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """An invocation, with all that every kind of call needs to answer it.

    Args:
        document: the JSON value of the body.
    """

    invocation: Invocation
    principal: Principal
    document: Any
    service: Service
    audit: AuditLog

    @property
    def id(self) -> str:
        """The id that the Fn agent gave the call; it stands in logs, audit records and problems."""
        return self.invocation.call_id

    def seconds_left(self) -> float:
        """Seconds that the call may take, so that its caller gets the answer in time."""
        return self.service.seconds_left(self.invocation.deadline)

    def in_time(self, items: Iterable[Item]) -> Iterator[Item]:
        """`items` one by one; raises `TimeoutError` if the call has no time left for the next."""
        for item in items:
            if self.seconds_left() <= 0:
                raise TimeoutError
            yield item

    def side_by_side(self, step: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """The result of `step` for each of `items`, or the exception that it raised.

        Those that do not end in time for the answer have a `TimeoutError`, and those not begun by then never begin.
        """
        started = [self._start(step, item) for item in items]
        return [self._ended(work) for work in started]

    def _start(self, step: Callable[[Any], Any], item: Any) -> Future[Any]:
        work: Future[Any] = Future()
        try:
            self.service.pars.executor.submit(self._run, work, step, item)
        except RuntimeError as exc:  # no more threads may be started, but one that runs may have taken the work
            if work.cancel():
                work = Future()
                work.set_exception(SecretUnavailable(f"a call of OCI could not be started: {exc}"))
        return work

    def _ended(self, work: Future[Any]) -> Any:
        try:
            return work.result(timeout=max(0.0, self.seconds_left()))
        except Exception as exc:  # noqa: BLE001 - one that fails must not fail the others
            work.cancel()
            return exc

    def _run(self, work: Future[Any], step: Callable[[Any], Any], item: Any) -> None:
        if not work.set_running_or_notify_cancel():
            return
        try:
            if self.seconds_left() <= 0:
                raise TimeoutError
            work.set_result(step(item))
        except BaseException as exc:  # noqa: BLE001 - it is raised where the result is waited for
            work.set_exception(exc)
