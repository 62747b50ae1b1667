"""Terraform in the folder of an environment. No secret of the state is printed, and only the owner reads its files."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from deploy.changes import secrets_of
from deploy.environment import Environment, NotReady
from deploy.oci_config import ready_variables
from deploy.signals import left_to_child

_HIDDEN = "(sensitive value)"
_HAS_MISTAKES = "Due to the problems above"
"""The beginning of the console's warning that an input is wrong; it gives values all the same."""
_colour = re.compile(r"\x1b\[[\d;]*m")
_OF_BACKEND = {
    "TF_VAR_config_file_profile": "OCI_config_file_profile",
    "TF_VAR_auth": "OCI_auth",
    "TF_HOME_OVERRIDE": "OCI_HOME_OVERRIDE",
}
"""The names by which the back end `oci` takes the credentials that the inputs give to Oracle's provider."""


class Failed(Exception):
    """Terraform has failed, and has printed why.

    Args:
        status: its exit status.
        told: the lines that it has printed.
    """

    def __init__(self, status: int, told: Sequence[str] = ()) -> None:
        super().__init__(f"Terraform ended with status {status}.")
        self.status = status
        self.told = told


class Terraform:
    """Terraform in the folder of an environment.

    Args:
        environment: has the files.
        variables: the environment of the process.
    """

    def __init__(self, environment: Environment, variables: Mapping[str, str]) -> None:
        self._environment = environment
        of_backend = {name: variables[other] for other, name in _OF_BACKEND.items() if other in variables}
        self._given = {**of_backend, **variables, "TF_IN_AUTOMATION": "1"}
        self._secrets: list[str] = []

    def init(self) -> None:
        """Make the folder ready: the back end, and the providers. A state in a file moves to a new back end.

        Raises:
            Failed: Terraform is not.
            NotReady: the file and the back end both have a state.
        """
        environment = self._environment
        environment.close_files()
        environment.make_work()
        self.run("init", "-input=false", "-reconfigure")
        environment.keep_lock()
        if environment.backend.exists() and environment.state.exists():
            self._move_state()

    def _move_state(self) -> None:
        """Move the state from the file to the back end, which must have none."""
        file = self._environment.state
        if json.loads(self.read("state", "pull") or "{}").get("resources"):
            raise NotReady(
                f"The back end of {self._environment.name} has a state, and {file} is another one."
                " Take that file away if the back end has the right one."
            )
        self.read("state", "push", str(file))
        file.rename(file.with_name(f"{file.name}.moved"))
        print(f"The state of {self._environment.name} is now where backend.tf says.", file=sys.stderr)

    def state(self) -> dict[str, Any]:
        """The state; empty before the first deploy. From now on none of its secrets is printed."""
        document: dict[str, Any] = json.loads(self.read("state", "pull") or "{}")
        self._secrets = secrets_of(document)
        return document

    def console(self, expression: str) -> tuple[Any, str]:
        """The value of an expression, as the inputs have it.

        Returns:
            The value, and the mistakes that Terraform has found in the inputs, which is empty if there are none.

        Raises:
            Failed: the mistakes leave no value.
        """
        ended = self._ended(("console", *self._inputs()), stdin=f"jsonencode({expression})\n")
        # Warnings come before the value. One of them says that there are errors, which are elsewhere.
        *warnings, value = ended.stdout.splitlines() or [""]
        mistakes = _colour.sub("", "".join(self._shown([ended.stderr])))
        try:
            found = json.loads(json.loads(value))
        except ValueError:
            sys.stderr.write(mistakes)
            raise Failed(ended.returncode or 1) from None
        return found, mistakes if any(_HAS_MISTAKES in line for line in warnings) else ""

    def plan(self, file: Path, *options: str) -> dict[str, Any]:
        """Plan, and show the plan.

        Args:
            file: gets the plan.
            options: more of Terraform's.

        Returns:
            The plan in Terraform's JSON.

        Raises:
            Failed: there is no plan.
        """
        self.run("plan", "-input=false", f"-out={file}", *self._inputs(), *options)
        document: dict[str, Any] = json.loads(self.read("show", "-json", str(file)))
        return document

    def apply(self, file: Path) -> None:
        """Carry a plan out.

        Raises:
            Failed: a part of it could not be carried out.
        """
        try:
            self.run("apply", "-input=false", str(file))
        finally:
            self._environment.close_files()

    def run(self, *arguments: str) -> None:
        """Run a command, and print what it says, without the secrets of the state.

        Raises:
            Failed: its status is not 0.
            KeyboardInterrupt: somebody stopped it. Terraform has ended what it had begun, and has written the state.
        """
        with left_to_child() as received, self._started(arguments) as process:
            told = self._print(process.stdout or io.StringIO())
        if received:
            raise KeyboardInterrupt
        if process.returncode:
            raise Failed(process.returncode, told)

    def _started(self, arguments: tuple[str, ...]) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603
            self._command(arguments),
            env=self.variables(),
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )

    def _print(self, said: IO[str]) -> list[str]:
        told = []
        try:
            for line in self._shown(said):
                told.append(line)
                sys.stdout.write(line)
                sys.stdout.flush()
        finally:
            # If nobody read on, Terraform would die, and its state would lack what it is making.
            said.read()
        return told

    def read(self, *arguments: str, stdin: str = "") -> str:
        """The output of a command, which is not printed unless the command fails.

        Raises:
            Failed: its status is not 0.
        """
        ended = self._ended(arguments, stdin=stdin)
        if ended.returncode:
            sys.stderr.writelines(self._shown(ended.stderr.splitlines(keepends=True)))
            raise Failed(ended.returncode)
        return ended.stdout

    def _ended(self, arguments: tuple[str, ...], *, stdin: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            self._command(arguments),
            env=self.variables(),
            umask=0o077,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )

    def variables(self) -> dict[str, str]:
        """The environment of Terraform's process."""
        found = {**self._environment.variables(), **self._given}
        if not self._environment.backend.exists():
            # The state of a workspace would lie in `dist`, which anybody may delete.
            found.pop("TF_WORKSPACE", None)
        return found

    def _inputs(self) -> list[str]:
        file = self._environment.inputs
        return [f"-var-file={file}"] if file.exists() else []

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        command, *rest = arguments
        colour = [] if sys.stdout.isatty() or command in ("console", "state") else ["-no-color"]
        return ["terraform", f"-chdir={self._environment.work}", command, *colour, *rest]

    def _shown(self, lines: Any) -> Iterator[str]:
        for line in lines:
            shown = line
            for secret in self._secrets:
                shown = shown.replace(secret, _HIDDEN)
            yield shown


def connect(environment: Environment) -> Mapping[str, str]:
    """Make the folder of an environment ready for `terraform output`, where the state is not in a file.

    Returns:
        The environment for its process, by which the back end finds the credentials.

    Raises:
        NotReady: something is missing.
        Failed: the back end does not answer.
    """
    if not environment.backend.exists():
        return os.environ
    environment.make_work()
    terraform = Terraform(environment, ready_variables(environment))
    terraform.read("init", "-input=false", "-reconfigure")
    return terraform.variables()
