"""The Python client beside boto3's transfer manager: the same files, digests, connections and store."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from local.api_gateway.deployment import NO_RATE_LIMIT
from local.stack import ROOT, Stack
from support.seaweedfs import seaweedfs
from tools.bench.measure import Series, in_turns
from tools.bench.table import Table, at_most

ROUNDS = 5
BIG_BYTES = 256 << 20
FILES, FILE_BYTES = 1000, 20_000
OURS, BOTO3 = "presign_client", "boto3's transfer manager"
PEERS = {OURS: "presign", BOTO3: "boto3"}


class _Transfer(NamedTuple):
    """A kind of transfer.

    Args:
        name: by which a peer knows it.
        title: of its table.
        limit: the most that ours may take, times boto3's time.
    """

    name: str
    title: str
    limit: float


TRANSFERS = [
    _Transfer("upload", "256 MiB up", 1.05),
    _Transfer("download", "256 MiB down", 1.0),
    _Transfer("upload folder", "1,000 files of 20 KB up", 1.0),
    _Transfer("download folder", "1,000 files of 20 KB down", 1.0),
]
TICKS = ROUNDS * len(TRANSFERS)


class Peer:
    """A client in a process of its own.

    Args:
        name: of the client.
        environment: has the store and the API.

    Attributes:
        cpu_seconds: of each transfer so far.
    """

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - a fixed command
            [sys.executable, "-m", "tools.bench.peers.transfers", name],
            cwd=ROOT,
            env={**os.environ, **environment, "PYTHONPATH": str(ROOT / "clients" / "python")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self.cpu_seconds: list[float] = []

    def seconds(self, transfer: str, path: Path, key: str) -> float:
        """The time that a transfer takes."""
        assert self._process.stdin and self._process.stdout  # noqa: S101 - for the type checker
        print(json.dumps([transfer, str(path), key]), file=self._process.stdin, flush=True)
        seconds, cpu_seconds = json.loads(self._process.stdout.readline())
        self.cpu_seconds.append(cpu_seconds)
        return float(seconds)

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()


def measure(
    tick: Callable[[], None], *, rounds: int = ROUNDS, big_bytes: int = BIG_BYTES, files: int = FILES
) -> list[Table]:
    """Measure all transfers by both clients, in turns.

    Args:
        tick: is called after each round.
        rounds: of each transfer.
        big_bytes: the size of the large file, a multiple of 1 MiB.
        files: the number of small ones.
    """
    # Enough for all uploads, of which each is an object of its own.
    volumes = 20 + 3 * rounds * big_bytes // 64_000_000
    with _system(volumes) as environment, ExitStack() as stopping:
        folder = Path(stopping.enter_context(tempfile.TemporaryDirectory(prefix="presign-bench-")))
        _write_files(folder, big_bytes, files)
        peers = {title: Peer(name, environment) for title, name in PEERS.items()}
        for peer in peers.values():
            stopping.callback(peer.stop)
        return [_measured(transfer, peers, folder, rounds, tick) for transfer in TRANSFERS]


def _measured(
    transfer: _Transfer, peers: Mapping[str, Peer], folder: Path, rounds: int, tick: Callable[[], None]
) -> Table:
    is_upload, is_folder = transfer.name.startswith("upload"), transfer.name.endswith("folder")
    # An upload never meets the object of an earlier round: the same file would not go up again.
    numbers = iter(range(2 * rounds))

    def contender(name: str) -> Callable[[], float]:
        def run() -> float:
            target = folder / "down"
            if is_upload:
                path, key = (folder / "files" if is_folder else folder / "big"), f"{transfer.name}/{next(numbers)}"
            else:
                path, key = target, f"up{transfer.name.removeprefix('down')}/0"
            try:
                return peers[name].seconds(transfer.name, path, f"{key}/" if is_folder else key)
            finally:
                if target.is_dir():
                    shutil.rmtree(target)
                target.unlink(missing_ok=True)

        return run

    for peer in peers.values():
        peer.cpu_seconds.clear()
    series = in_turns({name: contender(name) for name in peers}, rounds=rounds, tick=tick)
    cpu = [Series(f"{name}, CPU", peer.cpu_seconds.copy()) for name, peer in peers.items()]
    table = Table(
        title=transfer.title,
        text="The Python client beside boto3's transfer manager: the same SeaweedFS, the same number of connections, "
        "parts of the same size, and the same digests, MD5 of each body and SHA-256 of each file. Ours gets its URLs "
        "through the local gateway; the CPU time is the client's own.",
        unit="s",
        series=[*series, *cpu],
        reference=BOTO3,
        digits=2,
    )
    return replace(table, goals=[at_most(table.ratio(OURS), transfer.limit, f"{transfer.title}, against boto3")])


@contextmanager
def _system(volumes: int) -> Iterator[dict[str, str]]:
    """The environment of clients of a running system whose store is SeaweedFS."""
    with ExitStack() as started:
        store = started.enter_context(seaweedfs(volumes=volumes))
        bucket = store["LIVE_S3_BUCKET"]
        config = {
            "STORAGE_ENDPOINT": store["LIVE_S3_ENDPOINT"],
            "REGION": store["LIVE_S3_REGION"],
            "POLICY": json.dumps({"rules": [{"operations": ["*"], "bucket": bucket, "prefix": ""}]}),
        }
        log = started.enter_context(Path(os.devnull).open("wb"))
        stack = started.enter_context(Stack(config=config, log=log, specification=NO_RATE_LIMIT))
        key = {name: store[f"LIVE_S3_{name.upper()}"] for name in ("access_key_id", "secret_access_key")}
        stack.put_secret(json.dumps(key))
        yield {**store, "PRESIGN_ENDPOINT": f"{stack.url}/v1/presign", "PRESIGN_TOKEN": stack.token()}


def _write_files(folder: Path, big_bytes: int, files: int) -> None:
    content = random.Random(1)  # noqa: S311 - nothing secret
    with (folder / "big").open("wb") as big:
        for _ in range(big_bytes >> 20):
            big.write(content.randbytes(1 << 20))
    (folder / "files").mkdir()
    for number in range(files):
        (folder / "files" / f"{number:04}.bin").write_bytes(content.randbytes(FILE_BYTES))
