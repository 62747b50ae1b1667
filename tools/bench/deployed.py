"""The size of the installed packages, and of the image's layer with them and the function."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path

from deploy.package import size
from local.stack import ROOT
from tools.bench.measure import Series
from tools.bench.process import IMAGE, PLAIN
from tools.bench.table import Goal, Table

OURS = "presign, its image"
PLAIN_INSTALL = "plain `pip install -r requirements.txt`"


def measure(tick: Callable[[], None]) -> list[Table]:
    """Measure both, unpacked and compressed."""
    megabytes = {OURS: size(IMAGE / "python") / 1e6, PLAIN_INSTALL: size(PLAIN) / 1e6}
    function = [ROOT / "func.py", ROOT / "presign"]
    packed = {OURS: _packed([IMAGE / "python", IMAGE / "function"]), PLAIN_INSTALL: _packed([PLAIN, *function])}
    tick()
    goal = Goal("Installed packages: at most 40 MB", f"{megabytes[OURS]:.1f} MB", megabytes[OURS] <= 40)
    return [
        Table("Installed packages", "Bytes of the installed packages.", "MB", _series(megabytes), OURS, goals=[goal]),
        Table(
            "The image's layer",
            "Bytes of the image's layer with the packages and the function, compressed as a registry keeps it (gzip).",
            "MB",
            _series(packed),
            OURS,
        ),
    ]


class _Counter:
    """A file that counts its bytes and keeps none."""

    def __init__(self) -> None:
        self.written = 0

    def write(self, data: bytes) -> int:
        self.written += len(data)
        return len(data)

    def flush(self) -> None:
        """There is nothing to keep."""


def _packed(folders: list[Path]) -> float:
    counter = _Counter()
    with (
        gzip.GzipFile(fileobj=counter, mode="wb", compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w|") as layer,
    ):
        for folder in folders:
            layer.add(folder, arcname=folder.name)
    return counter.written / 1e6


def _series(values: dict[str, float]) -> list[Series]:
    return [Series(name, [value]) for name, value in values.items()]
