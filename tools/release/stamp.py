"""`make stamp` writes the version, and the address of the repository, wherever packages and pages name them.

The version stands in `func.yaml`, and the repository in `pyproject.toml`; every other place is a copy.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

UNKNOWN = "OWNER/NAME"
"""Stands for the repository until its owner has named it."""

STAMPED = (
    *("README.md", "docs/*.md", "clients/*/README.md", "tools/release/note.md"),
    *("clients/js/package.json", "clients/kotlin/pom.xml", "clients/python/pyproject.toml"),
    *("clients/python/presign_client/__init__.py", "deploy/stack/schema.yaml", "deploy/stack/variables.tf"),
)
"""The files that name the version or the repository."""

_version = re.compile(
    r"""(presign: | presign[-_]client- | PresignClient- | /(?:releases/download|blob)/v | ^\ \ "version":\ "
    | __version__\ =\ " | <artifactId>presign-client</artifactId>\s+<version>)\d+\.\d+\.\d+""",
    re.VERBOSE | re.MULTILINE,
)
_repository = re.compile(
    r"(https://github\.com/|--repo )[\w.-]+/[\w.-]+?(?=\.git|/releases/|/blob/|[\"<\s]|$)", re.MULTILINE
)


def version(root: Path = ROOT) -> str:
    """The version of all that is released."""
    [found] = re.findall(r"^version: (\d+\.\d+\.\d+)$", (root / "func.yaml").read_text("utf-8"), re.MULTILINE)
    return str(found)


def repository(root: Path = ROOT) -> str:
    """The owner and the name of the repository on GitHub, or `UNKNOWN`."""
    document = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    return str(document["tool"]["release"]["repository"])


def stamped(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """The files that name the version or the repository, with the text that each should have."""
    for file in (file for pattern in STAMPED for file in sorted(root.glob(pattern))):
        text = _version.sub(rf"\g<1>{version(root)}", file.read_text("utf-8"))
        yield file, _repository.sub(rf"\g<1>{repository(root)}", text)


def main() -> None:
    """Write them."""
    for file, text in stamped():
        if text != file.read_text("utf-8"):
            file.write_text(text, "utf-8")
            print(file.relative_to(ROOT))


if __name__ == "__main__":
    main()
