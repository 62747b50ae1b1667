"""Clones of this project whose owner has filled in the repository, and the release that one of them makes."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from support.browsers import node_tools
from support.programs import cannot_run, needs
from tools.release import toolchain

ROOT = Path(__file__).parents[2]
REPOSITORY = "example/presigned-urls"

_COMMITTER = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_NAME": "An owner" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "owner@example.com" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": "2026-11-27T12:00:00Z" for who in ("AUTHOR", "COMMITTER")},
}


def run(*command: str | Path, cwd: Path, variables: Mapping[str, str] | None = None, umask: int = -1) -> str:
    """The output of a program; the test fails if the program does. A negative `umask` is that of the test."""
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run(  # noqa: S603
        command, cwd=cwd, env=environment, umask=umask, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def git(folder: Path, *arguments: str) -> str:
    """The output of git, with a committer of its own."""
    return run("git", *arguments, cwd=folder, variables=_COMMITTER)


def commit_of_tracked_files(folder: Path) -> Path:
    """Make a repository that has the files which git tracks here, as they are now, for the owner `example`."""
    needs("git")
    folder.mkdir(parents=True)
    # The files may belong to another user, as they do in the container of a workflow.
    tracked = run("git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", cwd=ROOT)
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    settings = folder / "pyproject.toml"
    filled = settings.read_text("utf-8").replace('repository = "OWNER/NAME"', f'repository = "{REPOSITORY}"')
    settings.write_text(filled, "utf-8")
    run(sys.executable, "-B", "-m", "tools.release.stamp", cwd=folder)  # or its bytecode would be committed
    git(folder, "init", "--quiet")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", "All of it")
    return folder


def clone(origin: Path, folder: Path) -> Path:
    """Clone a repository. The npm packages are those that this clone has already."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    git(origin, "clone", "--quiet", str(origin), str(folder))
    (folder / "tests/browser/node_modules").symlink_to(node_tools().parent)
    return folder


def make_release(folder: Path, *, variables: Mapping[str, str] | None = None, umask: int = -1) -> Path:
    """Let a clone make a release, in the environment that `run` has: the folder with its files."""
    for problem in toolchain.missing():
        cannot_run(problem)
    run(sys.executable, "-m", "tools.release", "--tag", "v0.3.0", cwd=folder, variables=variables, umask=umask)
    return folder / "dist"


def shared_release(shared: Path) -> Path:
    """A clone that has made a release, which all processes that run tests share; the first to come makes it.

    An untracked policy file lies at the top of it.
    """
    with (shared / "release.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = shared / "ü & b" / "clone"
        if not made.exists():
            clone(commit_of_tracked_files(shared / "origin"), made)
            (made / "policy.json").write_text('{"rules": []}', "utf-8")
            make_release(made)
    return made
