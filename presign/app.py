"""Finds the call that an invocation asks for, and answers it."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from presign import logs
from presign.assembly import Service
from presign.calls import events, presign
from presign.calls.call import Call
from presign.calls.link import Redirect, link
from presign.calls.revoke import revoke
from presign.calls.sweep import sweep
from presign.model.invocation import Invocation, Principal
from presign.model.json_text import decode
from presign.model.outcomes import Refusal
from presign.problems import MEDIA_TYPE, EventFailed, Problem, logged_problem
from presign.read import routes
from presign.read.claims import principal_of
from presign.read.link import document_of_link
from presign.record import AuditLog, records_of
from presign.settings import Settings

_CALLS: dict[routes.Route, Callable[[Call], Any]] = {
    routes.PRESIGN: presign.one,
    routes.BATCH: presign.batch,
    routes.EVENT: events.event,
    routes.EVENTS: events.events,
    routes.REVOKE: revoke,
    routes.SWEEP: sweep,
    routes.LINK: link,
}

_NOT_CACHED = {"Cache-Control": "no-store"}
"""A URL is as good as a password while it lasts, so no cache may keep an answer, nor a redirect."""

_encoder = msgspec.json.Encoder()


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an invocation, as an HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


class App:
    """Answers invocations.

    The settings are read, and the log level is set, when the application is started or first asked.

    `config` is the function's configuration; its `POLICY` may name a file in the folder `root`. `clock` gives the time,
    in seconds since the epoch. `audit_stream` gets one line for each item; by default it is standard error.
    """

    def __init__(
        self,
        config: Mapping[str, str],
        *,
        root: Path,
        clock: Callable[[], float] = time.time,
        audit_stream: BinaryIO | None = None,
    ) -> None:
        self._config = config
        self._root = root
        self._clock = clock
        self._audit = AuditLog(audit_stream)

    def warm(self) -> None:
        """Read the settings, and begin to fetch the key, before the first call.

        It waits for nothing and raises nothing: the log tells of failures, and so does the answer to a caller who
        meets them.
        """
        with _logged_failure():
            fetch_ahead = _logged_failure()(self._service.warm)
            threading.Thread(target=fetch_ahead, daemon=True).start()

    def handle(self, invocation: Invocation) -> Reply:
        """The answer to `invocation`. It raises nothing: a failure becomes a problem in the reply."""
        try:
            answer = self._answer(invocation)
        except Exception as exc:  # noqa: BLE001 - the caller gets an answer in any case
            answer = logged_problem(exc, invocation.call_id)
            principal = Principal(invocation.caller)
            with suppress(OSError, ValueError):
                self._audit.write(records_of([Refusal(answer)], invocation=invocation, principal=principal))
            if answer.status >= 500 and _is_of_events(invocation):
                # The Fn agent makes other statuses 200, which says to the sender that no event need come back.
                return msgspec.structs.replace(_reply(answer, invocation.call_id), status=EventFailed.status)
        return _reply(answer, invocation.call_id)

    def _answer(self, invocation: Invocation) -> Any:
        """The caller's answer: a JSON value, or a problem that is recorded already."""
        route = routes.http_route(invocation) if invocation.caller == "gateway" else None
        if route is routes.DOCUMENT:
            return msgspec.Raw((self._root / "gateway" / "openapi.json").read_bytes())
        service = self._service
        principal = principal_of(invocation, gateway_secrets=service.gateway_secrets)
        routes.check_size(invocation.body, route or routes.BATCH)
        document = document_of_link(invocation) if route is routes.LINK else decode(invocation.body)
        if route is None:
            route = routes.direct_route(document)
            routes.check_size(invocation.body, route)
        return _CALLS[route](
            Call(invocation=invocation, principal=principal, document=document, service=service, audit=self._audit)
        )

    @cached_property
    def _service(self) -> Service:
        logs.set_level("INFO")
        settings = Settings.from_config(self._config, root=self._root)
        logs.set_level(settings.log_level)
        return Service(settings, clock=self._clock)


@contextmanager
def _logged_failure() -> Iterator[None]:
    try:
        yield
    except Exception as exc:  # noqa: BLE001 - callers get it as an answer, unless it goes well then
        logged_problem(exc, "start")


def _is_of_events(invocation: Invocation) -> bool:
    """Whether this is a direct invocation with events."""
    with suppress(Problem):
        if invocation.caller == "invoke":
            return routes.direct_route(decode(invocation.body)) in (routes.EVENT, routes.EVENTS)
    return False


def _reply(answer: Any, call_id: str) -> Reply:
    status, headers = 200, {"Content-Type": "application/json"}
    if isinstance(answer, Redirect):
        return Reply(status=302, headers={"Location": answer.location, **_NOT_CACHED}, body=b"")
    if isinstance(answer, Problem):
        status, headers = answer.status, {"Content-Type": MEDIA_TYPE, **answer.headers}
        answer = answer.details(call_id)
    return Reply(status=status, headers={**headers, **_NOT_CACHED}, body=_encoder.encode(answer))
