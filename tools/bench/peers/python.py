"""`python -m tools.bench.peers.python NAME` makes presigned URLs with the peer NAME, and times them.

It writes one URL, or a text that contains one. Then it reads numbers, makes as many URLs, and writes the CPU seconds.
The environment names the endpoint and the credentials.
"""

from __future__ import annotations

import hmac
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ENDPOINT = os.environ["STORAGE_ENDPOINT"]
REGION = os.environ["REGION"]
BUCKET = os.environ["DEFAULT_BUCKET"]
KEY = os.environ["BENCH_KEY"]
ACCESS_KEY_ID = os.environ["BENCH_ACCESS_KEY_ID"]
SECRET_ACCESS_KEY = os.environ["BENCH_SECRET_ACCESS_KEY"]
EXPIRES_IN = 3600
METADATA = {f"n{number}": "v" for number in range(64)}
BATCH = [f"folder/{number}-{KEY}" for number in range(1000)]

Maker = Callable[[], Callable[[], str | bytes]]


def floor() -> Callable[[], str]:
    """One HMAC and one SHA-256, the least that signing takes."""
    key, string_to_sign, canonical_request = bytes(32), bytes(150), bytes(400)

    def sign() -> str:
        return hmac.digest(key, string_to_sign, "sha256").hex() + sha256(canonical_request).hexdigest()

    return sign


def presign() -> Callable[[], str]:
    from presign.issue.endpoint import StorageEndpoint
    from presign.issue.sigv4 import SigV4Issuer
    from presign.model.operations.objects import GetObject
    from presign.model.outcomes import Grant
    from presign.model.request import Request
    from presign.services.key import CustomerSecretKey

    key = CustomerSecretKey(ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    issuer = SigV4Issuer(endpoint=StorageEndpoint.from_template(ENDPOINT, namespace="", region=REGION), region=REGION)

    def url() -> str:
        grant = Grant(Request(GetObject(key=KEY), BUCKET), EXPIRES_IN, 0, "s3")
        return issuer.issue(grant, key=key, now=int(time.time())).url

    return url


def presign_handler() -> Callable[[], bytes]:
    """From the JSON of a request to that of its answer, with policy and audit line."""
    return _handler({"key": KEY})


def presign_by_route() -> Callable[[], bytes]:
    """The same for a page of another origin, by the store route."""
    return _handler({"key": KEY, "cors": True})


def presign_batch() -> Callable[[], bytes]:
    """The same for a batch."""
    return _handler({"requests": [{"key": key} for key in BATCH]})


def presign_form_batch() -> Callable[[], bytes]:
    """A batch of forms, each of which has as many metadata as it may have."""
    return _handler({"requests": [{"operation": "post_object", "key": "a", "metadata": METADATA}] * 1000})


def presign_copy_batch() -> Callable[[], bytes]:
    """A batch of copies."""
    source = {"source_bucket": BUCKET, "source_key": "b", "metadata_directive": "REPLACE"}
    return _handler({"requests": [{"operation": "copy_object", "key": "a", "metadata": METADATA, **source}] * 1000})


def presign_file_name_batch() -> Callable[[], bytes]:
    """A batch in which each request has as long a file name as it may have, every character of which is encoded."""
    return _handler({"requests": [{"key": "a", "download_as": "日" * 255}] * 1000})


def presign_par() -> Callable[[], bytes]:
    """A pre-authenticated request, from JSON to JSON; the environment's policy gives it."""
    return _handler({"key": KEY, "via": "par"})


def sdk_par() -> Callable[[], str]:
    """The bare call of the SDK that creates one."""
    from datetime import UTC, datetime

    from oci.auth.signers import get_resource_principals_signer
    from oci.object_storage import ObjectStorageClient
    from oci.object_storage.models import CreatePreauthenticatedRequestDetails

    endpoint = os.environ["OBJECT_STORAGE_ENDPOINT"]
    client = ObjectStorageClient({}, signer=get_resource_principals_signer(), service_endpoint=endpoint)

    def url() -> str:
        details = CreatePreauthenticatedRequestDetails(
            name="bench",
            object_name=KEY,
            access_type="ObjectRead",
            time_expires=datetime.now(UTC) + timedelta(seconds=EXPIRES_IN),
        )
        return str(client.create_preauthenticated_request(os.environ["NAMESPACE"], BUCKET, details).data.full_path)

    return url


def boto3_kept_client() -> Callable[[], str]:
    client = _boto3_client(_boto3_session())
    return lambda: _boto3_url(client, KEY)


def boto3_new_client() -> Callable[[], str]:
    session = _boto3_session()
    return lambda: _boto3_url(_boto3_client(session), KEY)


def boto3_batch() -> Callable[[], str]:
    client = _boto3_client(_boto3_session())
    return lambda: json.dumps([_boto3_url(client, key) for key in BATCH])


def botocore_query_auth() -> Callable[[], str]:
    from botocore.auth import S3SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    signer = S3SigV4QueryAuth(Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY), "s3", REGION, expires=EXPIRES_IN)

    def url() -> str:
        request = AWSRequest("GET", f"{ENDPOINT}/{BUCKET}/{KEY}")
        signer.add_auth(request)
        return str(request.url)

    return url


def minio() -> Callable[[], str]:
    from minio import Minio

    parts = urlsplit(ENDPOINT)
    client = Minio(parts.netloc, ACCESS_KEY_ID, SECRET_ACCESS_KEY, secure=parts.scheme == "https", region=REGION)
    return lambda: str(client.presigned_get_object(BUCKET, KEY, expires=timedelta(seconds=EXPIRES_IN)))


def _handler(body: object) -> Callable[[], bytes]:
    from presign.app import App
    from presign.model.invocation import Invocation

    app = App(os.environ, root=Path.cwd(), audit_stream=Path(os.devnull).open("wb"))  # noqa: SIM115
    invocation = Invocation(
        call_id="01ARZ3NDEKTSV4RRFFQ69G5FAV", caller="invoke", body=json.dumps(body, ensure_ascii=False).encode()
    )
    return lambda: app.handle(invocation).body


def _boto3_session() -> Any:
    import boto3

    return boto3.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION)


def _boto3_client(session: Any) -> Any:
    from botocore.config import Config

    config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    return session.client("s3", endpoint_url=ENDPOINT, config=config)


def _boto3_url(client: Any, key: str) -> str:
    parameters = {"Bucket": BUCKET, "Key": key}
    return str(client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=EXPIRES_IN))


MAKERS: dict[str, Maker] = {
    "floor": floor,
    "presign": presign,
    "presign-handler": presign_handler,
    "presign-by-route": presign_by_route,
    "presign-batch": presign_batch,
    "presign-form-batch": presign_form_batch,
    "presign-copy-batch": presign_copy_batch,
    "presign-file-name-batch": presign_file_name_batch,
    "presign-par": presign_par,
    "sdk-par": sdk_par,
    "boto3": boto3_kept_client,
    "boto3-new-client": boto3_new_client,
    "boto3-batch": boto3_batch,
    "botocore": botocore_query_auth,
    "minio": minio,
}


def main() -> None:
    """Make URLs until the input ends."""
    make = MAKERS[sys.argv[1]]()
    sample = make()
    print(json.dumps(sample if isinstance(sample, str) else sample.decode()), flush=True)
    for line in sys.stdin:
        count = int(line)
        began_at = time.process_time()
        for _ in range(count):
            make()
        print(time.process_time() - began_at, flush=True)


if __name__ == "__main__":
    main()
