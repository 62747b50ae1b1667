"""`make release` makes the same files in every clone, of what git tracks, and of nothing else."""

from __future__ import annotations

import json
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from support.clones import clone, git, make_release, run
from tools.release.__main__ import problems, publish

SUMS = "SHA256SUMS"
FILES = {
    *("LICENSE", "README.md", SUMS, "openapi.json"),
    *("presign-function.zip", "presign-function.cdx.json", "presign-stack.zip"),
    *("presign.js", "presign-client-0.3.0.tgz"),
    *("presign_client-0.3.0-py3-none-any.whl", "presign_client-0.3.0.tar.gz"),
    *("presign-client-0.3.0.jar", "presign-client-0.3.0.pom"),
    "PresignClient-0.3.0.zip",
}

ELSEWHERE = {
    "TZ": "Asia/Kathmandu",
    "LC_ALL": "C",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "tar.umask",
    "GIT_CONFIG_VALUE_0": "user",
}
"""The environment of another owner."""


@pytest.mark.slow
class TestFiles:
    """The files in `dist/`."""

    def test_two_owners_in_different_folders_make_the_same_bytes(self, released: Path, tmp_path: Path) -> None:
        other = clone(released.parents[1] / "origin", tmp_path / "other")
        made = make_release(other, variables=ELSEWHERE, umask=0o077)
        assert (made / SUMS).read_text("utf-8") == (released / "dist" / SUMS).read_text("utf-8")

    def test_they_are_all_there_with_their_digests(self, dist: Path) -> None:
        assert {file.name for file in dist.iterdir()} == FILES
        lines = run("sha256sum", "--check", "--strict", SUMS, cwd=dist).splitlines()
        assert sorted(lines) == sorted(f"{name}: OK" for name in FILES - {SUMS})

    def test_nothing_else_is_left_in_the_work_tree(self, released: Path) -> None:
        left = git(released, "status", "--porcelain", "--ignored").splitlines()
        bytecode = [line for line in left if line.endswith("__pycache__/")]
        assert sorted({*left} - {*bytecode}) == ["!! dist/", "?? policy.json", "?? tests/browser/node_modules"]

    def test_no_untracked_file_is_in_them(self, dist: Path) -> None:
        for name in ("presign-function.zip", "presign-stack.zip"):
            with zipfile.ZipFile(dist / name) as opened:
                assert [path for path in opened.namelist() if "policy.json" in path] == []

    def test_the_function_is_in_the_stack(self, dist: Path) -> None:
        with zipfile.ZipFile(dist / "presign-stack.zip") as opened:
            assert {"schema.yaml", "variables.tf", "function.zip"} <= {*opened.namelist()}
            assert opened.read("function.zip") == (dist / "presign-function.zip").read_bytes()

    def test_packages_name_the_version_the_licence_and_the_repository(self, dist: Path) -> None:
        with tarfile.open(dist / "presign-client-0.3.0.tgz") as opened:
            manifest = json.load(opened.extractfile("package/package.json"))  # type: ignore[arg-type]
            assert "package/LICENSE" in opened.getnames()
        with zipfile.ZipFile(dist / "presign_client-0.3.0-py3-none-any.whl") as wheel:
            metadata = wheel.read("presign_client-0.3.0.dist-info/METADATA").decode()
            assert "presign_client-0.3.0.dist-info/licenses/LICENSE" in wheel.namelist()
        with zipfile.ZipFile(dist / "PresignClient-0.3.0.zip") as package:
            assert {"PresignClient/LICENSE", "PresignClient/Package.swift"} <= {*package.namelist()}
        pom = (dist / "presign-client-0.3.0.pom").read_text("utf-8")
        assert (manifest["version"], manifest["license"], "private" in manifest) == ("0.3.0", "UPL-1.0", False)
        assert manifest["repository"]["url"] == "git+https://github.com/example/presigned-urls.git"
        assert "\nVersion: 0.3.0\n" in metadata
        assert "\nLicense-Expression: UPL-1.0\n" in metadata
        assert "\nProject-URL: Repository, https://github.com/example/presigned-urls\n" in metadata
        assert "<version>0.3.0</version>" in pom
        assert "<url>https://github.com/example/presigned-urls</url>" in pom
        assert json.loads((dist / "openapi.json").read_text("utf-8"))["info"]["version"] == "0.3.0"

    def test_the_note_tells_each_file_and_with_which_tools_it_was_made(self, released: Path, dist: Path) -> None:
        note = (dist / "README.md").read_text("utf-8")
        assert {*re.findall(r"`([\w.-]+)`", note)} >= FILES - {"LICENSE", "README.md"}
        assert git(released, "rev-parse", "HEAD").strip() in note
        assert re.search(
            r"CPython 3\.11\.\d+, zlib 1\.[\d.]+, Node \d+[\d.]+, npm \d+[\d.]+, Maven 3[\d.]+, JDK \d+", note
        )
        assert "OWNER/NAME" not in note
        assert "{{" not in note


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small repository that is ready for its release."""
    (tmp_path / "func.yaml").write_text("name: presign\nversion: 1.2.3\n", "utf-8")
    (tmp_path / "pyproject.toml").write_text('[tool.release]\nrepository = "example/urls"\n', "utf-8")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [1.2.3] - 2026-11-27\n", "utf-8")
    (tmp_path / "README.md").write_text("https://github.com/example/urls/releases/download/v1.2.3/a\n", "utf-8")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "All of it")
    return tmp_path


def of_repository(root: Path, *, tag: str | None = None) -> list[str]:
    """The problems that are not of this machine."""
    return [one for one in problems(root, tag=tag) if not one.startswith(("There is no ", "A release is made on "))]


def write(name: str, text: str) -> Callable[[Path], object]:
    """A change of one file."""
    return lambda root: (root / name).write_text(text, "utf-8")


@pytest.mark.needs("git")
class TestRefusals:
    """There is no release of what is not ready, and a sentence says why."""

    def test_none_of_one_that_is(self, repository: Path) -> None:
        (repository / "policy.json").write_text("{}", "utf-8")  # git does not track it
        assert of_repository(repository, tag="v1.2.3") == []

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            (
                write("pyproject.toml", '[tool.release]\nrepository = "OWNER/NAME"\n'),
                "pyproject.toml does not name the repository: write its owner and name in place of OWNER/NAME, run"
                " `make stamp`, and commit.",
            ),
            (write("func.yaml", "version: 1.2.4\n"), "CHANGELOG.md has no section [1.2.4]"),
            (
                write("README.md", "https://github.com/example/urls/releases/download/v1.2.2/a\n"),
                "Another version or repository stands in README.md: run `make stamp`, and commit.",
            ),
            (
                write("README.md", "https://github.com/OWNER/NAME/releases/latest\n"),
                "Another version or repository stands in README.md: run `make stamp`, and commit.",
            ),
        ],
    )
    def test_a_commit_that_is_not_ready(self, repository: Path, change: Callable[[Path], object], problem: str) -> None:
        change(repository)
        git(repository, "commit", "--quiet", "--all", "--message", "A change")
        assert problem in "\n".join(of_repository(repository))

    @pytest.mark.parametrize("is_staged", [False, True])
    def test_a_tracked_file_that_is_changed(self, repository: Path, is_staged: bool) -> None:
        (repository / "CHANGELOG.md").write_text("## [1.2.3]\n\n## [1.2.3]\n", "utf-8")
        if is_staged:
            git(repository, "add", "CHANGELOG.md")
        assert of_repository(repository) == ["Not committed: CHANGELOG.md."]

    def test_a_new_file_that_is_to_be_tracked(self, repository: Path) -> None:
        (repository / "new.py").touch()
        git(repository, "add", "new.py")
        assert of_repository(repository) == ["Not committed: new.py."]

    def test_the_tag_of_another_version(self, repository: Path) -> None:
        assert of_repository(repository, tag="v1.2.4") == ["The tag is v1.2.4, but the version in func.yaml is 1.2.3."]


def test_files_of_an_earlier_release_go_and_all_others_stay(tmp_path: Path) -> None:
    made, out = tmp_path / "made", tmp_path / "dist"
    for folder in (made, out, out / "environments"):
        folder.mkdir()
    for name in ("old.zip", "mine.txt"):
        (out / name).touch()
    (out / SUMS).write_text(f"{'0' * 64}  old.zip\n{'0' * 64}  gone.zip\n", "utf-8")
    for name in ("new.zip", SUMS):
        (made / name).touch()
    publish(made, out)
    assert sorted(file.name for file in out.iterdir()) == [SUMS, "environments", "mine.txt", "new.zip"]
