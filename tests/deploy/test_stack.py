"""The Terraform stack, run by the real Terraform on a stand-in for Oracle's provider."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from oci.regions import REALMS

from deploy import archives, stack, statements
from deploy.stack import api_deployment, store_deployment
from gateway.fill import fill, fill_store
from presign.authorize.rules import parse_rules
from presign.authorize.warnings import warnings_of
from support.oci_provider.terraform import Terraform, TestRun

MOCKS = (stack.ROOT / "tests" / "support" / "oci_provider" / "mocks.hcl").read_text("utf-8")
TAGLESS = {
    "oci_identity_customer_secret_key",
    "oci_identity_user_capabilities_management",
    "oci_identity_user_group_membership",
    "oci_objectstorage_object_lifecycle_policy",
    "terraform_data",
}
"""The types of resources that can't have tags."""
COMPARTMENT = "id ocid1.compartment.oc1..c"
FUNCTION = "id ocid1.dynamicgroup.oc1..home"
SIGNERS = "id ocid1.group.oc1..home"
MADE_SECRET = "ocid1.vaultsecret.oc1.eu-frankfurt-1.made"
REQUIRED = {
    "issuer": "https://identity.oraclecloud.com/,https://other.example.com",
    "audience": "presign",
    "jwks_uri": "https://idcs-0123.identity.oraclecloud.com/admin/v1/SigningCert/jwk",
    "tenancy_ocid": "ocid1.tenancy.oc1..t",
    "compartment_ocid": "ocid1.compartment.oc1..c",
    "region": "eu-frankfurt-1",
}


def policy(*rules: Mapping[str, Any]) -> str:
    """A policy; a rule is for every object of the bucket `presign` unless it says otherwise."""
    return json.dumps({"rules": [{"bucket": "presign", "prefix": "", **rule} for rule in rules]})


FORM: dict[str, Any] = yaml.safe_load((stack.SOURCES / "schema.yaml").read_text("utf-8"))["variables"]
OPTIONAL = [
    name
    for name in re.findall(r'(?m)^variable "(\w+)"', (stack.SOURCES / "variables.tf").read_text("utf-8"))
    if name not in (*REQUIRED, "name")
]
CASES: dict[str, dict[str, Any]] = {
    "defaults": {},
    # As Resource Manager sends it: a text for each input, empty where nobody has filled it in.
    "form": {name: str(one.get("default", "")).lower() for name, one in FORM.items() if name not in REQUIRED},
    "nulls": dict.fromkeys(OPTIONAL),
    "network": {"function_subnet_ocid": "ocid1.subnet.oc1..f", "gateway_subnet_ocid": "ocid1.subnet.oc1..g"},
    "secret": {"secret_ocid": "ocid1.vaultsecret.oc1..given"},
    "vault": {"vault_ocid": "ocid1.vault.oc1..given", "key_ocid": "ocid1.key.oc1..given"},
    "image": {"image": "fra.ocir.io/axexample/presign:0.2.0", "provisioned_concurrency": 2},
    "queue": {"deliver_to": "queue"},
    "queue_beside_claims": {
        "deliver_to": "queue",
        "policy": policy(
            {"operations": ["read"], "callers": ["invoke"], "max_expires_in": 3600},
            {"operations": ["read"], "bucket": "b-{tenant}"},
            {"operations": ["read"], "prefix": "users/{sub}/"},
            {"operations": ["read"], "when": {"groups": ["editor"]}},
        ),
        "buckets": "b-acme",
    },
    "notifications": {"deliver_to": "notifications"},
    "events": {"events": True, "create_bucket": False, "bucket": "photos"},
    "par_only": {"policy": policy({"operations": ["*"], "via": "par", "single_use": True})},
    "two_buckets": {
        "policy": policy({"operations": ["read", "delete_object"]}, {"operations": ["post_object"], "bucket": "inbox"})
    },
    "no_route": {"store_route": False},
    "headers": {"allowed_headers": "traceparent,Content-Type,x-requested-with"},
    "claims": {
        "policy": policy({"operations": ["read"], "bucket": "b-{tenant}"}, {"operations": ["put_object"]}),
        "buckets": "b-acme,b-best",
    },
    "routed_subnets": {
        "function_subnet_ocid": "ocid1.subnet.oc1..f",
        "gateway_subnet_ocid": "ocid1.subnet.oc1..g",
        "store_route": True,
    },
    "government": {"tenancy_ocid": "ocid1.tenancy.oc19..t", "region": "eu-dcc-dublin-1"},
    "create_only": {
        "policy": policy({"operations": ["put_object", "read"], "create_only": True}, {"operations": ["delete_object"]})
    },
    "create_only_parts": {"policy": policy({"operations": ["put_object", "multipart"], "create_only": True})},
    "create_only_and_not": {
        "policy": policy({"operations": ["put_object"], "create_only": True}, {"operations": ["put_object"]})
    },
    "create_only_and_par": {
        "policy": policy(
            {"operations": ["put_object"], "create_only": True}, {"operations": ["get_object"], "via": "par"}
        )
    },
    "second_bucket_single_use": {
        "policy": policy(
            {"operations": ["read"]},
            {"operations": ["put_object"], "bucket": "inbox", "via": "par", "single_use": True},
        )
    },
    "watched": {
        "alarm_email": "ops@example.com",
        "bucket_logs": True,
        "keep_versions_days": 90,
        "bucket_key_ocid": "ocid1.key.oc1..bucket",
        "freeform_tags": {"team": "photos"},
        "defined_tags": {"Operations.CostCenter": "42"},
    },
    "private": {
        "function_subnet_ocid": "ocid1.subnet.oc1..f",
        "gateway_subnet_ocid": "ocid1.subnet.oc1..g",
        "gateway_is_private": True,
        "certificate_ocid": "ocid1.certificate.oc1..c",
        "requests_per_second": 7,
    },
    "topic": {"alarm_topic_ocid": "ocid1.onstopic.oc1..mine", "alarm_unauthorized": 7, "sweep": False},
    "root": {"compartment_ocid": "ocid1.tenancy.oc1..t", "settings": {"MAX_EXPIRES_IN": "60"}},
}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "issuer": ({"issuer": ""}, "issuer must be the claim iss of your tokens"),
    "audience": ({"audience": "a b"}, "audience must be the claim aud of your tokens"),
    "jwks_uri": ({"jwks_uri": "http://example.com"}, "jwks_uri must be an https URL"),
    "tenancy": ({"tenancy_ocid": "ocid1.compartment.oc1..c"}, "tenancy_ocid must be the OCID of a tenancy"),
    "compartment": ({"compartment_ocid": "ocid1.user.oc1..u"}, "compartment_ocid must be the OCID of a compartment"),
    "no_compartment": ({"compartment_ocid": ""}, "compartment_ocid must be the OCID of a compartment"),
    "issuer_address": ({"issuer": "presign,htps:/issuer.example.com"}, "issuer: an address must begin with https://"),
    "waiting_archive": ({"provisioned_concurrency": 2}, "provisioned_concurrency needs an image"),
    "private_network": ({"gateway_is_private": True}, "gateway_is_private needs function_subnet_ocid"),
    "three_keys": ({"signing_keys": ["a", "b", "c"]}, "signing_keys must be one or two different names"),
    "one_secret_twice": ({"gateway_secrets": ["a", "a"]}, "gateway_secrets must be one or two different names"),
    "region": ({"region": "FRA"}, "region must be a region identifier"),
    "origins": ({"allowed_origins": "https://a.example.com/"}, "allowed_origins must be *, or origins such as"),
    "headers": ({"allowed_headers": "traceparent, baggage"}, "allowed_headers must be names of headers"),
    "subnet_kind": ({"function_subnet_ocid": "ocid1.vcn.oc1..v"}, "function_subnet_ocid must be the OCID of a subnet"),
    "one_subnet": (
        {"function_subnet_ocid": "ocid1.subnet.oc1..f"},
        "function_subnet_ocid and gateway_subnet_ocid must",
    ),
    "vault_alone": ({"vault_ocid": "ocid1.vault.oc1..v"}, "vault_ocid and key_ocid must be given together"),
    "secret_kind": ({"secret_ocid": "ocid1.vault.oc1..v"}, "secret_ocid must be the OCID of a secret"),
    "image_name": ({"image": "presign"}, "image must name a registry, a repository, and a tag"),
    "memory": ({"memory_in_mbs": 100}, "memory_in_mbs must be 128, 256, 512"),
    "deliver_to": ({"deliver_to": "mail"}, "deliver_to must be none, queue, or notifications"),
    "not_json": ({"policy": "{"}, "policy must be a JSON object with a list named rules"),
    "no_bucket": ({"policy": '{"rules": [{"operations": ["read"]}]}'}, "each rule must have operations, bucket, and"),
    "operation": ({"policy": policy({"operations": ["fetch"]})}, "policy: there is no operation named fetch"),
    "claim": (
        {"policy": policy({"operations": ["read"], "bucket": "b-{tenant}"})},
        "name the buckets in the input buckets",
    ),
    "bucket_names": ({"buckets": "a b"}, "buckets must be names of buckets"),
    "buckets_of_dots": ({"buckets": "a,..,b"}, "buckets must be names of buckets"),
    "bucket_of_dots": (
        {"bucket": ".."},
        "bucket must have letters, digits, hyphens, underscores, and periods only, and",
    ),
    "own_route": ({"settings": {"STORE_ROUTE": "https://a.example.com"}}, "the stack itself sets STORE_ROUTE"),
    "virtual_hosted": (
        {"settings": {"STORAGE_ENDPOINT": "https://{bucket}.example.com"}},
        "it must be https:// and have no {bucket}",
    ),
    "endless": (
        {"deliver_to": "queue", "policy": policy({"operations": ["read"]})},
        "each such rule must have max_expires_in",
    ),
    "delivers_nothing": (
        {"deliver_to": "queue", "policy": policy({"operations": ["read"], "prefix": "{sub}/", "max_expires_in": 60})},
        "with deliver_to a rule must give get_object to the caller invoke",
    ),
    "own_setting": ({"settings": {"POLICY": "{}"}}, "settings: the stack itself sets POLICY"),
    "long": (
        {"policy": policy({"operations": ["read"], "prefix": "a" * 3800})},
        "more than the 4 KB that a function's",
    ),
}


def make(directory: Path, *, archive: bytes | None = b"tiny") -> Path:
    """A stack whose archive holds nothing that could run."""
    stack.build(directory)
    if archive is not None:
        (directory / "function.zip").write_bytes(archive)
    return directory


pytestmark = pytest.mark.slow  # Terraform takes over 20 seconds to get ready


@pytest.fixture(scope="session")
def terraform(oci_provider: Mapping[str, str]) -> Callable[[Path], Terraform]:
    """Gives Terraform for a folder, ready to run there."""

    def of(directory: Path) -> Terraform:
        made = Terraform(directory, environment=oci_provider)
        done = made.run("init", "-no-color")
        assert done.returncode == 0, done.stderr
        return made

    return of


@pytest.fixture(scope="session")
def runs(terraform: Callable[[Path], Terraform], tmp_path_factory: pytest.TempPathFactory) -> dict[str, TestRun]:
    """Each case, applied or refused."""
    cases = {**CASES, **{f"refused_{name}": inputs for name, (inputs, _) in REFUSED.items()}}
    of = terraform(make(tmp_path_factory.mktemp("stack")))
    return of.test({name: {**REQUIRED, **inputs} for name, inputs in cases.items()}, mocks=MOCKS)


@pytest.fixture
def defaults(runs: dict[str, TestRun]) -> TestRun:
    """The stack with no more than the required inputs."""
    return runs["defaults"]


def granted(run: TestRun, name: str) -> list[str]:
    """The statements of the policy of this name."""
    return [
        statement
        for values in run.all("oci_identity_policy").values()
        if values["name"] == f"presign-{name}"
        for statement in values["statements"]
    ]


class TestFiles:
    """The files are as Terraform wants them."""

    def test_they_are_formatted(self, terraform: Callable[[Path], Terraform], tmp_path: Path) -> None:
        done = terraform(make(tmp_path)).run("fmt", "-check", "-diff", str(stack.SOURCES))
        assert (done.returncode, done.stdout) == (0, "")

    def test_they_are_valid(self, terraform: Callable[[Path], Terraform], tmp_path: Path) -> None:
        done = terraform(make(tmp_path)).run("validate", "-no-color")
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.parametrize(
        ("file", "right", "wrong", "error"),
        [
            ("gateway.tf", "subnet_id ", "subnetid ", 'An argument named "subnetid" is not expected here'),
            ("gateway.tf", "subnet_id      = local.gateway_subnet_id", "", 'The argument "subnet_id" is required'),
            (
                "function.tf",
                "archive_source_type",
                "archive_type",
                'An argument named "archive_type" is not expected here',
            ),
            ("api_deployment.tf.json", '"rate_limiting"', '"rate_limit"', "rate_limit"),
        ],
    )
    def test_a_mistake_is_found(
        self, terraform: Callable[[Path], Terraform], tmp_path: Path, file: str, right: str, wrong: str, error: str
    ) -> None:
        ready = terraform(make(tmp_path))
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert right in text
        (tmp_path / file).write_text(text.replace(right, wrong), encoding="utf-8")
        done = ready.run("validate", "-no-color")
        assert done.returncode == 1
        assert error in done.stderr
        assert f"on {file} line" in done.stderr


class TestInputs:
    """An input that does not fit is refused by its name before anything is made."""

    @pytest.mark.parametrize("name", REFUSED)
    def test_an_input_that_does_not_fit(self, runs: dict[str, TestRun], name: str) -> None:
        refused = runs[f"refused_{name}"]
        assert any(REFUSED[name][1] in " ".join(error.split()) for error in refused.errors), refused.errors
        assert refused.types() == set()

    @pytest.mark.parametrize(
        ("archive", "error"),
        [(None, "function.zip is missing"), (bytes(25_000_001), "function.zip has more than 25 MB")],
    )
    def test_an_archive_that_does_not_fit(
        self, terraform: Callable[[Path], Terraform], tmp_path: Path, archive: bytes | None, error: str
    ) -> None:
        run = terraform(make(tmp_path, archive=archive)).test({"archive": REQUIRED}, mocks=MOCKS)["archive"]
        assert any(error in " ".join(found.split()) for found in run.errors), run.errors

    @pytest.mark.parametrize("name", CASES)
    def test_one_that_fits(self, runs: dict[str, TestRun], name: str) -> None:
        assert runs[name].errors == []
        assert runs[name].outputs["function_ocid"] == "ocid1.fnfunc.oc1.eu-frankfurt-1.presign"

    @pytest.mark.parametrize(("given", "auth"), [("", None), ("InstancePrincipal", "InstancePrincipal")])
    def test_the_provider_gets_no_empty_text(
        self, terraform: Callable[[Path], Terraform], tmp_path: Path, given: str, auth: str | None
    ) -> None:
        """It refuses one, and a form sends it."""
        inputs = [f"-var={name}={value}" for name, value in {**REQUIRED, "auth": given}.items()]
        done = terraform(make(tmp_path)).run("console", *inputs, stdin="jsonencode(local.auth)\n")
        assert json.loads(json.loads(done.stdout)) == auth

    def test_the_page_names_inputs_that_exist(self) -> None:
        page = (stack.ROOT / "docs" / "deploy.md").read_text("utf-8")
        page = re.sub(r"(?s)```hcl\n.*?```|\{ team = ", "", page)  # a back end, and a tag
        named = {*re.findall(r"(?m)([a-z_]+) += ", page), "vault_ocid", "key_ocid", "function_subnet_ocid"}
        known = re.findall(r'(?m)^variable "(\w+)"', (stack.SOURCES / "variables.tf").read_text("utf-8"))
        assert {"issuer", "allowed_origins", "settings"} <= named <= set(known)


class TestRights:
    """The policies have the statements of `deploy.statements`, word for word."""

    def test_the_function_reads_its_secret(self, defaults: TestRun) -> None:
        assert granted(defaults, "function") == [
            statements.function_may_read_secret(
                dynamic_group=FUNCTION, location=f"compartment {COMPARTMENT}", secret_ocid=MADE_SECRET
            )
        ]

    def test_and_manages_pars_without_a_store_route(self, runs: dict[str, TestRun]) -> None:
        assert granted(runs["no_route"], "function") == [
            statements.function_may_read_secret(
                dynamic_group=FUNCTION, location=f"compartment {COMPARTMENT}", secret_ocid=MADE_SECRET
            ),
            statements.function_may_manage_pars(dynamic_group=FUNCTION, compartment=COMPARTMENT, buckets=["presign"]),
            statements.function_may_use_objects(
                dynamic_group=FUNCTION,
                compartment=COMPARTMENT,
                buckets=["presign"],
                permissions=["OBJECT_CREATE", "OBJECT_INSPECT", "OBJECT_OVERWRITE", "OBJECT_READ"],
            ),
        ]

    def test_the_signing_user_may_do_no_more_than_its_urls(self, defaults: TestRun) -> None:
        assert granted(defaults, "signers") == [
            statements.signer_may_find_buckets(group=SIGNERS, compartment=COMPARTMENT, buckets=["presign"]),
            statements.signer_may_use_objects(
                group=SIGNERS,
                compartment=COMPARTMENT,
                buckets=["presign"],
                permissions=[
                    "OBJECT_CREATE",
                    "OBJECT_DELETE",
                    "OBJECT_INSPECT",
                    "OBJECT_OVERWRITE",
                    "OBJECT_READ",
                ],
            ),
        ]

    def test_a_claim_in_place_of_a_bucket(self, runs: dict[str, TestRun]) -> None:
        buckets = ["b-acme", "b-best", "presign"]
        assert granted(runs["claims"], "signers") == [
            statements.signer_may_find_buckets(group=SIGNERS, compartment=COMPARTMENT, buckets=buckets),
            statements.signer_may_use_objects(
                group=SIGNERS,
                compartment=COMPARTMENT,
                buckets=["b-acme", "b-best"],
                permissions=["OBJECT_INSPECT", "OBJECT_READ"],
            ),
            statements.signer_may_use_objects(
                group=SIGNERS,
                compartment=COMPARTMENT,
                buckets=["presign"],
                permissions=["OBJECT_CREATE", "OBJECT_OVERWRITE"],
            ),
        ]

    def test_the_gateway_may_call_the_function(self, defaults: TestRun) -> None:
        assert granted(defaults, "gateway") == [
            statements.gateway_may_call_function(
                compartment=COMPARTMENT, gateway_compartment_ocid="ocid1.compartment.oc1..c"
            )
        ]

    def test_object_storage_may_drop_unfinished_uploads(self, defaults: TestRun, runs: dict[str, TestRun]) -> None:
        assert granted(defaults, "lifecycle") == [
            statements.object_storage_may_apply_lifecycle(
                region="eu-frankfurt-1", compartment=COMPARTMENT, buckets=["presign"]
            )
        ]
        assert granted(runs["events"], "lifecycle") == []

    def test_the_dynamic_group_has_the_function_alone(self, defaults: TestRun) -> None:
        rule = defaults.one("oci_identity_dynamic_group")["matching_rule"]
        assert rule == statements.dynamic_group_rule("ocid1.fnfunc.oc1.eu-frankfurt-1.presign")

    def test_a_secret_that_exists_is_named_wherever_it_is(self, runs: dict[str, TestRun]) -> None:
        assert granted(runs["secret"], "function")[0] == statements.function_may_read_secret(
            dynamic_group=FUNCTION, location="tenancy", secret_ocid="ocid1.vaultsecret.oc1..given"
        )
        assert granted(runs["secret"], "signers") == []

    def test_pars_alone_need_no_secret(self, runs: dict[str, TestRun]) -> None:
        assert granted(runs["par_only"], "function") == [
            statements.function_may_manage_pars(dynamic_group=FUNCTION, compartment=COMPARTMENT, buckets=["presign"]),
            statements.function_may_use_objects(
                dynamic_group=FUNCTION,
                compartment=COMPARTMENT,
                buckets=["presign"],
                permissions=statements.permissions_of(["*"], via="par"),
            ),
            statements.function_may_list_buckets(dynamic_group=FUNCTION, compartment=COMPARTMENT),
        ]

    def test_each_bucket_gives_what_its_own_rules_need(self, runs: dict[str, TestRun]) -> None:
        assert granted(runs["two_buckets"], "signers") == [
            statements.signer_may_find_buckets(group=SIGNERS, compartment=COMPARTMENT, buckets=["presign", "inbox"]),
            *(
                statements.signer_may_use_objects(
                    group=SIGNERS, compartment=COMPARTMENT, buckets=[bucket], permissions=permissions
                )
                for bucket, permissions in (
                    ("inbox", ["OBJECT_CREATE", "OBJECT_OVERWRITE"]),
                    ("presign", ["OBJECT_DELETE", "OBJECT_INSPECT", "OBJECT_READ"]),
                )
            ),
        ]

    def test_delivery(self, runs: dict[str, TestRun]) -> None:
        queue = "ocid1.queue.oc1.eu-frankfurt-1.made"
        assert granted(runs["queue"], "function")[-2:] == [
            statements.function_may_find_queue(dynamic_group=FUNCTION, compartment=COMPARTMENT, queue_ocid=queue),
            statements.function_may_put_messages(dynamic_group=FUNCTION, compartment=COMPARTMENT, queue_ocid=queue),
        ]
        assert granted(runs["notifications"], "function")[-1] == statements.function_may_publish(
            dynamic_group=FUNCTION, compartment=COMPARTMENT
        )

    def test_users_groups_keys_and_policies_are_made_in_the_home_region(self, defaults: TestRun) -> None:
        """The stack's region is another one, whose provider would have given other identifiers."""
        made = {type_: defaults.all(type_).values() for type_ in defaults.types() if type_.startswith("oci_identity_")}
        assert len(made) == 7
        for type_, all_values in made.items():
            for values in all_values:
                assert values["id"].endswith("..home") or type_ == "oci_identity_customer_secret_key", type_
        assert defaults.one("oci_identity_customer_secret_key")["id"] == "access-key-of-the-signer"

    def test_the_permissions_are_those_of_the_statements(
        self, terraform: Callable[[Path], Terraform], tmp_path: Path
    ) -> None:
        inputs = [f"-var={name}={value}" for name, value in REQUIRED.items()]
        values = "[local.permissions, local.par_permissions, local.event_operations, local.part_operations]"
        done = terraform(make(tmp_path)).run("console", *inputs, stdin=f"jsonencode({values})\n")
        assert done.returncode == 0, done.stderr
        permissions, par_permissions, event_operations, part_operations = json.loads(json.loads(done.stdout))
        assert {name: tuple(of) for name, of in permissions.items()} == statements.PERMISSIONS
        assert par_permissions == ["OBJECT_CREATE", "OBJECT_OVERWRITE", "OBJECT_INSPECT", "OBJECT_READ"]
        assert event_operations == ["get_object", "read", "*"]
        assert set(part_operations) == {
            *("complete_multipart_upload", "copy_object", "create_multipart_upload", "upload_part"),
            *("multipart", "write", "*"),
        }


class TestGateway:
    """The API deployment is `gateway/deployment.json`, filled."""

    def test_it_is_the_filled_file(self, defaults: TestRun) -> None:
        filled = fill(
            json.loads(stack.DEPLOYMENT.read_text("utf-8")),
            {
                "FUNCTION_OCID": ["ocid1.fnfunc.oc1.eu-frankfurt-1.presign"],
                "CLAIMS_KEY": [defaults.one("oci_functions_function")["config"]["CLAIMS_KEY"]],
                "ISSUER": ["https://identity.oraclecloud.com/", "https://other.example.com"],
                "AUDIENCE": ["presign"],
                "JWKS_URI": [REQUIRED["jwks_uri"]],
                "ALLOWED_ORIGINS": ["*"],
            },
        )
        [deployed] = api(defaults)["specification"]
        assert [*differences(filled, deployed)] == []

    def test_nothing_is_added_to_the_file(self) -> None:
        """Converted back, the generated resource is the file, so a part that is there is no other."""
        template = json.loads(stack.DEPLOYMENT.read_text("utf-8"))
        [made] = api_deployment(template)["resource"]["oci_apigateway_deployment"].values()
        assert names(made["specification"]) == names(template) - {"application/json"} | {"mediaType"}

    def test_a_private_gateway_with_a_domain_and_a_rate(self, runs: dict[str, TestRun]) -> None:
        gateway = runs["private"].one("oci_apigateway_gateway")
        assert (gateway["endpoint_type"], gateway["certificate_id"]) == ("PRIVATE", "ocid1.certificate.oc1..c")
        [specification] = runs["private"].one("oci_apigateway_deployment")["specification"]
        [limit] = specification["request_policies"][0]["rate_limiting"]
        assert (limit["rate_in_requests_per_second"], limit["rate_key"]) == (7, "CLIENT_IP")

    @pytest.mark.parametrize(
        ("case", "allowed"),
        [
            ("defaults", ["Authorization", "Content-Type"]),
            ("headers", ["Authorization", "Content-Type", "traceparent", "x-requested-with"]),
        ],
    )
    def test_the_headers_that_pages_may_send(self, runs: dict[str, TestRun], case: str, allowed: list[str]) -> None:
        [specification] = api(runs[case])["specification"]
        [cors] = specification["request_policies"][0]["cors"]
        assert cors["allowed_headers"] == allowed

    def test_the_gateway_secret_is_the_functions(self, defaults: TestRun) -> None:
        key = defaults.one("oci_functions_function")["config"]["CLAIMS_KEY"]
        assert re.fullmatch(r"[0-9a-f-]{36}", key)
        assert f'"{key}:${{request.auth[sub]}}:"' in json.dumps(api(defaults))


def api(run: TestRun) -> dict[str, Any]:
    """The deployment of the API."""
    return run.all("oci_apigateway_deployment")["oci_apigateway_deployment.presign"]


class TestStoreRoute:
    """The store route is `gateway/store.json`, filled for the buckets of the policy."""

    HOST = "https://axexample.compat.objectstorage.eu-frankfurt-1.oraclecloud.com"

    def route(self, run: TestRun) -> dict[str, Any]:
        return run.all("oci_apigateway_deployment")["oci_apigateway_deployment.store[0]"]

    @pytest.mark.parametrize(
        ("case", "buckets"),
        [
            ("defaults", ["presign"]),
            ("two_buckets", ["presign", "inbox"]),
            ("claims", ["b-acme", "b-best", "presign"]),
            ("routed_subnets", ["presign"]),
        ],
    )
    def test_it_is_the_filled_file(self, runs: dict[str, TestRun], case: str, buckets: list[str]) -> None:
        values = {"STORE": [self.HOST], "BUCKET": buckets, "ALLOWED_ORIGINS": ["*"]}
        filled = fill_store(json.loads(stack.STORE_DEPLOYMENT.read_text("utf-8")), values)
        deployed = self.route(runs[case])
        assert [*differences(filled, deployed["specification"][0])] == []
        assert deployed["path_prefix"] == "/store"

    def test_nothing_is_added_to_the_file(self) -> None:
        template = json.loads(stack.STORE_DEPLOYMENT.read_text("utf-8"))
        [made] = store_deployment(template)["resource"]["oci_apigateway_deployment"].values()
        assert names(made["specification"]) == names(template) | {"dynamic", "forEach", "content"}

    @pytest.mark.parametrize("case", ["network", "no_route", "par_only"])
    def test_there_may_be_none(self, runs: dict[str, TestRun], case: str) -> None:
        assert [*runs[case].all("oci_apigateway_deployment")] == ["oci_apigateway_deployment.presign"]
        assert "STORE_ROUTE" not in runs[case].one("oci_functions_function")["config"]
        assert runs[case].outputs["store_route"] == ""

    def test_the_function_knows_it(self, defaults: TestRun) -> None:
        config = defaults.one("oci_functions_function")["config"]
        assert config["STORE_ROUTE"] == self.route(defaults)["endpoint"] == defaults.outputs["store_route"]

    def test_no_log_is_made_for_it(self, defaults: TestRun) -> None:
        """Its URLs are passwords. The logs of the stack are those of the function and of the API."""
        assert len(defaults.all("oci_logging_log")) == 3
        text = (stack.SOURCES / "logs.tf").read_text("utf-8")
        assert "oci_apigateway_deployment.store" not in text

    def test_another_realm(self, runs: dict[str, TestRun]) -> None:
        [specification] = self.route(runs["government"])["specification"]
        url = "https://axexample.compat.objectstorage.eu-dcc-dublin-1.oraclecloud.eu/presign"
        assert specification["routes"][0]["backend"][0]["url"] == url

    def test_the_realms_are_those_of_the_sdk(self) -> None:
        text = (stack.SOURCES / "store_route.tf").read_text("utf-8")
        named = dict(re.findall(r'(?m)^    (oc\d+) +=+ "([a-z.]+)"$', text))
        assert {realm: named.get(realm, f"oraclecloud{realm[2:]}.com") for realm in REALMS} == REALMS


FRESH = """
  mock_data "oci_functions_applications" {
    defaults = { applications = [] }
  }
"""
MADE = """
  mock_data "oci_functions_applications" {
    defaults = { applications = [{ id = "ocid1.fnapp.oc1..made" }] }
  }
  mock_data "oci_functions_functions" {
    defaults = { functions = [{ id = "ocid1.fnfunc.oc1..made" }] }
  }
  mock_data "oci_functions_function" {
    defaults = { config = { POLICY = "DEPLOYED" } }
  }
"""
NO_BUCKETS = """
  mock_data "oci_objectstorage_bucket_summaries" {
    defaults = { bucket_summaries = [] }
  }
"""
PARS = """
  mock_data "oci_objectstorage_bucket_summaries" {
    defaults = { bucket_summaries = [{ name = "presign" }, { name = "another" }] }
  }
  mock_data "oci_objectstorage_preauthrequests" {
    defaults = { preauthenticated_requests = [{ name = "NAME" }] }
  }
"""
OLD_DEFAULT = {
    "rules": [
        {
            "bucket": "presign",
            "max_expires_in": 3600,
            "operations": ["get_object", "head_object", "get_prefix", "put_object"],
            "prefix": "users/{sub}/",
            "via": "par",
        },
        {"bucket": "presign", "max_expires_in": 3600, "operations": ["get_object"], "prefix": "users/{sub}/"},
    ]
}
"""The policy that release 0.2 made where none was given."""


def mocks_of(*blocks: str) -> str:
    """The mocks of a tenancy where something was deployed before."""
    none = re.compile(r'(?ms)^  mock_data "(?:oci_functions_applications|oci_objectstorage_bucket_summaries)".*?^  }\n')
    begin = 'mock_provider "oci" {\n'
    return none.sub("", MOCKS).replace(begin, begin + "".join(blocks), 1)


def made_with(policy: Any) -> str:
    """The mock of a function that was deployed with a policy."""
    text = json.dumps(policy, separators=(",", ":"))
    return MADE.replace('"DEPLOYED"', json.dumps(text))


@pytest.fixture(scope="module")
def earlier(terraform: Callable[[Path], Terraform], tmp_path_factory: pytest.TempPathFactory) -> dict[str, TestRun]:
    """The stack where another release, or somebody else, has made something before."""
    of = terraform(make(tmp_path_factory.mktemp("earlier")))
    held = mocks_of(FRESH, PARS.replace("NAME", "presign:abc:gateway:def:1"))
    cases = {
        "old_default": (mocks_of(made_with(OLD_DEFAULT), NO_BUCKETS), {}),
        "another": (mocks_of(made_with({"rules": []}), NO_BUCKETS), {}),
        "held": (held, {}),
        "held_besides_creates": (held, CASES["create_only"]),
        "others": (mocks_of(FRESH, PARS.replace("NAME", "backup")), {}),
    }
    return {name: of.test({name: {**REQUIRED, **more}}, mocks=text)[name] for name, (text, more) in cases.items()}


class TestEarlierDeployments:
    """URLs that a deployment of an earlier release has given to people stay valid."""

    def vias(self, run: TestRun) -> list[str]:
        assert run.errors == []
        rules, errors = parse_rules(run.one("oci_functions_function")["config"]["POLICY"])
        assert errors == []
        return [rule.via for rule in rules]

    def test_the_default_policy_of_release_0_2_stays(self, earlier: dict[str, TestRun]) -> None:
        assert self.vias(earlier["old_default"]) == ["par", "s3"]
        assert len(granted(earlier["old_default"], "function")) == 3

    def test_a_deployment_with_another_policy_gets_the_new_default(self, earlier: dict[str, TestRun]) -> None:
        assert self.vias(earlier["another"]) == ["s3", "s3"]

    @pytest.mark.parametrize("case", ["held", "held_besides_creates"])
    def test_the_right_to_make_pars_stays_while_people_hold_any(self, earlier: dict[str, TestRun], case: str) -> None:
        assert self.vias(earlier[case]) == ["s3", "s3"]
        assert granted(earlier[case], "function")[1:] == [
            statements.function_may_manage_pars(dynamic_group=FUNCTION, compartment=COMPARTMENT, buckets=["presign"]),
            statements.function_may_use_objects(
                dynamic_group=FUNCTION,
                compartment=COMPARTMENT,
                buckets=["presign"],
                permissions=statements.permissions_of(["*"], via="par"),
            ),
        ]

    def test_they_are_swept_as_long_as_there_are_any(self, earlier: dict[str, TestRun]) -> None:
        """Else they would stay listed, and the right with them."""
        [schedule] = earlier["held"].all("oci_resource_scheduler_schedule").values()
        assert schedule["resources"][0]["parameters"][0]["value"] == ['{"sweep":{"bucket":"presign"}}']
        assert len(granted(earlier["held"], "sweep")) == 1
        assert "oci_resource_scheduler_schedule" not in earlier["others"].types()

    def test_the_signing_user_may_not_overwrite_for_them(self, earlier: dict[str, TestRun]) -> None:
        assert "OBJECT_OVERWRITE" not in "".join(granted(earlier["held_besides_creates"], "signers"))

    def test_those_of_others_do_not_count(self, earlier: dict[str, TestRun]) -> None:
        assert len(granted(earlier["others"], "function")) == 1


def differences(expected: Any, deployed: Any, at: str = "") -> Iterator[str]:
    """Where a deployment, in Terraform's names, is not as `expected`, in the names of the API."""
    if isinstance(expected, dict):
        if deployed == []:
            yield f"{at}: is missing"
            return
        block = deployed[0] if isinstance(deployed, list) else deployed
        for name, value in expected.items():
            if name == "content":
                types = {content["media_type"]: content for content in block["content"]}
                assert sorted(types) == sorted(value)
                for media_type, validation in value.items():
                    yield from differences(validation, types[media_type], f"{at}/{name}/{media_type}")
            else:
                snake = re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)
                yield from differences(value, block[snake], f"{at}/{name}")
    elif isinstance(expected, list):
        # The provider's items of some lists are a set, which has no order.
        if len(expected) != len(deployed):
            yield f"{at}: {len(deployed)} instead of {len(expected)}"
        for index, item in enumerate(expected):
            candidates = [[*differences(item, other, f"{at}/{index}")] for other in deployed]
            if [] not in candidates:
                yield from min(candidates, key=len, default=[f"{at}/{index}: is missing"])
    elif expected != deployed:
        yield f"{at}: {deployed!r} instead of {expected!r}"


def names(value: Any) -> set[str]:
    """The names of all members, in camel case."""
    if isinstance(value, dict):
        own = {re.sub(r"_([a-z])", lambda found: found[1].upper(), name) for name in value}
        return own.union(*(names(item) for item in value.values()))
    return set().union(*(names(item) for item in value)) if isinstance(value, list) else set()


class TestFunction:
    """The function and its settings."""

    def test_an_archive(self, defaults: TestRun) -> None:
        [source] = defaults.one("oci_functions_function")["source_details"]
        assert (source["source_type"], source["handler"]) == ("ARCHIVE", "func.handler")
        assert source["archive_source_details"][0]["archive_file"] == "dGlueQ=="
        assert source["runtime_config"][0]["functions_runtime_name"] == "python311.ol9"

    def test_an_image(self, runs: dict[str, TestRun]) -> None:
        function = runs["image"].one("oci_functions_function")
        [source] = function["source_details"]
        assert (source["source_type"], source["image"]) == ("CONTAINER_IMAGE", "fra.ocir.io/axexample/presign:0.2.0")
        assert (source["archive_source_details"], source["runtime_config"]) == ([], [])
        assert function["provisioned_concurrency_config"] == [{"strategy": "CONSTANT", "count": 2}]

    def test_settings(self, defaults: TestRun, runs: dict[str, TestRun]) -> None:
        config = defaults.one("oci_functions_function")["config"]
        assert set(config) == {
            "CLAIMS_KEY",
            "DEFAULT_BUCKET",
            "FUNCTION_TAG",
            "NAMESPACE",
            "POLICY",
            "SECRET_OCID",
            "STORE_ROUTE",
        }
        assert (config["DEFAULT_BUCKET"], config["NAMESPACE"], config["SECRET_OCID"]) == (
            "presign",
            "axexample",
            MADE_SECRET,
        )
        assert runs["root"].one("oci_functions_function")["config"]["MAX_EXPIRES_IN"] == "60"
        assert "SECRET_OCID" not in runs["par_only"].one("oci_functions_function")["config"]
        delivered = runs["queue"].one("oci_functions_function")["config"]["DELIVER_TO"]
        assert delivered == "ocid1.queue.oc1.eu-frankfurt-1.made"

    @pytest.mark.parametrize(
        ("case", "via"), [("defaults", "s3"), ("queue", "s3"), ("no_route", "par"), ("network", "par")]
    )
    def test_the_default_policy_has_no_errors(self, runs: dict[str, TestRun], case: str, via: str) -> None:
        rules, errors = parse_rules(runs[case].one("oci_functions_function")["config"]["POLICY"])
        assert errors == []
        assert [(rule.via, rule.prefix, rule.callers) for rule in rules] == [
            (via, "users/{sub}/", ("gateway", "invoke")),
            ("s3", "users/{sub}/", ("gateway", "invoke")),
            *([("s3", "", ("invoke",))] if case == "queue" else []),
        ]
        assert list(warnings_of(rules)) == []

    def test_the_default_policy_serves_a_web_app_and_takes_no_pages(self, defaults: TestRun) -> None:
        reads, writes = json.loads(defaults.one("oci_functions_function")["config"]["POLICY"])["rules"]
        everyone = {"bucket": "presign", "prefix": "users/{sub}/", "max_expires_in": 3600}
        assert reads == {**everyone, "operations": ["read", "list_objects_v2", "delete_object"]}
        assert writes == {
            **everyone,
            "operations": ["put_object", "multipart"],
            "max_content_length": 1024**3,
            "content_types": ["image/*", "video/*", "audio/*", "application/pdf", "text/plain"],
        }

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    def test_a_policy_file_is_deployed_with_the_archive(
        self, terraform: Callable[[Path], Terraform], tmp_path: Path, encoding: str
    ) -> None:
        """It may be longer than a function's configuration, and have a byte order mark, which the function ignores."""
        file = tmp_path / "mine.json"
        file.write_text(
            policy({"operations": ["read"], "prefix": "a" * 1000}, *[{"operations": ["read"]}] * 100), encoding
        )
        directory = tmp_path / "stack"
        stack.build(directory, policy=file)
        (directory / "function.zip").write_bytes(b"tiny")
        run = terraform(directory).test({"file": REQUIRED}, mocks=MOCKS)["file"]
        assert run.errors == []
        assert run.one("oci_functions_function")["config"]["POLICY"] == "file:policy.json"
        assert "OBJECT_CREATE" not in "".join(granted(run, "signers"))


class TestSecrets:
    """Nothing secret is shown, and nothing is public but the gateway."""

    @pytest.mark.parametrize("case", CASES)
    def test_no_output_holds_a_secret(self, runs: dict[str, TestRun], case: str) -> None:
        run = runs[case]
        shown = json.dumps(run.outputs)
        assert run.one("oci_functions_function")["config"]["CLAIMS_KEY"] not in shown
        assert "secret-key-of-the-signer" not in shown
        assert "access-key-of-the-signer" not in shown

    def test_the_key_goes_into_the_secret_alone(self, defaults: TestRun) -> None:
        for type_ in defaults.types() - {"oci_identity_customer_secret_key", "oci_vault_secret"}:
            assert "secret-key-of-the-signer" not in json.dumps(defaults.all(type_)), type_

    @pytest.mark.parametrize("case", ["secret", "par_only"])
    def test_no_key_is_made_where_none_is_needed(self, runs: dict[str, TestRun], case: str) -> None:
        made = runs[case].types()
        assert not {name for name in made if name.startswith(("oci_kms_", "oci_vault_", "oci_identity_user"))}
        assert "oci_identity_customer_secret_key" not in made

    def test_nothing_is_public_but_the_gateway(self, defaults: TestRun) -> None:
        gateway, function = (
            defaults.all("oci_core_subnet")[f"oci_core_subnet.{name}[0]"] for name in ("gateway", "function")
        )
        assert (function["prohibit_public_ip_on_vnic"], function["prohibit_internet_ingress"]) == (True, True)
        lists = defaults.all("oci_core_security_list")
        assert lists["oci_core_security_list.function[0]"]["ingress_security_rules"] == []
        [ingress] = lists["oci_core_security_list.gateway[0]"]["ingress_security_rules"]
        assert (ingress["source"], ingress["tcp_options"][0]["min"], ingress["tcp_options"][0]["max"]) == (
            "0.0.0.0/0",
            443,
            443,
        )
        tables = defaults.all("oci_core_route_table")
        [route] = tables["oci_core_route_table.function[0]"]["route_rules"]
        assert route["destination"] == "all-fra-services-in-oracle-services-network"
        routes = tables["oci_core_route_table.gateway[0]"]["route_rules"]
        assert {route["destination"] for route in routes} == {"0.0.0.0/0", "oci-fra-objectstorage"}
        assert defaults.one("oci_objectstorage_bucket")["access_type"] == "NoPublicAccess"
        assert (gateway["cidr_block"], function["cidr_block"]) == ("10.0.0.0/24", "10.0.1.0/24")


class TestParts:
    """The other resources are made, or those that exist are used."""

    def test_a_network_that_exists_is_taken(self, runs: dict[str, TestRun]) -> None:
        run = runs["network"]
        assert not {name for name in run.types() if name.startswith("oci_core_")}
        assert run.one("oci_functions_application")["subnet_ids"] == ["ocid1.subnet.oc1..f"]
        assert run.one("oci_apigateway_gateway")["subnet_id"] == "ocid1.subnet.oc1..g"

    def test_a_vault_that_exists_is_taken(self, runs: dict[str, TestRun]) -> None:
        secret = runs["vault"].one("oci_vault_secret")
        assert (secret["vault_id"], secret["key_id"]) == ("ocid1.vault.oc1..given", "ocid1.key.oc1..given")
        assert not {name for name in runs["vault"].types() if name.startswith("oci_kms_")}

    def test_unfinished_uploads_are_dropped(self, defaults: TestRun) -> None:
        [rule] = defaults.one("oci_objectstorage_object_lifecycle_policy")["rules"]
        assert (rule["action"], rule["target"], rule["time_amount"]) == ("ABORT", "multipart-uploads", "7")

    @pytest.mark.parametrize("case", ["queue", "queue_beside_claims", "notifications", "events", "par_only"])
    def test_events_call_the_function(self, runs: dict[str, TestRun], case: str) -> None:
        rule = runs[case].one("oci_events_rule")
        bucket = "photos" if case == "events" else "presign"
        assert json.loads(rule["condition"])["data"] == {"additionalDetails": {"bucketName": [bucket]}}
        [action] = rule["actions"][0]["actions"]
        assert (action["action_type"], action["function_id"]) == ("FAAS", "ocid1.fnfunc.oc1.eu-frankfurt-1.presign")
        assert all(made["object_events_enabled"] for made in runs[case].all("oci_objectstorage_bucket").values())

    def test_without_events_there_is_no_rule(self, defaults: TestRun) -> None:
        assert "oci_events_rule" not in defaults.types()
        assert defaults.one("oci_objectstorage_bucket")["object_events_enabled"] is False

    def test_logs_of_the_function_and_the_gateway(self, defaults: TestRun) -> None:
        sources = [values["configuration"][0]["source"][0] for values in defaults.all("oci_logging_log").values()]
        assert sorted((source["service"], source["category"]) for source in sources) == [
            ("apigateway", "access"),
            ("apigateway", "execution"),
            ("functions", "invoke"),
        ]

    def test_the_tenancy_names_the_root_compartment(self, runs: dict[str, TestRun]) -> None:
        assert runs["root"].one("oci_functions_application")["compartment_id"] == "ocid1.tenancy.oc1..t"

    def test_outputs(self, defaults: TestRun) -> None:
        assert defaults.outputs == {
            "endpoint": "https://gateway.example.com/presigner/v1/presign",
            "function_ocid": "ocid1.fnfunc.oc1.eu-frankfurt-1.presign",
            "deployment_ocid": "ocid1.apideployment.oc1.eu-frankfurt-1.presign",
            "bucket": "presign",
            "store_route": "https://gateway.example.com/presigner",
            "try_it": "curl -s https://gateway.example.com/presigner/v1/presign"
            " -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json'"
            ' -d \'{"operation": "put_object", "key": "users/\'"$SUB"\'/hello.txt",'
            ' "content_type": "text/plain", "content_length": 6}\'',
        }


class TestWithheld:
    """A leaked key can't overwrite where no URL does."""

    @pytest.mark.parametrize(
        ("case", "overwrites"),
        [
            ("create_only", False),
            ("create_only_parts", True),
            ("create_only_and_not", True),
            ("create_only_and_par", True),
            ("defaults", True),
            ("no_route", False),
        ],
    )
    def test_the_right_to_overwrite(self, runs: dict[str, TestRun], case: str, overwrites: bool) -> None:
        assert ("OBJECT_OVERWRITE" in "".join(granted(runs[case], "signers"))) is overwrites

    def test_the_other_rights_stay(self, runs: dict[str, TestRun]) -> None:
        assert granted(runs["create_only"], "signers")[1] == statements.signer_may_use_objects(
            group=SIGNERS,
            compartment=COMPARTMENT,
            buckets=["presign"],
            permissions=["OBJECT_CREATE", "OBJECT_DELETE", "OBJECT_INSPECT", "OBJECT_READ"],
        )


class TestSecondDay:
    """Expired PARs go by themselves, and somebody learns of failures."""

    def test_expired_pars_of_each_bucket_are_swept_once_a_day(self, runs: dict[str, TestRun]) -> None:
        [schedule] = runs["second_bucket_single_use"].all("oci_resource_scheduler_schedule").values()
        assert (schedule["action"], schedule["recurrence_type"], schedule["recurrence_details"]) == (
            "START_RESOURCE",
            "ICAL",
            "FREQ=DAILY;INTERVAL=1",
        )
        [target] = schedule["resources"]
        assert target["id"] == "ocid1.fnfunc.oc1.eu-frankfurt-1.presign"
        [parameter] = target["parameters"]
        assert parameter["parameter_type"] == "BODY"
        assert [json.loads(value) for value in parameter["value"]] == [{"sweep": {"bucket": "inbox"}}]

    def test_the_schedule_may_call_the_function(self, runs: dict[str, TestRun]) -> None:
        [schedule] = runs["no_route"].all("oci_resource_scheduler_schedule").values()
        assert granted(runs["no_route"], "sweep") == [
            statements.schedule_may_call_function(
                compartment=COMPARTMENT,
                schedule_ocid=schedule["id"],
                function_ocid="ocid1.fnfunc.oc1.eu-frankfurt-1.presign",
            )
        ]
        for without in ("defaults", "topic", "two_buckets"):
            assert "oci_resource_scheduler_schedule" not in runs[without].types()
            assert granted(runs[without], "sweep") == []

    def test_single_use_gets_the_events_of_its_own_bucket(self, runs: dict[str, TestRun]) -> None:
        run = runs["second_bucket_single_use"]
        condition = json.loads(run.one("oci_events_rule")["condition"])
        assert condition["data"]["additionalDetails"]["bucketName"] == ["inbox"]
        assert run.one("oci_objectstorage_bucket")["object_events_enabled"] is False
        listing = statements.function_may_list_buckets(dynamic_group=FUNCTION, compartment=COMPARTMENT)
        assert granted(run, "function")[-1] == listing

    def test_older_versions_go_after_the_days_of_the_input(self, defaults: TestRun, runs: dict[str, TestRun]) -> None:
        rules = {
            rule["name"]: rule for rule in runs["watched"].one("oci_objectstorage_object_lifecycle_policy")["rules"]
        }
        older = rules["older-versions"]
        assert (older["action"], older["target"], older["time_amount"], older["time_unit"]) == (
            "DELETE",
            "previous-object-versions",
            "90",
            "DAYS",
        )
        assert len(defaults.one("oci_objectstorage_object_lifecycle_policy")["rules"]) == 1

    def test_alarms(self, defaults: TestRun, runs: dict[str, TestRun]) -> None:
        alarms = {made["display_name"]: made for made in runs["watched"].all("oci_monitoring_alarm").values()}
        function = 'FunctionResponseCount[5m]{resourceId = "ocid1.fnfunc.oc1.eu-frankfurt-1.presign", responseType = '
        gateway = 'HttpResponses[5m]{deploymentId = "ocid1.apideployment.oc1.eu-frankfurt-1.presign", '
        assert {name: (made["namespace"], made["query"]) for name, made in alarms.items()} == {
            "presign-function-errors": ("oci_faas", f'{function}"Error"}}.sum() > 0'),
            "presign-function-throttled": ("oci_faas", f'{function}"Throttled"}}.sum() > 0'),
            "presign-gateway-5xx": ("oci_apigateway", f'{gateway}httpStatusCategory = "5xx"}}.sum() > 0'),
            "presign-gateway-401": ("oci_apigateway", f'{gateway}httpStatusCode = "401"}}.sum() > 100'),
        }
        assert {tuple(made["destinations"]) for made in alarms.values()} == {
            ("ocid1.onstopic.oc1.eu-frankfurt-1.made",)
        }
        subscription = runs["watched"].one("oci_ons_subscription")
        assert (subscription["protocol"], subscription["endpoint"]) == ("EMAIL", "ops@example.com")
        assert "oci_monitoring_alarm" not in defaults.types()

    def test_a_topic_that_exists_gets_the_alarms(self, runs: dict[str, TestRun]) -> None:
        alarms = runs["topic"].all("oci_monitoring_alarm").values()
        assert {tuple(made["destinations"]) for made in alarms} == {("ocid1.onstopic.oc1..mine",)}
        assert any(made["query"].endswith(" > 7") for made in alarms)
        assert "oci_ons_subscription" not in runs["topic"].types()

    def test_the_bucket_is_logged_and_has_a_key_of_its_own(self, defaults: TestRun, runs: dict[str, TestRun]) -> None:
        sources = [made["configuration"][0]["source"][0] for made in runs["watched"].all("oci_logging_log").values()]
        logged = {(source["service"], source["category"]): source["resource"] for source in sources}
        assert (logged["objectstorage", "read"], logged["objectstorage", "write"]) == ("presign", "presign")
        assert runs["watched"].one("oci_objectstorage_bucket")["kms_key_id"] == "ocid1.key.oc1..bucket"

    def test_all_that_can_have_tags_has_them(self, runs: dict[str, TestRun]) -> None:
        run = runs["watched"]
        assert len(run.types() - TAGLESS) > 20
        for kind in run.types() - TAGLESS:
            for address, made in run.all(kind).items():
                assert made["freeform_tags"] == {"team": "photos"}, address
                assert made["defined_tags"] == {"Operations.CostCenter": "42"}, address

    def test_the_mark_of_its_pars_outlives_the_function(self, defaults: TestRun) -> None:
        tag = defaults.one("oci_functions_function")["config"]["FUNCTION_TAG"]
        assert tag == hashlib.sha256(b"ocid1.compartment.oc1..c/presign").hexdigest()[:12]

    @pytest.mark.parametrize("case", ["defaults", "form", "nulls"])
    def test_the_signing_user_has_an_address(self, runs: dict[str, TestRun], case: str) -> None:
        assert runs[case].one("oci_identity_user")["email"] == "presign-signer@example.com"


class TestPack:
    """The ZIP for Resource Manager."""

    def test_it_holds_the_stack_and_none_of_terraforms_own_files(self, tmp_path: Path) -> None:
        directory = make(tmp_path / "stack")
        for name in ("terraform.tfstate", "presign.tfvars", ".terraform.lock.hcl"):
            (directory / name).write_text("secret", encoding="utf-8")
        archives = []
        for name in ("a.zip", "b.zip"):
            stack.pack(directory, tmp_path / name)
            archives.append((tmp_path / name).read_bytes())
        assert archives[0] == archives[1]
        shutil.unpack_archive(tmp_path / "a.zip", tmp_path / "unpacked")
        assert {file.name for file in (tmp_path / "unpacked").iterdir()} == {
            *(file.name for file in stack.SOURCES.iterdir()),
            "api_deployment.tf.json",
            "store_deployment.tf.json",
            "permissions.tf.json",
            "runtime.tf.json",
            "function.zip",
        }

    def test_the_archive_may_be_as_large_as_the_stack_allows(self) -> None:
        assert f"local.archive_bytes <= {archives.MAX_ARCHIVE_BYTES}" in (stack.SOURCES / "policy.tf").read_text(
            encoding="utf-8"
        )
