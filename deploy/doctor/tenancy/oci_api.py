"""OCI's API as the operator may use it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from deploy import oci_auth, oci_pages
from deploy.doctor.finding import Skipped
from deploy.doctor.tenancy.facts import Facts, fact
from deploy.doctor.tenancy.target import Target

TIMEOUT_SECONDS = (5, 10)
"""To connect, and to wait for an answer."""


class OciApi(Facts):
    """The SDK's clients, which sign as the operator.

    Args:
        arguments: those of `oci_auth.add_arguments`.
        endpoints: URLs of OCI services by the name of their SDK's client, where `{region}` stands for the region's
            identifier; instead of the SDK's own.
        target: its region is the clients' own, unless another is given.
    """

    def __init__(self, arguments: argparse.Namespace, *, endpoints: Mapping[str, str], target: Target) -> None:
        super().__init__()
        self._arguments = arguments
        self._endpoints = endpoints
        self._target = target

    @fact("the credentials")
    def credentials(self) -> oci_auth.Credentials:
        """The operator's credentials."""
        return oci_auth.credentials(self._arguments)

    @property
    def tenancy_ocid(self) -> str:
        """The OCID of the tenancy, which is that of its root compartment."""
        return self.credentials.tenancy

    def client(self, kind: Callable[..., Any], *, region: str | None = None) -> Any:
        """A client of this class of the SDK, which tries once; by default in the region that the function runs in."""
        from oci.circuit_breaker import NoCircuitBreakerStrategy
        from oci.retry import NoneRetryStrategy

        region = region or self._target.region
        endpoint = self._endpoints.get(kind.__name__)
        return self.credentials.client(
            kind,
            endpoint=endpoint and endpoint.replace("{region}", region or ""),
            region=region,
            timeout=TIMEOUT_SECONDS,
            retry_strategy=NoneRetryStrategy(),
            circuit_breaker_strategy=NoCircuitBreakerStrategy(),
        )

    @staticmethod
    def list_all(call: Callable[..., Any], *arguments: Any, **options: Any) -> list[Any]:
        """Everything on all the pages of a list."""
        return [*oci_pages.each(call, *arguments, **options)]

    @fact("the home region")
    def home_region(self) -> str:
        """The identifier of the home region, where IAM's resources are made."""
        from oci.identity import IdentityClient

        listed = self.client(IdentityClient).list_region_subscriptions(self.tenancy_ocid).data
        return str(next(region.region_name for region in listed if region.is_home_region))

    @property
    def home_region_option(self) -> str:
        """The option `--region` of a command that changes IAM, after a blank; empty if nobody may tell the region."""
        from oci.exceptions import ServiceError

        with suppress(ServiceError, Skipped):
            return f" --region {self.home_region}"
        return ""
