"""The folder of a running system, in which other processes of this user find its sockets and the key of its tokens."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def directory_at(port: int) -> Path:
    """The folder of the system whose gateway has this port."""
    return Path(tempfile.gettempdir()) / f"presign-{os.getuid()}-{port}"


def function_socket(directory: Path) -> Path:
    """The socket of the system's function."""
    return directory / "function.sock"


def make_private(directory: Path) -> None:
    """Make `directory` for this user alone, or check that it is.

    Raises:
        PermissionError: it belongs to another user or is open to others, or it is not a directory.
    """
    directory.mkdir(mode=0o700, exist_ok=True)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{directory} is not a directory of this user alone: remove it, or choose another port.")
