"""`python -m deploy pars list|revoke|sweep`: the pre-authenticated requests (PARs) that the function has given."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy import oci_auth
from presign.services.pars import ParName, subject_digest
from presign.settings import function_tag


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy pars`."""
    parser.add_argument(
        "action",
        choices=("list", "revoke", "sweep"),
        help="list: show them; revoke: delete those that are chosen; sweep: delete those that have expired",
    )
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--namespace", help="of Object Storage (default: the tenancy's)")
    parser.add_argument("--function", metavar="OCID", help="only those that this function has given")
    parser.add_argument("--subject", help="only those given to the user with this claim `sub`")
    parser.add_argument("--key", help="only those for this object")
    parser.add_argument("--prefix", help="only those for objects whose keys begin so")
    parser.add_argument("--older-than", type=int, metavar="SECONDS", help="only those created longer ago")
    parser.add_argument("--all", action="store_true", help="with revoke: all that the function has given")
    parser.add_argument("--endpoint", help="URL of the native Object Storage API (default: the region's)")
    oci_auth.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """List, revoke or sweep.

    Returns:
        The exit status: 0, or 1 after a sentence on standard error that says why it stopped.
    """
    chosen = [arguments.subject, arguments.key, arguments.prefix, arguments.older_than]
    if arguments.action == "revoke" and not arguments.all and all(value is None for value in chosen):
        print("Choose with --subject, --key, --prefix or --older-than, or take --all.", file=sys.stderr)
        return 1
    from oci.exceptions import ClientError, ServiceError
    from oci.object_storage import ObjectStorageClient

    try:
        client = oci_auth.credentials(arguments).client(ObjectStorageClient, endpoint=arguments.endpoint)
        namespace = arguments.namespace or client.get_namespace().data
        for par in list(_chosen(_all(client, namespace, arguments), arguments)):
            print(_line(par))
            if arguments.action != "list":
                client.delete_preauthenticated_request(namespace, arguments.bucket, par.id)
    except ServiceError as exc:
        print(f"OCI answered {exc.status} {exc.code}: {exc.message}", file=sys.stderr)
        return 1
    except (ClientError, OSError) as exc:
        print(f"OCI can't be asked: {exc}", file=sys.stderr)
        return 1
    return 0


def _all(client: Any, namespace: str, arguments: argparse.Namespace) -> Iterator[Any]:
    from oci.pagination import list_call_get_all_results_generator

    options = {"object_name_prefix": prefix} if (prefix := arguments.key or arguments.prefix) else {}
    listed = client.list_preauthenticated_requests
    return iter(list_call_get_all_results_generator(listed, "record", namespace, arguments.bucket, **options))


def _chosen(pars: Iterator[Any], arguments: argparse.Namespace) -> Iterator[Any]:
    now = datetime.now(UTC)
    subject = subject_digest(arguments.subject)
    for par in pars:
        name = ParName.parse(par.name)
        if name is None:
            continue
        if arguments.function is not None and name.tag != function_tag(arguments.function):
            continue
        if arguments.action == "sweep" and par.time_expires > now:
            continue
        if arguments.subject is not None and name.subject != subject:
            continue
        if arguments.key is not None and par.object_name != arguments.key:
            continue
        if arguments.older_than is not None and par.time_created > now - timedelta(seconds=arguments.older_than):
            continue
        yield par


def _line(par: Any) -> str:
    return f"{par.access_type:13} until {par.time_expires:%Y-%m-%dT%H:%M:%SZ}  {par.object_name}  {par.id}"
