"""The tenancy as the steps see it: each fact is looked up once, when a step first needs it."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploy import oci_auth
from deploy.doctor import stack_state
from deploy.doctor.fact import Facts, fact
from deploy.doctor.s3 import SignedBucket
from deploy.doctor.specification import Specification
from deploy.doctor.step import Skipped
from presign.authorize.rules import Rule
from presign.issue.endpoint import StorageEndpoint
from presign.problems import SecretUnavailable
from presign.services.client import realm_domain
from presign.services.key import CustomerSecretKey, parse_key
from presign.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
TIMEOUT_SECONDS = (5, 10)

_UNSEEN_POLICY = '{"rules": [{"operations": ["put_object"], "bucket": "any", "prefix": "", "via": "par"}]}'
"""Stands for a policy that is not here: it needs no other setting."""

_access_key_id = re.compile(r"[0-9a-f]{40}")
_FORMS = (
    (re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){15}"), "the fingerprint of an API key"),
    (re.compile(r"ocid1\..+"), "an OCID"),
    (re.compile(r"(AKIA|ASIA)[A-Z0-9]{16}"), "a key of AWS"),
)


class Tenancy(Facts):
    """Facts about one deployment.

    A fact that another step reports as missing raises `Skipped`; an OCI service's refusal comes through as it is.

    Args:
        arguments: of the command line.
        endpoints: URLs of OCI services by the name of their SDK's client, where `{region}` stands for the region's
            identifier; instead of the SDK's own.
        environment: holds PRESIGN_TOKEN.
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
        self.environment = environment
        self.now = clock
        self._endpoints = endpoints
        self._state = state

    def client(self, kind: Callable[..., Any], *, region: str | None = None) -> Any:
        """A client of this class of the SDK, which signs as the operator and tries once; by default of `own_region`."""
        from oci.circuit_breaker import NoCircuitBreakerStrategy
        from oci.retry import NoneRetryStrategy

        region = region or self.own_region
        endpoint = self._endpoints.get(kind.__name__)
        return self.credentials.client(
            kind,
            endpoint=endpoint and endpoint.replace("{region}", region or ""),
            region=region,
            timeout=TIMEOUT_SECONDS,
            retry_strategy=NoneRetryStrategy(),
            circuit_breaker_strategy=NoCircuitBreakerStrategy(),
        )

    def all(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> list[Any]:
        """Everything on all the pages of a listing."""
        from oci.pagination import list_call_get_all_results

        return list(list_call_get_all_results(call, *arguments, **options).data)

    @property
    def secrets(self) -> list[str]:
        """The secrets that are known by now, none of which may be shown."""
        found = [self.found.get("token"), *self.found.get("config", {}).get("CLAIMS_KEY", "").replace(",", " ").split()]
        if "key" in self.found:
            found.append(self.found["key"].secret_access_key)
        content = getattr(self.found.get("secret_bundle"), "secret_bundle_content", None)
        found.append(getattr(content, "content", None))
        return [secret for secret in found if secret]

    # The operator

    @fact
    def credentials(self) -> oci_auth.Credentials:
        """The operator's credentials."""
        return oci_auth.credentials(self.arguments)

    @property
    def tenancy_ocid(self) -> str:
        """The OCID of the tenancy, which is that of its root compartment."""
        return self.credentials.tenancy

    @fact
    def token(self) -> str | None:
        """The token of a user, if one is given."""
        file: Path | None = self.arguments.token_file
        return (file.read_text("utf-8") if file else self.environment.get("PRESIGN_TOKEN", "")).strip() or None

    @fact
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

    # The stack

    @fact
    def outputs(self) -> Mapping[str, Any]:
        """The outputs of the stack that --stack names; empty without it."""
        directory: Path | None = self.arguments.stack
        if directory is None:
            return {}
        outputs = stack_state.outputs(directory, state=self._state)
        if not outputs:
            raise Skipped(f"{directory} has not been applied: Terraform has no outputs of it.")
        return outputs

    @fact
    def signing_user_ocid(self) -> str | None:
        """The user that the stack has made for signing; None if it is not known."""
        directory: Path | None = self.arguments.stack
        return None if directory is None else stack_state.signing_user_ocid(directory, state=self._state)

    # The function

    @fact
    def function_ocid(self) -> str:
        """The function's OCID, from the command line or the outputs of the stack."""
        ocid = self.arguments.function or self.outputs.get("function_ocid")
        if not ocid:
            raise Skipped("No function is named: use --function OCID or --stack DIR.")
        return str(ocid)

    @fact
    def own_region(self) -> str | None:
        """The region that the function runs in, which its OCID tells; None if that tells nothing."""
        from oci import regions

        try:
            parts = self.function_ocid.split(".")
        except Skipped:
            return None
        name = parts[3] if len(parts) > 4 else ""
        name = regions.REGIONS_SHORT_NAMES.get(name, name)
        return name if name in regions.REGIONS else None

    @property
    def region_option(self) -> str:
        """The option `--region` of a command about something in the function's region, after a blank."""
        return f" --region {self.own_region}" if self.own_region else ""

    @fact
    def function(self) -> Any:
        """The function, as OCI Functions describes it."""
        from oci.functions import FunctionsManagementClient

        return self.client(FunctionsManagementClient).get_function(self.function_ocid).data

    @fact
    def application(self) -> Any:
        """The application that the function is part of, as OCI Functions describes it."""
        from oci.functions import FunctionsManagementClient

        return self.client(FunctionsManagementClient).get_application(self.function.application_id).data

    @fact
    def config(self) -> Mapping[str, str]:
        """The configuration that the function sees: its own before that of its application."""
        return {**(self.application.config or {}), **(self.function.config or {})}

    @property
    def policy_is_in_package(self) -> bool:
        """Whether the policy is a file of the function's package, and that file is not here."""
        policy = self.config.get("POLICY", "").strip()
        return policy.startswith("file:") and not (self._root / policy.removeprefix("file:")).exists()

    @property
    def _root(self) -> Path:
        return self.arguments.stack or ROOT

    @fact
    def settings(self) -> Settings:
        """The settings that the function reads from its configuration.

        Raises:
            presign.problems.NotConfigured: with every error.
        """
        environment = {"FN_FN_ID": self.function_ocid, "OCI_RESOURCE_PRINCIPAL_REGION": self.own_region or ""}
        config = {**environment, **self.config}
        if self.policy_is_in_package:
            config["POLICY"] = _UNSEEN_POLICY
        return Settings.from_config(config, root=self._root)

    @fact
    def region(self) -> str:
        """The region that the function signs for."""
        return self.settings.region

    # The policy and its buckets

    @property
    def rules(self) -> list[Rule]:
        """The rules of the policy; without a policy, the function's own for its default bucket."""
        if self.policy_is_in_package:
            raise Skipped("The policy is a file of the function's package; --stack DIR tells where it is.")
        return self.settings.rules

    @property
    def buckets(self) -> list[str]:
        """The names of the buckets in the rules, those with claims in them left out, and of the default bucket."""
        return self.buckets_of("s3", "par")

    def buckets_of(self, *via: str) -> list[str]:
        """The names of the buckets in the rules that give access so."""
        default = [] if self.settings.default_bucket is None else [self.settings.default_bucket]
        rules = [] if self.policy_is_in_package else self.rules
        named = [rule.bucket for rule in rules if rule.via in via and "{" not in rule.bucket]
        return list(dict.fromkeys(named or default))

    # Object Storage

    @property
    def likely_regions(self) -> list[str]:
        """Regions to try if that of the settings is wrong: of the function, of the endpoint, and the home region."""
        from oci.exceptions import ServiceError

        found = re.search(r"objectstorage\.([a-z0-9-]+)\.", self.settings.storage_endpoint or "")
        regions = [self.own_region, found[1] if found else None]
        with suppress(ServiceError, Skipped):
            regions.append(self.home_region)
        return [region for region in dict.fromkeys(regions) if region and region != self.region]

    @fact
    def object_storage(self) -> Any:
        """The SDK's client of Object Storage in the region that the function signs for."""
        from oci.object_storage import ObjectStorageClient

        return self.client(ObjectStorageClient, region=self.region)

    @fact
    def own_namespace(self) -> str:
        """The Object Storage namespace of the tenancy."""
        return str(self.object_storage.get_namespace().data)

    @property
    def namespace(self) -> str:
        """The Object Storage namespace that the function uses."""
        return self.settings.namespace or self.own_namespace

    @fact
    def storage_endpoint(self) -> StorageEndpoint:
        """The endpoint of the S3 Compatibility API that the function's URLs are for."""
        template = self.settings.storage_endpoint
        if template is None:
            template = f"https://{{namespace}}.compat.objectstorage.{{region}}.{realm_domain(self.region)}"
        namespace = self.namespace if "{namespace}" in template else ""
        return StorageEndpoint.from_template(template, namespace=namespace, region=self.region)

    def bucket(self, name: str) -> Any:
        """A bucket, as Object Storage describes it."""
        return self.once(f"the bucket {name}", lambda: self.object_storage.get_bucket(self.own_namespace, name).data)

    def signed_bucket(
        self, name: str, *, region: str | None = None, endpoint: StorageEndpoint | None = None
    ) -> SignedBucket:
        """A bucket, asked with URLs that the key has signed; by default as the function signs them."""
        endpoint, region = endpoint or self.storage_endpoint, region or self.region
        return SignedBucket(endpoint=endpoint, region=region, key=self.key, name=name, clock=self.now)

    # The key

    @property
    def _vault_region(self) -> str | None:
        """The region that VAULT_ENDPOINT is of; None if it tells nothing."""
        found = re.search(r"\.([a-z]+-[a-z]+-\d+)\.", self.settings.vault_endpoint or "")
        return found[1] if found else None

    @fact
    def secret_ocid(self) -> str:
        """The OCID of the secret with the customer secret key."""
        secret = self.settings.secret
        if secret is None:
            raise Skipped("No rule needs a customer secret key.")
        return secret.secret_ocid or str(self.secret_bundle.secret_id)

    @fact
    def secret(self) -> Any:
        """The secret, as Vault describes it."""
        from oci.vault import VaultsClient

        return self.client(VaultsClient, region=self._vault_region).get_secret(self.secret_ocid).data

    @fact
    def secret_bundle(self) -> Any:
        """The current version of the secret, read as the operator."""
        from oci.secrets import SecretsClient

        secret = self.settings.secret
        if secret is None:
            raise Skipped("No rule needs a customer secret key.")
        client = self.client(SecretsClient, region=self._vault_region)
        if secret.secret_ocid:
            return client.get_secret_bundle(secret.secret_ocid).data
        return client.get_secret_bundle_by_name(secret.name, secret.vault_ocid).data

    @fact
    def key(self) -> CustomerSecretKey:
        """The customer secret key in the secret.

        Raises:
            presign.problems.SecretUnavailable: the secret does not hold a usable key, or credentials of another kind.
        """
        content = self.secret_bundle.secret_bundle_content
        assert self.settings.secret is not None  # noqa: S101 - the bundle is there
        key = parse_key((content and content.content) or "", self.settings.secret, now=self.now())
        if _access_key_id.fullmatch(key.access_key_id):
            return key
        kind = next((kind for pattern, kind in _FORMS if pattern.fullmatch(key.access_key_id)), None)
        raise SecretUnavailable(
            f"access_key_id is {kind or 'no id of a customer secret key, but perhaps an auth token or a user name'}; "
            "Object Storage signs with customer secret keys only"
        )

    # Logs

    @fact
    def logs(self) -> list[Any]:
        """The logs in the function's compartment."""
        return self._logs(self.function.compartment_id)

    @fact
    def logs_of_tenancy(self) -> list[Any]:
        """The logs in all compartments."""
        return self._logs(self.tenancy_ocid, is_compartment_id_in_subtree=True)

    def _logs(self, compartment: str, **options: bool) -> list[Any]:
        from oci.logging import LoggingManagementClient

        client = self.client(LoggingManagementClient)
        groups = self.all(client.list_log_groups, compartment, **options)
        return [log for group in groups for log in self.all(client.list_logs, group.id)]

    # API Gateway

    @fact
    def deployment(self) -> Any:
        """The API deployment: that of the stack, or else one in the function's compartment that calls the function."""
        from oci.apigateway import DeploymentClient

        client = self.client(DeploymentClient)
        if ocid := self.outputs.get("deployment_ocid"):
            return client.get_deployment(ocid).data
        compartment = self.function.compartment_id
        for summary in self.all(client.list_deployments, compartment):
            if summary.lifecycle_state == "DELETED":
                continue
            deployment = client.get_deployment(summary.id).data
            backends = [route.backend for route in deployment.specification.routes or []]
            if any(getattr(backend, "function_id", None) == self.function_ocid for backend in backends):
                return deployment
        raise Skipped(f"No deployment in the compartment {compartment} calls the function; --stack DIR names one.")

    @fact
    def specification(self) -> Specification:
        """The specification of the API deployment."""
        from oci.apigateway import DeploymentClient

        client = self.client(DeploymentClient).base_client
        return Specification(client.sanitize_for_serialization(self.deployment.specification))

    @fact
    def gateway(self) -> Any:
        """The API gateway of the deployment."""
        from oci.apigateway import GatewayClient

        return self.client(GatewayClient).get_gateway(self.deployment.gateway_id).data

    # IAM

    @fact
    def identity(self) -> Any:
        """The SDK's client of IAM in the home region, as others lag behind; in the function's if nobody may tell it."""
        from oci.exceptions import ServiceError
        from oci.identity import IdentityClient

        with suppress(ServiceError, Skipped):
            return self.client(IdentityClient, region=self.home_region)
        return self.client(IdentityClient)

    def compartment_path(self, compartment: str) -> list[tuple[str, str]]:
        """The OCIDs and names of a compartment and of all that it lies in, up to the tenancy.

        A name is empty if the operator may not read it; those above are then left out but for the tenancy.
        """
        return self.once(f"compartment {compartment}", lambda: self._compartment_path(compartment))

    def _compartment_path(self, compartment: str) -> list[tuple[str, str]]:
        from oci.exceptions import ServiceError

        if compartment == self.tenancy_ocid:
            return [(compartment, "")]
        try:
            found = self.identity.get_compartment(compartment).data
        except ServiceError as exc:
            if exc.status not in (403, 404):
                raise
            return [(compartment, ""), (self.tenancy_ocid, "")]
        return [(compartment, found.name), *self.compartment_path(found.compartment_id)]

    def policies_over(self, compartment: str) -> list[Any]:
        """The IAM policies of a compartment and of all that it lies in."""
        return [policy for ocid, _ in self.compartment_path(compartment) for policy in self._policies_in(ocid)]

    def _policies_in(self, compartment: str) -> list[Any]:
        return self.once(f"policies in {compartment}", lambda: self.all(self.identity.list_policies, compartment))

    @fact
    def dynamic_groups(self) -> list[Any]:
        """The dynamic groups of the tenancy, or, with identity domains, of its domain `Default`."""
        return self.all(self.identity.list_dynamic_groups, self.tenancy_ocid)

    @fact
    def other_domains(self) -> list[str]:
        """Identity domains but `Default` that may be there, whose users and groups IAM's API does not list."""
        from oci.exceptions import ServiceError

        path = self.compartment_path(self.function.compartment_id)
        try:
            found = [domain for ocid, _ in path for domain in self.all(self.identity.list_domains, ocid)]
        except ServiceError as exc:
            if exc.status not in (403, 404):
                raise
            return ["one that you may not see"]
        return [domain.display_name for domain in found if domain.type != "DEFAULT"]

    def groups_of_user(self, ocid: str) -> list[Any]:
        """The groups that a user is in."""

        def look() -> list[Any]:
            memberships = self.all(self.identity.list_user_group_memberships, self.tenancy_ocid, user_id=ocid)
            return [self.identity.get_group(one.group_id).data for one in memberships]

        return self.once(f"groups of {ocid}", look)
