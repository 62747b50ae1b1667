"""`presign.settings`: every setting is read and checked, and all faults are told at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import oci.regions
import pytest

from presign.problems import NotConfigured
from presign.services.client import PrincipalFiles, SecretReference
from presign.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LEAST = {"SECRET_OCID": "ocid1.vaultsecret.oc1.x", "REGION": "eu-frankfurt-1"}


def read(config: dict[str, str], root: Path = Path()) -> Settings:
    return Settings.from_config(config, root=root)


def errors(config: dict[str, str], root: Path = Path()) -> dict[str, str]:
    with pytest.raises(NotConfigured) as caught:
        read(config, root)
    return {error.pointer: error.detail for error in caught.value.errors}


def test_defaults() -> None:
    assert read(LEAST) == Settings(
        secret=SecretReference(secret_ocid="ocid1.vaultsecret.oc1.x"),
        namespace=None,
        region="eu-frankfurt-1",
        storage_endpoint=None,
        virtual_hosted=False,
        store_route=None,
        vault_endpoint=None,
        object_storage_endpoint=None,
        rules=[],
        default_bucket=None,
        default_expires_in=3600,
        max_expires_in=604_800,
        secret_ttl_seconds=300,
        secret_max_stale_seconds=3600,
        signer="sigv4",
        log_level="INFO",
        gateway_secrets=(),
        par_max_expires_in=604_800,
        tags=("local",),
        deliver_to=None,
        delivery_endpoint=None,
    )


class TestPrincipal:
    """The files of the resource principal, where there are such; the rest is for the SDK to find out."""

    FILES: ClassVar[dict[str, str]] = {
        **LEAST,
        "OCI_RESOURCE_PRINCIPAL_VERSION": "2.2",
        "OCI_RESOURCE_PRINCIPAL_RPST": "/.oci/rpst",
        "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM": "/.oci/private.pem",
    }

    @pytest.mark.parametrize("passphrase", [None, "/.oci/passphrase"])
    def test_files(self, passphrase: str | None) -> None:
        more = {
            "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_PASSPHRASE": passphrase or "",
            "OCI_RESOURCE_PRINCIPAL_REGION": "uk-london-1",
        }
        assert read({**self.FILES, **more}).principal == PrincipalFiles(
            token_path=Path("/.oci/rpst"),
            key_path=Path("/.oci/private.pem"),
            passphrase_path=Path("/.oci/passphrase") if passphrase else None,
            region="uk-london-1",
        )

    def test_the_region_of_the_urls_is_not_that_of_the_function(self) -> None:
        principal = read({**self.FILES, "REGION": "us-ashburn-1"}).principal
        assert principal is not None
        assert principal.region is None

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("VERSION", "1.1"),
            ("VERSION", "2.1.1"),
            ("VERSION", "3.0"),
            ("VERSION", ""),
            ("RPST", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"),
            ("RPST", "rpst"),
            ("RPST", ""),
            ("PRIVATE_PEM", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"),
            ("PRIVATE_PEM", ""),
            ("PRIVATE_PEM_PASSPHRASE", "hunter2"),
        ],
    )
    def test_anything_else(self, name: str, value: str) -> None:
        assert read({**self.FILES, f"OCI_RESOURCE_PRINCIPAL_{name}": value}).principal is None


class TestDeliveredRules:
    """A rule that answers events must bound how long its URLs are valid."""

    READ: ClassVar[dict[str, Any]] = {"operations": ["read"], "bucket": "b", "prefix": ""}

    def config(self, **member: Any) -> dict[str, str]:
        policy = json.dumps({"rules": [{**self.READ, **member}]})
        delivery = {"DELIVER_TO": "ocid1.queue.oc1..q", "CLAIMS_KEY": "0123456789abcdef0123456789abcdef"}
        return {**LEAST, **delivery, "POLICY": policy}

    def test_one_for_direct_invocations(self) -> None:
        told = "is required with DELIVER_TO, as a delivered URL is every receiver's"
        assert errors(self.config()) == {"/POLICY/rules/0/max_expires_in": told}
        assert read(self.config(max_expires_in=60)).deliver_to == "ocid1.queue.oc1..q"

    @pytest.mark.parametrize(
        "member",
        [{"prefix": "users/{sub}/"}, {"bucket": "b-{tenant}"}, {"when": {"groups": ["x"]}}, {"callers": ["gateway"]}],
    )
    def test_one_that_needs_claims_answers_none(self, member: dict[str, Any]) -> None:
        assert read(self.config(**member)).deliver_to == "ocid1.queue.oc1..q"


def test_an_empty_value_is_one_that_is_not_set() -> None:
    names = ["NAMESPACE", "STORAGE_ENDPOINT", "POLICY", "DEFAULT_BUCKET", "SECRET_TTL", "SIGNER", "VAULT_OCID"]
    assert read({**LEAST, **dict.fromkeys(names, " ")}) == read(LEAST)


def test_everything_set() -> None:
    settings = read(
        {
            "VAULT_OCID": "ocid1.vault.oc1.x",
            "SECRET_NAME": "presign key",
            "NAMESPACE": "axaxnpcrorw5",
            "REGION": "us-ashburn-1",
            "OCI_RESOURCE_PRINCIPAL_REGION": "eu-frankfurt-1",
            "STORAGE_ENDPOINT": "https://{bucket}.vhcompat.objectstorage.{region}.oci.customer-oci.com",
            "VAULT_ENDPOINT": "https://secrets.example",
            "OBJECT_STORAGE_ENDPOINT": "http://127.0.0.1:1234",
            "POLICY": '{"rules": [{"operations": ["read"], "bucket": "b", "prefix": ""}]}',
            "DEFAULT_BUCKET": "bucket-1",
            "DEFAULT_EXPIRES_IN": "60",
            "MAX_EXPIRES_IN": "120",
            "SECRET_TTL": "1",
            "SECRET_MAX_STALE": "0",
            "SIGNER": "boto3",
            "LOG_LEVEL": "DEBUG",
        }
    )
    assert settings.secret == SecretReference(vault_ocid="ocid1.vault.oc1.x", name="presign key")
    assert settings.region == "us-ashburn-1"
    assert settings.virtual_hosted
    assert [rule.bucket for rule in settings.rules] == ["b"]
    assert (settings.default_expires_in, settings.max_expires_in) == (60, 120)
    assert (settings.secret_ttl_seconds, settings.secret_max_stale_seconds) == (1, 0)
    assert (settings.signer, settings.log_level) == ("boto3", "DEBUG")


def test_the_region_is_the_functions_own_unless_it_is_set() -> None:
    config = {"SECRET_OCID": "ocid1.vaultsecret.oc1.x", "OCI_RESOURCE_PRINCIPAL_REGION": "uk-london-1"}
    assert read(config).region == "uk-london-1"


def test_the_default_expiry_never_exceeds_the_maximum() -> None:
    assert read({**LEAST, "MAX_EXPIRES_IN": "900"}).default_expires_in == 900


def test_the_policy_may_be_a_file_beside_the_function(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text(
        '{"rules": [{"operations": ["*"], "bucket": "b", "prefix": "p/"}]}', encoding="utf-8"
    )
    assert read({**LEAST, "POLICY": "file:policy.json"}, tmp_path).rules[0].prefix == "p/"


def test_nothing_is_set() -> None:
    assert errors({}) == {
        "/SECRET_OCID": "is required, or both VAULT_OCID and SECRET_NAME",
        "/REGION": "is required, as the environment does not tell the function's own region",
    }


def test_all_errors_at_once(tmp_path: Path) -> None:
    assert errors(
        {
            "SECRET_OCID": "ocid1.vault.oc1.x",
            "VAULT_OCID": "vault",
            "NAMESPACE": "a b",
            "REGION": "Frankfurt am Main",
            "STORAGE_ENDPOINT": "ftp://x",
            "VAULT_ENDPOINT": "secrets.example",
            "OBJECT_STORAGE_ENDPOINT": "https://x/n",
            "POLICY": '{"rules": [{"operations": ["read", "fly"], "bucket": "b"}]}',
            "DEFAULT_BUCKET": "a/b",
            "DEFAULT_EXPIRES_IN": "1h",
            "MAX_EXPIRES_IN": "604801",
            "SECRET_TTL": "0",
            "SECRET_MAX_STALE": "-1",
            "SIGNER": "minio",
            "LOG_LEVEL": "LOUD",
        },
        tmp_path,
    ).keys() == {
        "/SECRET_OCID",
        "/VAULT_OCID",
        "/NAMESPACE",
        "/REGION",
        "/STORAGE_ENDPOINT",
        "/VAULT_ENDPOINT",
        "/OBJECT_STORAGE_ENDPOINT",
        "/POLICY/rules/0/prefix",
        "/DEFAULT_BUCKET",
        "/DEFAULT_EXPIRES_IN",
        "/MAX_EXPIRES_IN",
        "/SECRET_TTL",
        "/SECRET_MAX_STALE",
        "/SIGNER",
        "/LOG_LEVEL",
    }


@pytest.mark.parametrize("extra", [{"VAULT_OCID": "ocid1.vault.oc1.x"}, {"SECRET_NAME": "x"}])
def test_a_secret_is_named_in_one_way_only(extra: dict[str, str]) -> None:
    assert errors({**LEAST, **extra}) == {"/SECRET_OCID": "cannot be set together with VAULT_OCID or SECRET_NAME"}


@pytest.mark.parametrize("partial", [{"VAULT_OCID": "ocid1.vault.oc1.x"}, {"SECRET_NAME": "x"}])
def test_half_a_name_is_not_enough(partial: dict[str, str]) -> None:
    assert errors({"REGION": "eu-frankfurt-1", **partial}) == {
        "/SECRET_OCID": "is required, or both VAULT_OCID and SECRET_NAME"
    }


def test_the_default_bucket_must_fit_into_a_host_name_if_it_goes_there() -> None:
    config = {**LEAST, "DEFAULT_BUCKET": "PresignedBlog"}
    assert read(config).default_bucket == "PresignedBlog"
    assert list(errors({**config, "STORAGE_ENDPOINT": "https://{bucket}.example"})) == ["/DEFAULT_BUCKET"]


@pytest.mark.parametrize("name", ["none.json", "", "a\0b", "a" * 5000])
def test_a_policy_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    assert errors({**LEAST, "POLICY": f"file:{name}"}, tmp_path)["/POLICY"].startswith("names a file that cannot be")


@pytest.mark.parametrize("ocid", ["ocid1.vaultsecret.", "ocid1.vaultsecret.oc1.x y", "ocid1.vaultsecret.oc1.x/../y"])
def test_an_ocid_that_is_none(ocid: str) -> None:
    assert errors({**LEAST, "SECRET_OCID": ocid}) == {"/SECRET_OCID": "must be an OCID: ocid1.vaultsecret.…"}


def test_a_namespace_is_a_label_of_a_host() -> None:
    assert read({**LEAST, "NAMESPACE": "n" * 63}).namespace == "n" * 63
    characters = "must be 1 to 63 lower-case letters, digits, hyphens and underscores"
    told = f"{characters}, beginning and ending with a letter or digit"
    for wrong in ("n" * 64, "_ns", "ns-", "Ns"):
        assert errors({**LEAST, "NAMESPACE": wrong}) == {"/NAMESPACE": told}


def test_the_default_expiry_must_not_exceed_the_maximum() -> None:
    assert errors({**LEAST, "MAX_EXPIRES_IN": "60", "DEFAULT_EXPIRES_IN": "61"}) == {
        "/DEFAULT_EXPIRES_IN": "must be a whole number of seconds from 1 to 60"
    }


CLAIMS_KEY_MISSING = "is required, as a rule of POLICY needs claims or is for the gateway alone"
CLAIMS_KEY_WRONG = "must be 32 to 128 letters, digits, hyphens and underscores, or two of these with a comma between"


@pytest.mark.parametrize(
    "rule", [{"prefix": "{sub}/"}, {"bucket": "{tenant}"}, {"when": {"groups": ["editor"]}}, {"callers": ["gateway"]}]
)
def test_rules_that_trust_the_gateway_need_its_secret(rule: dict[str, Any]) -> None:
    policy = json.dumps({"rules": [{"operations": ["read"], "bucket": "b", "prefix": "", **rule}]})
    assert errors({**LEAST, "POLICY": policy}) == {"/CLAIMS_KEY": CLAIMS_KEY_MISSING}
    assert errors({**LEAST, "POLICY": policy, "CLAIMS_KEY": "short"}) == {"/CLAIMS_KEY": CLAIMS_KEY_WRONG}


def test_two_gateway_secrets_while_one_replaces_the_other() -> None:
    assert read({**LEAST, "CLAIMS_KEY": "a" * 32}).gateway_secrets == ("a" * 32,)
    assert read({**LEAST, "CLAIMS_KEY": f"{'a' * 32}, {'b' * 32}"}).gateway_secrets == ("a" * 32, "b" * 32)


@pytest.mark.parametrize("keys", [f"{'a' * 32},", f"{'a' * 32},short", ",".join(["a" * 32] * 3)])
def test_a_list_of_gateway_secrets_that_is_wrong(keys: str) -> None:
    assert errors({**LEAST, "CLAIMS_KEY": keys}) == {"/CLAIMS_KEY": CLAIMS_KEY_WRONG}


@pytest.mark.parametrize("name", ["VAULT_ENDPOINT", "OBJECT_STORAGE_ENDPOINT", "STORAGE_ENDPOINT"])
class TestPlainHttp:
    """Keys, tokens and URLs cross a network only encrypted."""

    @pytest.mark.parametrize("host", ["vault.example", "127.0.0.1.example", "localhost.example", "10.0.0.1"])
    def test_not_to_another_machine(self, name: str, host: str) -> None:
        assert errors({**LEAST, name: f"http://{host}:80"}) == {
            f"/{name}": "must be https://, as http:// is for loopback hosts only"
        }

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "s3.localhost"])
    def test_to_this_machine(self, name: str, host: str) -> None:
        assert read({**LEAST, name: f"http://{host}:9000"})


def test_no_repr_shows_a_gateway_secret() -> None:
    assert "a" * 32 not in repr(read({**LEAST, "CLAIMS_KEY": "a" * 32}))


class TestStoreRoute:
    ROUTE = "https://gateway.example.com/store"

    def test_a_slash_at_its_end_does_not_matter(self) -> None:
        assert read({**LEAST, "STORE_ROUTE": self.ROUTE}).store_route == self.ROUTE
        assert read({**LEAST, "STORE_ROUTE": f"{self.ROUTE}/"}).store_route == self.ROUTE

    def test_what_is_no_url_of_one(self) -> None:
        told = "must be an https URL of a host and a path, without a query"
        assert errors({**LEAST, "STORE_ROUTE": f"{self.ROUTE}?a"}) == {"/STORE_ROUTE": told}

    def test_buckets_in_the_host_can_not_be_routed(self) -> None:
        virtual = {"STORAGE_ENDPOINT": "https://{bucket}.store.example.com"}
        told = "can't be set with a STORAGE_ENDPOINT that has {bucket} in its host"
        assert errors({**LEAST, **virtual, "STORE_ROUTE": self.ROUTE}) == {"/STORE_ROUTE": told}


@pytest.mark.parametrize(
    ("config", "tags"),
    [
        ({}, ("local",)),
        ({"FN_FN_ID": "ocid1.fnfunc.oc1.x"}, ("e11781bb0910",)),
        ({"FN_FN_ID": "ocid1.fnfunc.oc1.x", "FUNCTION_TAG": "team-A-1"}, ("team-A-1", "e11781bb0910")),
        ({"FN_FN_ID": "ocid1.fnfunc.oc1.x", "FUNCTION_TAG": "e11781bb0910"}, ("e11781bb0910",)),
        ({"FUNCTION_TAG": "a" * 64}, ("a" * 64, "local")),
    ],
)
def test_the_tags_in_the_names_of_pars(config: dict[str, str], tags: tuple[str, ...]) -> None:
    assert read({**LEAST, **config}).tags == tags


@pytest.mark.parametrize("tag", ["a:b", "a b", "ü", "a_b", "a.b", "a" * 65])
def test_a_tag_that_is_none(tag: str) -> None:
    assert errors({**LEAST, "FUNCTION_TAG": tag}) == {"/FUNCTION_TAG": "must be 1 to 64 letters, digits and hyphens"}


class TestRegion:
    """An identifier by its form, or a short code that the SDK knows."""

    @pytest.mark.parametrize(
        ("setting", "region"),
        [
            ("eu-frankfurt-1", "eu-frankfurt-1"),
            ("us-gov-ashburn-1", "us-gov-ashburn-1"),
            ("xx-newtown-12", "xx-newtown-12"),  # which no SDK knows yet
            ("iad", "us-ashburn-1"),
            ("IAD", "us-ashburn-1"),
            ("fra", "eu-frankfurt-1"),
        ],
    )
    def test_taken(self, setting: str, region: str) -> None:
        assert read({**LEAST, "REGION": setting}).region == region
        config = {"SECRET_OCID": "ocid1.vaultsecret.oc1.x", "OCI_RESOURCE_PRINCIPAL_REGION": setting}
        assert read(config).region == region

    @pytest.mark.parametrize(
        "setting",
        [
            "eu_frankfurt_1",
            "xyz",
            "frankfurt",
            "eu-frankfurt",
            "EU-FRANKFURT-1",
            "eu-frankfurt-1a",
            "eu-frankfurt-0",
            "eu-frankfurt-01",
            "eu--1",
            "e-a-1",
            "-",
        ],
    )
    def test_refused(self, setting: str) -> None:
        assert errors({**LEAST, "REGION": setting}) == {
            "/REGION": "must be a region identifier or its key, such as eu-frankfurt-1 or fra"
        }

    def test_every_region_that_the_sdk_knows(self) -> None:
        for code, region in oci.regions.REGIONS_SHORT_NAMES.items():
            assert read({**LEAST, "REGION": code}).region == read({**LEAST, "REGION": region}).region == region

    def test_an_identifier_needs_no_table(self) -> None:
        code = (
            "import sys; from pathlib import Path; from presign.settings import Settings; "
            f"Settings.from_config({LEAST!r}, root=Path()); assert 'oci' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=30)  # noqa: S603 - our own command


@pytest.mark.parametrize(
    "name", ["VAULT_ENDPOINT", "OBJECT_STORAGE_ENDPOINT", "DELIVERY_ENDPOINT", "STORAGE_ENDPOINT", "STORE_ROUTE"]
)
class TestPort:
    """A port is a number from 1 to 65535."""

    @pytest.mark.parametrize("port", ["1", "443", "9999", "59999", "65535"])
    def test_taken(self, name: str, port: str) -> None:
        assert read({**LEAST, name: f"https://host.example:{port}"})

    @pytest.mark.parametrize(
        "port", ["0", "65536", "65540", "65600", "66000", "70000", "99999", "100000", "", "1a", "-1"]
    )
    def test_refused(self, name: str, port: str) -> None:
        assert list(errors({**LEAST, name: f"https://host.example:{port}"})) == [f"/{name}"]
