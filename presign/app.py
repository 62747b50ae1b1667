"""The use case: read the request, decide, sign, answer, and leave one line in the audit log for each decision."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from presign import audit, logs
from presign.call import Call, Invocation, as_problem, new_decision
from presign.problems import MEDIA_TYPE, MethodNotAllowed, NotFound, Problem
from presign.request.events import object_of_event
from presign.request.model import PresignedUrl
from presign.request.parser import parse_batch, untyped_object
from presign.service import Deployment
from presign.settings import Settings

PRESIGN = "/v1/presign"
BATCH = "/v1/presign/batch"
DOCUMENT = "/v1/openapi.json"
EVENT = "event"
METHODS = {PRESIGN: "POST", BATCH: "POST", DOCUMENT: "GET"}

_encoder = msgspec.json.Encoder()


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an invocation, as an HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


class _DirectRequest(msgspec.Struct):
    """What tells the kinds of direct invocations apart; their JSON may be anything else."""

    requests: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    event_type: msgspec.Raw | msgspec.UnsetType = msgspec.field(name="eventType", default=msgspec.UNSET)


_direct_request = msgspec.json.Decoder(_DirectRequest)


class App:
    """Answers invocations.

    Args:
        config: the function's configuration.
        root: the folder of the function, where `POLICY` may name a file.
        clock: gives the time, in seconds since the epoch.
        audit_stream: gets one line for each decision.
    """

    def __init__(
        self,
        config: Mapping[str, str],
        *,
        root: Path,
        clock: Callable[[], float] = time.time,
        audit_stream: BinaryIO = sys.stderr.buffer,
    ) -> None:
        logs.set_level("INFO")
        self._config = config
        self._root = root
        self._clock = clock
        self._audit_stream = audit_stream

    def warm(self) -> None:
        """Read the settings, and begin to fetch what signing needs, before anybody waits for it.

        It waits for nothing and raises nothing: the log tells what goes wrong, and so does the answer to a caller whom
        it concerns.
        """
        try:
            deployment = self._deployment
        except Exception as exc:  # noqa: BLE001 - callers get it as an answer
            as_problem(exc, "start")
            return
        threading.Thread(target=_fetch_ahead, args=(deployment,), daemon=True).start()

    def handle(self, invocation: Invocation) -> Reply:
        """The answer to `invocation`. It raises nothing: what goes wrong is a problem in the reply."""
        try:
            answer = self._answer(invocation)
        except Exception as exc:  # noqa: BLE001 - whatever it is, the caller gets an answer
            answer = as_problem(exc, invocation.call_id)
            decision = new_decision(invocation)
            decision.refuse(answer)
            with suppress(OSError, ValueError):
                audit.write([decision], self._audit_stream)
        if isinstance(answer, Problem):
            body = _encoder.encode(answer.details(invocation.call_id))
            return _reply(answer.status, MEDIA_TYPE, body, answer.headers)
        return _reply(200, "application/json", answer if isinstance(answer, bytes) else _encoder.encode(answer))

    def _answer(self, invocation: Invocation) -> bytes | PresignedUrl | Problem | dict[str, Any]:
        route = _route(invocation)
        if route == DOCUMENT:
            return self._document
        deployment, body = self._deployment, invocation.body
        call = Call(deployment, invocation)
        if route == BATCH:
            for index, item in enumerate(parse_batch(body)):
                call.decide(partial(deployment.parser.parse, item), index=index)
        elif route == EVENT:
            call.decide(lambda: deployment.parser.check(object_of_event(untyped_object(body))))
        else:
            call.decide(lambda: deployment.parser.parse(body))
        results = call.sign()
        audit.write(call.decisions, self._audit_stream)
        if route != BATCH:
            return results[0]
        return {"results": [_in_batch(result, invocation.call_id) for result in results]}

    @cached_property
    def _deployment(self) -> Deployment:
        settings = Settings.from_config(self._config, root=self._root)
        logs.set_level(settings.log_level)
        return Deployment(settings, clock=self._clock)

    @cached_property
    def _document(self) -> bytes:
        return (self._root / "gateway" / "openapi.json").read_bytes()


def _fetch_ahead(deployment: Deployment) -> None:
    try:
        deployment.presigner()
    except Exception as exc:  # noqa: BLE001 - callers get it as an answer, unless the next fetch goes well
        as_problem(exc, "start")


def _route(invocation: Invocation) -> str:
    """What is asked for.

    Raises:
        NotFound: there is nothing at the path.
        MethodNotAllowed: there is, but not for the method.
    """
    if invocation.caller == "invoke":
        return _kind(invocation.body)
    path = invocation.target.partition("?")[0]
    for route, method in METHODS.items():
        if path.endswith(route):
            if invocation.method != method:
                raise MethodNotAllowed(allow=method)
            return route
    raise NotFound


def _kind(body: bytes) -> str:
    """What a direct invocation asks for, which its body alone tells; what can't be read is for the parser to refuse."""
    try:
        request = _direct_request.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return PRESIGN
    if request.requests is not msgspec.UNSET:
        return BATCH
    return PRESIGN if request.event_type is msgspec.UNSET else EVENT


def _in_batch(result: PresignedUrl | Problem, call_id: str) -> Any:
    return {"problem": result.details(call_id)} if isinstance(result, Problem) else result


def _reply(status: int, media_type: str, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
    # A URL is as good as a password while it lasts, so no cache may keep an answer.
    common = {"Content-Type": media_type, "Cache-Control": "no-store"}
    return Reply(status=status, headers={**common, **(headers or {})}, body=body)
