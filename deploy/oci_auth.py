"""The operator's own credentials for OCI."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments by which an operator chooses credentials."""
    parser.add_argument(
        "--auth",
        choices=("config", "resource_principal", "instance_principal"),
        default="config",
        help="config: the file ~/.oci/config (default); or the identity of this function or machine",
    )
    profile = os.environ.get("OCI_CLI_PROFILE", "DEFAULT")
    parser.add_argument("--profile", default=profile, help="of ~/.oci/config (default: %(default)s)")


def make_client(
    client: Callable[..., Any],
    arguments: argparse.Namespace,
    *,
    endpoint: str | None = None,
    region: str | None = None,
    **options: Any,
) -> Any:
    """A client of the SDK that signs as the operator.

    Args:
        client: its class.
        arguments: those of `add_arguments`.
        endpoint: of the service; the SDK's own for the region when None.
        region: the region identifier; that of the credentials when None.
        options: more of the client's options.

    Raises:
        oci.exceptions.ConfigFileNotFound, oci.exceptions.InvalidConfig: there are no credentials.
    """
    if endpoint is not None:
        options["service_endpoint"] = endpoint
    config, signer = _credentials(arguments)
    if signer is not None:
        options["signer"] = signer
    return client({**config, **({} if region is None else {"region": region})}, **options)


def tenancy_and_user(arguments: argparse.Namespace) -> tuple[str, str | None]:
    """The OCIDs of the tenancy and of the user that the credentials are of; functions and machines are no users.

    Raises:
        oci.exceptions.ConfigFileNotFound, oci.exceptions.InvalidConfig: there are no credentials.
    """
    config, signer = _credentials(arguments)
    if signer is None:
        return config["tenancy"], config.get("user")
    return (config["tenancy"] if config else signer.tenancy_id), None


def _credentials(arguments: argparse.Namespace) -> tuple[dict[str, Any], Any]:
    """The SDK's configuration, and the signer for it unless the configuration holds the API key of a user."""
    import oci

    if arguments.auth == "resource_principal":
        return {}, oci.auth.signers.get_resource_principals_signer()
    if arguments.auth == "instance_principal":
        return {}, oci.auth.signers.InstancePrincipalsSecurityTokenSigner()
    # OCI's own command line takes the variable too, and Cloud Shell sets it.
    file = os.environ.get("OCI_CLI_CONFIG_FILE", oci.config.DEFAULT_LOCATION)
    config: dict[str, Any] = oci.config.from_file(file, arguments.profile)
    if "security_token_file" not in config:
        return config, None
    token = Path(config["security_token_file"]).expanduser().read_text("utf-8").strip()
    key = oci.signer.load_private_key_from_file(config["key_file"], config.get("pass_phrase"))
    return config, oci.auth.signers.SecurityTokenSigner(token, key)
