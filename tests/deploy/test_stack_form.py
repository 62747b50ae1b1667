"""The form of Resource Manager, `schema.yaml`: as Oracle documents it, and in the order in which a person decides."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from deploy import stack

FORM: dict[str, Any] = yaml.safe_load((stack.SOURCES / "schema.yaml").read_text("utf-8"))
VARIABLES = dict(
    re.findall(r'(?ms)^variable "(\w+)" \{\n(.*?)^\}', (stack.SOURCES / "variables.tf").read_text("utf-8"))
)
GROUPED = [name for group in FORM["variableGroups"] for name in group["variables"]]
HIDDEN = {"settings", "freeform_tags", "defined_tags", "protect", "signing_keys", "gateway_secrets"}
"""The inputs that no form can ask for: maps and lists, and one that Resource Manager does not look at."""

TERRAFORM_TYPES = {
    "boolean": {"bool"},
    "enum": {"string", "number"},
    "integer": {"number"},
    "number": {"number"},
    "password": {"string"},
    "string": {"string"},
    "text": {"string"},
    "oci:core:nsg:id": {"string"},
    "oci:core:subnet:id": {"string"},
    "oci:core:vcn:id": {"string"},
    "oci:identity:compartment:id": {"string"},
    "oci:identity:domains:id": {"string"},
    "oci:identity:region:name": {"string"},
    "oci:kms:key:id": {"string"},
    "oci:kms:secret:id": {"string"},
    "oci:kms:vault:id": {"string"},
}
"""Types that Oracle documents for schema documents, with those of Terraform that they are for."""

NEEDED = {
    "oci:core:nsg:id": {"compartmentId"},
    "oci:core:subnet:id": {"compartmentId", "vcnId"},
    "oci:core:vcn:id": {"compartmentId"},
    "oci:identity:domains:id": {"compartmentId"},
    "oci:kms:key:id": {"compartmentId", "vaultId"},
    "oci:kms:secret:id": {"compartmentId"},
    "oci:kms:vault:id": {"compartmentId"},
}
"""The inputs that a list of such resources depends on; the meta schema demands them."""

OUTPUT_TYPES = {"boolean", "copyableString", "csv", "json", "link", "list", "map", "number", "ocid", "string"}


def default_of(name: str) -> Any:
    """The default of an input in Terraform."""
    found = re.search(r"(?m)^  default += (.+)$", VARIABLES[name])
    return json.loads(found[1]) if found else None


def named(condition: Any) -> Iterator[str]:
    """The inputs that `visible` or `dependsOn` names."""
    if isinstance(condition, dict):
        condition = [*condition.values()]
    if isinstance(condition, list):
        for part in condition:
            yield from named(part)
    elif isinstance(condition, str):
        yield from re.findall(r"^\$\{(\w+)\}$", condition)


def test_it_asks_for_each_input_once() -> None:
    assert sorted(GROUPED) == sorted(VARIABLES)
    assert set(FORM["variables"]) == set(VARIABLES) - HIDDEN
    hidden = [group for group in FORM["variableGroups"] if group.get("visible") is False]
    assert [set(group["variables"]) >= HIDDEN for group in hidden] == [True]


@pytest.mark.parametrize("name", FORM["variables"])
class TestInput:
    """One input of the form."""

    def test_a_person_can_tell_what_it_is(self, name: str) -> None:
        described = FORM["variables"][name]
        assert re.fullmatch(r"[A-Z].{2,70}[^.]", described["title"])
        assert re.fullmatch(r"""[A-Z'{"].{10,}\.""", described["description"])

    def test_its_type_is_documented_and_that_of_terraform(self, name: str) -> None:
        described = FORM["variables"][name]
        [of_terraform] = re.findall(r"(?m)^  type += (.+)$", VARIABLES[name])
        assert of_terraform in TERRAFORM_TYPES[described["type"]]
        assert set(described.get("dependsOn", {})) == NEEDED.get(described["type"], set())
        assert all(isinstance(choice, str) for choice in described.get("enum", []))

    def test_its_default_is_that_of_terraform(self, name: str) -> None:
        described = FORM["variables"][name]
        default = default_of(name)
        if name == "store_route":
            assert (described["default"], default) == (True, None)  # a box is ticked or not
            return
        assert str(described.get("default", "")) == str("" if default is None else default)
        assert described.get("required", False) or re.search(r"(?m)^  default ", VARIABLES[name])

    def test_the_inputs_that_it_depends_on_come_before_it(self, name: str) -> None:
        described = FORM["variables"][name]
        before = GROUPED[: GROUPED.index(name)]
        assert [one for one in named([described.get("visible"), described.get("dependsOn")]) if one not in before] == []


def test_those_without_a_default_come_first() -> None:
    required = [name for name in GROUPED if name not in HIDDEN and not re.search(r"(?m)^  default ", VARIABLES[name])]
    assert required == ["issuer", "audience", "jwks_uri", "compartment_ocid", "tenancy_ocid", "region"]
    assert GROUPED[:4] == required[:4]


def test_conditions_name_inputs_as_the_documentation_does() -> None:
    conditions = [described.get("visible") for described in FORM["variables"].values()]
    assert {*named(conditions)} == {"deliver_to", "function_subnet_ocid", "image", "secret_ocid", "vault_ocid"}


def test_outputs() -> None:
    outputs = re.findall(r'(?m)^output "(\w+)"', (stack.SOURCES / "outputs.tf").read_text("utf-8"))
    assert sorted(FORM["outputs"]) == sorted(outputs) == sorted(FORM["outputGroups"][0]["outputs"])
    assert {output["type"] for output in FORM["outputs"].values()} <= OUTPUT_TYPES
    assert FORM["primaryOutputButton"] in outputs
