"""An environment: the inputs, the policy and the state of one deployment, in `environments/<name>/`."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

DEFAULT = "production"
"""The environment that `ENV` does not name. It takes over what release 0.2 has left at the top of the clone."""

REQUIRED = ("issuer", "audience", "jwks_uri", "compartment_ocid")
"""The inputs that have no default, and that the OCI configuration does not tell."""

_name = re.compile(r"[a-z][a-z0-9-]{0,30}")
# A comment may follow, and an address between quotation marks has slashes too.
_input = re.compile(r'^(\w+)[ \t]*=[ \t]*((?:"[^"\n]*"|(?!#|//).)*?)[ \t]*(?:(?:#|//).*)?$', re.MULTILINE)


def is_name(text: str) -> bool:
    """Whether an environment may have this name."""
    return _name.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Environment:
    """The files of an environment.

    Args:
        name: of the environment.
        root: the folder that has `environments` and `dist`.
    """

    name: str
    root: Path = ROOT

    @property
    def folder(self) -> Path:
        """Its files: all but the state belong into a repository."""
        return self.root / "environments" / self.name

    @property
    def work(self) -> Path:
        """The folder that Terraform runs in. It is made anew from the sources, so it may be deleted."""
        return self.root / "dist" / "environments" / self.name

    @property
    def inputs(self) -> Path:
        """The inputs of the stack."""
        return self.folder / "presign.tfvars"

    @property
    def policy(self) -> Path:
        """The policy; without it the stack has the default policy."""
        return self.folder / "policy.json"

    @property
    def backend(self) -> Path:
        """Tells Terraform where the state is, if that is not the file `state`."""
        return self.folder / "backend.tf"

    @property
    def lock(self) -> Path:
        """The versions of the providers, as Terraform has chosen them."""
        return self.folder / ".terraform.lock.hcl"

    @property
    def rotation(self) -> Path:
        """The names of the keys and secrets that are in use, which `make rotate` changes."""
        return self.folder / "rotation.json"

    @property
    def state(self) -> Path:
        """The Terraform state, which holds secrets."""
        return self.folder / "presign.tfstate"

    def input_texts(self) -> dict[str, str]:
        """The inputs by their names, each as it is written in the file, or the first line of it."""
        if not self.inputs.exists():
            return {}
        return dict(_input.findall(self.inputs.read_text("utf-8")))

    def deployed_name(self) -> str:
        """The input `name`, as far as the file tells it."""
        own = "presign" if self.name == DEFAULT else f"presign-{self.name}"
        return self.input_texts().get("name", own).strip('"')

    def variables(self) -> dict[str, str]:
        """The inputs that are not in the file, as Terraform takes them from the environment of its process."""
        slots = json.loads(self.rotation.read_text("utf-8")) if self.rotation.exists() else {}
        found = {f"TF_VAR_{name}": json.dumps(slots[name]["names"]) for name in slots}
        return {**found, "TF_VAR_name": self.deployed_name()}

    def others(self) -> list[Environment]:
        """The other environments of this clone."""
        folders = sorted(self.folder.parent.glob("*/presign.tfvars"))
        return [Environment(file.parent.name, self.root) for file in folders if file.parent.name != self.name]

    def take_over(self) -> None:
        """Move here what release 0.2 has left at the top of the clone, and say so."""
        if self.name != DEFAULT:
            return
        old_work = self.root / "dist" / "stack"
        moved = {
            self.root / "presign.tfvars": self.inputs,
            self.root / "presign.tfstate": self.state,
            self.root / "presign.tfstate.backup": self.state.with_suffix(".tfstate.backup"),
            old_work / ".terraform.lock.hcl": self.lock,
        }
        backend = old_work / "backend.tf"
        if backend.exists() and "../../presign.tfstate" not in backend.read_text("utf-8"):
            moved[backend] = self.backend
        for old, new in moved.items():
            if old.exists() and not new.exists():
                new.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(old, new)
                print(f"{old.relative_to(self.root)} is now {new.relative_to(self.root)}.", file=sys.stderr)

    def close_files(self) -> None:
        """Take the rights on files that hold secrets from everybody but the owner."""
        for folder in (self.folder, self.work):
            for file in folder.glob("*.tfstate*") if folder.exists() else ():
                file.chmod(0o600)

    def make_work(self) -> None:
        """Make the folder that Terraform runs in, and tell Terraform where the state is."""
        self.work.mkdir(parents=True, exist_ok=True)
        self.work.chmod(0o700)
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.backend.exists():
            text = self.backend.read_text("utf-8")
        else:
            path = json.dumps(os.path.relpath(self.state, self.work))
            text = f'terraform {{\n  backend "local" {{\n    path = {path}\n  }}\n}}\n'
        (self.work / "backend.tf").write_text(text, "utf-8")
        if self.lock.exists():
            shutil.copy(self.lock, self.work)

    def keep_lock(self) -> None:
        """Keep the versions of the providers that Terraform has chosen."""
        made = self.work / self.lock.name
        if made.exists():
            shutil.copy(made, self.lock)
