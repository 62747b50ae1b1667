"""The secret in Vault, and the customer secret key that it holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from deploy.doctor.finding import Skipped
from deploy.doctor.tenancy.facts import Facts, fact
from deploy.doctor.tenancy.function import DeployedFunction
from deploy.doctor.tenancy.oci_api import OciApi
from presign.problems import SecretUnavailable
from presign.services.client import SecretReference
from presign.services.key import CustomerSecretKey, parse_key

_access_key_id = re.compile(r"[0-9a-f]{40}")
_OTHER_CREDENTIALS = (
    (re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){15}"), "the fingerprint of an API key"),
    (re.compile(r"ocid1\..+"), "an OCID"),
    (re.compile(r"(AKIA|ASIA)[A-Z0-9]{16}"), "a key of AWS"),
)


class KeySecret(Facts):
    """The secret with the customer secret key, read as the operator.

    Args:
        function: its settings name the secret.
        oci: OCI's API.
        clock: gives the time, in seconds since the epoch.
    """

    def __init__(self, function: DeployedFunction, *, oci: OciApi, clock: Callable[[], float]) -> None:
        super().__init__()
        self._function = function
        self._oci = oci
        self._clock = clock

    @fact("the secret ocid")
    def ocid(self) -> str:
        """The OCID of the secret."""
        return self._reference.secret_ocid or str(self.bundle.secret_id)

    @fact("the secret")
    def resource(self) -> Any:
        """The secret, as Vault describes it."""
        from oci.vault import VaultsClient

        return self._oci.client(VaultsClient, region=self._vault_region).get_secret(self.ocid).data

    @fact("the secret bundle")
    def bundle(self) -> Any:
        """The current version of the secret."""
        from oci.secrets import SecretsClient

        secret = self._reference
        client = self._oci.client(SecretsClient, region=self._vault_region)
        if secret.secret_ocid:
            return client.get_secret_bundle(secret.secret_ocid).data
        return client.get_secret_bundle_by_name(secret.name, secret.vault_ocid).data

    @fact("the key")
    def key(self) -> CustomerSecretKey:
        """The customer secret key in the secret.

        Raises:
            presign.problems.SecretUnavailable: the secret does not hold a usable key, or credentials of another kind.
        """
        content = self.bundle.secret_bundle_content
        key = parse_key((content and content.content) or "", self._reference, now=self._clock())
        if _access_key_id.fullmatch(key.access_key_id):
            return key
        kind = next((kind for pattern, kind in _OTHER_CREDENTIALS if pattern.fullmatch(key.access_key_id)), None)
        raise SecretUnavailable(
            f"access_key_id is {kind or 'no id of a customer secret key, but perhaps an auth token or a user name'}; "
            "Object Storage signs with customer secret keys only"
        )

    @property
    def secrets(self) -> list[str]:
        """The secret half of the key, and the secret's content, if they are known by now."""
        key: CustomerSecretKey | None = self.known.get("the key")
        content = getattr(self.known.get("the secret bundle"), "secret_bundle_content", None)
        return [text for text in (key and key.secret_access_key, getattr(content, "content", None)) if text]

    @property
    def _reference(self) -> SecretReference:
        secret = self._function.settings.secret
        if secret is None:
            raise Skipped("No rule needs a customer secret key.")
        return secret

    @property
    def _vault_region(self) -> str | None:
        """The region that VAULT_ENDPOINT is of; None if it tells nothing."""
        found = re.search(r"\.([a-z]+-[a-z]+-\d+)\.", self._function.settings.vault_endpoint or "")
        return found[1] if found else None
