"""`python -m deploy destroy` deletes all that `apply` has made in an environment."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from typing import Any

from deploy import approval, changes, oci_auth, preflight
from deploy.approval import Approval
from deploy.bucket_content import BucketContent
from deploy.changes import Danger
from deploy.environment import Environment, NotReady
from deploy.session import Refused, Session
from deploy.terraform import Failed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy destroy`."""
    preflight.add_arguments(parser)
    approval.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Delete all resources of an environment.

    Returns:
        The exit status.
    """
    environment = Environment(arguments.env)
    return preflight.look(environment, quiet=True) or destroy(
        environment, approval=approval.of(arguments), client_for=_client_for
    )


def _client_for(region: str) -> Any:
    from oci.object_storage import ObjectStorageClient

    parser = argparse.ArgumentParser()
    oci_auth.add_arguments(parser)
    return oci_auth.credentials(parser.parse_args([])).client(ObjectStorageClient, region=region)


def destroy(environment: Environment, *, approval: Approval, client_for: Callable[[str], Any]) -> int:
    """Delete all resources of an environment, once the words for it were said.

    Args:
        environment: has the files.
        approval: says whether it may be deleted.
        client_for: gives the SDK's client for Object Storage in a region.

    Returns:
        The exit status.
    """
    from oci.exceptions import ClientError, ServiceError

    try:
        session = Session(environment)
        state = session.state
        count = sum(len(one["instances"]) for one in state.get("resources", []) if one["mode"] == "managed")
        if not count:
            print(f"{environment.name} has nothing that could be deleted.")
            return 0
        contents = [
            BucketContent(client_for(session.inputs["region"]), namespace=made["namespace"], bucket=made["name"])
            for made in changes.resources_of(state, "oci_objectstorage_bucket")
        ]
        full = {content: kinds for content in contents if (kinds := content.kinds())}
        dangers = [
            Danger(f"destroy-{environment.name}", f"{count} resources of {environment.name} go."),
            *(
                Danger("delete-objects", f"The bucket {content.bucket} has {' and '.join(kinds)}: all go.")
                for content, kinds in full.items()
            ),
        ]
        session.take_deployed_archive()
        file, _ = session.plan(protected=False, destroys=True)
        try:
            if not approval.allows("Delete all this?", dangers):
                return 1
            for content in full:
                content.delete()
            session.terraform.apply(file)
        finally:
            shutil.rmtree(file.parent)
    except ServiceError as exc:
        print(f"OCI answered {exc.status} {exc.code}: {exc.message}", file=sys.stderr)
        return 1
    except (Refused, NotReady, ClientError, OSError) as exc:
        print(exc, file=sys.stderr)
        return 1
    except Failed as exc:
        return exc.status
    return 0
