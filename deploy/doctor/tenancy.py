"""The tenancy as the steps see it: each fact is looked up once, when a step first needs it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from deploy import oci_auth
from deploy.doctor.step import Unknown
from presign.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
TIMEOUT_SECONDS = (5, 10)


class Tenancy:
    """Facts about one deployment.

    A fact that another step reports as missing raises `Unknown`; an OCI service's refusal comes through as it is.

    Args:
        arguments: of the command line.
        endpoints: URLs of OCI services by the name of their SDK's client, instead of the region's own.
        environment: holds PRESIGN_TOKEN.
    """

    def __init__(
        self, arguments: argparse.Namespace, *, endpoints: Mapping[str, str], environment: Mapping[str, str]
    ) -> None:
        self.arguments = arguments
        self.environment = environment
        self._endpoints = endpoints

    def client(self, kind: Callable[..., Any]) -> Any:
        """A client of this class of the SDK, which signs as the operator."""
        return oci_auth.make_client(kind, self.arguments, endpoint=self._endpoints.get(kind.__name__))

    @cached_property
    def function_ocid(self) -> str:
        """The function's OCID, from the command line or the outputs of the stack."""
        if self.arguments.function:
            return str(self.arguments.function)
        raise Unknown("No function is named: use --function OCID or --stack DIR.")

    @cached_property
    def function(self) -> Any:
        """The function, as OCI Functions describes it."""
        from oci.functions import FunctionsManagementClient

        return self.client(FunctionsManagementClient).get_function(self.function_ocid).data

    @cached_property
    def config(self) -> Mapping[str, str]:
        """The configuration of the function."""
        return dict(self.function.config or {})

    @cached_property
    def settings(self) -> Settings:
        """The settings that the function reads from its configuration."""
        raise NotImplementedError
