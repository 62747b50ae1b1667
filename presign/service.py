"""The parts that answer requests, assembled from the settings."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from math import inf

from presign.issue import Issuer, make_issuer
from presign.issue.endpoint import StorageEndpoint
from presign.keys.cache import CachedValue
from presign.keys.clock import ClockCheck
from presign.keys.credentials import CustomerSecretKey
from presign.keys.oci_client import OciClient, realm_domain
from presign.keys.source import fetch_key
from presign.policy import Policy
from presign.request.parser import RequestParser
from presign.settings import Settings

WAIT_SECONDS = 10.0
"""How long a call without a deadline may wait for an answer of OCI."""
ANSWER_SECONDS = 0.5
"""Kept of the time before a call's deadline, for its answer to reach the caller."""


class Service:
    """The parts, made once; the key and the namespace are fetched when first needed.

    Args:
        settings: the function's settings.
        clock: gives the time, in seconds since the epoch.

    Attributes:
        parser: reads requests.
        policy: authorizes them.
        gateway_secrets: any of them proves that a claim comes from API Gateway.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._oci_client = OciClient(
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
        self.gateway_secrets = settings.gateway_secrets
        self._key: CachedValue[CustomerSecretKey] = CachedValue(
            lambda: fetch_key(self._oci_client, settings.secret, clock=clock),
            ttl_seconds=settings.secret_ttl_seconds,
            max_stale_seconds=settings.secret_max_stale_seconds,
            is_usable=lambda key: key.seconds_left(clock()) >= 1,
        )
        self._namespace: CachedValue[str] = CachedValue(self._oci_client.namespace, ttl_seconds=inf)
        self._issuer: Issuer | None = None

    def now(self) -> int:
        """The time, in seconds since the epoch."""
        return int(self._clock())

    def key(self, *, deadline: str = "") -> CustomerSecretKey:
        """The customer secret key.

        Args:
            deadline: when the caller stops waiting (RFC 3339); anything else if that isn't known.

        Raises:
            SecretUnavailable: it can't be had, or not before the deadline.
        """
        return self._key.fresh() or self._key.get(wait_seconds=self._wait_seconds(deadline))

    def issuer(self, *, deadline: str = "") -> Issuer:
        """The issuer that signs with the customer secret key.

        Args:
            deadline: as of `key`.

        Raises:
            SecretUnavailable: the namespace can't be had, or not before the deadline.
        """
        if self._issuer is None:
            self._issuer = make_issuer(
                self._settings.signer, endpoint=self._endpoint(deadline), region=self._settings.region
            )
        return self._issuer

    def _endpoint(self, deadline: str) -> StorageEndpoint:
        region, namespace = self._settings.region, self._settings.namespace
        template = self._settings.storage_endpoint
        if template is None:
            template = f"https://{{namespace}}.compat.objectstorage.{{region}}.{realm_domain(region)}"
        if namespace is None and "{namespace}" in template:
            namespace = self._namespace.get(wait_seconds=self._wait_seconds(deadline))
        return StorageEndpoint.from_template(template, namespace=namespace, region=region)

    def _wait_seconds(self, deadline: str) -> float:
        try:
            return datetime.fromisoformat(deadline).timestamp() - self._clock() - ANSWER_SECONDS
        except ValueError:
            return WAIT_SECONDS
