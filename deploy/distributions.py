"""The distributions of PyPI of which a folder has files, and the modules that these have copied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

VENDORED = ("*/_vendor/*", "*/vendored/*")
"""The modules that a distribution has copied from another project."""

_LICENCES = ("License-Expression", "License")
_VERSION_FILES = ("__init__.py", "__version__.py", "version.py", "package_data.py")
_version = re.compile(r"""^(?:__version__|version) = ["'](.+?)["']$""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution, or a module that one has copied.

    Args:
        name: on PyPI; that of the module, if it is a copy.
        version: None if it tells none.
        licence: the SPDX expression or the text by which it names its licence; None if it names none.
        parts: the modules that it has copied.
    """

    name: str
    version: str | None
    licence: str | None = None
    parts: tuple[Distribution, ...] = ()


def installed(packages: Path) -> dict[Distribution, list[Path]]:
    """The distributions that pip has installed in a folder, each with its files as pip has recorded them."""
    found = {}
    for one in metadata.distributions(path=[str(packages)]):
        licence = next((one.metadata[name] for name in _LICENCES if name in one.metadata), None)
        files = [packages / file for file in one.files or () if not file.parts[0].endswith(".dist-info")]
        found[Distribution(one.metadata["Name"], one.version, licence)] = files
    return found


def kept(recorded: dict[Distribution, list[Path]], packages: Path) -> list[Distribution]:
    """The distributions of which a file is still in the folder, by their names."""
    left = [
        Distribution(one.name, one.version, one.licence, tuple(_copies(packages, {*files})))
        for one, files in recorded.items()
        if any(file.exists() for file in files)
    ]
    return sorted(left, key=lambda one: one.name.lower())


def _copies(packages: Path, files: set[Path]) -> Iterator[Distribution]:
    """The modules among these files that stem from another project."""
    for path in sorted(path for pattern in VENDORED for path in packages.glob(pattern)):
        module = path.stem
        if module == "__init__" or not files.intersection((path, *path.rglob("*.py"))):
            continue
        sources = [path] if path.is_file() else [path / name for name in _VERSION_FILES]
        texts = [source.read_text("utf-8") for source in sources if source.exists()]
        version = next((found[1] for text in texts if (found := _version.search(text))), None)
        yield Distribution(module, version)
