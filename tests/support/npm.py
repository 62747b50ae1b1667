"""Packages from npm, as a lock file names them."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

from support.programs import cannot_run, needs


def node_modules(project: Path) -> Path:
    """The folder of a project's packages, which are installed if need be, by one process at a time."""
    needs("npm")
    lock, installed = project / "package-lock.json", project / "node_modules/.package-lock.json"
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(command, cwd=project, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
            if done.returncode:
                cannot_run(f"npm ci failed: {done.stderr[-500:]}")
            installed.touch()
    return project / "node_modules"
