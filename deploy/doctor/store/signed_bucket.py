"""The store's S3 API, asked with URLs that the project's own signer has signed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

from urllib3 import encode_multipart_formdata

from deploy.doctor.web import Answer, ask
from presign.authorize.decision import Policy
from presign.authorize.rules import Rule
from presign.issue.endpoint import StorageEndpoint
from presign.issue.sigv4 import SigV4Issuer
from presign.model.invocation import Principal
from presign.model.operation import Operation
from presign.model.outcomes import PresignedUrl
from presign.model.request import Request
from presign.services.key import CustomerSecretKey

EXPIRES_IN_SECONDS = 120

_code = re.compile(r"<Code>([A-Za-z0-9]{1,64})</Code>")


class SignedBucket:
    """A bucket, used with presigned URLs as the function's callers use it.

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
        has_route = endpoint.store_route is not None
        self._policy = Policy([rule], default_expires_in=EXPIRES_IN_SECONDS, has_store_route=has_route)

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


def succeeded(answer: Answer) -> bool:
    """Whether the store did as asked."""
    return 200 <= answer.status < 300


def is_refused(answer: Answer) -> bool:
    """Whether the store refused, and would again."""
    return 400 <= answer.status < 500 or answer.status == 501


def status_and_code(answer: Answer) -> str:
    """The status of an answer and the code of its error. The rest of an S3 error quotes the signed request."""
    found = _code.search(answer.body.decode(errors="replace"))
    return f"{answer.status} {found[1]}" if found else str(answer.status)
