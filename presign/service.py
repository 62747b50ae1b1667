"""What one deployment's settings call for."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from math import inf

import msgspec

from presign.issue import Signer, make_signer
from presign.issue.endpoint import StorageEndpoint
from presign.keys.cache import CachedValue
from presign.keys.clock import ClockCheck, rfc3339
from presign.keys.credentials import CustomerSecretKey
from presign.keys.oci_client import Tenancy, realm_domain
from presign.keys.source import fetch_key
from presign.policy import Policy
from presign.problems import SecretUnavailable
from presign.request.model import FormRequest, Operation, PresignedUrl
from presign.request.parser import RequestParser
from presign.settings import Settings

WAIT_SECONDS = 10.0
"""How long a call without a deadline may wait for what has to be fetched."""
ANSWER_SECONDS = 0.5
"""What is kept of the time before a call's deadline, for its answer to reach the caller."""


class Deployment:
    """The parts that answer requests, made once; the key and the namespace are fetched when first needed.

    Args:
        clock: gives the time, in seconds since the epoch.

    Attributes:
        parser: reads requests.
        policy: decides on them.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._tenancy = Tenancy(
            vault_endpoint=settings.vault_endpoint,
            object_storage_endpoint=settings.object_storage_endpoint,
            clock_check=ClockCheck("OCI", clock=clock),
        )
        self.parser = RequestParser(
            default_bucket=settings.default_bucket,
            max_expires_in=settings.max_expires_in,
            virtual_hosted=settings.virtual_hosted,
        )
        self.policy = Policy(settings.rules, default_expires_in=settings.default_expires_in)
        self._key: CachedValue[CustomerSecretKey] = CachedValue(
            lambda: fetch_key(self._tenancy, settings.secret, clock=clock),
            ttl_seconds=settings.secret_ttl_seconds,
            max_stale_seconds=settings.secret_max_stale_seconds,
            may_serve=lambda key: key.seconds_left(clock()) >= 1,
        )
        self._namespace: CachedValue[str] = CachedValue(self._tenancy.namespace, ttl_seconds=inf)
        self._signer: Signer | None = None

    def presigner(self, *, deadline: str = "") -> Presigner:
        """What signs from now on.

        Args:
            deadline: when the caller stops waiting (RFC 3339); anything else if that isn't known.

        Raises:
            SecretUnavailable: the key or the namespace can't be had, or not before the deadline.
        """
        key = self._key.fresh() or self._key.get(wait_seconds=self._wait_seconds(deadline))
        signer = self._signer = self._signer or self._make_signer(deadline)
        return Presigner(key=key, signer=signer, now=int(self._clock()))

    def _wait_seconds(self, deadline: str) -> float:
        try:
            return datetime.fromisoformat(deadline).timestamp() - self._clock() - ANSWER_SECONDS
        except ValueError:
            return WAIT_SECONDS

    def _make_signer(self, deadline: str) -> Signer:
        region = self._settings.region
        template = self._settings.storage_endpoint
        if template is None:
            template = f"https://{{namespace}}.compat.objectstorage.{{region}}.{realm_domain(region)}"
        namespace = self._settings.namespace or ""
        if not namespace and "{namespace}" in template:
            namespace = self._namespace.get(wait_seconds=self._wait_seconds(deadline))
        endpoint = StorageEndpoint.from_template(template, namespace=namespace, region=region)
        return make_signer(self._settings.signer, endpoint=endpoint, region=region)


class Presigner:
    """Signs with one key at one time.

    Args:
        key: the customer secret key.
        signer: the way to sign.
        now: seconds since the epoch.
    """

    def __init__(self, *, key: CustomerSecretKey, signer: Signer, now: int) -> None:
        self._key = key
        self._signer = signer
        self._now = now

    def presign(self, operation: Operation) -> PresignedUrl:
        """The URL for `operation`, which has been granted; it does not outlive the key.

        Raises:
            SecretUnavailable: the key has just been retired.
        """
        request = operation.request()
        seconds_left = self._key.seconds_left(self._now)
        if request.expires_in > seconds_left:
            if seconds_left < 1:
                raise SecretUnavailable("The key was retired while the request was answered")
            request = msgspec.structs.replace(request, expires_in=int(seconds_left))
        fields = None
        headers: dict[str, str] = {}
        if isinstance(request, FormRequest):
            url, fields = self._signer.presign_form(request, key=self._key, now=self._now)
        else:
            url, headers = self._signer.presign(request, key=self._key, now=self._now), request.headers
        return PresignedUrl(
            url=url,
            method=request.method,
            headers=headers,
            expires_at=rfc3339(self._now + request.expires_in),
            expires_in=request.expires_in,
            operation=request.operation,
            bucket=request.bucket,
            key=request.key,
            fields=fields,
        )
