"""Pre-authenticated requests of OCI itself: `LIVE_PAR_BUCKET` names a bucket of the tenancy that ~/.oci/config is for.

The bucket must be empty below `presign-tests/`, and the operator must have PAR_MANAGE there. `LIVE_PAR_PROFILE` names a
profile other than DEFAULT.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from typing import Any, cast

import pytest
import requests

from presign.issue.par import create_par
from presign.model.invocation import Principal
from presign.model.operation import Operation
from presign.model.operations.objects import GetObject, PutObject
from presign.model.operations.prefixes import GetPrefix
from presign.model.outcomes import PresignedUrl
from presign.services.client import OciClient
from presign.services.pars import Pars
from support.grants import grant

pytestmark = pytest.mark.live

OPERATOR = Principal("invoke")


class Operator:
    """Asks Object Storage with the operator's own credentials, in place of the function's."""

    def __init__(self) -> None:
        import oci

        config = oci.config.from_file(profile_name=os.environ.get("LIVE_PAR_PROFILE", "DEFAULT"))
        self.object_storage = oci.object_storage.ObjectStorageClient(config)

    def ask(self, call: Callable[[], Any], **_: str) -> Any:
        return call()


@pytest.fixture(scope="module")
def bucket() -> str:
    name = os.environ.get("LIVE_PAR_BUCKET")
    if not name:
        pytest.skip("LIVE_PAR_BUCKET names no bucket of OCI")
    return name


@pytest.fixture(scope="module")
def pars(bucket: str) -> Pars:
    operator = Operator()
    namespace = str(operator.object_storage.get_namespace().data)
    return Pars(cast("OciClient", operator), namespace=lambda: namespace, tags=("live",))


def give(pars: Pars, bucket: str, operation: Operation) -> PresignedUrl:
    granted = grant(operation, bucket=bucket, via="par")
    return create_par(granted, pars=pars, principal=OPERATOR, call_id="live", now=int(time.time()))


def test_an_object_is_uploaded_read_and_taken_back(pars: Pars, bucket: str) -> None:
    key = f"presign-tests/{uuid.uuid4()}/a \u00fc.txt"
    upload = give(pars, bucket, PutObject(key=key, content_type="text/plain"))
    assert requests.put(upload.url, b"hello", headers=upload.headers, timeout=30).status_code == 200
    download = give(pars, bucket, GetObject(key=key, download_as="b.txt"))
    found = requests.get(download.url, headers={"Origin": "https://app.example.com"}, timeout=30)
    assert (found.content, found.headers["Content-Type"]) == (b"hello", "text/plain")
    assert found.headers["Content-Disposition"].startswith("attachment")
    assert found.headers["Access-Control-Allow-Origin"]
    assert requests.get(upload.url, timeout=30).status_code == 404
    folder = give(pars, bucket, GetPrefix(prefix=key.rpartition("/")[0] + "/"))
    assert requests.get(folder.url + "a%20%C3%BC.txt", timeout=30).content == b"hello"
    for issued in (upload, download, folder):
        assert issued.id is not None
        pars.delete(bucket, pars.find(bucket, issued.id))
    assert requests.get(download.url, timeout=30).status_code == 401
