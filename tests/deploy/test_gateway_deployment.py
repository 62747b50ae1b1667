"""`gateway/deployment.json`, as Oracle's own model of it sees it, and how its placeholders are filled."""

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

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = json.loads((ROOT / "gateway" / "deployment.json").read_text())
VALUES = {
    "FUNCTION_OCID": "ocid1.fnfunc.oc1.eu-frankfurt-1.aaaa",
    "ISSUER": "https://identity.oraclecloud.com/",
    "AUDIENCE": "https://presign.example.com",
    "JWKS_URI": "https://idcs-0123.identity.oraclecloud.com/admin/v1/SigningCert/jwk",
    "ALLOWED_ORIGINS": "https://app.example.com,https://admin.example.com",
    "CLAIMS_KEY": "0123456789abcdef0123456789abcdef",
}


def fill(values: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `python -m gateway.fill`."""
    arguments = [f"{name}={value}" for name, value in values.items()]
    command = [sys.executable, "-m", "gateway.fill", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603


def model_faults(value: Any, expected: str, at: str = "") -> list[str]:
    """What `oci.apigateway.models` does not know, or misses, in a part of a deployment that should be `expected`."""
    if found := re.fullmatch(r"list\[(.+)\]", expected):
        return [fault for index, item in enumerate(value) for fault in model_faults(item, found[1], f"{at}/{index}")]
    if found := re.fullmatch(r"dict\(str, (.+)\)", expected):
        return [fault for name, item in value.items() for fault in model_faults(item, found[1], f"{at}/{name}")]
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
    faults = []
    for name, item in value.items():
        if name not in attributes:
            faults.append(f"{at}/{name}: is unknown to {model.__name__}")
            continue
        faults += model_faults(item, part.swagger_types[attributes[name]], f"{at}/{name}")
        setattr(part, attributes[name], item)
        kept = getattr(part, attributes[name])
        if kept != item:
            faults.append(f"{at}/{name}: is none of the values that {model.__name__} knows")
    for attribute, name in part.attribute_map.items():
        required = "**[Required]**" in (getattr(model, attribute).__doc__ or "")
        if required and name not in value:
            faults.append(f"{at}/{name}: is required by {model.__name__}")
    return faults


class TestModel:
    """Oracle's model of a deployment, not ours, says that the file is right."""

    def test_it_knows_every_key_type_and_value(self) -> None:
        assert model_faults(TEMPLATE, "ApiSpecification") == []

    @pytest.mark.parametrize(
        ("path", "value", "fault"),
        [
            (("requestPolicies", "rateLimit"), {}, "/requestPolicies/rateLimit: is unknown to"),
            (("requestPolicies", "rateLimiting", "rateKey"), "SUB", "/rateKey: is none of the values that"),
            (("requestPolicies", "authentication", "type"), "JWT", "/authentication: there is no Authentication"),
            (("requestPolicies", "cors"), {}, "/requestPolicies/cors/allowedOrigins: is required by CorsPolicy"),
            (("loggingPolicies", "accessLog", "isEnabled"), "true", "/accessLog/isEnabled: is not bool"),
        ],
    )
    def test_it_would_find_a_fault(self, path: tuple[str, ...], value: Any, fault: str) -> None:
        faulty = copy.deepcopy(TEMPLATE)
        parent = faulty
        for name in path[:-1]:
            parent = parent[name]
        parent[path[-1]] = value
        assert any(fault in found for found in model_faults(faulty, "ApiSpecification"))


class TestContent:
    """What the file promises to those who deploy it."""

    def test_the_routes(self) -> None:
        routes = {(tuple(route["methods"]), route["path"]) for route in TEMPLATE["routes"]}
        assert routes == {
            (("POST",), "/v1/presign"),
            (("POST",), "/v1/presign/batch"),
            (("POST",), "/v1/presign/revoke"),
            (("GET",), "/v1/openapi.json"),
        }

    def test_no_route_is_open_to_those_without_a_token(self) -> None:
        assert TEMPLATE["requestPolicies"]["authentication"]["isAnonymousAccessAllowed"] is False
        types = {route["requestPolicies"]["authorization"]["type"] for route in TEMPLATE["routes"]}
        assert types == {"AUTHENTICATION_ONLY"}

    def test_each_claim_is_marked_with_the_key_and_takes_the_place_of_what_the_client_sent(self) -> None:
        for route in TEMPLATE["routes"]:
            transformations = route["requestPolicies"]["headerTransformations"]
            allowed = [item["name"] for item in transformations["filterHeaders"]["items"]]
            assert transformations["filterHeaders"]["type"] == "ALLOW"
            items = transformations["setHeaders"]["items"] if "setHeaders" in transformations else []
            claims = [item["name"].removeprefix("x-claim-") for item in items]
            assert allowed == ["accept", "content-type", *(f"x-claim-{claim}" for claim in claims)]
            for item, claim in zip(items, claims, strict=True):
                assert item["values"] == [f"<CLAIMS_KEY>:${{request.auth[{claim}]}}:"]
                assert item["ifExists"] == "OVERWRITE"


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
        assert model_faults(filled, "ApiSpecification") == []

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
            ("CLAIMS_KEY", "short"),
        ],
    )
    def test_one_that_does_not_fit(self, name: str, value: str) -> None:
        done = fill({**VALUES, name: value})
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{name} cannot be {value!r}\n")

    def test_a_name_that_is_none(self) -> None:
        done = fill({**VALUES, "REGION": "eu-frankfurt-1"})
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("REGION is not one of FUNCTION_OCID, ISSUER, ")
