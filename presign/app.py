"""The use case: read the request, decide, sign, answer, and leave one line in the audit log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from math import inf
from pathlib import Path
from typing import TextIO

import msgspec

from presign import audit, logs
from presign.audit import Decision
from presign.cache import CachedValue
from presign.credentials import CustomerSecretKey
from presign.endpoint import StorageEndpoint
from presign.model import PresignedUrl
from presign.parser import RequestParser
from presign.policy import Caller, Policy
from presign.problems import (
    MEDIA_TYPE,
    InternalError,
    MethodNotAllowed,
    NotConfigured,
    NotFound,
    Problem,
    SecretUnavailable,
)
from presign.settings import Settings
from presign.signers import Signer, make_signer
from presign.tenancy import Tenancy, realm_domain
from presign.vault import fetch_key

PATH = "/v1/presign"
METHOD = "POST"

_log = logging.getLogger(__name__)
_encoder = msgspec.json.Encoder()


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the function, free of the FDK.

    Args:
        call_id: the Fn call id.
        caller: whether it came through API Gateway or directly.
        method: of the HTTP request that the gateway received; not looked at in a direct invocation.
        target: likewise: its path, which may begin with the prefix of the gateway's deployment, and query.
        body: the JSON text.
    """

    call_id: str
    caller: Caller
    method: str = METHOD
    target: str = PATH
    body: bytes


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an invocation, as an HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


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
        audit_stream: TextIO = sys.stderr,
    ) -> None:
        logs.set_level("INFO")
        self._config = config
        self._root = root
        self._clock = clock
        self._audit_stream = audit_stream

    def handle(self, invocation: Invocation) -> Reply:
        """The answer to `invocation`. It raises nothing: what goes wrong is a problem in the reply."""
        decision = Decision(call_id=invocation.call_id, caller=invocation.caller)
        try:
            url = self._presign(invocation, decision)
            audit.write(decision, self._audit_stream)
            return _reply(200, "application/json", _encoder.encode(url))
        except Exception as exc:  # noqa: BLE001 - the one place where everything becomes an answer
            problem = exc if isinstance(exc, Problem) else InternalError()
            _log_cause(exc, invocation.call_id)
            decision.refuse(problem)
            with suppress(OSError, ValueError):
                audit.write(decision, self._audit_stream)
            body = _encoder.encode(problem.details(invocation.call_id))
            return _reply(problem.status, MEDIA_TYPE, body, problem.headers)

    def _presign(self, invocation: Invocation, decision: Decision) -> PresignedUrl:
        deployment = self._deployment
        if invocation.caller == "gateway":
            if not invocation.target.partition("?")[0].endswith(PATH):
                raise NotFound
            if invocation.method != METHOD:
                raise MethodNotAllowed(allow=METHOD)
        request = deployment.parser.parse(invocation.body)
        decision.describe(request)
        deployment.policy.authorize(request, invocation.caller)
        key = deployment.key.get()
        signer = deployment.signer.get()
        now = int(self._clock())
        return PresignedUrl(
            url=signer.presign(request, key=key, now=now),
            method=request.method,
            headers=request.headers,
            expires_at=_rfc3339(now + request.expires_in),
            expires_in=request.expires_in,
            operation=request.operation,
            bucket=request.bucket,
            key=request.key,
        )

    @cached_property
    def _deployment(self) -> _Deployment:
        settings = Settings.from_config(self._config, root=self._root)
        logs.set_level(settings.log_level)
        return _Deployment(settings)


class _Deployment:
    """What the settings call for, made once; the key and the namespace are fetched when first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tenancy = Tenancy(
            vault_endpoint=settings.vault_endpoint, object_storage_endpoint=settings.object_storage_endpoint
        )
        self.parser = RequestParser(
            default_bucket=settings.default_bucket,
            default_expires_in=settings.default_expires_in,
            max_expires_in=settings.max_expires_in,
            virtual_hosted=settings.virtual_hosted,
        )
        self.policy = Policy(settings.rules)
        self.key: CachedValue[CustomerSecretKey] = CachedValue(
            lambda: fetch_key(self._tenancy, settings.secret),
            ttl_seconds=settings.secret_ttl_seconds,
            max_stale_seconds=settings.secret_max_stale_seconds,
        )
        self.signer: CachedValue[Signer] = CachedValue(self._make_signer, ttl_seconds=inf)

    def _make_signer(self) -> Signer:
        region = self._settings.region
        template = self._settings.storage_endpoint
        if template is None:
            template = f"https://{{namespace}}.compat.objectstorage.{{region}}.{realm_domain(region)}"
        namespace = self._settings.namespace or ""
        if not namespace and "{namespace}" in template:
            namespace = self._tenancy.namespace()
        endpoint = StorageEndpoint.from_template(template, namespace=namespace, region=region)
        return make_signer(self._settings.signer, endpoint=endpoint, region=region)


def _reply(status: int, media_type: str, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
    # A URL is as good as a password while it lasts, so no cache may keep an answer.
    common = {"Content-Type": media_type, "Cache-Control": "no-store"}
    return Reply(status=status, headers={**common, **(headers or {})}, body=body)


def _rfc3339(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _log_cause(exc: Exception, call_id: str) -> None:
    """Tell the operator what the caller is not told."""
    if isinstance(exc, NotConfigured):
        for fault in exc.errors:
            _log.error("%s: setting %s", call_id, fault)
    elif isinstance(exc, SecretUnavailable):
        _log.error("%s: %s", call_id, exc.cause)
    elif not isinstance(exc, Problem):
        _log.error("%s: unexpected %s", call_id, logs.where_raised(exc))
