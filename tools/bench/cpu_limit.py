"""A share of one CPU for a process, by a control group of Linux. Needs the right to make one."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PERIOD_MICROSECONDS = 100_000


class CpuLimit:
    """A control group whose processes get `share` of a CPU together.

    The kernel gives them the whole CPU until their time in a period of 100 ms is used up, and then lets them wait.

    Raises:
        OSError: no such group can be made.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        one_hierarchy = (ROOT / "cgroup.controllers").exists()
        self._group = (ROOT if one_hierarchy else ROOT / "cpu") / f"presign-bench-{os.getpid()}-{share:g}"
        self._one_hierarchy = one_hierarchy

    def __enter__(self) -> CpuLimit:
        self._group.mkdir()
        quota = int(self._share * PERIOD_MICROSECONDS)
        try:
            if self._one_hierarchy:
                (self._group / "cpu.max").write_text(f"{quota} {PERIOD_MICROSECONDS}", encoding="utf-8")
            else:
                (self._group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS), encoding="utf-8")
                (self._group / "cpu.cfs_quota_us").write_text(str(quota), encoding="utf-8")
        except OSError:
            self._group.rmdir()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._group.rmdir()

    @property
    def prefix(self) -> list[str]:
        """The words before a command, with which it runs in the group."""
        return ["/bin/sh", "-c", 'echo 0 > "$0/cgroup.procs" && exec "$@"', str(self._group)]
