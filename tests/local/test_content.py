"""The local store handles objects that don't fit into memory."""

from __future__ import annotations

import http.client
import tracemalloc
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from support.store import BUCKET, Store, bytes_of, form, send, told

BLOCK = bytes(range(256)) * 4096  # 1 MiB
BLOCKS = 48
MAX_MEMORY_BYTES = 16 << 20


@pytest.fixture(scope="module", autouse=True)
def _loaded(store: Store) -> None:
    """boto3 has loaded its data, which take memory too."""
    store.do("GET", "get_object")


@pytest.fixture
def memory() -> Iterator[None]:
    """Fails the test when more memory was in use than an upload may need."""
    tracemalloc.start()
    yield
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < MAX_MEMORY_BYTES


def upload(method: str, url: str, before: bytes = b"", after: bytes = b"", content_type: str = "") -> tuple[int, str]:
    """Send many blocks one by one, with something before and after them; the status, and the ETag of the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.putrequest(method, f"{parts.path}?{parts.query}".rstrip("?"))
    connection.putheader("Content-Length", str(len(before) + BLOCKS * len(BLOCK) + len(after)))
    if content_type:
        connection.putheader("Content-Type", content_type)
    connection.endheaders(before)
    for _ in range(BLOCKS):
        connection.send(BLOCK)
    connection.send(after)
    response = connection.getresponse()
    connection.close()
    return response.status, response.headers["ETag"]


def download(store: Store, key: str) -> int:
    """Read an object block by block; how many blocks there are, when all are what they should be."""
    url = urlsplit(store.presign("get_object", Key=key))
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    connection.request("GET", f"{url.path}?{url.query}")
    response = connection.getresponse()
    blocks = 0
    while block := response.read(len(BLOCK)):
        assert block == BLOCK
        blocks += 1
    connection.close()
    return blocks


def test_one_request(store: Store, memory: None) -> None:
    assert upload("PUT", store.presign("put_object", Key="put.bin"))[0] == 200
    assert download(store, "put.bin") == BLOCKS


def test_a_form(store: Store, memory: None) -> None:
    signed = store.client().generate_presigned_post(BUCKET, "form.bin")
    request = form(signed["url"], signed["fields"], b"CONTENT")
    before, _, after = bytes_of(request).partition(b"CONTENT")
    assert upload("POST", signed["url"], before, after, request.headers["Content-Type"])[0] == 204
    assert download(store, "form.bin") == BLOCKS


def test_parts(store: Store, memory: None) -> None:
    upload_id = told(store.do("POST", "create_multipart_upload", Key="parts.bin"), "UploadId")
    url = store.presign("upload_part", Key="parts.bin", UploadId=upload_id, PartNumber=1)
    status, etag = upload("PUT", url)
    assert status == 200
    body = (
        f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    )
    url = store.presign("complete_multipart_upload", Key="parts.bin", UploadId=upload_id)
    assert send("POST", url, None, body.encode())[0] == 200
    assert download(store, "parts.bin") == BLOCKS
