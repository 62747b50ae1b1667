"""The IAM statements that a deployment needs, for the Terraform stack, its tests, and `doctor`.

Groups, dynamic groups, and compartments are given as a statement names them: `presign-signers`, or `id ocid1.group…`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

READ = ("OBJECT_INSPECT", "OBJECT_READ")
CREATE = ("OBJECT_CREATE", "OBJECT_OVERWRITE")

PERMISSIONS = {
    "abort_multipart_upload": ("OBJECT_DELETE",),
    "complete_multipart_upload": CREATE,
    "copy_object": (*CREATE, *READ),
    "create_multipart_upload": CREATE,
    "delete_object": ("OBJECT_DELETE",),
    "get_object": READ,
    "get_prefix": READ,
    "head_object": READ,
    "list_multipart_uploads": ("OBJECT_INSPECT",),
    "list_objects_v2": ("OBJECT_INSPECT",),
    "list_parts": ("OBJECT_INSPECT",),
    "post_object": CREATE,
    "put_object": CREATE,
    "upload_part": CREATE,
    "read": READ,
    "multipart": (*CREATE, "OBJECT_DELETE", "OBJECT_INSPECT"),
    "write": (*CREATE, "OBJECT_DELETE", "OBJECT_INSPECT"),
    "*": (*CREATE, *READ, "OBJECT_DELETE"),
}
"""For each operation and group of operations of a policy, the permissions on objects that its URLs use."""

PAR_PERMISSIONS = (*CREATE, *READ)
"""The permissions that a pre-authenticated request can use, which reads and writes objects only."""

EVENT_OPERATIONS = ("get_object", "read", "*")
"""The operation whose URL answers an event, and the groups of operations that have it."""


PART_OPERATIONS = tuple(
    name
    for name, needed in PERMISSIONS.items()
    if "OBJECT_OVERWRITE" in needed and name not in ("put_object", "post_object")
)
"""The operations and groups of operations that need the right to overwrite even where a rule has `create_only`."""


def permissions_of(operations: Iterable[str], *, via: Literal["s3", "par"] = "s3") -> list[str]:
    """The permissions on objects that the URLs of these operations use, in alphabetical order."""
    used = {permission for operation in operations for permission in PERMISSIONS[operation]}
    return sorted(used.intersection(PAR_PERMISSIONS) if via == "par" else used)


def signer_may_find_buckets(*, group: str, compartment: str, buckets: Iterable[str]) -> str:
    """Lets the group of the signing user read the buckets' metadata."""
    return f"allow group {group} to read buckets in compartment {compartment} where {_buckets(buckets)}"


def signer_may_use_objects(*, group: str, compartment: str, buckets: Iterable[str], permissions: Iterable[str]) -> str:
    """Lets the group of the signing user do to the buckets' objects what its URLs may do, and no more."""
    where = f"all {{{_buckets(buckets)}, {_permissions(permissions)}}}"
    return f"allow group {group} to manage objects in compartment {compartment} where {where}"


def function_may_read_secret(*, dynamic_group: str, location: str, secret_ocid: str) -> str:
    """Lets the function read the one secret with the customer secret key.

    Args:
        dynamic_group: the function's.
        location: `compartment id …` or `tenancy`.
        secret_ocid: the secret.
    """
    where = f"target.secret.id = '{secret_ocid}'"
    return f"allow dynamic-group {dynamic_group} to read secret-bundles in {location} where {where}"


def function_may_manage_pars(*, dynamic_group: str, compartment: str, buckets: Iterable[str]) -> str:
    """Lets the function make, list, and delete pre-authenticated requests of the buckets."""
    where = f"all {{request.permission = 'PAR_MANAGE', {_buckets(buckets)}}}"
    return f"allow dynamic-group {dynamic_group} to manage buckets in compartment {compartment} where {where}"


def function_may_list_buckets(*, dynamic_group: str, compartment: str) -> str:
    """Lets the function list the compartment's buckets, so that it can tell that one was deleted."""
    return f"allow dynamic-group {dynamic_group} to inspect buckets in compartment {compartment}"


def function_may_use_objects(
    *, dynamic_group: str, compartment: str, buckets: Iterable[str], permissions: Iterable[str]
) -> str:
    """Lets the function do what its pre-authenticated requests may do: Object Storage checks its rights at each use."""
    where = f"all {{{_buckets(buckets)}, {_permissions(permissions)}}}"
    return f"allow dynamic-group {dynamic_group} to manage objects in compartment {compartment} where {where}"


def function_may_find_queue(*, dynamic_group: str, compartment: str, queue_ocid: str) -> str:
    """Lets the function find the endpoint of the queue."""
    where = f"target.queue.id = '{queue_ocid}'"
    return f"allow dynamic-group {dynamic_group} to read queues in compartment {compartment} where {where}"


def function_may_put_messages(*, dynamic_group: str, compartment: str, queue_ocid: str) -> str:
    """Lets the function put the answers to events into the queue."""
    where = f"target.queue.id = '{queue_ocid}'"
    return f"allow dynamic-group {dynamic_group} to use queue-push in compartment {compartment} where {where}"


def function_may_publish(*, dynamic_group: str, compartment: str) -> str:
    """Lets the function publish the answers to events to the topics of a compartment; none can be named."""
    where = "request.permission = 'ONS_TOPIC_PUBLISH'"
    return f"allow dynamic-group {dynamic_group} to use ons-topics in compartment {compartment} where {where}"


def gateway_may_call_function(*, compartment: str, gateway_compartment_ocid: str) -> str:
    """Lets the API gateways of one compartment call the functions of another; without it each call ends in 500."""
    principal = "request.principal.type = 'ApiGateway'"
    where = f"ALL {{{principal}, request.resource.compartment.id = '{gateway_compartment_ocid}'}}"
    return f"allow any-user to use functions-family in compartment {compartment} where {where}"


def schedule_may_call_function(*, compartment: str, schedule_ocid: str, function_ocid: str) -> str:
    """Lets a schedule of Resource Scheduler call the function, to sweep expired pre-authenticated requests."""
    schedule = f"request.principal.type = 'resourceschedule', request.principal.id = '{schedule_ocid}'"
    where = f"all {{{schedule}, target.function.id = '{function_ocid}'}}"
    return f"allow any-user to use fn-invocation in compartment {compartment} where {where}"


def object_storage_may_apply_lifecycle(*, region: str, compartment: str, buckets: Iterable[str]) -> str:
    """Lets Object Storage itself carry out the lifecycle rules of the buckets."""
    service = f"service objectstorage-{region}"
    return f"allow {service} to manage object-family in compartment {compartment} where {_buckets(buckets)}"


def dynamic_group_rule(function_ocid: str) -> str:
    """The matching rule of a dynamic group whose only member is the function."""
    return f"ALL {{resource.type = 'fnfunc', resource.id = '{function_ocid}'}}"


def _buckets(names: Iterable[str]) -> str:
    return _any(f"target.bucket.name = '{name}'" for name in names)


def _permissions(names: Iterable[str]) -> str:
    return _any(f"request.permission = '{name}'" for name in names)


def _any(conditions: Iterable[str]) -> str:
    listed = list(conditions)
    return listed[0] if len(listed) == 1 else f"any {{{', '.join(listed)}}}"
