"""The Swift compiler: the machine's own, or Debian's in the folder that `.ci/swift` makes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from support.mobile import run
from support.pages import ROOT
from support.programs import cannot_run

_FOLDER = ROOT / ".toolchains" / "swift"

# Swift finds its own files by /proc. It is mounted for this process alone, so that nothing is left to unmount.
_IN_FOLDER = """
mount -t proc proc "$0/proc"
export LD_LIBRARY_PATH=/usr/libexec/swift/lib/swift/linux:/usr/libexec/swift/lib/swift/host/compiler
export PATH=/usr/libexec/swift/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
exec chroot "$0" sh -c 'cd "/build/$PACKAGE" && exec swift "$@"' swift "$@"
"""


def swift(package: Path, *arguments: str, variables: Mapping[str, str]) -> str:
    """Run `swift` for a package: all that it printed.

    In the folder, a copy of the package keeps its build; it has the name of the package's folder. The test is skipped
    if there is no Swift, and fails with `CI=true`.
    """
    environment = {**os.environ, **variables}
    if own := shutil.which("swift"):
        return run([own, *arguments], folder=str(package), variables=environment)
    if not (_FOLDER / "complete").exists() or os.geteuid() != 0:
        cannot_run("needs Swift on the path, or .ci/swift as root on Debian")
    copy = _FOLDER / "build" / package.name
    for source in package.iterdir():
        if source.is_dir() and source.name != ".build":
            shutil.rmtree(copy / source.name, ignore_errors=True)
            shutil.copytree(source, copy / source.name)
    shutil.copy2(package / "Package.swift", copy)
    command = ["unshare", "--mount", "sh", "-euc", _IN_FOLDER, str(_FOLDER), *arguments]
    return run(command, folder=str(ROOT), variables={**environment, "PACKAGE": package.name})
