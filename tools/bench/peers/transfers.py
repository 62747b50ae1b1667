"""`python -m tools.bench.peers.transfers NAME` moves files by one client, as each line of its input asks.

A line is JSON: what to do, the path and the key. Its answer is JSON too: the seconds, and the CPU seconds of this
process. Both clients send the MD5 digest of each body, keep the SHA-256 digest of each file as metadata, and compute it
after a download. Both have the same number of connections, and parts of the same size.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from presign_client import Client, Gateway

CONNECTIONS = 4
PART_BYTES = 16 << 20

Action = Callable[[Path, str], object]


def presign() -> dict[str, Action]:
    """This project's client."""
    gateway = Gateway(os.environ["PRESIGN_ENDPOINT"], os.environ["PRESIGN_TOKEN"])
    client = Client(gateway, bucket=os.environ["LIVE_S3_BUCKET"], at_once=CONNECTIONS)
    return {
        "upload": client.upload,
        "download": lambda path, key: client.download(key, path),
        "upload folder": client.upload_folder,
        "download folder": lambda path, key: client.download_folder(key, path),
    }


def boto3() -> dict[str, Action]:
    """boto3's transfer manager."""
    from boto3.s3.transfer import TransferConfig, create_transfer_manager

    client = _boto3_client()
    config = TransferConfig(max_concurrency=CONNECTIONS, multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES)
    bucket = os.environ["LIVE_S3_BUCKET"]

    def upload(files: dict[Path, str]) -> None:
        with create_transfer_manager(client, config) as manager:
            for path, key in files.items():
                extra = {"Metadata": {"sha256": _sha256(path)}}
                manager.upload(str(path), bucket, key, extra)

    def download(files: dict[Path, str]) -> None:
        with create_transfer_manager(client, config) as manager:
            for path, key in files.items():
                manager.download(bucket, key, str(path))
        for path in files:
            _sha256(path)

    def below(path: Path, key: str) -> dict[Path, str]:
        return {file: key + file.name for file in path.iterdir()}

    def listed(path: Path, key: str) -> dict[Path, str]:
        path.mkdir()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        return {path / one["Key"].removeprefix(key): one["Key"] for page in pages for one in page["Contents"]}

    return {
        "upload": lambda path, key: upload({path: key}),
        "download": lambda path, key: download({path: key}),
        "upload folder": lambda path, key: upload(below(path, key)),
        "download folder": lambda path, key: download(listed(path, key)),
    }


def _boto3_client() -> Any:
    """A client of the store that sends the digests that ours sends."""
    import boto3 as sdk
    from botocore.config import Config

    client = sdk.client(
        "s3",
        endpoint_url=os.environ["LIVE_S3_ENDPOINT"],
        region_name=os.environ["LIVE_S3_REGION"],
        aws_access_key_id=os.environ["LIVE_S3_ACCESS_KEY_ID"],
        aws_secret_access_key=os.environ["LIVE_S3_SECRET_ACCESS_KEY"],
        config=Config(
            max_pool_connections=CONNECTIONS,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path", "payload_signing_enabled": False},  # as over HTTPS
        ),
    )
    for operation in ("PutObject", "UploadPart"):
        client.meta.events.register(f"before-call.s3.{operation}", _add_md5)
    return client


def _add_md5(params: dict[str, Any], **_: object) -> None:
    body = params["body"]
    digest = hashlib.md5(usedforsecurity=False)
    if isinstance(body, bytes):
        digest.update(body)
    else:
        start = body.tell()
        for chunk in iter(partial(body.read, 1 << 20), b""):
            digest.update(chunk)
        body.seek(start)
    params["headers"]["Content-MD5"] = base64.b64encode(digest.digest()).decode()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return base64.b64encode(hashlib.file_digest(file, "sha256").digest()).decode()


if __name__ == "__main__":
    actions = {"presign": presign, "boto3": boto3}[sys.argv[1]]()
    for line in sys.stdin:
        what, path, key = json.loads(line)
        began_at, cpu = time.perf_counter(), time.process_time()
        actions[what](Path(path), key)
        print(json.dumps([time.perf_counter() - began_at, time.process_time() - cpu]), flush=True)
