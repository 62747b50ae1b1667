"""The list of what is in the function's archive names what is in it, and nothing else."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy import distributions
from deploy.distributions import Distribution
from tools.release.sbom import sbom

DISTRIBUTIONS = {
    "_cffi_backend": "cffi",
    "boto3": "boto3",
    "botocore": "botocore",
    "certifi": "certifi",
    "circuitbreaker": "circuitbreaker",
    "crc32c": "crc32c",
    "cryptography": "cryptography",
    "dateutil": "python-dateutil",
    "fdk": "fdk",
    "httptools": "httptools",
    "jmespath": "jmespath",
    "jwt": "PyJWT",
    "msgspec": "msgspec",
    "oci": "oci",
    "pytz": "pytz",
    "s3transfer": "s3transfer",
    "six": "six",
    "urllib3": "urllib3",
}
"""The distribution of each module at the top of the archive."""


def listed(document: dict[str, Any]) -> dict[str, str | None]:
    """The names and versions of the components."""
    return {one["name"]: one.get("version") for one in document.get("components", [])}


@pytest.mark.slow
class TestOfARelease:
    """The list beside the archive of a release."""

    @pytest.fixture
    def document(self, dist: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((dist / "presign-function.cdx.json").read_text("utf-8"))
        return found

    @pytest.fixture
    def paths(self, dist: Path) -> list[str]:
        with zipfile.ZipFile(dist / "presign-function.zip") as opened:
            return [name.removeprefix("python/") for name in opened.namelist() if name.startswith("python/")]

    def test_it_names_the_distribution_of_each_module(self, document: dict[str, Any], paths: list[str]) -> None:
        modules = {path.split("/")[0].split(".")[0] for path in paths}
        assert modules == {*DISTRIBUTIONS}
        assert {*listed(document)} == {*DISTRIBUTIONS.values()}

    def test_and_the_modules_that_they_have_copied(self, document: dict[str, Any], paths: list[str]) -> None:
        components = {one["name"]: one for one in document["components"]}
        for name, folder in (("oci", "oci/_vendor/"), ("botocore", "botocore/vendored/")):
            there = {path.removeprefix(folder).split("/")[0].split(".")[0] for path in paths if path.startswith(folder)}
            assert {*listed(components[name])} == there - {"__init__"}
        assert listed(components["oci"]) == {
            "chardet": "4.0.0",
            "httpsig_cffi": None,
            "idna": "3.10",
            "requests": "2.27.1",
            "six": "1.16.0",
            "sseclient": "1.8.0",
        }

    def test_versions_are_those_that_are_locked(self, released: Path, document: dict[str, Any]) -> None:
        locked = (released / "requirements.txt").read_text("utf-8").lower()
        for name, version in listed(document).items():
            assert f"\n{name.lower()}=={version} \\\n" in locked

    def test_it_is_of_this_archive_and_as_cyclonedx_demands(self, dist: Path, document: dict[str, Any]) -> None:
        function = document["metadata"]["component"]
        digest = function["hashes"][0]["content"]
        assert f"{digest}  presign-function.zip\n" in (dist / "SHA256SUMS").read_text("utf-8")
        assert (function["name"], function["version"]) == ("presign", "0.3.0")
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None


def install(folder: Path, name: str, *files: str, metadata: str = "") -> None:
    """Install a distribution as pip does."""
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{metadata}", "utf-8")
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text('__version__ = "0.9"\n', "utf-8")
    record = [*files, f"{information.name}/METADATA", f"{information.name}/RECORD"]
    (information / "RECORD").write_text("".join(f"{file},,\n" for file in record), "utf-8")


class TestKept:
    """The distributions of which a file is left."""

    def test_one_without_a_file_is_not_listed(self, tmp_path: Path) -> None:
        install(tmp_path, "used", "used/__init__.py", "used/more.py", metadata="License-Expression: MIT\n")
        install(tmp_path, "unused", "unused.py")
        recorded = distributions.installed(tmp_path)
        (tmp_path / "used/more.py").unlink()
        (tmp_path / "unused.py").unlink()
        assert distributions.kept(recorded, tmp_path) == [Distribution("used", "1.0", "MIT")]

    def test_copied_modules_that_are_left(self, tmp_path: Path) -> None:
        files = ("__init__.py", "six.py", "idna/__init__.py", "gone/__init__.py")
        install(tmp_path, "sdk", "sdk/__init__.py", *(f"sdk/_vendor/{file}" for file in files))
        recorded = distributions.installed(tmp_path)
        (tmp_path / "sdk/_vendor/gone/__init__.py").unlink()
        (tmp_path / "sdk/_vendor/gone").rmdir()
        [found] = distributions.kept(recorded, tmp_path)
        assert found.parts == (Distribution("idna", "0.9"), Distribution("six", "0.9"))

    def test_the_same_list_gives_the_same_bytes(self) -> None:
        time = datetime(2026, 11, 27, tzinfo=UTC)
        found = [Distribution("a", "1.0", "Some licence", (Distribution("b", None),)), Distribution("c", "2.0")]
        texts = {sbom(found, version="1.2.3", sha256="0f" * 32, time=time) for _ in range(3)}
        assert len(texts) == 1
        assert '"timestamp": "2026-11-27T00:00:00+00:00"' in texts.pop()
