"""The size of the installed packages, of the image's layer with them and the function, and of the archive."""

from __future__ import annotations

import gzip
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from deploy.archives import write_archive
from deploy.package import size
from local.stack import ROOT
from tools.bench.measure import Series
from tools.bench.process import IMAGE, PLAIN
from tools.bench.table import Goal, Table

OURS = "presign, its image"
ARCHIVE = "presign, its archive"
PLAIN_INSTALL = "plain `pip install -r requirements.txt`"


def measure(tick: Callable[[], None]) -> list[Table]:
    """Measure both, unpacked and compressed, and the archive."""
    megabytes = {OURS: size(IMAGE / "python") / 1e6, PLAIN_INSTALL: size(PLAIN) / 1e6}
    function = [ROOT / "func.py", ROOT / "presign"]
    packed = {OURS: _packed([IMAGE / "python", IMAGE / "function"]), PLAIN_INSTALL: _packed([PLAIN, *function])}
    with tempfile.TemporaryDirectory() as directory:
        archive = Path(directory, "function.zip")
        write_archive(IMAGE, archive)
        packed[ARCHIVE] = archive.stat().st_size / 1e6
    tick()
    goals = [
        Goal("Installed packages: at most 28 MB", f"{megabytes[OURS]:.1f} MB", megabytes[OURS] <= 28),
        Goal("Archive: at most 9 MB", f"{packed[ARCHIVE]:.1f} MB", packed[ARCHIVE] <= 9),
    ]
    return [
        Table("Installed packages", "Bytes of the installed packages.", "MB", _series(megabytes), OURS, goals=goals),
        Table(
            "The image's layer, and the archive",
            "Bytes of the image's layer with the packages and the function, compressed as a registry keeps it (gzip), "
            "and of the archive of a code-only function.",
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
