"""The parts that answer requests, assembled from the settings."""

from collections.abc import Callable
from datetime import datetime
from math import inf
from typing import Protocol

from presign.authorize.decision import Policy
from presign.issue.endpoint import StorageEndpoint, region_template
from presign.issue.sigv4 import SigV4Issuer
from presign.model.outcomes import Grant, PresignedUrl
from presign.problems import SecretUnavailable
from presign.read.parser import RequestParser
from presign.services.cache import CachedValue
from presign.services.client import OciClient
from presign.services.delivery import Delivery
from presign.services.key import CustomerSecretKey, parse_key
from presign.services.pars import Pars
from presign.settings import Settings

WAIT_SECONDS = 10.0
"""How long a call without a deadline may wait for an answer of OCI."""
MAX_SECONDS = 3600.0
"""The longest that a call may take, whatever its deadline: the time-out of detached invocations."""
ANSWER_SECONDS = 0.5
"""Kept of the time before a call's deadline, for its answer to reach the caller."""


class Issuer(Protocol):
    """Turns a grant into a URL that needs no other credentials."""

    def issue(self, grant: Grant, *, key: CustomerSecretKey, now: int) -> PresignedUrl:
        """The URL of `grant`, signed `now` (seconds since the epoch) with `key`, which it does not outlive.

        Raises:
            SecretUnavailable: the key is retired.
        """


class Service:
    """The parts, made once; the key and the namespace are fetched when first needed.

    The methods that fetch raise `SecretUnavailable` if the thing can't be had by `deadline`, the moment at which the
    caller stops waiting (RFC 3339; any other text if that isn't known).

    `clock` gives the time, in seconds since the epoch. Any of the `gateway_secrets` proves that a claim comes from API
    Gateway, and `delivery` is None if nobody gets the answers to events.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._oci_client = OciClient(
            principal=settings.principal,
            vault_endpoint=settings.vault_endpoint,
            object_storage_endpoint=settings.object_storage_endpoint,
            clock=clock,
        )
        self.parser = RequestParser(
            default_bucket=settings.default_bucket,
            max_expires_in=settings.max_expires_in,
            virtual_hosted=settings.virtual_hosted,
        )
        self.policy = Policy(
            settings.rules,
            default_expires_in=settings.default_expires_in,
            par_max_expires_in=settings.par_max_expires_in,
            has_store_route=settings.store_route is not None,
        )
        self.gateway_secrets = settings.gateway_secrets
        self.pars = Pars(self._oci_client, namespace=self.namespace, tags=settings.tags)
        self._key: CachedValue[CustomerSecretKey] = CachedValue(
            self._fetch_key,
            ttl_seconds=settings.secret_ttl_seconds,
            max_stale_seconds=settings.secret_max_stale_seconds,
            is_usable=lambda key: key.seconds_left(clock()) >= 1,
        )
        self._namespace: CachedValue[str] = CachedValue(self._oci_client.namespace, ttl_seconds=inf)
        self.delivery: Delivery | None = None
        if settings.deliver_to is not None:
            self.delivery = Delivery(self._oci_client, target=settings.deliver_to, endpoint=settings.delivery_endpoint)
        self._issuer: Issuer | None = None

    def now(self) -> int:
        """The time, in seconds since the epoch."""
        return int(self._clock())

    def seconds_left(self, deadline: str) -> float:
        """Seconds that a call may take, so that its caller, who waits until `deadline`, gets the answer in time."""
        try:
            left = datetime.fromisoformat(deadline).timestamp() - self._clock()
        except ValueError:
            return WAIT_SECONDS
        return min(left, MAX_SECONDS) - ANSWER_SECONDS

    def warm(self) -> None:
        """Fetch all that signing needs."""
        if self._settings.secret is not None:
            self.key()
            self.issuer()

    def key(self, *, deadline: str = "") -> CustomerSecretKey:
        """The customer secret key."""
        return self._key.fresh() or self._key.get(wait_seconds=self.seconds_left(deadline))

    def issuer(self, *, deadline: str = "") -> Issuer:
        """The issuer that signs with the customer secret key."""
        if self._issuer is None:
            region = self._settings.region
            template = self._settings.storage_endpoint or region_template(region)
            namespace = self.namespace(deadline=deadline) if "{namespace}" in template else ""
            endpoint = StorageEndpoint.from_template(
                template, namespace=namespace, region=region, store_route=self._settings.store_route
            )
            if self._settings.signer == "boto3":
                from presign.issue.boto3 import Boto3Issuer

                self._issuer = Boto3Issuer(endpoint=endpoint, region=region)
            else:
                self._issuer = SigV4Issuer(endpoint=endpoint, region=region)
        return self._issuer

    def namespace(self, *, deadline: str = "") -> str:
        """The Object Storage namespace."""
        if self._settings.namespace is not None:
            return self._settings.namespace
        return self._namespace.get(wait_seconds=self.seconds_left(deadline))

    def _fetch_key(self) -> CustomerSecretKey:
        if self._settings.secret is None:
            raise SecretUnavailable("no rule of POLICY has via: s3, so no secret is set")
        content = self._oci_client.secret_content(self._settings.secret)
        return parse_key(content, self._settings.secret, now=self._clock())
