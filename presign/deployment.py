"""What one deployment's settings call for."""

from __future__ import annotations

import time
from functools import lru_cache
from math import inf

from presign.cache import CachedValue
from presign.credentials import CustomerSecretKey
from presign.endpoint import StorageEndpoint
from presign.model import FormRequest, Operation, PresignedUrl
from presign.parser import RequestParser
from presign.policy import Policy
from presign.settings import Settings
from presign.signers import Signer, make_signer
from presign.tenancy import Tenancy, realm_domain
from presign.vault import fetch_key


class Deployment:
    """The parts that answer requests, made once; the key and the namespace are fetched when first needed.

    Attributes:
        parser: reads requests.
        policy: decides on them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tenancy = Tenancy(
            vault_endpoint=settings.vault_endpoint, object_storage_endpoint=settings.object_storage_endpoint
        )
        self.parser = RequestParser(
            default_bucket=settings.default_bucket,
            max_expires_in=settings.max_expires_in,
            virtual_hosted=settings.virtual_hosted,
        )
        self.policy = Policy(settings.rules, default_expires_in=settings.default_expires_in)
        self._key: CachedValue[CustomerSecretKey] = CachedValue(
            lambda: fetch_key(self._tenancy, settings.secret),
            ttl_seconds=settings.secret_ttl_seconds,
            max_stale_seconds=settings.secret_max_stale_seconds,
        )
        self._signer: CachedValue[Signer] = CachedValue(self._make_signer, ttl_seconds=inf)

    def presigner(self, now: int) -> Presigner:
        """What signs at `now`, seconds since the epoch.

        Raises:
            SecretUnavailable: the key or the namespace can't be had.
        """
        return Presigner(key=self._key.get(), signer=self._signer.get(), now=now)

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
        """The URL for `operation`, which has been granted."""
        request = operation.request()
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
            expires_at=_rfc3339(self._now + request.expires_in),
            expires_in=request.expires_in,
            operation=request.operation,
            bucket=request.bucket,
            key=request.key,
            fields=fields,
        )


@lru_cache(maxsize=64)
def _rfc3339(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
