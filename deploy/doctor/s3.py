"""The store's S3 API, asked with URLs that the project's own signer has signed."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Protocol

from urllib3 import encode_multipart_formdata

from deploy.doctor.web import Answer, ask
from presign.authorize.decision import Policy
from presign.authorize.rules import Rule
from presign.issue.endpoint import StorageEndpoint
from presign.issue.sigv4 import SigV4Issuer
from presign.model.invocation import Principal
from presign.model.operation import ObjectOperation, Operation
from presign.model.operations.multipart import CreateMultipartUpload
from presign.model.outcomes import PresignedUrl
from presign.model.request import Request
from presign.services.key import CustomerSecretKey

EXPIRES_IN_SECONDS = 120

_code = re.compile(r"<Code>([A-Za-z0-9]{1,64})</Code>")
_upload_id = re.compile(r"<UploadId>([^<]+)</UploadId>")


class SignedBucket:
    """A bucket that is used as the function's callers use it.

    Args:
        endpoint: of the S3 API.
        region: of the credential scope.
        key: signs.
        name: of the bucket.
        clock: gives the time, in seconds since the epoch.
    """

    def __init__(
        self,
        *,
        endpoint: StorageEndpoint,
        region: str,
        key: CustomerSecretKey,
        name: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self._clock = clock
        self._issuer = SigV4Issuer(endpoint=endpoint, region=region)
        self._key = key
        rule = Rule(operations=["*"], bucket=name, prefix="", response_overrides="any")
        self._policy = Policy([rule], default_expires_in=EXPIRES_IN_SECONDS)

    def presign(self, operation: Operation) -> PresignedUrl:
        """The URL of an operation on the bucket."""
        grant = self._policy.authorize(Request(operation, self.name), Principal("invoke"))
        return self._issuer.issue(grant, key=self._key, now=int(self._clock()))

    def send(
        self, operation: Operation, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Carry an operation out, with `headers` that nobody has signed.

        Raises:
            NoAnswer: of the store.
        """
        url = self.presign(operation)
        content_type = "application/octet-stream"
        if url.fields is not None:
            content, content_type = encode_multipart_formdata({**url.fields, "file": ("trial", content or b"")})
        typed = {} if content is None else {"Content-Type": content_type}
        return ask(url.method, url.url, headers={**typed, **url.headers, **(headers or {})}, body=content)


class Operator(Protocol):
    """Removes with the operator's own credentials; either method may raise any error."""

    def delete_object(self, key: str) -> None:
        """Delete an object with all its versions."""

    def abort_uploads(self, key: str) -> None:
        """Abort the uploads in parts of an object."""


class Trials:
    """A context manager for a few small objects with random names below one prefix; it removes them in the end.

    Args:
        bucket: where they are.
        prefix: of their keys.
        operator: removes them.

    Attributes:
        left: after the end, the keys that could not be removed.
    """

    def __init__(self, bucket: SignedBucket, *, prefix: str, operator: Operator) -> None:
        self.bucket = bucket
        self.left: list[str] = []
        self._prefix = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
        self._operator = operator
        self._objects: set[str] = set()
        self._uploads: set[str] = set()

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *_: object) -> None:
        removals = [(self._operator.abort_uploads, key) for key in sorted(self._uploads)]
        removals += [(self._operator.delete_object, key) for key in sorted(self._objects)]
        for remove, key in removals:
            try:
                remove(key)
            except Exception:  # noqa: BLE001 - the others must go all the same
                self.left.append(key)

    def key(self) -> str:
        """A key that no object has."""
        return f"{self._prefix}presign-doctor-{uuid.uuid4().hex}"

    def write(self, operation: ObjectOperation, content: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Write an object, as `SignedBucket.send` does; it is removed in the end unless the store refuses it."""
        known = operation.key in self._objects
        self._objects.add(operation.key)
        answer = self.bucket.send(operation, content, headers)
        if 400 <= answer.status < 500 and not known:
            self._objects.discard(operation.key)
        return answer

    def begin_upload(self, key: str) -> str | None:
        """The upload id of a new upload in parts; None if the store refuses it."""
        self._uploads.add(key)
        found = _upload_id.search(self.bucket.send(CreateMultipartUpload(key=key), b"").body.decode(errors="replace"))
        if found is None:
            self._uploads.discard(key)
            return None
        return found[1]


def is_taken(answer: Answer) -> bool:
    """Whether the store did as asked."""
    return 200 <= answer.status < 300


def is_refused(answer: Answer) -> bool:
    """Whether the store refused, for good."""
    return 400 <= answer.status < 500 or answer.status == 501


def told(answer: Answer) -> str:
    """The status of an answer and the code of its error: no more of it, as S3's errors quote what was signed."""
    found = _code.search(answer.body.decode(errors="replace"))
    return f"{answer.status} {found[1]}" if found else str(answer.status)
