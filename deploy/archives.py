"""The archive of a code-only function, and other ZIPs: the same files give the same bytes."""

from __future__ import annotations

import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

POLICIES = "policy*.json"
"""The policy files of a function."""

MAX_ARCHIVE_BYTES = 25_000_000
"""The largest archive that OCI Functions takes without a bucket."""


class BuildFailed(Exception):
    """The package can't be made, or would not work."""


def write_archive(directory: Path, archive: Path) -> None:
    """Write the archive of a code-only function; the same files give the same bytes.

    Raises:
        BuildFailed: it would be larger than OCI Functions allows.
    """
    files = {file.relative_to(directory): file for file in files_of(directory)}
    scripts = Path("python", "bin")  # name the Python that installed them, which the runtime does not have
    write_zip(archive, {path.as_posix(): file for path, file in files.items() if path.parent != scripts})
    if (bytes_ := archive.stat().st_size) > MAX_ARCHIVE_BYTES:
        archive.unlink()
        raise BuildFailed(f"The archive has {bytes_:,} bytes; OCI Functions takes {MAX_ARCHIVE_BYTES:,} at most.")


def write_zip(archive: Path, files: Mapping[str, Path]) -> None:
    """Write a ZIP of these files by their names in it; the same files give the same bytes."""
    _write(archive, {name: file.read_bytes() for name, file in files.items()})


def _write(archive: Path, files: Mapping[str, bytes]) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100644 << 16
            opened.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=9)


def with_policy(archive: Path, target: Path, *, policy: Path | None) -> None:
    """Write a copy of an archive that has this policy, and no other.

    Raises:
        BuildFailed: it is no archive of this function.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            files = {name: opened.read(name) for name in opened.namelist()}
    except (OSError, zipfile.BadZipFile, zlib.error) as exc:
        raise BuildFailed(f"{archive} can't be read: {exc}") from None
    if "function/func.py" not in files:
        raise BuildFailed(f"{archive} is no archive of this function: it has no function/func.py.")
    kept = {name: content for name, content in files.items() if not Path(name).match("function/" + POLICIES)}
    _write(target, kept if policy is None else {**kept, "function/policy.json": policy.read_bytes()})


def files_of(directory: Path) -> Iterator[Path]:
    """All files below a directory."""
    return (Path(folder, name) for folder, _, names in os.walk(directory) for name in names)


def extract(archive: tarfile.TarFile, directory: Path, members: Iterable[tarfile.TarInfo] | None = None) -> None:
    """Extract `members`, by default all, into a folder: nothing outside of it is written, from Python 3.11.4 on."""
    archive.extraction_filter = getattr(tarfile, "data_filter", None)
    archive.extractall(directory, members)  # noqa: S202
