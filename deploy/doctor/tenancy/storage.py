"""Object Storage: the namespace, the endpoint, and the buckets that the function signs for."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from deploy.doctor.finding import Skipped
from deploy.doctor.store.signed_bucket import SignedBucket
from deploy.doctor.tenancy.facts import Facts, fact
from deploy.doctor.tenancy.function import DeployedFunction
from deploy.doctor.tenancy.oci_api import OciApi
from deploy.doctor.tenancy.secret import KeySecret
from deploy.doctor.tenancy.target import Target
from presign.issue.endpoint import StorageEndpoint, region_template


class ObjectStorage(Facts):
    """Object Storage as the function uses it.

    Args:
        target: the function.
        function: its settings say where Object Storage is.
        secret: has the key that signs.
        oci: OCI's API.
        clock: gives the time, in seconds since the epoch.
    """

    def __init__(
        self,
        target: Target,
        *,
        function: DeployedFunction,
        secret: KeySecret,
        oci: OciApi,
        clock: Callable[[], float],
    ) -> None:
        super().__init__()
        self._target = target
        self._function = function
        self._secret = secret
        self._oci = oci
        self._clock = clock

    @fact("the region")
    def region(self) -> str:
        """The region that the function signs for."""
        return self._function.settings.region

    @property
    def likely_regions(self) -> list[str]:
        """Regions to try if that of the settings is wrong: of the function, of the endpoint, and the home region."""
        from oci.exceptions import ServiceError

        found = re.search(r"objectstorage\.([a-z0-9-]+)\.", self._function.settings.storage_endpoint or "")
        regions = [self._target.region, found[1] if found else None]
        with suppress(ServiceError, Skipped):
            regions.append(self._oci.home_region)
        return [region for region in dict.fromkeys(regions) if region and region != self.region]

    @fact("the object storage")
    def client(self) -> Any:
        """The SDK's client of Object Storage in the region that the function signs for."""
        from oci.object_storage import ObjectStorageClient

        return self._oci.client(ObjectStorageClient, region=self.region)

    @fact("the own namespace")
    def tenancy_namespace(self) -> str:
        """The Object Storage namespace of the tenancy."""
        return str(self.client.get_namespace().data)

    @property
    def namespace(self) -> str:
        """The Object Storage namespace that the function uses."""
        return self._function.settings.namespace or self.tenancy_namespace

    @fact("the storage endpoint")
    def endpoint(self) -> StorageEndpoint:
        """The endpoint of the S3 Compatibility API that the function's URLs are for."""
        template = self._function.settings.storage_endpoint or region_template(self.region)
        namespace = self.namespace if "{namespace}" in template else ""
        return StorageEndpoint.from_template(template, namespace=namespace, region=self.region)

    def bucket(self, name: str) -> Any:
        """A bucket, as Object Storage describes it."""
        return self.once(f"the bucket {name}", lambda: self.client.get_bucket(self.tenancy_namespace, name).data)

    def signed_bucket(
        self, name: str, *, region: str | None = None, endpoint: StorageEndpoint | None = None
    ) -> SignedBucket:
        """A bucket, asked with URLs that the key has signed; by default as the function signs them."""
        endpoint, region = endpoint or self.endpoint, region or self.region
        return SignedBucket(endpoint=endpoint, region=region, key=self._secret.key, name=name, clock=self._clock)
