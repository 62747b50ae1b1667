"""The stack in the folder of an environment, checked and ready to be planned."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy import archives, changes, stack
from deploy.environment import ROOT, Environment, write_whole
from deploy.oci_config import ready_variables
from deploy.terraform import Failed, Terraform

if TYPE_CHECKING:
    from presign.problems import FieldError
    from presign.settings import Settings

_INPUTS = """{
  name = var.name, region = var.region, image = var.image, settings = var.settings, protect = var.protect,
  given_policy = local.given_policy, is_inline = var.policy != "", deliver_to = var.deliver_to, bucket = local.bucket,
  web_default_policy = local.web_default_policy, par_default_policy = local.par_default_policy,
  wants_store_route = local.wants_store_route, buckets = var.buckets,
}"""
_EXAMPLES = {
    "queue": "ocid1.queue.oc1.fra.example",
    "notifications": "ocid1.onstopic.oc1.fra.example",
    "secret": "ocid1.vaultsecret.oc1.fra.example",
}


_PREVENTED = "Instance cannot be destroyed"
"""Terraform's words where the input `protect` keeps something."""


class Refused(Exception):
    """The inputs are not right, or somebody said no. The text says what to do; it may be empty."""


class Session:
    """An environment whose stack is ready to be planned.

    Args:
        environment: has the files.
        policy: a new policy; None for that of the environment.

    Raises:
        NotReady: Terraform or the credentials are missing.
        Failed: Terraform is not ready, or an input is wrong.
        Refused: the inputs do not fit the deployment.
    """

    def __init__(self, environment: Environment, policy: Path | None = None) -> None:
        self.environment = environment
        variables = ready_variables(environment)
        environment.take_over()
        environment.make_work()
        stack.write_sources(environment.work)
        self.terraform = Terraform(environment, variables)
        self.terraform.init()
        self.state = self.terraform.state()
        self.policy = self._policy(policy)
        if self.policy is not None:
            shutil.copy(self.policy, environment.work / "policy.json")
        self.inputs: dict[str, Any]
        self.inputs, self._mistakes = self.terraform.console(" ".join(_INPUTS.split()))
        self._refuse_another_name()

    @cached_property
    def policy_text(self) -> str:
        """The policy that the stack will have, which only a plan can ask it for."""
        inputs = self.inputs
        keeps_par_default = changes.deployed_policy(self.state) == inputs["par_default_policy"]
        has_web_default = inputs["wants_store_route"] and not keeps_par_default
        default = inputs["web_default_policy"] if has_web_default else inputs["par_default_policy"]
        return str(inputs["given_policy"] or default)

    def _policy(self, given: Path | None) -> Path | None:
        """The policy file; that of the deployed archive where the environment has lost its own."""
        if given is not None:
            if not given.is_file():
                raise Refused(f"There is no {given}.")
            return given
        own = self.environment.policy
        if own.exists():
            return own
        deployed = changes.deployed_policy_file(self.state)
        if deployed is None or "policy" in self.environment.input_texts():
            return None
        write_whole(own, deployed)
        print(f"{own.relative_to(self.environment.root)} is the policy that is deployed.", file=sys.stderr)
        return own

    def _refuse_another_name(self) -> None:
        deployed = changes.deployed_name(self.state)
        if deployed not in (None, self.inputs["name"]):
            raise Refused(
                f"The input name is {self.inputs['name']}, but {deployed} is deployed. Another name would make all"
                f' of it anew and delete the old: set name = "{deployed}", or another ENV.'
            )

    def settings(self) -> Settings:
        """The settings that the function will have, but for its secrets, checked as the function itself does.

        Raises:
            Refused: with every error of the policy and the settings, or else with those of the inputs.
        """
        from presign.problems import NotConfigured
        from presign.settings import Settings

        if self.policy is not None and self.inputs["is_inline"]:
            raise Refused(f"There are two policies: the input policy, and {self.policy}. Take one of them away.")
        config = {
            **self.inputs["settings"],
            "POLICY": self.policy_text,
            "CLAIMS_KEY": "0" * 32,
            "NAMESPACE": "namespace",
            "DEFAULT_BUCKET": self.inputs["bucket"],
            "SECRET_OCID": _EXAMPLES["secret"],
            "DELIVER_TO": _EXAMPLES.get(self.inputs["deliver_to"], ""),
            "OCI_RESOURCE_PRINCIPAL_REGION": self.inputs["region"],
        }
        try:
            settings = Settings.from_config(config, root=ROOT)
        except NotConfigured as exc:
            policy = str(self.policy or "policy")
            raise Refused("\n".join(_line(error, policy) for error in exc.errors)) from None
        if self._mistakes:
            raise Refused(self._mistakes)
        return settings

    def refuse_lost_names(self) -> None:
        """Refuse to delete the gateway secret that is in use: until the new one arrives, each call would get 403.

        Raises:
            Refused: the names are not those that the last rotation has written.
        """
        rotation, sent = self.environment.rotation, changes.sent_gateway_secret(self.state)
        if sent is not None and sent not in self.environment.slot("gateway_secrets")["names"]:
            raise Refused(
                f"The gateway sends the secret {sent}, which {rotation} does not name: take the file that the last"
                " `make rotate` has written."
            )

    def deployed_setting(self, name: str) -> str:
        """A setting of the function that is deployed."""
        [function] = changes.resources_of(self.state, "oci_functions_function")
        return str(function["config"][name])

    def take_archive(self, archive: Path | None) -> None:
        """Put the function's archive beside the stack, with the policy in it; an image needs none.

        Args:
            archive: of a release; None for one of this clone.

        Raises:
            BuildFailed: there is none.
        """
        target = self.environment.work / "function.zip"
        if self.inputs["image"]:
            if archive is not None:
                raise Refused("The input image says what is deployed, so an archive has no place.")
        elif archive is None:
            stack.write_archive(target, policy=self.policy)
        else:
            archives.with_policy(archive, target, policy=self.policy)

    def take_deployed_archive(self) -> None:
        """Put the archive that is deployed beside the stack, so that a plan leaves the function's code alone."""
        archive = changes.deployed_archive(self.state)
        if archive is not None:
            (self.environment.work / "function.zip").write_bytes(archive)

    def plan(self, *, protected: bool, destroys: bool = False) -> tuple[Path, Mapping[str, Any]]:
        """Plan, and show the plan.

        Args:
            protected: whether Terraform refuses to delete what the input `protect` keeps.
            destroys: whether all resources go.

        Returns:
            The file with the plan, which is to be deleted, and the plan.
        """
        override = self.environment.work / stack.PROTECTION
        override.unlink(missing_ok=True)
        if protected and self.inputs["protect"]:
            override.write_text(changes.override_of_protected(), "utf-8")
        file = Path(tempfile.mkdtemp(prefix="plan-", dir=self.environment.work), "plan.tfplan")
        try:
            return file, self.terraform.plan(file, *(["-destroy"] if destroys else []))
        except (Failed, KeyboardInterrupt) as exc:
            shutil.rmtree(file.parent)
            if isinstance(exc, Failed) and any(_PREVENTED in line for line in exc.told):
                words = ", ".join(dict.fromkeys(danger.word for danger in changes.DANGERS.values()))
                print(
                    f"protect = true keeps what can't be made again. To delete it, say so by CONFIRM= ({words}).",
                    file=sys.stderr,
                )
            raise

    def show_rules(self) -> None:
        """Show how the rules differ from those that are deployed."""
        lines = list(changes.difference_of_rules(changes.deployed_policy(self.state), self.policy_text))
        if lines:
            print("The rules of the policy change:", *lines, sep="\n")

    def keep_policy(self) -> None:
        """Let the environment remember the policy."""
        if self.policy is not None and self.policy.resolve() != self.environment.policy.resolve():
            write_whole(self.environment.policy, self.policy.read_bytes())


def _line(error: FieldError, policy: str) -> str:
    """An error of the settings, by the name of the place where it is mended."""
    if error.pointer.startswith("/POLICY"):
        return f"{policy}: {error.pointer.removeprefix('/POLICY') or '(the whole)'}: {error.detail}"
    return f"settings: {error.pointer.removeprefix('/')} {error.detail}"
