"""The tenancy as the steps see it: each module has one part of it, whose facts are looked up when first needed."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.doctor.tenancy.facts import Facts, fact
from deploy.doctor.tenancy.function import DeployedFunction
from deploy.doctor.tenancy.gateway import ApiGateway
from deploy.doctor.tenancy.iam import Iam
from deploy.doctor.tenancy.network import Network
from deploy.doctor.tenancy.oci_api import OciApi
from deploy.doctor.tenancy.secret import KeySecret
from deploy.doctor.tenancy.stack import AppliedStack
from deploy.doctor.tenancy.storage import ObjectStorage
from deploy.doctor.tenancy.target import Target

ROOT = Path(__file__).resolve().parents[3]


class Tenancy(Facts):
    """One deployment, and what it needs of its tenancy.

    A fact that another step reports as missing raises `Skipped`; an OCI service's refusal comes through as it is.

    Args:
        arguments: of the command line.
        endpoints: URLs of OCI services, as `OciApi` takes them.
        environment: holds PRESIGN_TOKEN, and what Terraform needs to read a state that is elsewhere.
        clock: gives the time, in seconds since the epoch.
        state: the file with the Terraform state, if that is not in the folder of the stack.
    """

    def __init__(
        self,
        arguments: argparse.Namespace,
        *,
        endpoints: Mapping[str, str],
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.time,
        state: Path | None = None,
    ) -> None:
        super().__init__()
        self.arguments = arguments
        self.now = clock
        self._environment = environment
        self.stack = AppliedStack(arguments.stack, state=state, environment=environment)
        self.target = Target(arguments.function, stack=self.stack)
        self.oci = OciApi(arguments, endpoints=endpoints, target=self.target)
        self.function = DeployedFunction(self.target, oci=self.oci, root=arguments.stack or ROOT)
        self.secret = KeySecret(self.function, oci=self.oci, clock=clock)
        self.storage = ObjectStorage(self.target, function=self.function, secret=self.secret, oci=self.oci, clock=clock)
        self.gateway = ApiGateway(self.target, function=self.function, stack=self.stack, oci=self.oci)
        self.iam = Iam(self.oci, function=self.function)
        self.network = Network(self.oci)

    @fact("the token")
    def token(self) -> str | None:
        """The token of a user, if one is given."""
        file: Path | None = self.arguments.token_file
        return (file.read_text("utf-8") if file else self._environment.get("PRESIGN_TOKEN", "")).strip() or None

    @property
    def secrets(self) -> list[str]:
        """The secrets that are known by now, none of which may be shown."""
        token: str | None = self.known.get("the token")
        return [*([token] if token else []), *self.function.secrets, *self.secret.secrets]
