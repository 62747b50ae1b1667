"""One call of the function and the requests in it: each is decided on by itself, and what is granted is signed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import msgspec

from presign import logs
from presign.audit import Decision
from presign.policy import Caller, Identity
from presign.problems import InternalError, NotConfigured, Problem, SecretUnavailable
from presign.request.field_errors import pointer
from presign.request.model import Operation, PresignedUrl
from presign.service import Deployment, Presigner

_log = logging.getLogger(__name__)


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the function, free of the FDK.

    Args:
        call_id: the Fn call id.
        caller: whether it came through API Gateway or directly.
        claims: of the caller's token, as API Gateway has verified it: names in lower case, and values.
        method: of the HTTP request that the gateway received; not looked at in a direct invocation.
        target: likewise: its path, which may begin with the prefix of the gateway's deployment, and query.
        body: the JSON text.
        deadline: when the caller stops waiting, as the Fn agent tells (RFC 3339).
    """

    call_id: str
    caller: Caller
    claims: Mapping[str, str] = {}
    method: str = ""
    target: str = ""
    body: bytes
    deadline: str = ""


class Call:
    """The requests of one invocation.

    Args:
        deployment: decides and signs.
        invocation: who asks.

    Attributes:
        decisions: the record of each request, in order.
    """

    def __init__(self, deployment: Deployment, invocation: Invocation) -> None:
        self.decisions: list[Decision] = []
        self._deployment = deployment
        self._invocation = invocation
        self._identity = Identity(invocation.caller, invocation.claims)
        self._outcomes: list[Operation | Problem] = []

    def decide(self, read: Callable[[], Operation], *, index: int | msgspec.UnsetType = msgspec.UNSET) -> None:
        """Take in one more request, and decide whether it is granted.

        Args:
            read: gives the operation that is asked for, or raises the problem that its text has.
            index: its place in a batch.
        """
        decision = new_decision(self._invocation, index=index)
        outcome: Operation | Problem
        try:
            outcome = read()
            decision.describe(outcome)
            outcome = self._deployment.policy.authorize(outcome, self._identity)
            decision.expires_in = outcome.expires_in
        except Exception as exc:  # noqa: BLE001 - one request that fails must not fail the others
            outcome = as_problem(exc, self._invocation.call_id)
            if index is not msgspec.UNSET:
                outcome.move_to(pointer("requests", index))
            decision.refuse(outcome)
        self.decisions.append(decision)
        self._outcomes.append(outcome)

    def sign(self) -> list[PresignedUrl | Problem]:
        """For each request, in order, its URL, or why there is none."""
        results: list[PresignedUrl | Problem] = []
        presigner: Presigner | Problem | None = None
        for outcome, decision in zip(self._outcomes, self.decisions, strict=True):
            if isinstance(outcome, Problem):
                results.append(outcome)
                continue
            # What signs is fetched once, and only if something has been granted.
            presigner = presigner or self._presigner()
            result = presigner if isinstance(presigner, Problem) else self._presign(presigner, outcome)
            if isinstance(result, Problem):
                decision.refuse(result)
            else:
                decision.expires_in = result.expires_in
            results.append(result)
        return results

    def _presigner(self) -> Presigner | Problem:
        try:
            return self._deployment.presigner(deadline=self._invocation.deadline)
        except Exception as exc:  # noqa: BLE001 - the requests that were refused have their answers already
            return as_problem(exc, self._invocation.call_id)

    def _presign(self, presigner: Presigner, operation: Operation) -> PresignedUrl | Problem:
        try:
            return presigner.presign(operation)
        except Exception as exc:  # noqa: BLE001 - one request that fails must not fail the others
            return as_problem(exc, self._invocation.call_id)


def new_decision(invocation: Invocation, *, index: int | msgspec.UnsetType = msgspec.UNSET) -> Decision:
    """The record of a request in `invocation`, of which nothing else is known yet."""
    return Decision(
        call_id=invocation.call_id,
        index=index,
        caller=invocation.caller,
        subject=invocation.claims.get("sub", msgspec.UNSET),
    )


def as_problem(exc: Exception, call_id: str) -> Problem:
    """What the caller is told of `exc`; the operator is told the cause, in the log."""
    if isinstance(exc, NotConfigured):
        for fault in exc.errors:
            _log.error("%s: setting %s", call_id, fault)
    elif isinstance(exc, SecretUnavailable):
        _log.error("%s: %s", call_id, exc.cause)
    elif not isinstance(exc, Problem):
        _log.error("%s: unexpected %s", call_id, logs.where_raised(exc))
    return exc if isinstance(exc, Problem) else InternalError()
