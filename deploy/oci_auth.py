"""The operator's own credentials for OCI."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from configparser import Error as ConfigError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments by which an operator chooses credentials."""
    # OCI's own command line takes these variables too, and Cloud Shell sets some. OCI_CLI_AUTH may also name the kind
    # of a profile; the profile itself tells that too, so such a value means the configuration file here.
    kinds = ("config", "resource_principal", "instance_principal")
    of_terraform = {"InstancePrincipal": "instance_principal", "ResourcePrincipal": "resource_principal"}
    input_auth = os.environ.get("TF_VAR_auth", "")  # noqa: SIM112 - Terraform's name of it
    auth = os.environ.get("OCI_CLI_AUTH", of_terraform.get(input_auth, "config"))
    parser.add_argument(
        "--auth",
        choices=kinds,
        default=auth if auth in kinds else "config",
        help="config: the file ~/.oci/config (default); or the identity of this function or machine",
    )
    profile = os.environ.get("OCI_CLI_PROFILE", "DEFAULT")
    parser.add_argument("--profile", default=profile, help="of ~/.oci/config (default: %(default)s)")


def credentials(arguments: argparse.Namespace) -> Credentials:
    """The operator's credentials.

    Args:
        arguments: those of `add_arguments`.

    Raises:
        oci.exceptions.ClientError: there are none, or they are not complete.
    """
    import oci

    if arguments.auth == "resource_principal":
        return Credentials({}, oci.auth.signers.get_resource_principals_signer())
    if arguments.auth == "instance_principal":
        return Credentials({}, oci.auth.signers.InstancePrincipalsSecurityTokenSigner())
    file = os.environ.get("OCI_CLI_CONFIG_FILE", oci.config.DEFAULT_LOCATION)
    try:
        config: dict[str, Any] = oci.config.from_file(file, arguments.profile)
    except (ConfigError, UnicodeDecodeError) as exc:
        raise oci.exceptions.ConfigFileNotFound(f"{file} can't be read: {exc}") from None
    if "authentication_type" in config:  # in Cloud Shell
        return Credentials(config, oci.util.get_signer_from_authentication_type(config))
    if "security_token_file" not in config:
        oci.config.validate_config(config)
        return Credentials(config, oci.signer.Signer.from_config(config))
    token = Path(config["security_token_file"]).expanduser().read_text("utf-8").strip()
    key = oci.signer.load_private_key_from_file(config["key_file"], config.get("pass_phrase"))
    return Credentials(config, oci.auth.signers.SecurityTokenSigner(token, key))


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials as the SDK takes them.

    Args:
        config: the SDK's configuration; empty for the identity of a function or machine.
        signer: signs requests.
    """

    config: dict[str, Any] = field(repr=False)
    signer: Any = field(repr=False)

    @property
    def tenancy(self) -> str:
        """The OCID of the tenancy."""
        return str(self.config.get("tenancy") or self.signer.tenancy_id)

    @property
    def user(self) -> str | None:
        """The OCID of the user; None for functions and machines, which are no users, and in Cloud Shell."""
        return self.config.get("user")

    def client(
        self, kind: Callable[..., Any], *, endpoint: str | None = None, region: str | None = None, **options: Any
    ) -> Any:
        """A client of the SDK that signs with these credentials.

        Args:
            kind: its class.
            endpoint: of the service; the SDK's own for the region when None.
            region: the region identifier; that of the credentials when None.
            options: more of the client's options.
        """
        if endpoint is not None:
            options["service_endpoint"] = endpoint
        config = {**self.config, **({} if region is None else {"region": region})}
        return kind(config, signer=self.signer, **options)
