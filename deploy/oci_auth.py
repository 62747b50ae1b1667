"""The operator's own credentials for OCI."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments by which an operator chooses credentials."""
    parser.add_argument(
        "--auth",
        choices=("config", "resource_principal", "instance_principal"),
        default="config",
        help="config: the file ~/.oci/config (default); or the identity of this function or machine",
    )
    parser.add_argument("--profile", default="DEFAULT", help="of ~/.oci/config (default: %(default)s)")


def make_client(client: Callable[..., Any], arguments: argparse.Namespace, *, endpoint: str | None = None) -> Any:
    """A client of the SDK that signs as the operator.

    Args:
        client: its class.
        arguments: those of `add_arguments`.
        endpoint: of the service; the SDK's own for the region when None.

    Raises:
        oci.exceptions.ConfigFileNotFound, oci.exceptions.InvalidConfig: there are no credentials.
    """
    import oci

    options: dict[str, Any] = {} if endpoint is None else {"service_endpoint": endpoint}
    if arguments.auth == "resource_principal":
        return client({}, signer=oci.auth.signers.get_resource_principals_signer(), **options)
    if arguments.auth == "instance_principal":
        return client({}, signer=oci.auth.signers.InstancePrincipalsSecurityTokenSigner(), **options)
    return client(oci.config.from_file(profile_name=arguments.profile), **options)
