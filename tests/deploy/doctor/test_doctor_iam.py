"""Policy statements and matching rules: granted, not granted, or not understood."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy import statements
from deploy.doctor.iam.conditions import Verdict, holds
from deploy.doctor.iam.grants import Need, granted, is_for_any, subjects_of

FUNCTION = "ocid1.fnfunc.oc1.fra.a"
MEMBER = {
    "resource.type": "fnfunc",
    "resource.id": FUNCTION,
    "resource.compartment.id": "ocid1.compartment.oc1..c",
    "instance.id": "",
}
NEED = Need(
    subjects=["dynamic-group presign", "dynamic-group id ocid1.dynamicgroup.oc1..d"],
    verb="read",
    permission="SECRET_BUNDLE_READ",
    resource="secret-bundles",
    path=[("ocid1.compartment.oc1..c", "files"), ("ocid1.compartment.oc1..p", "apps"), ("ocid1.tenancy.oc1..t", "")],
    variables={"target.secret.id": "s", "target.secret.name": "key"},
)
YES, PERHAPS, NO = Verdict.YES, Verdict.PERHAPS, Verdict.NO


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        (statements.dynamic_group_rule(FUNCTION), YES),
        (statements.dynamic_group_rule("ocid1.fnfunc.oc1.fra.b"), NO),
        ("resource.type = 'fnfunc'", YES),
        ("ALL {resource.type='fnfunc',resource.compartment.id = 'ocid1.compartment.oc1..c'}", YES),
        ("all {resource.type = 'fnfunc', resource.compartment.id = 'ocid1.compartment.oc1..x'}", NO),
        ("Any {instance.id = 'ocid1.instance.oc1..i', resource.id != 'ocid1.fnfunc.oc1.fra.b'}", YES),
        ("ANY {ALL {resource.type = 'fnfunc', tag.a.b.value = 'c'}, instance.id = 'ocid1.instance.oc1..i'}", PERHAPS),
        ("ALL {resource.type = 'instance', tag.a.b.value}", PERHAPS),  # its syntax is not understood
        ("resource.type = 'fnfunc' or more", PERHAPS),
        ("ALL {resource.type = 'fnfunc'", PERHAPS),
        ("", PERHAPS),
    ],
)
def test_a_matching_rule(rule: str, verdict: Verdict) -> None:
    assert holds(rule, MEMBER) is verdict


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        (statements.function_may_read_secret(dynamic_group="presign", location="tenancy", secret_ocid="s"), YES),
        (statements.function_may_read_secret(dynamic_group="presign", location="tenancy", secret_ocid="t"), NO),
        ("Allow dynamic-group id ocid1.dynamicgroup.oc1..d to manage secret-family in compartment files", YES),
        ("allow dynamic-group 'Default'/'Presign' to read secret-bundles in compartment apps:files", YES),
        ("allow dynamic-group 'Other'/'presign' to read secret-bundles in tenancy", NO),
        ("allow dynamic-group other, presign to use all-resources in compartment id ocid1.compartment.oc1..p", YES),
        ("allow dynamic-group presign to inspect secret-bundles in tenancy", NO),
        ("allow dynamic-group presign to read secrets in tenancy", NO),
        ("allow dynamic-group presign to {SECRET_BUNDLE_READ} in tenancy", YES),
        ("allow dynamic-group presign to {SECRET_READ} in tenancy", NO),
        ("allow dynamic-group presign to read secret-bundles in compartment elsewhere", NO),
        ("allow group presign to read secret-bundles in tenancy", NO),
        ("allow any-user to read secret-bundles in tenancy where target.secret.name in ('key', 'other')", YES),
        ("allow any-user to read secret-bundles in tenancy where request.permission = 'SECRET_BUNDLE_READ'", YES),
        ("allow any-user to read secret-bundles in tenancy where target.secret.name = /k*/", PERHAPS),
        ("allow any-user to read secret-bundles in tenancy where request.user.name = 'a'", PERHAPS),
        ("allow any-user to read secret-bundles in tenancy where all {target.secret.id = 't', a.b = 'c'}", NO),
        ("endorse any-user to read secret-bundles in any-tenancy", NO),
    ],
)
def test_a_statement(statement: str, verdict: Verdict) -> None:
    assert granted(NEED, ["allow group a to inspect buckets in tenancy", statement]) is verdict


def test_a_denial_makes_it_uncertain() -> None:
    allowed = "allow dynamic-group presign to read secret-bundles in tenancy"
    assert granted(NEED, [allowed, "deny dynamic-group presign to read secret-bundles in tenancy"]) is PERHAPS
    assert granted(NEED, [allowed, "deny dynamic-group presign to read objects in tenancy"]) is YES


@pytest.mark.parametrize("location", ["compartment elsewhere", "compartment id ocid1.compartment.oc1..x"])
def test_a_compartment_above_that_may_not_be_read(location: str) -> None:
    need = replace(NEED, path=[("ocid1.compartment.oc1..c", ""), ("ocid1.tenancy.oc1..t", "")])
    assert granted(need, [f"allow any-user to read secret-bundles in {location}"]) is PERHAPS


@pytest.mark.parametrize(
    ("statement", "subjects"),
    [
        ("allow dynamic-group 'Default'/'Presign', Other/b to read buckets in tenancy", ["Presign", "Other/b"]),
        (
            "allow dynamic-group id ocid1.dynamicgroup.oc1..D to read buckets in tenancy",
            ["id ocid1.dynamicgroup.oc1..D"],
        ),
        ("allow group a to read buckets in tenancy", []),
        ("endorse any-user to read secret-bundles in any-tenancy", []),
    ],
)
def test_the_dynamic_groups_of_a_statement(statement: str, subjects: list[str]) -> None:
    found = [name for name in subjects_of(statement) if name.startswith("dynamic-group ")]
    assert found == [f"dynamic-group {name}".lower() for name in subjects]


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("allow any-user to read objects in tenancy where request.principal.type = 'fnfunc'", True),
        ("allow any-user to read objects in tenancy where all {request.principal.type='fnfunc', target.a.b='c'}", True),
        ("allow any-user to use fn-invocation in tenancy where request.principal.type = 'ApiGateway'", False),
        ("allow dynamic-group presign to read objects in tenancy", False),
        ("deny any-user to read objects in tenancy", False),
        ("endorse any-user to read objects in any-tenancy", False),
    ],
)
def test_a_statement_for_any_user(statement: str, verdict: bool) -> None:
    assert is_for_any(statement, {"request.principal.type": "fnfunc"}) is verdict
