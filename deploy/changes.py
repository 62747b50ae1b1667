"""The changes of a Terraform plan: those that need a word of the operator, and those of the policy."""

from __future__ import annotations

import base64
import difflib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Danger(NamedTuple):
    """A change that can't be undone, and the word that allows it."""

    word: str
    text: str


BUCKET = Danger("delete-bucket", "The bucket is deleted, and made anew if it says so above.")
URLS = Danger("end-all-urls", "The signing user or its key goes: every presigned URL that is in use ends at once.")
VAULT = Danger("delete-vault", "The vault or its master key is deleted, with all that they encrypt.")

DANGERS = {
    "oci_objectstorage_bucket.presign": BUCKET,
    "oci_kms_vault.presign": VAULT,
    "oci_kms_key.presign": VAULT,
    "oci_identity_user.signer": URLS,
    "oci_identity_customer_secret_key.signer": URLS,
    "oci_identity_group.signers": URLS,
    "oci_identity_user_group_membership.signer": URLS,
    "oci_identity_policy.signers": URLS,
}
"""The resources whose deletion needs a word."""

PROTECTED = (
    "oci_objectstorage_bucket.presign",
    "oci_kms_vault.presign",
    "oci_kms_key.presign",
    "oci_identity_user.signer",
)
"""The resources that Terraform refuses to delete where the input `protect` is true."""


def changed(plan: Mapping[str, Any]) -> dict[str, list[str]]:
    """The addresses of the resources that a plan changes, each with Terraform's actions."""
    return {
        change["address"]: change["change"]["actions"]
        for change in plan.get("resource_changes", [])
        if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
    }


def has_changes(plan: Mapping[str, Any]) -> bool:
    """Whether there is anything to carry out, a moved address or an output included."""
    moved = any("previous_address" in change for change in plan.get("resource_changes", []))
    outputs = any(change["actions"] != ["no-op"] for change in plan.get("output_changes", {}).values())
    return bool(changed(plan)) or moved or outputs


def dangers_of(plan: Mapping[str, Any]) -> list[Danger]:
    """The dangers of a plan: things that it destroys and nobody can bring back."""
    deleted = [address.partition("[")[0] for address, actions in changed(plan).items() if "delete" in actions]
    return list(dict.fromkeys(DANGERS[address] for address in deleted if address in DANGERS))


def override_of_protected() -> str:
    """The Terraform file that keeps the protected resources from being deleted."""
    return "".join(
        'resource "{}" "{}" {{\n  lifecycle {{\n    prevent_destroy = true\n  }}\n}}\n'.format(*address.split("."))
        for address in PROTECTED
    )


def resources_of(state: Mapping[str, Any], type_: str) -> Iterator[dict[str, Any]]:
    """The attributes of each resource of a type in a Terraform state."""
    for resource in state.get("resources", []):
        if (resource["mode"], resource["type"]) == ("managed", type_):
            yield from (instance["attributes"] for instance in resource["instances"])


def secrets_of(state: Mapping[str, Any]) -> list[str]:
    """The secrets in a Terraform state, the longest first."""
    found = set()
    for resource in state.get("resources", []):
        for instance in resource["instances"]:
            values = instance["attributes"]
            match resource["type"]:
                case "terraform_data" if resource["name"] in ("claims_key", "gateway_secret"):
                    texts = [values.get(name) for name in ("input", "output", "triggers_replace")]
                    found |= {text["value"] if isinstance(text, dict) else text for text in texts if text}
                case "oci_identity_customer_secret_key":
                    found.add(values["key"])
                case "oci_vault_secret":
                    found |= {content["content"] for content in values["secret_content"]}
    return sorted((str(secret) for secret in found if secret), key=len, reverse=True)


def sent_gateway_secret(state: Mapping[str, Any]) -> str | None:
    """The name of the gateway secret that the gateway sends; None before the first deploy, or if it has no name."""
    sent = json.dumps([*resources_of(state, "oci_apigateway_deployment")])
    for resource in state.get("resources", []):
        if (resource["type"], resource["name"]) == ("terraform_data", "gateway_secret"):
            for instance in resource["instances"]:
                texts = secrets_of({"resources": [{**resource, "instances": [instance]}]})
                if any(f"{text}:$" in sent for text in texts):
                    return str(instance["index_key"])
    return None


def deployed_name(state: Mapping[str, Any]) -> str | None:
    """The input `name` that the resources of a state were made with; None before the first deploy."""
    return next((str(made["display_name"]) for made in resources_of(state, "oci_functions_application")), None)


def deployed_archive(state: Mapping[str, Any]) -> bytes | None:
    """The function's archive; None if there is no function, or it is an image."""
    for function in resources_of(state, "oci_functions_function"):
        for source in function["source_details"]:
            for archive in source["archive_source_details"]:
                return base64.b64decode(archive["archive_file"])
    return None


def deployed_policy_file(state: Mapping[str, Any]) -> bytes | None:
    """The policy file in the archive that is deployed; None if the policy is no file."""
    for function in resources_of(state, "oci_functions_function"):
        setting = (function["config"] or {}).get("POLICY", "")
        archive = deployed_archive(state)
        if archive is not None and setting.startswith("file:"):
            with zipfile.ZipFile(io.BytesIO(archive)) as opened:
                return opened.read(f"function/{setting.removeprefix('file:')}")
    return None


def deployed_policy(state: Mapping[str, Any]) -> str | None:
    """The policy that is deployed; None before the first deploy."""
    for function in resources_of(state, "oci_functions_function"):
        file = deployed_policy_file(state)
        return file.decode("utf-8-sig") if file is not None else str((function["config"] or {}).get("POLICY", ""))
    return None


def difference_of_rules(before: str | None, after: str) -> Iterator[str]:
    """The lines that tell how the rules of two policies differ; none if they do not."""
    if before is None:
        return iter(())
    return difflib.unified_diff(_lines(before), _lines(after), "deployed", "new", lineterm="", n=100)


def _lines(policy: str) -> list[str]:
    """A policy, a member a line."""
    try:
        return json.dumps(json.loads(policy), indent=2, ensure_ascii=False).splitlines()
    except ValueError:
        return policy.splitlines()
