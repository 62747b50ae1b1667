"""The IAM statements, word for word."""

from __future__ import annotations

from typing import Any

import pytest

from deploy import statements
from presign.authorize.rules import GROUPS, Rule
from presign.model.operations import OPERATIONS


def test_the_signing_user() -> None:
    assert statements.signer_may_find_buckets(group="signers", compartment="files", buckets=["photos"]) == (
        "allow group signers to read buckets in compartment files where target.bucket.name = 'photos'"
    )
    assert statements.signer_may_use_objects(
        group="signers", compartment="files", buckets=["photos"], permissions=["OBJECT_READ"]
    ) == (
        "allow group signers to manage objects in compartment files where all "
        "{target.bucket.name = 'photos', request.permission = 'OBJECT_READ'}"
    )


def test_several_buckets_and_permissions() -> None:
    assert statements.function_may_use_objects(
        dynamic_group="functions", compartment="files", buckets=["a", "b"], permissions=["OBJECT_READ", "OBJECT_CREATE"]
    ) == (
        "allow dynamic-group functions to manage objects in compartment files where all "
        "{any {target.bucket.name = 'a', target.bucket.name = 'b'}, "
        "any {request.permission = 'OBJECT_READ', request.permission = 'OBJECT_CREATE'}}"
    )


def test_the_function() -> None:
    assert statements.function_may_read_secret(dynamic_group="f", location="tenancy", secret_ocid="s") == (
        "allow dynamic-group f to read secret-bundles in tenancy where target.secret.id = 's'"
    )
    assert statements.function_may_manage_pars(dynamic_group="f", compartment="c", buckets=["b"]) == (
        "allow dynamic-group f to manage buckets in compartment c where all "
        "{request.permission = 'PAR_MANAGE', target.bucket.name = 'b'}"
    )
    assert statements.function_may_find_queue(dynamic_group="f", compartment="c", queue_ocid="q") == (
        "allow dynamic-group f to read queues in compartment c where target.queue.id = 'q'"
    )
    assert statements.function_may_put_messages(dynamic_group="f", compartment="c", queue_ocid="q") == (
        "allow dynamic-group f to use queue-push in compartment c where target.queue.id = 'q'"
    )
    assert statements.function_may_publish(dynamic_group="f", compartment="c") == (
        "allow dynamic-group f to use ons-topics in compartment c where request.permission = 'ONS_TOPIC_PUBLISH'"
    )
    assert statements.dynamic_group_rule("o") == "ALL {resource.type = 'fnfunc', resource.id = 'o'}"


def test_services() -> None:
    assert statements.gateway_may_call_function(compartment="c", gateway_compartment_ocid="g") == (
        "allow any-user to use functions-family in compartment c where ALL "
        "{request.principal.type = 'ApiGateway', request.resource.compartment.id = 'g'}"
    )
    assert statements.object_storage_may_apply_lifecycle(region="r", compartment="c", buckets=["b"]) == (
        "allow service objectstorage-r to manage object-family in compartment c where target.bucket.name = 'b'"
    )


@pytest.mark.parametrize("operation", [*OPERATIONS, *GROUPS])
def test_every_operation_of_a_policy_has_its_permissions(operation: str) -> None:
    members = GROUPS.get(operation, {operation})
    assert statements.permissions_of([operation]) == statements.permissions_of(members)


@pytest.mark.parametrize("operation", [*OPERATIONS, *GROUPS])
def test_every_operation_that_answers_an_event_is_named(operation: str) -> None:
    rule = Rule(operations=[operation], bucket="photos", prefix="")
    assert rule.answers_events == (operation in statements.EVENT_OPERATIONS)


@pytest.mark.parametrize(
    "members",
    [{"callers": ("gateway",)}, {"prefix": "users/{sub}/"}, {"bucket": "b-{tenant}"}, {"when": {"groups": ["editor"]}}],
)
def test_a_rule_for_the_gateway_alone_or_for_claims_answers_no_events(members: dict[str, Any]) -> None:
    assert not Rule(**{"operations": ["*"], "bucket": "photos", "prefix": "", **members}).answers_events


def test_a_par_reads_and_writes_only() -> None:
    assert statements.permissions_of(["*", "delete_object"], via="par") == [
        "OBJECT_CREATE",
        "OBJECT_INSPECT",
        "OBJECT_OVERWRITE",
        "OBJECT_READ",
    ]
