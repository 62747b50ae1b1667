"""The outputs and the resources of an applied stack, from its Terraform state."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.doctor.step import Skipped


def outputs(directory: Path, *, state: Path | None) -> Mapping[str, Any]:
    """The outputs of the stack; empty if it was not applied.

    Args:
        directory: of the stack.
        state: the file that has its state, if that is not in its folder.

    Raises:
        Skipped: the file holds no state.
    """
    found = _document(directory, state).get("outputs", {})
    if not found and shutil.which("terraform"):
        # The state may lie in a bucket.
        command = ["terraform", f"-chdir={directory}", "output", "-json"]
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
        found = json.loads(done.stdout or "{}")
    return {name: output["value"] for name, output in found.items()}


def signing_user_ocid(directory: Path, *, state: Path | None) -> str | None:
    """The user that the stack has made for signing; None if it has made none, or the state is elsewhere."""
    for resource in _document(directory, state).get("resources", []):
        if (resource.get("type"), resource.get("name")) == ("oci_identity_user", "signer"):
            return next((str(one["attributes"]["id"]) for one in resource["instances"]), None)
    return None


def _document(directory: Path, state: Path | None) -> Mapping[str, Any]:
    """The Terraform state, of the stack's own folder or of `state`; empty if it is elsewhere."""
    for file in (directory / "terraform.tfstate", state):
        if file is not None and file.exists():
            try:
                document: Mapping[str, Any] = json.loads(file.read_text("utf-8"))
            except ValueError:
                raise Skipped(f"{file} is no Terraform state: it is not JSON.") from None
            return document
    return {}
