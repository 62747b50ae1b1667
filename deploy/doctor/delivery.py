"""The function's right to deliver the answers to events."""

from __future__ import annotations

from typing import Any

from deploy import statements
from deploy.doctor.rights import finding_on_rights, group_name
from deploy.doctor.step import Finding, Step, Unknown, together
from deploy.doctor.tenancy import Tenancy


def may_deliver(tenancy: Tenancy) -> Finding:
    """Whether statements let the function deliver to the topic or queue of DELIVER_TO."""
    target = tenancy.settings.deliver_to
    if target is None:
        raise Unknown("DELIVER_TO is not set.")
    if target.startswith("ocid1.queue."):
        return _to_queue(tenancy, target)
    from oci.ons import NotificationControlPlaneClient

    topic = tenancy.client(NotificationControlPlaneClient).get_topic(target).data
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

    compartment = tenancy.client(QueueAdminClient).get_queue(ocid).data.compartment_id
    names = {"dynamic_group": group_name(tenancy), "compartment": f"id {compartment}", "queue_ocid": ocid}
    shared: dict[str, Any] = {"compartment": compartment, "variables": {"target.queue.id": ocid}}
    return together(
        [
            finding_on_rights(tenancy, permissions=[permission], statement=statement(**names), **shared)
            for permission, statement in (
                ("QUEUE_READ", statements.function_may_find_queue),
                ("QUEUE_PRODUCE", statements.function_may_put_messages),
            )
        ]
    )


STEPS = (
    Step(
        "events",
        "the function may deliver",
        may_deliver,
        "read queues or ons-topics in their compartment, and inspect policies in tenancy",
    ),
)
