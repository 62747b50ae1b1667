"""`python -m tools.release` makes the files of a release in `dist/`, of what git tracks.

It exports the commit to a folder of its own, and makes the release there, so that no other file of the clone gets in.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.archives import extract
from tools.release import stamp, toolchain
from tools.release.build import SUMS

ROOT = stamp.ROOT
NODE_MODULES = ROOT / "tests" / "browser" / "node_modules"

_OF_THIS_CLONE = ("MAKEFLAGS", "MAKELEVEL", "PYTHONPATH")
"""The variables that would tell the other folder's programs of this one."""

_UMASK = 0o022
"""Some archives keep the modes of their files, so these must not depend on the one who makes the release."""


def problems(root: Path, *, tag: str | None) -> Iterator[str]:
    """The reasons not to make a release, in whole sentences."""
    version = stamp.version(root)
    if stamp.repository(root) == stamp.UNKNOWN:
        yield (
            f"pyproject.toml does not name the repository: write its owner and name in place of {stamp.UNKNOWN}, run"
            " `make stamp`, and commit."
        )
    if changed := _git(root, "status", "--porcelain", "--untracked-files=no").splitlines():
        yield f"Not committed: {', '.join(line[3:] for line in changed)}."
    if f"\n## [{version}]" not in (root / "CHANGELOG.md").read_text("utf-8"):
        yield f"CHANGELOG.md has no section [{version}], which is the version in func.yaml."
    if stale := [file for file, text in stamp.stamped(root) if file.read_text("utf-8") != text]:
        names = ", ".join(file.relative_to(root).as_posix() for file in stale)
        yield f"Another version or repository stands in {names}: run `make stamp`, and commit."
    if tag not in (None, f"v{version}"):
        yield f"The tag is {tag}, but the version in func.yaml is {version}."
    yield from toolchain.missing()


def export(root: Path, directory: Path) -> None:
    """Write the files of the last commit. All have its time, which some archives keep."""
    archive = _git_bytes(root, "-c", f"tar.umask={_UMASK:o}", "archive", "HEAD")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tracked:
        extract(tracked, directory)


def publish(made: Path, out: Path) -> None:
    """Put the files in the place of those of an earlier release, and leave all others alone."""
    out.mkdir(parents=True, exist_ok=True)
    if (out / SUMS).exists():
        for name in re.findall(r"(?m)^\w{64}  ([^/\n]+)$", (out / SUMS).read_text("utf-8")):
            (out / name).unlink(missing_ok=True)
    for file in sorted(made.iterdir()):
        shutil.copy(file, out / file.name)


def _git_bytes(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=True).stdout  # noqa: S603, S607


def _git(root: Path, *arguments: str) -> str:
    return _git_bytes(root, *arguments).decode().rstrip()


def main(arguments: list[str] | None = None) -> int:
    """Make the release.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.release", description="The files of a release, in dist/.")
    parser.add_argument("--tag", help="the tag that the release must have: v and the version")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="DIRECTORY", help="default: dist")
    parsed = parser.parse_args(arguments)
    found = [*problems(ROOT, tag=parsed.tag)]
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        return 1
    commit, seconds = _git(ROOT, "log", "-1", "--format=%H %ct").split()
    with tempfile.TemporaryDirectory(prefix="release-") as temporary:
        tree, made = Path(temporary, "tree"), Path(temporary, "made")
        export(ROOT, tree)
        command = [
            sys.executable,
            "-m",
            "tools.release.build",
            str(made),
            "--commit",
            commit,
            "--node",
            str(NODE_MODULES),
        ]
        environment = {name: value for name, value in os.environ.items() if name not in _OF_THIS_CLONE}
        environment["SOURCE_DATE_EPOCH"] = seconds
        ended = subprocess.run(command, cwd=tree, env=environment, umask=_UMASK, check=False)  # noqa: S603
        if ended.returncode:
            return ended.returncode
        publish(made, parsed.out)
    print((parsed.out / SUMS).read_text("utf-8"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
