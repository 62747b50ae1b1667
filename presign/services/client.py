"""The OCI client: calls of OCI services through the SDK, signed by the function's resource principal.

The SDK is imported when something is first asked of it.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import cached_property
from math import ceil
from pathlib import Path
from ssl import OPENSSL_VERSION_INFO
from typing import Any, Self

import msgspec

from presign.problems import SecretUnavailable
from presign.services import sdk
from presign.services.clock import ClockCheck, elapsed

CONNECT_TIMEOUT_SECONDS = 1.0
READ_TIMEOUT_SECONDS = 2.0
MAX_ATTEMPTS = 2
IDLE_SECONDS = 30.0
"""If nothing was asked for longer, no connection that was kept is used again."""
RETRY_AFTER_SECONDS = 2
MAX_RETRY_AFTER_SECONDS = 3600

_namespace = re.compile(r"[A-Za-z0-9_-]{1,63}")


class SecretReference(msgspec.Struct, frozen=True, kw_only=True):
    """Which secret: by its OCID, or else by the OCID of its vault and its name there."""

    secret_ocid: str | None = None
    vault_ocid: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        return self.secret_ocid or f"secret {self.name} in {self.vault_ocid}"


class PrincipalFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files of the function's resource principal: `ResourcePrincipalSigner` describes the members."""

    token_path: Path
    key_path: Path
    passphrase_path: Path | None
    region: str | None

    @classmethod
    def from_config(cls, config: Mapping[str, str]) -> Self | None:
        """The files that a function's configuration names; None if it is of another version, or holds their texts."""
        names = ("VERSION", "RPST", "PRIVATE_PEM", "PRIVATE_PEM_PASSPHRASE", "REGION")
        version, token, key, passphrase, region = (
            config.get(f"OCI_RESOURCE_PRINCIPAL_{name}") or None for name in names
        )
        paths = [Path(value) for value in (token, key, passphrase) if value]
        if version != "2.2" or not (token and key) or not all(path.is_absolute() for path in paths):
            return None
        return cls(
            token_path=paths[0], key_path=paths[1], passphrase_path=paths[2] if passphrase else None, region=region
        )


class OciClient:
    """Asks OCI services. Every method that does so raises `SecretUnavailable` if it can't, or they refuse.

    Args:
        principal: the files of the function's resource principal; the SDK finds out about it when None.
        vault_endpoint: of the Secret Retrieval API; the SDK's own for the function's region when None.
        object_storage_endpoint: of the native Object Storage API; likewise.
        clock: the machine's time, in seconds since the epoch, compared with the `Date` of every answer.
        monotonic: seconds on a clock that never goes back.
    """

    def __init__(
        self,
        *,
        principal: PrincipalFiles | None = None,
        vault_endpoint: str | None,
        object_storage_endpoint: str | None,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = elapsed,
    ) -> None:
        self._principal = principal
        self._vault_endpoint = vault_endpoint
        self._object_storage_endpoint = object_storage_endpoint
        self._clock = clock
        self._clock_check = ClockCheck(clock)
        self._clients: list[Any] = []
        self._monotonic = monotonic
        self._asked_at = monotonic()

    def secret_content(self, secret: SecretReference) -> str:
        """The content of the current version of `secret`, in Base64 as Vault hands it out."""
        answer = self.ask(
            lambda: (
                self._secrets_client.get_secret_bundle(secret.secret_ocid)
                if secret.secret_ocid
                else self._secrets_client.get_secret_bundle_by_name(secret.name, secret.vault_ocid)
            ),
            failure=f"Vault did not give {secret}",
            statement="allow dynamic-group <the function's> to read secret-bundles in compartment <the secret's>",
        )
        content = getattr(getattr(answer.data, "secret_bundle_content", None), "content", None)
        if not isinstance(content, str):
            raise SecretUnavailable(f"Vault's answer does not hold the content of {secret}")
        return content

    def namespace(self) -> str:
        """The Object Storage namespace of the tenancy."""
        answer = self.ask(
            lambda: self.object_storage.get_namespace(),
            failure="Object Storage did not tell the namespace (or else NAMESPACE can be set)",
            statement="allow dynamic-group <the function's> to read objectstorage-namespaces in tenancy",
        )
        if not _namespace.fullmatch(str(answer.data or "")):
            raise SecretUnavailable("Object Storage's answer is not a namespace (or else NAMESPACE can be set)")
        return str(answer.data)

    @cached_property
    def object_storage(self) -> Any:
        """The SDK's client of the native Object Storage API, for calls that `ask` makes."""
        client = sdk.load("oci.object_storage.object_storage_client").ObjectStorageClient
        return self.make(client, self._object_storage_endpoint)

    def make(self, client: Callable[..., Any], endpoint: str | None) -> Any:
        """A client of this class of the SDK, which signs as the function; by default for the region's own endpoint."""
        # A caller waits: one more try, soon, and none where the service asks for patience (429).
        retry = sdk.load("oci.retry").RetryStrategyBuilder(
            max_attempts=MAX_ATTEMPTS,
            total_elapsed_time_check=False,
            service_error_retry_config={503: []},
            retry_base_sleep_time_seconds=0.1,
            decorrelated_jitter=0.1,
        )
        made = client(
            {},
            signer=self._signer,
            timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
            retry_strategy=retry.get_retry_strategy(),
            circuit_breaker_strategy=sdk.load("oci.circuit_breaker").NoCircuitBreakerStrategy(),
            service_endpoint=endpoint,
        )
        self._clients.append(made)
        return made

    def ask(self, call: Callable[[], Any], *, failure: str, statement: str) -> Any:
        """The answer to `call`, with its data and headers.

        Args:
            call: makes one call of an SDK's client.
            failure: a sentence for the log, if it fails.
            statement: the IAM policy statement that the call needs.
        """
        self._close_idle_connections()
        asked_at = self._clock()
        try:
            answer = self._answer(call)
        except Exception as exc:
            headers: Mapping[str, str] = getattr(exc, "headers", None) or {}
            if self._clock_check.check(headers, asked_at=asked_at):
                statement = ""
            raise _unavailable(failure, exc, statement, headers) from exc
        self._clock_check.check(answer.headers, asked_at=asked_at)
        return answer

    def _answer(self, call: Callable[[], Any]) -> Any:
        """The answer to `call`, which is made again with what the principal's files hold now, if OCI says 401."""
        try:
            return call()
        except Exception as exc:
            # The SDK's own signer has had its second try.
            if self._principal is None or getattr(exc, "status", None) != 401:
                raise
        self._signer.refresh_security_token()
        return call()

    def _close_idle_connections(self) -> None:
        # While the container was frozen, a connection may have died without a sign: a call would wait for its time-out.
        now, asked_at = self._monotonic(), self._asked_at
        self._asked_at = now
        if now - asked_at > IDLE_SECONDS:
            for client in self._clients:
                client.base_client.session.close()

    @cached_property
    def _secrets_client(self) -> Any:
        return self.make(sdk.load("oci.secrets.secrets_client").SecretsClient, self._vault_endpoint)

    @cached_property
    def _signer(self) -> Any:
        # The package `oci` does it when it is imported as usual. From version 3 on, OpenSSL takes no such switch.
        if OPENSSL_VERSION_INFO < (3, 0):
            sdk.load("oci.fips").enable_fips_mode()
        if self._principal is None:
            return sdk.load("oci.auth.signers.resource_principals_signer").get_resource_principals_signer()
        from presign.services.resource_principal import ResourcePrincipalSigner

        return ResourcePrincipalSigner(**msgspec.structs.asdict(self._principal))


def _unavailable(failure: str, exc: Exception, statement: str, headers: Mapping[str, str]) -> SecretUnavailable:
    """The problem with its cause; where OCI refused, with the IAM policy `statement` that is likely missing."""
    if not isinstance(exc, sdk.load("oci.exceptions").ServiceError):
        return SecretUnavailable(f"{failure}: {type(exc).__name__}, {' '.join(str(exc).split())}")
    message = " ".join(str(exc.message).split())  # a page, if a proxy has answered
    cause = f"{failure}: {exc.status} {exc.code}, {message} (opc-request-id {exc.request_id})"
    # An empty statement stands for a wrong clock; 408 and 429 ask for patience, and the rest of 4xx is final.
    refused = bool(statement) and 400 <= exc.status < 500 and exc.status not in (408, 429)
    if refused and exc.status in (401, 403, 404):
        cause += f"; this IAM policy statement is likely missing: {statement}"
    return SecretUnavailable(cause, retry_after_seconds=_retry_after_seconds(headers), refused=refused)


def _retry_after_seconds(headers: Mapping[str, str]) -> int:
    """Seconds that the service asks for (`Retry-After`, RFC 9110, 10.2.3), or ours if it does not ask for more."""
    text = headers.get("retry-after", "")
    asked = 0.0
    if text.isascii() and text.isdigit():
        asked = float(text)
    elif "date" in headers:
        # Counted on the service's own clock.
        with suppress(TypeError, ValueError, OverflowError):
            asked = (parsedate_to_datetime(text) - parsedate_to_datetime(headers["date"])).total_seconds()
    return ceil(min(max(asked, RETRY_AFTER_SECONDS), MAX_RETRY_AFTER_SECONDS))
