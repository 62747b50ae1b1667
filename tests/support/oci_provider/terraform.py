"""The real Terraform, with a stand-in for Oracle's provider, and no network."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from support.oci_provider.schema import Schema

STUB = Path(__file__).with_name("stub.py")
_reattach = re.compile("TF_REATTACH_PROVIDERS='(.+)'")


@contextmanager
def running_provider(schema: Schema, folder: Path) -> Iterator[dict[str, str]]:
    """The stand-in for the provider, running; gives the variables that tell Terraform of it.

    Args:
        schema: what it serves.
        folder: gets the files that it needs.
    """
    (folder / "schema.json").write_text(json.dumps(asdict(schema)), "utf-8")
    command = [sys.executable, "-u", str(STUB), str(folder / "schema.json")]
    environment = {**os.environ, "PYTHONPATH": str(STUB.parents[2])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, encoding="utf-8") as process:  # noqa: S603
        assert process.stdout
        try:
            address = next(found[1] for line in process.stdout if (found := _reattach.search(line)))
            yield {"TF_REATTACH_PROVIDERS": address, "HOME": str(folder), "PATH": os.environ["PATH"]}
        finally:
            process.terminate()


class Terraform:
    """Runs Terraform in a folder.

    Args:
        directory: has the configuration.
        environment: tells of the provider that is running.
    """

    def __init__(self, directory: Path, *, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self._environment = {**environment, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command, which may fail."""
        command = ["terraform", f"-chdir={self.directory}", *arguments]
        return subprocess.run(  # noqa: S603
            command, env=self._environment, input=stdin, capture_output=True, encoding="utf-8", timeout=300, check=False
        )

    def test(self, cases: Mapping[str, Mapping[str, Any]], *, mocks: str) -> dict[str, TestRun]:
        """Apply the configuration once for each case, with a provider that makes up all that OCI would answer.

        Args:
            cases: the inputs of each case.
            mocks: HCL of the mocked providers.
        """
        folder = self.directory / "tests"
        folder.mkdir()
        for name, inputs in cases.items():
            listed = "\n".join(f"{key} = {_literal(value)}" for key, value in inputs.items())
            (folder / f"{name}.tftest.hcl").write_text(
                f'{mocks}\nrun "{name}" {{\nvariables {{\n{listed}\n}}\n}}\n', encoding="utf-8"
            )
        done = self.run("test", "-json", "-verbose")
        shutil.rmtree(folder)
        messages = [json.loads(line) for line in done.stdout.splitlines()]
        return {
            name: TestRun([found for found in messages if found.get("@testfile") == f"tests/{name}.tftest.hcl"])
            for name in cases
        }


class TestRun:
    """The resources that one run of `terraform test` has made.

    Args:
        messages: all that Terraform has written about it.
    """

    __test__ = False  # for pytest, no test of its own

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self.errors = [
            f"{found['diagnostic']['summary']}: {found['diagnostic'].get('detail', '')}"
            for found in messages
            if found.get("@level") == "error" and "diagnostic" in found
        ]
        states = [found["test_state"] for found in messages if found.get("type") == "test_state"]
        self._values: dict[str, Any] = states[-1] if states else {}

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs' values."""
        return {name: output["value"] for name, output in self._values.get("outputs", {}).items()}

    def all(self, type_: str) -> dict[str, dict[str, Any]]:
        """The resources of a type by their addresses."""
        return {
            resource["address"]: resource["values"]
            for resource in self._resources()
            if resource["type"] == type_ and resource["mode"] == "managed"
        }

    def one(self, type_: str) -> dict[str, Any]:
        """The only resource of a type."""
        [values] = self.all(type_).values()
        return values

    def types(self) -> set[str]:
        """The types of all resources."""
        return {resource["type"] for resource in self._resources() if resource["mode"] == "managed"}

    def _resources(self) -> Iterator[dict[str, Any]]:
        yield from self._values.get("root_module", {}).get("resources", [])


def _literal(value: Any) -> str:
    """A value in HCL, where `${` begins an expression."""
    return json.dumps(value, ensure_ascii=False).replace("${", "$${")
