"""The Terraform stack: its files, the API deployment, the function's archive, and a policy file.

`python -m deploy stack --zip FILE` packs it for Resource Manager.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from deploy import archives, package, statements

ROOT = Path(__file__).resolve().parent.parent
SOURCES = Path(__file__).with_name("stack")
DEPLOYMENT = ROOT / "gateway" / "deployment.json"
STORE_DEPLOYMENT = ROOT / "gateway" / "store.json"

BACKEND = "backend.tf"
"""Tells Terraform where to keep the state. It is no part of the stack, as Resource Manager keeps states itself."""

PROTECTION = "protect_override.tf"
"""Keeps resources from being deleted. Nobody could delete them in Resource Manager then, so it is no part either."""

GENERATED = (
    *("api_deployment.tf.json", "store_deployment.tf.json", "permissions.tf.json", "runtime.tf.json"),
    *("function.zip", "policy.json"),
)


REFERENCES = {
    "FUNCTION_OCID": "${oci_functions_function.presign.id}",
    "CLAIMS_KEY": "${local.sent_secret}",
    "JWKS_URI": "${var.jwks_uri}",
    "ISSUER": '${split(",", var.issuer)}',
    "AUDIENCE": '${split(",", var.audience)}',
    "ALLOWED_ORIGINS": '${split(",", var.allowed_origins)}',
    "STORE": "${local.store_url}",
    "BUCKET": "${routes.value}",
}
"""The Terraform expression for each placeholder of the files in `gateway/`."""

_ALLOWED_HEADERS = '${{distinct(concat({}, compact(split(",", var.allowed_headers))))}}'
"""The Terraform expression for the headers that pages may send: those of the file, and those of the input."""

_LISTS = frozenset({"ISSUER", "AUDIENCE", "ALLOWED_ORIGINS"})
_placeholder = re.compile(r"<([A-Z_]+)>")


def api_deployment(specification: dict[str, Any]) -> dict[str, Any]:
    """The Terraform resource, as JSON, that deploys the `specification` of `gateway/deployment.json`."""
    converted = to_terraform(specification)
    policies = converted["request_policies"]
    policies["rate_limiting"]["rate_in_requests_per_second"] = "${var.requests_per_second}"
    policies["cors"]["allowed_headers"] = _ALLOWED_HEADERS.format(json.dumps(policies["cors"]["allowed_headers"]))
    return {
        "resource": {
            "oci_apigateway_deployment": {
                "presign": {
                    "compartment_id": "${local.compartment_ocid}",
                    "freeform_tags": "${local.freeform_tags}",
                    "defined_tags": "${local.defined_tags}",
                    "display_name": "${var.name}",
                    "gateway_id": "${oci_apigateway_gateway.presign.id}",
                    "path_prefix": "/presigner",
                    "specification": converted,
                }
            }
        }
    }


def store_deployment(specification: dict[str, Any]) -> dict[str, Any]:
    """The Terraform resource, as JSON, that deploys the `specification` of `gateway/store.json` for each bucket."""
    policies = {name: part for name, part in specification.items() if name != "routes"}
    routes = [
        {"for_each": "${local.rule_buckets.s3}", "content": to_terraform(route)} for route in specification["routes"]
    ]
    return {
        "resource": {
            "oci_apigateway_deployment": {
                "store": {
                    "count": "${local.has_store_route ? 1 : 0}",
                    "compartment_id": "${local.compartment_ocid}",
                    "freeform_tags": "${local.freeform_tags}",
                    "defined_tags": "${local.defined_tags}",
                    "display_name": "${var.name}-store",
                    "gateway_id": "${oci_apigateway_gateway.presign.id}",
                    "path_prefix": "/store",
                    "specification": {**to_terraform(policies), "dynamic": {"routes": routes}},
                    "depends_on": ["terraform_data.store_route_inputs"],
                }
            }
        }
    }


def permissions() -> dict[str, Any]:
    """The Terraform values, as JSON, that say which permissions the operations of a policy need."""
    return {
        "locals": {
            "permissions": statements.PERMISSIONS,
            "par_permissions": statements.PAR_PERMISSIONS,
            "event_operations": statements.EVENT_OPERATIONS,
            "part_operations": statements.PART_OPERATIONS,
        }
    }


def runtime() -> dict[str, Any]:
    """The Terraform value, as JSON, that names the runtime which the archive is made for."""
    return {"locals": {"runtime_of_archive": f"python{package.RUNTIME_PYTHON.replace('.', '')}.ol9"}}


def to_terraform(value: Any) -> Any:
    """A part of an API deployment as Terraform names it, with references in place of placeholders.

    Names are in snake case, and the media types of a body, which are the keys of a map, are a field of blocks.
    """
    if isinstance(value, dict):
        convert = {"content": _media_types}
        return {_snake(name): convert.get(name, to_terraform)(item) for name, item in value.items()}
    if isinstance(value, list):
        [first, *others] = value or [None]
        placeholder = _placeholder.fullmatch(first) if isinstance(first, str) and not others else None
        if placeholder and placeholder[1] in _LISTS:
            return REFERENCES[placeholder[1]]
        return [to_terraform(item) for item in value]
    if isinstance(value, str):
        # ${…} is the gateway's own syntax for variables, and Terraform's too.
        return _placeholder.sub(lambda found: REFERENCES[found[1]], value.replace("${", "$${"))
    return value


def _media_types(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"media_type": media_type, **to_terraform(validation)} for media_type, validation in content.items()]


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)


def build(directory: Path, *, policy: Path | None = None, archive: Path | None = None) -> None:
    """Make the stack in `directory`; what Terraform keeps there, such as its state, stays.

    Args:
        directory: is made if it is missing.
        policy: a policy file, for the function and for the rights that it needs.
        archive: the function's archive, which gets the policy; an image needs none.

    Raises:
        BuildFailed: it is no archive of this function.
    """
    write_sources(directory)
    if archive:
        archives.with_policy(archive, directory / "function.zip", policy=policy)
    if policy:
        shutil.copy(policy, directory / "policy.json")


def write_sources(directory: Path) -> None:
    """Make the Terraform files in `directory`, in the place of those of an earlier stack."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in _files(directory):
        old.unlink()
    for source in (*SOURCES.glob("*.tf"), SOURCES / "schema.yaml"):
        shutil.copy(source, directory)
    deployment = api_deployment(json.loads(DEPLOYMENT.read_text("utf-8")))
    store = store_deployment(json.loads(STORE_DEPLOYMENT.read_text("utf-8")))
    for name, document in (
        ("api_deployment", deployment),
        ("store_deployment", store),
        ("permissions", permissions()),
        ("runtime", runtime()),
    ):
        (directory / f"{name}.tf.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def write_archive(file: Path, *, policy: Path | None) -> None:
    """Write the function's archive; with `policy`, if that is given.

    Raises:
        BuildFailed: it can't be made, or the policy has errors.
    """
    with tempfile.TemporaryDirectory(prefix="package-") as temporary:
        made = Path(temporary, "package")
        requirements = ROOT / "requirements.txt"
        package.build(made, requirements=requirements, policy=policy, cross=not package.is_runtime())
        archives.write_archive(made, file)


def pack(directory: Path, archive: Path) -> None:
    """Pack the stack for Resource Manager, without what Terraform has left in its folder."""
    archives.write_zip(archive, {file.name: file for file in _files(directory)})


def _files(directory: Path) -> list[Path]:
    """The stack's files, without those that Terraform or its user has put beside them."""
    sources = [*directory.glob("*.tf"), *(directory / name for name in (*GENERATED, "schema.yaml"))]
    return sorted(file for file in sources if file.is_file() and file.name not in (BACKEND, PROTECTION))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy stack`."""
    parser.add_argument("--policy", type=Path, metavar="FILE", help="a policy of your own, instead of the default")
    parser.add_argument("--archive", type=Path, metavar="FILE", help="the archive of a release")
    parser.add_argument("--zip", type=Path, metavar="FILE", required=True, help="the ZIP for Resource Manager")


def run(arguments: argparse.Namespace) -> int:
    """Make the stack, and pack it.

    Returns:
        The exit status.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="stack-") as temporary:
            made, directory = Path(temporary, "function.zip"), Path(temporary, "stack")
            if arguments.archive is None:
                write_archive(made, policy=arguments.policy)
            build(directory, policy=arguments.policy, archive=arguments.archive or made)
            pack(directory, arguments.zip)
    except (archives.BuildFailed, FileNotFoundError) as exc:
        print(exc, file=sys.stderr)
        return 1
    print(f"{arguments.zip}: {arguments.zip.stat().st_size / 1e6:.1f} MB")
    return 0
