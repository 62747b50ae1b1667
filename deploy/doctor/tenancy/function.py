"""The function: how OCI Functions describes it, its settings, and its policy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.doctor.finding import Skipped
from deploy.doctor.tenancy.facts import Facts, fact
from deploy.doctor.tenancy.oci_api import OciApi
from deploy.doctor.tenancy.target import Target
from presign.authorize.rules import Rule
from presign.settings import Settings

_UNSEEN_POLICY = '{"rules": [{"operations": ["put_object"], "bucket": "any", "prefix": "", "via": "par"}]}'
"""Stands for a policy that is not here: it needs no other setting."""


class DeployedFunction(Facts):
    """The function that is diagnosed.

    Args:
        target: which function it is.
        oci: OCI's API.
        root: the folder that the `file:` paths of settings start from.
    """

    def __init__(self, target: Target, *, oci: OciApi, root: Path) -> None:
        super().__init__()
        self._target = target
        self._oci = oci
        self._root = root

    @fact("the function")
    def resource(self) -> Any:
        """The function, as OCI Functions describes it."""
        from oci.functions import FunctionsManagementClient

        return self._oci.client(FunctionsManagementClient).get_function(self._target.function_ocid).data

    @fact("the application")
    def application(self) -> Any:
        """The application that the function is part of, as OCI Functions describes it."""
        from oci.functions import FunctionsManagementClient

        return self._oci.client(FunctionsManagementClient).get_application(self.resource.application_id).data

    @fact("the config")
    def config(self) -> Mapping[str, str]:
        """The configuration that the function sees: its own before that of its application."""
        return {**(self.application.config or {}), **(self.resource.config or {})}

    @fact("the settings")
    def settings(self) -> Settings:
        """The settings that the function reads from its configuration.

        Raises:
            presign.problems.NotConfigured: with every error.
        """
        own = {
            "FN_FN_ID": self._target.function_ocid,
            "OCI_RESOURCE_PRINCIPAL_REGION": self._target.region or "",
        }
        config = {**own, **self.config}
        if self.policy_is_in_package:
            config["POLICY"] = _UNSEEN_POLICY
        return Settings.from_config(config, root=self._root)

    @property
    def policy_is_in_package(self) -> bool:
        """Whether the policy is a file of the function's package, and that file is not here."""
        policy = self.config.get("POLICY", "").strip()
        return policy.startswith("file:") and not (self._root / policy.removeprefix("file:")).exists()

    @property
    def rules(self) -> list[Rule]:
        """The rules of the policy; none if POLICY is not set."""
        if self.policy_is_in_package:
            raise Skipped("The policy is a file of the function's package; --stack DIR tells where it is.")
        return self.settings.rules

    @property
    def buckets(self) -> list[str]:
        """The names of the buckets in the rules, without those that hold claims; else the default bucket's."""
        return self.buckets_of("s3", "par")

    def buckets_of(self, *via: str) -> list[str]:
        """The names of the buckets in the rules of these kinds (`s3`, `par`); else the default bucket's."""
        default = [] if self.settings.default_bucket is None else [self.settings.default_bucket]
        rules = [] if self.policy_is_in_package else self.rules
        named = [rule.bucket for rule in rules if rule.via in via and "{" not in rule.bucket]
        return list(dict.fromkeys(named or default))

    @property
    def secrets(self) -> list[str]:
        """The gateway secrets, if they are known by now."""
        config: Mapping[str, str] = self.known.get("the config", {})
        return config.get("CLAIMS_KEY", "").replace(",", " ").split()
