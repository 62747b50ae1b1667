"""The parts that answer calls, without OCI: the key is at hand, and PARs are kept in a list."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from io import BytesIO
from typing import Any, cast

from presign.assembly import Service
from presign.authorize.decision import Policy
from presign.authorize.rules import parse_rules
from presign.calls.call import Call
from presign.issue.endpoint import StorageEndpoint
from presign.issue.sigv4 import SigV4Issuer
from presign.model.invocation import Caller, Invocation, Principal
from presign.problems import SecretUnavailable
from presign.read.parser import RequestParser
from presign.record import AuditLog
from presign.services.key import CustomerSecretKey

NOW = 1_790_000_000
KEY = CustomerSecretKey("access", "secret")
ENDPOINT = StorageEndpoint.from_template("https://store.example.com", namespace="", region="r")


class _AtOnce(Executor):
    """Runs a call where it is submitted."""

    def submit(self, run: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(run(*arguments, **named))
        except Exception as exc:  # noqa: BLE001 - the future holds it
            future.set_exception(exc)
        return future


class ListedPars:
    """PARs that are only written down."""

    tags = ("tag",)

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        self.executor = _AtOnce()

    def create(self, bucket: str, **details: Any) -> tuple[str, str]:
        """Write the PAR down; its URL is as long as one of OCI."""
        self.created.append({"bucket": bucket, **details})
        return f"id{len(self.created)}", f"https://par.example.com/p/{'t' * 64}/n/ns/b/{bucket}/o/"


class FixedService:
    """The parts that `rules` make; `key` is None if Vault does not give it."""

    def __init__(self, rules: Sequence[Mapping[str, Any]], *, key: CustomerSecretKey | None = KEY) -> None:
        parsed, errors = parse_rules(json.dumps({"rules": rules}))
        assert not errors
        self.policy = Policy(parsed, default_expires_in=3600)
        self.parser = RequestParser(default_bucket="b", max_expires_in=604_800, virtual_hosted=False)
        self.pars = ListedPars()
        self.key_at_hand = key
        self.audit = BytesIO()

    def now(self) -> int:
        return NOW

    def seconds_left(self, deadline: str) -> float:
        return 10.0

    def key(self, *, deadline: str = "") -> CustomerSecretKey:
        if self.key_at_hand is None:
            raise SecretUnavailable("Vault is down")
        return self.key_at_hand

    def issuer(self, *, deadline: str = "") -> SigV4Issuer:
        return SigV4Issuer(endpoint=ENDPOINT, region="r")

    def call(self, document: Any, **claims: str) -> Call:
        """The call of a principal with `claims`, whose JSON is `document`."""
        caller: Caller = "gateway" if claims else "invoke"
        return Call(
            invocation=Invocation(call_id="01CALL", caller=caller, body=b""),
            principal=Principal(caller, claims),
            document=document,
            service=cast("Service", self),
            audit=AuditLog(self.audit),
        )

    @property
    def records(self) -> list[dict[str, Any]]:
        """The audit records so far."""
        return [json.loads(line) for line in self.audit.getvalue().splitlines()]
