"""An environment: the inputs, the policy and the state of one deployment, in `environments/<name>/`."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

DEFAULT = "production"
"""The environment that `ENV` does not name. It takes over what release 0.2 has left at the top of the clone."""

REQUIRED = ("issuer", "audience", "jwks_uri", "compartment_ocid")
"""The inputs that have no default, and that the OCI configuration does not tell."""

_name = re.compile(r"[a-z][a-z0-9-]{0,30}")
# A comment may follow, and an address between quotation marks has slashes too.
_input = re.compile(r'^(\w+)[ \t]*=[ \t]*((?:"[^"\n]*"|(?!#|//).)*?)[ \t]*(?:(?:#|//).*)?$', re.MULTILINE)


class NotReady(Exception):
    """Something that Terraform needs is missing, or can't be read."""


def is_name(text: str) -> bool:
    """Whether an environment may have this name."""
    return _name.fullmatch(text) is not None


def write_whole(file: Path, content: bytes) -> None:
    """Write a file of which nobody ever finds a part, even if this process is killed; a link gives way to the file."""
    made = file.with_name(f".{file.name}.new")
    made.write_bytes(content)
    made.replace(file)


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
        """The inputs by their names, each as it is written in the file, or the first line of it.

        Raises:
            NotReady: the file can't be read.
        """
        return dict(_input.findall(_text(self.inputs))) if self.inputs.exists() else {}

    @property
    def own_name(self) -> str:
        """The input `name`, if the file does not tell it."""
        return "presign" if self.name == DEFAULT else f"presign-{self.name}"

    def deployed_name(self) -> str:
        """The input `name`, as far as the file tells it.

        Raises:
            NotReady: the file can't be read.
        """
        return self.input_texts().get("name", self.own_name).strip('"')

    def slots(self) -> dict[str, dict[str, Any]]:
        """The state of `make rotate` for each of its inputs: the `names`, and `until` when the first is needed.

        Raises:
            NotReady: the file was changed, or can't be read.
        """
        try:
            slots = json.loads(_text(self.rotation)) if self.rotation.exists() else {}
        except ValueError:
            slots = None
        if not isinstance(slots, dict) or not all(map(_is_slot, slots.values())):
            raise NotReady(
                f"{self.rotation} is not as `make rotate` writes it: take the version that was committed last."
            )
        return slots

    def slot(self, name: str) -> dict[str, Any]:
        """The state of one input, the last of whose `names` is in use. It raises as `slots` does."""
        return self.slots().get(name, {"names": ["a"]})

    def variables(self) -> dict[str, str]:
        """The inputs that may be missing in the file, as Terraform takes them from the environment of its process.

        Raises:
            NotReady: the names of keys can't be read.
        """
        found = {f"TF_VAR_{name}": json.dumps(slot["names"]) for name, slot in self.slots().items()}
        return {**found, "TF_VAR_name": self.own_name}

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


def _text(file: Path) -> str:
    """The text of a file, of which Terraform ignores a byte order mark too."""
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise NotReady(f"{file} can't be read: {exc}") from None


def _is_slot(slot: Any) -> bool:
    """Whether it has a list of names, and if it has `until`, a time or null."""
    if not isinstance(slot, dict) or not isinstance(slot.get("names"), list):
        return False
    try:
        datetime.fromisoformat(slot.get("until") or "1970-01-01T00:00:00Z")
    except (ValueError, TypeError):
        return False
    return True
