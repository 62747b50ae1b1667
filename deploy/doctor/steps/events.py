"""Events of objects: the rule that calls the function, and the function's right to deliver its answers."""

from __future__ import annotations

import json
from typing import Any

from deploy import statements
from deploy.doctor.finding import Finding, Skipped, worst_of
from deploy.doctor.iam.principals import group_name
from deploy.doctor.iam.rights import finding_on_rights
from deploy.doctor.step import Step
from deploy.doctor.steps.bucket import reasons_for_events
from deploy.doctor.tenancy import Tenancy
from presign.read.events import EVENT_TYPES


def rule_calls_function(tenancy: Tenancy) -> Finding:
    """Whether an enabled rule of the Events service calls the function for the buckets whose events it needs."""
    reasons = reasons_for_events(tenancy)
    names = [name for name in tenancy.function.buckets if name in reasons]
    if not names:
        raise Skipped("No rule of POLICY needs the events of a bucket that it names.")
    return worst_of([_rule_for(tenancy, name) for name in names])


def _rule_for(tenancy: Tenancy, bucket: str) -> Finding:
    """Whether there is a rule where the events of a bucket arrive: in its compartment, or in one above."""
    from oci.events import EventsClient

    client = tenancy.oci.client(EventsClient, region=tenancy.storage.region)
    compartment = tenancy.storage.bucket(bucket).compartment_id
    disabled = []
    for ocid, _ in tenancy.iam.compartment_path(compartment):
        for summary in tenancy.oci.list_all(client.list_rules, ocid):
            if summary.lifecycle_state not in ("ACTIVE", "INACTIVE"):
                continue
            actions = client.get_rule(summary.id).data.actions.actions
            called = [action.function_id for action in actions if action.action_type == "FAAS" and action.is_enabled]
            if tenancy.target.function_ocid not in called:
                continue
            if summary.is_enabled:
                return Finding("ok", f"The rule {summary.display_name} calls the function.")
            disabled.append(summary)
    if disabled:
        rule = disabled[0]
        return Finding(
            "wrong",
            f"The rule {rule.display_name}, which calls the function, is disabled.",
            f"oci events rule update --region {tenancy.storage.region} --rule-id {rule.id} --is-enabled true",
        )
    condition = {"eventType": EVENT_TYPES, "data": {"additionalDetails": {"bucketName": [bucket]}}}
    action = {"actionType": "FAAS", "functionId": tenancy.target.function_ocid, "isEnabled": True}
    return Finding(
        "unknown",
        f"No rule of the Events service calls the function for events of {bucket}; a connector of Connector Hub may.",
        f"oci events rule create --region {tenancy.storage.region} --compartment-id {compartment} --is-enabled true "
        f"--display-name {tenancy.function.resource.display_name} --condition '{json.dumps(condition)}' "
        f"--actions '{json.dumps({'actions': [action]})}'",
    )


def may_deliver(tenancy: Tenancy) -> Finding:
    """Whether statements let the function deliver to the topic or queue of DELIVER_TO."""
    target = tenancy.function.settings.deliver_to
    if target is None:
        raise Skipped("DELIVER_TO is not set.")
    if target.startswith("ocid1.queue."):
        return _to_queue(tenancy, target)
    from oci.ons import NotificationControlPlaneClient

    topic = tenancy.oci.client(NotificationControlPlaneClient).get_topic(target).data
    return finding_on_rights(
        tenancy,
        permissions=["ONS_TOPIC_PUBLISH"],
        compartment=topic.compartment_id,
        variables={},
        statement=statements.function_may_publish(
            dynamic_group=group_name(tenancy), compartment=f"id {topic.compartment_id}"
        ),
    )


def _to_queue(tenancy: Tenancy, ocid: str) -> Finding:
    from oci.queue import QueueAdminClient

    compartment = tenancy.oci.client(QueueAdminClient).get_queue(ocid).data.compartment_id
    names = {"dynamic_group": group_name(tenancy), "compartment": f"id {compartment}", "queue_ocid": ocid}
    shared: dict[str, Any] = {"compartment": compartment, "variables": {"target.queue.id": ocid}}
    return worst_of(
        [
            finding_on_rights(tenancy, permissions=[permission], statement=statement(**names), **shared)
            for permission, statement in (
                ("QUEUE_READ", statements.function_may_find_queue),
                ("QUEUE_PRODUCE", statements.function_may_put_messages),
            )
        ]
    )


STEPS = (
    Step("events", "a rule calls the function", rule_calls_function, "read cloudevents-rules in tenancy"),
    Step(
        "events",
        "the function may deliver",
        may_deliver,
        "read queues or ons-topics in their compartment, and inspect policies in tenancy",
    ),
)
