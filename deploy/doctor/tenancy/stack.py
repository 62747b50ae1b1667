"""The stack that made the deployment: its outputs and its signing user, from the Terraform state."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.doctor.finding import Skipped
from deploy.doctor.tenancy.facts import Facts, fact


class AppliedStack(Facts):
    """An applied stack, or none.

    Args:
        directory: of the stack; None if the function was named instead.
        state: the file with the Terraform state, if that is not in the folder of the stack.
        environment: for Terraform, if it has to read the state; in addition to that of this process.
    """

    def __init__(self, directory: Path | None, *, state: Path | None, environment: Mapping[str, str]) -> None:
        super().__init__()
        self.directory = directory
        self.state = state
        self._environment = environment

    @fact("the outputs")
    def outputs(self) -> Mapping[str, Any]:
        """The outputs of the stack; empty without one.

        Raises:
            Skipped: it was not applied, the file holds no state, or Terraform can't read it.
        """
        if self.directory is None:
            return {}
        outputs = self._document(self.directory).get("outputs", {}) or self._remote_outputs(self.directory)
        if not outputs:
            raise Skipped(f"{self.directory} has not been applied: Terraform has no outputs of it.")
        return {name: output["value"] for name, output in outputs.items()}

    @fact("the signing user ocid")
    def signing_user_ocid(self) -> str | None:
        """The user that the stack has made for signing; None if it has made none, or the state is elsewhere."""
        if self.directory is None:
            return None
        for resource in self._document(self.directory).get("resources", []):
            if (resource.get("type"), resource.get("name")) == ("oci_identity_user", "signer"):
                return next((str(one["attributes"]["id"]) for one in resource["instances"]), None)
        return None

    def _document(self, directory: Path) -> Mapping[str, Any]:
        """The Terraform state, of the stack's own folder or else of the given file; empty if it is elsewhere."""
        for file in (directory / "terraform.tfstate", self.state):
            if file is not None and file.exists():
                try:
                    document: Mapping[str, Any] = json.loads(file.read_text("utf-8"))
                except ValueError:
                    raise Skipped(f"{file} is no Terraform state: it is not JSON.") from None
                return document
        return {}

    def _remote_outputs(self, directory: Path) -> Mapping[str, Any]:
        """The outputs as Terraform gives them, since the state may lie in a bucket."""
        if not shutil.which("terraform"):
            return {}
        command = ["terraform", f"-chdir={directory}", "output", "-json"]
        environment = {**os.environ, **self._environment}
        ended = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
        try:
            outputs: Mapping[str, Any] = json.loads(ended.stdout or "{}")
        except ValueError:
            outputs = {}
        if ended.returncode:
            raise Skipped(f"Terraform can't read the state of {directory}:\n{ended.stderr.strip()}")
        return outputs
