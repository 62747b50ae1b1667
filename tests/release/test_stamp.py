"""The version and the repository stand in one place each, and everything else that names them agrees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy import package
from tools.release import stamp

ROOT = Path(__file__).parents[2]
VERSIONED = {
    "clients/js/package.json": '  "version": "0.3.0",',
    "clients/kotlin/pom.xml": "  <version>0.3.0</version>",
    "clients/python/presign_client/__init__.py": '__version__ = "0.3.0"',
    "gateway/openapi.json": '    "version": "0.3.0",',
    "func.yaml": "version: 0.3.0",
}


@pytest.mark.parametrize("name", VERSIONED)
def test_all_packages_have_the_version(name: str) -> None:
    assert VERSIONED[name] in (ROOT / name).read_text("utf-8").splitlines()


def test_no_file_names_another_version_or_repository() -> None:
    files = dict(stamp.stamped())
    assert {file.name for file in files} >= {
        "README.md",
        "deploy.md",
        "pom.xml",
        "package.json",
        "note.md",
        "schema.yaml",
    }
    stale = [file.relative_to(ROOT).as_posix() for file, text in files.items() if file.read_text("utf-8") != text]
    assert stale == [], "make stamp"


def test_an_owner_who_fills_in_the_repository_fills_in_all_of_it(tmp_path: Path) -> None:
    for file, _ in stamp.stamped():
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text("utf-8"), "utf-8")
    (tmp_path / "func.yaml").write_text("version: 9.8.7\n", "utf-8")
    (tmp_path / "pyproject.toml").write_text('[tool.release]\nrepository = "a/b"\n', "utf-8")
    texts = {file.relative_to(tmp_path).as_posix(): text for file, text in stamp.stamped(tmp_path)}
    assert [name for name, text in texts.items() if "OWNER/NAME" in text] == []
    assert [name for name, text in texts.items() if "0.3.0" in text] == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("](https://github.com/OWNER/NAME/releases/latest)", "](https://github.com/a/b.c/releases/latest)"),
        ('"git+https://github.com/OWNER/NAME.git"', '"git+https://github.com/a/b.c.git"'),
        ("<url>https://github.com/x/y.z</url>", "<url>https://github.com/a/b.c</url>"),
        ("verify a.zip --repo x/y\n", "verify a.zip --repo a/b.c\n"),
        ("https://github.com/x/y/blob/v0.1.0/docs/a.md", "https://github.com/a/b.c/blob/v9.8.7/docs/a.md"),
        ("./presign_client-0.1.0-py3-none-any.whl", "./presign_client-9.8.7-py3-none-any.whl"),
        ("PresignClient-0.1.0.zip presign:0.1.0", "PresignClient-9.8.7.zip presign:9.8.7"),
        ("[oidc-client-ts](https://github.com/authts/oidc-client-ts) 3.0.0", None),
        ("kotlin 2.4.21, Release 0.2.0", None),
    ],
)
def test_all_forms_in_which_they_stand(tmp_path: Path, before: str, after: str | None) -> None:
    (tmp_path / "func.yaml").write_text("version: 9.8.7\n", "utf-8")
    (tmp_path / "pyproject.toml").write_text('[tool.release]\nrepository = "a/b.c"\n', "utf-8")
    (tmp_path / "README.md").write_text(before, "utf-8")
    [(_, text)] = stamp.stamped(tmp_path)
    assert text == (before if after is None else after)


def test_the_python_of_the_function_has_one_default() -> None:
    """Each takes the variable RUNTIME_PYTHON; these are the places that say what it is without one."""
    dockerfile = re.findall(r"^ARG RUNTIME_PYTHON=(.+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    makefile = re.findall(r"^RUNTIME_PYTHON \?= (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    source = (ROOT / "deploy" / "package.py").read_text("utf-8")
    builder = re.findall(r'get\("RUNTIME_PYTHON", "(.+)"\)', source)
    assert dockerfile == makefile == builder == ["3.11"]
    assert package.RUNTIME[package.RUNTIME.index("--python-version") + 1] == package.RUNTIME_PYTHON
