"""The deployments in `gateway/`, as Oracle's own model of them sees them, and how their placeholders are filled."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import oci.apigateway.models
import pytest

from gateway.fill import UnreadableValue, store_buckets
from local.api_gateway import transformations
from support.programs import in_utf_8

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = json.loads((ROOT / "gateway" / "deployment.json").read_text(encoding="utf-8"))
STORE_TEMPLATE = json.loads((ROOT / "gateway" / "store.json").read_text(encoding="utf-8"))
VALUES = {
    "FUNCTION_OCID": "ocid1.fnfunc.oc1.eu-frankfurt-1.aaaa",
    "ISSUER": "https://identity.oraclecloud.com/",
    "AUDIENCE": "https://presign.example.com",
    "JWKS_URI": "https://idcs-0123.identity.oraclecloud.com/admin/v1/SigningCert/jwk",
    "ALLOWED_ORIGINS": "https://app.example.com,https://admin.example.com",
    "CLAIMS_KEY": "0123456789abcdef0123456789abcdef",
}
STORE_VALUES = {
    "STORE": "https://axexample.compat.objectstorage.eu-frankfurt-1.oraclecloud.com",
    "BUCKET": "photos,in.box",
    "ALLOWED_ORIGINS": "https://app.example.com,https://admin.example.com",
}
OTHER_VALUES = {name: value for name, value in VALUES.items() if name != "CLAIMS_KEY"}


def fill(values: dict[str, str], *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m gateway.fill`, with further variables of the environment."""
    arguments = [*options, *(f"{name}={value}" for name, value in values.items())]
    command = [sys.executable, "-m", "gateway.fill", *arguments]
    return subprocess.run(  # noqa: S603
        command, cwd=ROOT, env=in_utf_8(**environment), capture_output=True, encoding="utf-8", timeout=30, check=False
    )


def model_errors(value: Any, expected: str, at: str = "") -> list[str]:
    """The errors of a part of a deployment, which should be `expected`, by `oci.apigateway.models`."""
    if found := re.fullmatch(r"list\[(.+)\]", expected):
        return [error for index, item in enumerate(value) for error in model_errors(item, found[1], f"{at}/{index}")]
    if found := re.fullmatch(r"dict\(str, (.+)\)", expected):
        return [error for name, item in value.items() for error in model_errors(item, found[1], f"{at}/{name}")]
    if expected in ("str", "int", "float", "bool"):
        fits: Any = {"str": str, "int": int, "float": (int, float), "bool": bool}[expected]
        return [] if isinstance(value, fits) else [f"{at}: is not {expected}"]
    model = getattr(oci.apigateway.models, expected)
    if hasattr(model, "get_subtype"):
        subtype = model.get_subtype(value)
        if subtype == expected:
            return [f"{at}: there is no {expected} of this type"]
        model = getattr(oci.apigateway.models, subtype)
    part = model()
    attributes = {name: attribute for attribute, name in part.attribute_map.items()}
    errors = []
    for name, item in value.items():
        if name not in attributes:
            errors.append(f"{at}/{name}: is unknown to {model.__name__}")
            continue
        errors += model_errors(item, part.swagger_types[attributes[name]], f"{at}/{name}")
        setattr(part, attributes[name], item)
        kept = getattr(part, attributes[name])
        if kept != item:
            errors.append(f"{at}/{name}: is none of the values that {model.__name__} knows")
    for attribute, name in part.attribute_map.items():
        required = "**[Required]**" in (getattr(model, attribute).__doc__ or "")
        if required and name not in value:
            errors.append(f"{at}/{name}: is required by {model.__name__}")
    return errors


class TestModel:
    """Oracle's model of a deployment, not ours, says that the file is right."""

    @pytest.mark.parametrize("template", [TEMPLATE, STORE_TEMPLATE])
    def test_it_knows_every_key_type_and_value(self, template: Any) -> None:
        assert model_errors(template, "ApiSpecification") == []

    @pytest.mark.parametrize(
        ("path", "value", "error"),
        [
            (("requestPolicies", "rateLimit"), {}, "/requestPolicies/rateLimit: is unknown to"),
            (("requestPolicies", "rateLimiting", "rateKey"), "SUB", "/rateKey: is none of the values that"),
            (("requestPolicies", "authentication", "type"), "JWT", "/authentication: there is no Authentication"),
            (("requestPolicies", "cors"), {}, "/requestPolicies/cors/allowedOrigins: is required by CorsPolicy"),
            (("loggingPolicies", "accessLog", "isEnabled"), "true", "/accessLog/isEnabled: is not bool"),
        ],
    )
    def test_it_would_find_an_error(self, path: tuple[str, ...], value: Any, error: str) -> None:
        wrong = copy.deepcopy(TEMPLATE)
        parent = wrong
        for name in path[:-1]:
            parent = parent[name]
        parent[path[-1]] = value
        assert any(error in found for found in model_errors(wrong, "ApiSpecification"))


class TestContent:
    """The routes, and how each of them treats tokens and claims."""

    def test_the_routes(self) -> None:
        routes = {(tuple(route["methods"]), route["path"]) for route in TEMPLATE["routes"]}
        assert routes == {
            (("POST",), "/v1/presign"),
            (("POST",), "/v1/presign/batch"),
            (("POST",), "/v1/presign/revoke"),
            (("GET", "HEAD"), "/v1/object"),
            (("GET",), "/v1/openapi.json"),
        }

    def test_no_route_is_open_to_those_without_a_token(self) -> None:
        assert TEMPLATE["requestPolicies"]["authentication"]["isAnonymousAccessAllowed"] is False
        types = {route["requestPolicies"]["authorization"]["type"] for route in TEMPLATE["routes"]}
        assert types == {"AUTHENTICATION_ONLY"}

    def test_each_claim_carries_the_gateway_secret_and_replaces_the_header_of_the_client(self) -> None:
        for route in TEMPLATE["routes"]:
            transformations = route["requestPolicies"]["headerTransformations"]
            allowed = [item["name"] for item in transformations["filterHeaders"]["items"]]
            assert transformations["filterHeaders"]["type"] == "ALLOW"
            items = transformations["setHeaders"]["items"] if "setHeaders" in transformations else []
            claims = [item["name"].removeprefix("x-claim-") for item in items]
            assert claims in ([], ["sub", "iss", "groups", "tenant", "scope"])
            assert allowed == ["accept", "content-type", *(f"x-claim-{claim}" for claim in claims)]
            for item, claim in zip(items, claims, strict=True):
                assert item["values"] == [f"<CLAIMS_KEY>:${{request.auth[{claim}]}}:"]
                assert item["ifExists"] == "OVERWRITE"


class TestStoreRoute:
    """`store.json`: for each bucket, and for nothing else, a way to the store that asks for a signature."""

    def filled(self) -> Any:
        done = fill(STORE_VALUES, "--store")
        assert (done.returncode, done.stderr) == (0, "")
        assert not re.search("<[A-Z_]+>", done.stdout)
        return json.loads(done.stdout)

    def test_two_routes_for_each_bucket(self) -> None:
        """The bucket stands in the back end's URL, and a slash before the key, so no key can lead elsewhere."""
        host = "https://axexample.compat.objectstorage.eu-frankfurt-1.oraclecloud.com"
        assert [(route["path"], route["backend"]["url"]) for route in self.filled()["routes"]] == [
            ("/photos", f"{host}/photos"),
            ("/photos/{object*}", f"{host}/photos/${{request.path[object]}}"),
            ("/in.box", f"{host}/in.box"),
            ("/in.box/{object*}", f"{host}/in.box/${{request.path[object]}}"),
        ]
        assert {tuple(route["methods"]) for route in self.filled()["routes"]} == {
            ("GET", "HEAD", "PUT", "POST", "DELETE")
        }
        assert model_errors(self.filled(), "ApiSpecification") == []

    def test_every_page_may_use_it_that_may_use_the_api_and_none_with_cookies(self) -> None:
        assert self.filled()["requestPolicies"] == {
            "cors": {
                "allowedOrigins": ["https://app.example.com", "https://admin.example.com"],
                "allowedMethods": ["GET", "HEAD", "PUT", "POST", "DELETE"],
                "allowedHeaders": ["*"],
                "exposedHeaders": ["*"],
                "isAllowCredentialsEnabled": False,
                "maxAgeInSeconds": 600,
            },
            "rateLimiting": {"rateInRequestsPerSecond": 500, "rateKey": "CLIENT_IP"},
        }

    def test_no_log_may_hold_its_urls(self) -> None:
        assert self.filled()["loggingPolicies"] == {
            "accessLog": {"isEnabled": False},
            "executionLog": {"isEnabled": False},
        }

    @pytest.mark.parametrize("index", range(4))
    def test_each_route_demands_a_signature_and_keeps_pages_from_running(self, index: int) -> None:
        route = self.filled()["routes"][index]
        assert route["requestPolicies"] == {
            "queryParameterValidations": {
                "parameters": [{"name": "X-Amz-Signature", "required": True}],
                "validationMode": "ENFORCING",
            },
            "headerTransformations": {"filterHeaders": {"type": "BLOCK", "items": [{"name": "authorization"}]}},
        }
        assert route["responsePolicies"]["headerTransformations"] == {
            "setHeaders": {
                "items": [
                    {"name": "content-security-policy", "values": ["sandbox"], "ifExists": "OVERWRITE"},
                    {"name": "vary", "values": ["Origin"], "ifExists": "APPEND"},
                ]
            },
            "filterHeaders": {"type": "BLOCK", "items": [{"name": "set-cookie"}]},
        }
        assert (route["backend"]["readTimeoutInSeconds"], route["backend"]["sendTimeoutInSeconds"]) == (300, 300)

    @pytest.mark.parametrize("template", [TEMPLATE, STORE_TEMPLATE])
    def test_no_transformation_is_for_a_protected_header(self, template: Any) -> None:
        """API Gateway refuses such a deployment. It sends `X-Content-Type-Options` and its like by itself."""
        for route in template["routes"]:
            changes = route["responsePolicies"]["headerTransformations"]
            items = [*changes["setHeaders"]["items"], *changes.get("filterHeaders", {}).get("items", [])]
            assert not {item["name"] for item in items} & transformations.PROTECTED_IN_RESPONSES
            changes = route["requestPolicies"]["headerTransformations"]
            items = [*changes.get("setHeaders", {}).get("items", []), *changes["filterHeaders"]["items"]]
            assert not {item["name"] for item in items} & transformations.PROTECTED

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("STORE", "http://axexample.compat.objectstorage.eu-frankfurt-1.oraclecloud.com"),
            ("STORE", f"{STORE_VALUES['STORE']}/"),
            ("STORE", "https://user@objectstorage.example.com"),
            ("STORE", "https://objectstorage.example.com?a="),
            ("BUCKET", ".."),
            ("BUCKET", "a/b"),
            ("BUCKET", "{object*}"),
            ("BUCKET", "${request.path[object]}"),
            ("ALLOWED_ORIGINS", "https://app.example.com/"),
        ],
    )
    def test_a_value_that_does_not_fit(self, name: str, value: str) -> None:
        done = fill({**STORE_VALUES, name: value}, "--store")
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{name} cannot be {value!r}\n")

    @pytest.mark.parametrize("name", STORE_VALUES)
    def test_one_that_is_missing(self, name: str) -> None:
        done = fill({key: value for key, value in STORE_VALUES.items() if key != name}, "--store")
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{name} is missing\n")


class TestBucketsOfAPolicy:
    """Each bucket of a rule for presigned URLs has routes."""

    def rule(self, bucket: str, **members: Any) -> dict[str, Any]:
        return {"operations": ["read"], "bucket": bucket, "prefix": "", **members}

    def fill(self, directory: Path, *rules: dict[str, Any], **more: str) -> subprocess.CompletedProcess[str]:
        file = directory / "policy.json"
        file.write_text(json.dumps({"rules": rules}), encoding="utf-8")
        others = {name: value for name, value in STORE_VALUES.items() if name != "BUCKET"}
        return fill({**others, "POLICY": str(file), **more}, "--store")

    def paths(self, done: subprocess.CompletedProcess[str]) -> list[str]:
        assert (done.returncode, done.stderr) == (0, "")
        return [route["path"] for route in json.loads(done.stdout)["routes"]][::2]

    def test_each_once_and_none_of_pars(self, tmp_path: Path) -> None:
        rules = [self.rule("b"), self.rule("a", prefix="x/"), self.rule("b", prefix="y/"), self.rule("c", via="par")]
        assert self.paths(self.fill(tmp_path, *rules)) == ["/b", "/a"]

    def test_a_claim_in_place_of_a_bucket(self, tmp_path: Path) -> None:
        rules = [self.rule("a"), self.rule("b-{tenant}")]
        assert self.paths(self.fill(tmp_path, *rules, BUCKET="b-acme,b-best")) == ["/a", "/b-acme", "/b-best"]
        done = self.fill(tmp_path, *rules)
        message = "POLICY has a rule for the bucket b-{tenant}: name such buckets with BUCKET=…,…\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, "", message)

    def test_pars_alone(self, tmp_path: Path) -> None:
        done = self.fill(tmp_path, self.rule("a", via="par"))
        message = "POLICY has no rule for presigned URLs, so nobody needs a store route\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, "", message)

    @pytest.mark.parametrize("wrong", [{}, {"bucket": None}, {"bucket": 5}, {"bucket": ["a"]}, {"bucket": {"a": 1}}])
    def test_a_policy_with_an_error(self, tmp_path: Path, wrong: dict[str, Any]) -> None:
        done = self.fill(tmp_path, self.rule("a"), {"operations": ["read"], **wrong})
        message = "POLICY has errors: `python -m presign check FILE` tells them\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, "", message)

    def test_a_policy_that_is_nested_too_deeply(self) -> None:
        with pytest.raises(UnreadableValue, match="POLICY has errors"):
            store_buckets("[" * 100_000)

    def test_a_policy_with_a_byte_order_mark(self, tmp_path: Path) -> None:
        """The function and `python -m presign check` take it too."""
        file = tmp_path / "policy.json"
        file.write_text(json.dumps({"rules": [self.rule("a")]}), encoding="utf-8-sig")
        others = {name: value for name, value in STORE_VALUES.items() if name != "BUCKET"}
        assert self.paths(fill({**others, "POLICY": str(file)}, "--store")) == ["/a"]

    def test_it_needs_no_package(self) -> None:
        """Operators run it with any Python."""
        command = [sys.executable, "-S", "-c", "import gateway.fill, sys; print('msgspec' in sys.modules)"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=30, check=False)  # noqa: S603
        assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")


class TestFill:
    """The placeholders are all filled, or nothing is printed."""

    def test_every_placeholder(self) -> None:
        done = fill(VALUES)
        assert (done.returncode, done.stderr) == (0, "")
        filled = json.loads(done.stdout)
        assert not re.search("<[A-Z_]+>", done.stdout)
        authentication = filled["requestPolicies"]["authentication"]["validationPolicy"]
        assert authentication["uri"] == VALUES["JWKS_URI"]
        assert authentication["additionalValidationPolicy"]["issuers"] == [VALUES["ISSUER"]]
        assert authentication["additionalValidationPolicy"]["audiences"] == [VALUES["AUDIENCE"]]
        assert filled["requestPolicies"]["cors"]["allowedOrigins"] == [
            "https://app.example.com",
            "https://admin.example.com",
        ]
        assert {route["backend"]["functionId"] for route in filled["routes"]} == {VALUES["FUNCTION_OCID"]}
        headers = filled["routes"][0]["requestPolicies"]["headerTransformations"]["setHeaders"]["items"]
        assert headers[0]["values"] == ["0123456789abcdef0123456789abcdef:${request.auth[sub]}:"]
        assert model_errors(filled, "ApiSpecification") == []

    def test_several_issuers_are_warned_of(self) -> None:
        """Two of them may give one `sub` to different users."""
        done = fill({**VALUES, "ISSUER": "https://one.example/,https://two.example/"})
        assert done.returncode == 0
        assert done.stderr == (
            "warning: several issuers may give the same sub to different users; "
            'give each rule for users "when": {"iss": ["…"]} with one issuer (docs/policy.md#several-issuers)\n'
        )
        issuers = json.loads(done.stdout)["requestPolicies"]["authentication"]["validationPolicy"][
            "additionalValidationPolicy"
        ]["issuers"]
        assert issuers == ["https://one.example/", "https://two.example/"]
        assert fill({**VALUES, "ISSUER": "https://one.example/,https://one.example/"}).stderr == ""

    @pytest.mark.parametrize("name", VALUES)
    def test_one_that_is_missing(self, name: str) -> None:
        done = fill({key: value for key, value in VALUES.items() if key != name})
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{name} is missing\n")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("FUNCTION_OCID", "ocid1.fnapp.oc1.eu-frankfurt-1.aaaa"),
            ("ISSUER", "<ISSUER>"),
            ("AUDIENCE", ""),
            ("JWKS_URI", "http://idcs-0123.identity.oraclecloud.com/admin/v1/SigningCert/jwk"),
            ("ALLOWED_ORIGINS", "https://app.example.com/"),
        ],
    )
    def test_one_that_does_not_fit(self, name: str, value: str) -> None:
        done = fill({**VALUES, name: value})
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{name} cannot be {value!r}\n")

    def test_headers_that_the_tools_of_a_page_add(self) -> None:
        done = fill({**VALUES, "ALLOWED_HEADERS": "traceparent,baggage,Content-Type"})
        assert (done.returncode, done.stderr) == (0, "")
        filled = json.loads(done.stdout)
        allowed = ["Authorization", "Content-Type", "traceparent", "baggage"]
        assert filled["requestPolicies"]["cors"]["allowedHeaders"] == allowed
        assert model_errors(filled, "ApiSpecification") == []
        filled["requestPolicies"]["cors"]["allowedHeaders"] = ["Authorization", "Content-Type"]
        assert filled == json.loads(fill(VALUES).stdout)

    @pytest.mark.parametrize("value", ["x y", "", "traceparent,", "<ALLOWED_HEADERS>"])
    def test_what_is_no_name_of_a_header(self, value: str) -> None:
        done = fill({**VALUES, "ALLOWED_HEADERS": value})
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("ALLOWED_HEADERS cannot be ")

    def test_an_unknown_name(self) -> None:
        done = fill({**VALUES, "REGION": "eu-frankfurt-1"})
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("REGION is not one of FUNCTION_OCID, ISSUER, ")


class TestGatewaySecret:
    """It needs to stand on no command line, where other users could read it."""

    SECRET = "fedcba9876543210fedcba9876543210"

    def test_from_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "claims.key").write_text(f"{self.SECRET}\n", encoding="utf-8")
        done = fill({**OTHER_VALUES, "CLAIMS_KEY": f"@{tmp_path / 'claims.key'}"})
        assert (done.returncode, done.stderr) == (0, "")
        assert f"{self.SECRET}:${{request.auth[sub]}}:" in done.stdout

    def test_from_the_environment(self) -> None:
        done = fill(OTHER_VALUES, CLAIMS_KEY=self.SECRET)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"{self.SECRET}:${{request.auth[sub]}}:" in done.stdout

    def test_the_argument_comes_first(self) -> None:
        done = fill(VALUES, CLAIMS_KEY=self.SECRET)
        assert done.returncode == 0
        assert self.SECRET not in done.stdout

    def test_a_file_that_is_missing(self, tmp_path: Path) -> None:
        done = fill({**OTHER_VALUES, "CLAIMS_KEY": f"@{tmp_path / 'none'}"})
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("CLAIMS_KEY: the file can't be read: ")

    @pytest.mark.parametrize("secret", ["short", f"{SECRET},{SECRET}", f"{SECRET}\n{SECRET}"])
    def test_one_that_does_not_fit_is_not_quoted(self, secret: str) -> None:
        done = fill({**OTHER_VALUES, "CLAIMS_KEY": secret})
        message = "CLAIMS_KEY must be 32 to 128 letters, digits, hyphens and underscores\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, "", message)
