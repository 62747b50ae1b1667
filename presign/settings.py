"""The function's settings: read from the function's configuration, checked all at once."""

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Self

import msgspec

from presign.authorize.rules import Rule, parse_rules
from presign.issue.endpoint import service_url_error, store_route_error, template_error
from presign.model.object_names import bucket_error, virtual_hosted_bucket_error
from presign.model.operation import DEFAULT_EXPIRES_IN, MAX_EXPIRES_IN
from presign.problems import FieldError, NotConfigured
from presign.services.client import PrincipalFiles, SecretReference
from presign.services.regions import region_of_code

SIGNERS = ("sigv4", "boto3")
"""The issuers that sign with the customer secret key; boto3 is imported only when it is chosen."""

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MAX_SECRET_SECONDS = 604_800

_NAMESPACE_ERROR = (
    "must be 1 to 63 lower-case letters, digits, hyphens and underscores, beginning and ending with a letter or digit"
)
_namespace = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_region_identifier = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[1-9][0-9]*")
_CLAIMS_KEY_ERROR = "must be 32 to 128 letters, digits, hyphens and underscores, or two of these with a comma between"
_claims_keys = re.compile(r"[A-Za-z0-9_-]{32,128}(?: *, *[A-Za-z0-9_-]{32,128})?")
_ocid = re.compile(r"ocid1\.[a-z]+\.[A-Za-z0-9._-]+")
_function_tag = re.compile(r"[A-Za-z0-9-]{1,64}")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The function's settings.

    Args:
        principal: the files of the function's resource principal; None if the SDK finds out about it.
        secret: where the customer secret key is kept; None if no rule needs it.
        namespace: the Object Storage namespace; None if Object Storage is to be asked.
        storage_endpoint: URL template of the S3 Compatibility API; None for the region's own.
        virtual_hosted: whether buckets become part of the host name.
        store_route: URL of API Gateway's way to the store, without a slash at its end; None if there is none.
        vault_endpoint, object_storage_endpoint, delivery_endpoint: URLs of OCI services; None for the SDK's choice.
        default_expires_in, max_expires_in, par_max_expires_in: seconds that a URL is valid if the request does not say,
            and the most that it may ask for, of a presigned URL and of a pre-authenticated request.
        secret_ttl_seconds, secret_max_stale_seconds: how long a fetched key may sign before Vault is asked again, and
            how long after that while Vault is down.
        gateway_secrets: each proves that a claim comes from API Gateway.
        tags: tell this function's pre-authenticated requests from those of others; new ones get the first.
        deliver_to: OCID of the topic or queue that gets the answers to events; None if nobody gets them.
    """

    principal: PrincipalFiles | None = None
    secret: SecretReference | None
    namespace: str | None
    region: str
    storage_endpoint: str | None
    virtual_hosted: bool
    store_route: str | None
    vault_endpoint: str | None
    object_storage_endpoint: str | None
    rules: list[Rule]
    default_bucket: str | None
    default_expires_in: int
    max_expires_in: int
    secret_ttl_seconds: int
    secret_max_stale_seconds: int
    signer: str
    log_level: str
    gateway_secrets: tuple[str, ...]
    par_max_expires_in: int
    tags: tuple[str, ...]
    deliver_to: str | None
    delivery_endpoint: str | None

    def __repr__(self) -> str:
        return "Settings(…)"

    @classmethod
    def from_config(cls, config: Mapping[str, str], *, root: Path) -> Self:
        """The settings in a function's configuration, where an empty value is not set; `file:` paths start from `root`.

        Raises:
            NotConfigured: with every error.
        """
        reader = _Reader(config, root)
        max_expires_in = reader.seconds("MAX_EXPIRES_IN", MAX_EXPIRES_IN, most=MAX_EXPIRES_IN)
        default_expires_in = reader.seconds("DEFAULT_EXPIRES_IN", DEFAULT_EXPIRES_IN, most=max_expires_in)
        rules = reader.rules(default_expires_in)
        virtual = "{bucket}" in config.get("STORAGE_ENDPOINT", "")
        settings = cls(
            principal=PrincipalFiles.from_config(config),
            secret=reader.secret(needed=not rules or any(rule.via == "s3" for rule in rules)),
            namespace=reader.matching("NAMESPACE", _namespace, _NAMESPACE_ERROR),
            region=reader.region(),
            storage_endpoint=reader.checked("STORAGE_ENDPOINT", template_error),
            virtual_hosted=virtual,
            store_route=reader.store_route(virtual_hosted=virtual),
            vault_endpoint=reader.checked("VAULT_ENDPOINT", service_url_error),
            object_storage_endpoint=reader.checked("OBJECT_STORAGE_ENDPOINT", service_url_error),
            rules=rules,
            default_bucket=reader.checked("DEFAULT_BUCKET", virtual_hosted_bucket_error if virtual else bucket_error),
            default_expires_in=default_expires_in,
            max_expires_in=max_expires_in,
            secret_ttl_seconds=reader.seconds("SECRET_TTL", 300, most=MAX_SECRET_SECONDS),
            secret_max_stale_seconds=reader.seconds("SECRET_MAX_STALE", 3600, least=0, most=MAX_SECRET_SECONDS),
            signer=reader.one_of("SIGNER", SIGNERS, default="sigv4"),
            log_level=reader.one_of("LOG_LEVEL", LOG_LEVELS, default="INFO"),
            gateway_secrets=reader.gateway_secrets(),
            par_max_expires_in=reader.seconds("PAR_MAX_EXPIRES_IN", max_expires_in, most=max_expires_in),
            tags=reader.tags(),
            deliver_to=reader.ocid("DELIVER_TO", "onstopic", "queue"),
            delivery_endpoint=reader.checked("DELIVERY_ENDPOINT", service_url_error),
        )
        reader.check_delivered_rules(rules if settings.deliver_to else [])
        reader.check_claims(rules)
        if reader.errors:
            raise NotConfigured(reader.errors)
        return settings


class _Reader:
    """Reads settings one by one and keeps all their errors; a wrong setting reads as if it were not set."""

    def __init__(self, config: Mapping[str, str], root: Path) -> None:
        self._config = config
        self._root = root
        self.errors: list[FieldError] = []

    def text(self, name: str) -> str | None:
        return self._config.get(name, "").strip() or None

    def checked(self, name: str, error_of: Callable[[str], str]) -> str | None:
        value = self.text(name)
        if value is not None and (error := error_of(value)):
            self.add(name, error)
            return None
        return value

    def matching(self, name: str, pattern: re.Pattern[str], error: str) -> str | None:
        return self.checked(name, lambda value: "" if pattern.fullmatch(value) else error)

    def one_of(self, name: str, choices: Sequence[str], *, default: str) -> str:
        error = f"must be one of {', '.join(choices)}"
        return self.checked(name, lambda value: "" if value in choices else error) or default

    def seconds(self, name: str, default: int, *, least: int = 1, most: int) -> int:
        def error_of(value: str) -> str:
            fits = value.isascii() and value.isdigit() and len(value) < 10 and least <= int(value) <= most
            return "" if fits else f"must be a whole number of seconds from {least} to {most}"

        value = self.checked(name, error_of)
        return min(default, most) if value is None else int(value)

    def region(self) -> str:
        region = self.text("REGION") or self.text("OCI_RESOURCE_PRINCIPAL_REGION")
        if region is None:
            self.add("REGION", "is required, as the environment does not tell the function's own region")
            return ""
        # One that the SDK does not know yet may be new.
        identifier = region if _region_identifier.fullmatch(region) else region_of_code(region)
        if identifier is None:
            self.add("REGION", "must be a region identifier or its key, such as eu-frankfurt-1 or fra")
        return identifier or ""

    def gateway_secrets(self) -> tuple[str, ...]:
        secrets = self.matching("CLAIMS_KEY", _claims_keys, _CLAIMS_KEY_ERROR)
        return tuple(re.findall(r"[^ ,]+", secrets or ""))

    def store_route(self, *, virtual_hosted: bool) -> str | None:
        route = self.checked("STORE_ROUTE", store_route_error)
        if route is not None and virtual_hosted:
            self.add("STORE_ROUTE", "can't be set with a STORAGE_ENDPOINT that has {bucket} in its host")
        return route and route.rstrip("/")

    def secret(self, *, needed: bool) -> SecretReference | None:
        secret, vault, name = (self.text(setting) for setting in ("SECRET_OCID", "VAULT_OCID", "SECRET_NAME"))
        if not (needed or secret or vault or name):
            return None
        if secret is None and not (vault and name):
            self.add("SECRET_OCID", "is required, or both VAULT_OCID and SECRET_NAME")
        if secret and (vault or name):
            self.add("SECRET_OCID", "cannot be set together with VAULT_OCID or SECRET_NAME")
        secret, vault = self.ocid("SECRET_OCID", "vaultsecret"), self.ocid("VAULT_OCID", "vault")
        return SecretReference(secret_ocid=secret, vault_ocid=vault, name=name)

    def rules(self, default_expires_in: int) -> list[Rule]:
        policy = self.text("POLICY")
        if policy is None:
            return []
        if policy.startswith("file:"):
            try:
                policy = (self._root / policy.removeprefix("file:")).read_text("utf-8")
            except (OSError, ValueError) as exc:
                self.add("POLICY", f"names a file that cannot be read: {exc}")
                return []
        rules, errors = parse_rules(policy, default_expires_in=default_expires_in)
        self.errors += [FieldError(f"/POLICY{error.pointer}", error.detail) for error in errors]
        return rules

    def check_claims(self, rules: list[Rule]) -> None:
        if self.text("CLAIMS_KEY") is None and any(rule.needs_claims for rule in rules):
            self.add("CLAIMS_KEY", "is required, as a rule of POLICY needs claims or is for the gateway alone")

    def check_delivered_rules(self, rules: list[Rule]) -> None:
        for number, rule in enumerate(rules):
            if rule.answers_events and rule.max_expires_in is None:
                detail = "is required with DELIVER_TO, as a delivered URL is every receiver's"
                self.add(f"POLICY/rules/{number}/max_expires_in", detail)

    def tags(self) -> tuple[str, ...]:
        own = function_tag(self.text("FN_FN_ID"))
        tag = self.matching("FUNCTION_TAG", _function_tag, "must be 1 to 64 letters, digits and hyphens")
        return (own,) if tag in (None, own) else (tag, own)

    def ocid(self, name: str, *resource_types: str) -> str | None:
        prefixes = tuple(f"ocid1.{resource_type}." for resource_type in resource_types)
        error = f"must be an OCID: {'… or '.join(prefixes)}…"
        return self.checked(name, lambda value: "" if value.startswith(prefixes) and _ocid.fullmatch(value) else error)

    def add(self, name: str, detail: str) -> None:
        self.errors.append(FieldError(f"/{name}", detail))


def function_tag(function_ocid: str | None) -> str:
    """A short name for the function, from its OCID in `FN_FN_ID`."""
    return "local" if function_ocid is None else sha256(function_ocid.encode()).hexdigest()[:12]
