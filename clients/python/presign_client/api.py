"""Requests for URLs, completed with what a client's requests have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

from presign_client.errors import FOREIGN, Problem
from presign_client.gateway import encoded
from presign_client.retry import Retry
from presign_client.urls import PresignedUrl, Presigner

MAX_BATCH = 1000
MAX_BATCH_BYTES = 1_000_000
"""A little less than a batch may have."""
MAX_PARS = 20
"""A call may ask for so many pre-authenticated requests."""

Via = Literal["s3", "par"]
Request = Mapping[str, Any]


class Api:
    """Asks the function for URLs.

    Args:
        presigner: the function.
        bucket: of all requests, None for the function's own.
        via: of all requests, None if the policy decides.
        retry: tries again what may succeed later.
    """

    def __init__(self, presigner: Presigner, *, bucket: str | None, via: Via | None, retry: Retry) -> None:
        self._presigner, self._retry = presigner, retry
        self.bucket, self.via = bucket, via

    def sign(self, operation: str, key: str, **options: Any) -> PresignedUrl:
        """The URL for an operation on an object; asked for once."""
        return self.ask({"operation": operation, "key": key, **options})

    def ask(self, request: Request) -> PresignedUrl:
        """The URL for a request; asked for once."""
        return PresignedUrl.from_answer(self._presigner.presign(self._completed(request)))

    def sign_all(self, requests: Sequence[Request]) -> list[PresignedUrl | Problem]:
        """The URL for each of any number of requests, or the problem that it has."""
        batches = _batches([self._completed(request) for request in requests])
        return [result for batch in batches for result in self._retry.run(partial(self._batch, batch))]

    def sign_some(self, requests: Sequence[Request]) -> list[PresignedUrl | Problem]:
        """The URL for each of up to 1,000 requests, or the problem that it has; asked for once."""
        return self._batch([self._completed(request) for request in requests])

    def revoke(self, par_id: str, bucket: str | None) -> None:
        """Take a pre-authenticated request back."""
        named = bucket or self.bucket
        request = {"id": par_id, **({"bucket": named} if named else {})}
        self._retry.run(lambda: self._presigner.revoke(request))

    def _batch(self, batch: Sequence[Request]) -> list[PresignedUrl | Problem]:
        try:
            answer = self._presigner.batch(batch)
        except Problem as problem:
            size = _fewer(problem, len(batch))
            if not size:
                raise
            starts = range(0, len(batch), size)
            return [result for start in starts for result in self._batch(batch[start : start + size])]
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(batch):
            raise Problem("The answer is not that to a batch.", status=200, code=FOREIGN)
        return [_result(result, index) for index, result in enumerate(results)]

    def _completed(self, request: Request) -> dict[str, Any]:
        completed = {"bucket": self.bucket, "via": self.via, **request}
        return {name: value for name, value in completed.items() if value is not None}


def _batches(requests: Sequence[Request]) -> list[list[Request]]:
    """Requests in the portions that a call may have."""
    batches: list[list[Request]] = []
    size = 0
    for request in requests:
        length = len(encoded(request)) + 2
        if not batches or len(batches[-1]) == MAX_BATCH or size + length > MAX_BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(request)
        size += length
    return batches


def _fewer(problem: Problem, size: int) -> int:
    """How many requests to send at once after a batch was refused as a whole; 0 if that does not help."""
    if size > MAX_PARS and any(error.pointer == "/requests" for error in problem.errors):
        return MAX_PARS
    return size // 2 if problem.status == 413 else 0


def _result(result: Any, index: int) -> PresignedUrl | Problem:
    refusal = result.get("problem") if isinstance(result, dict) else None
    if isinstance(refusal, dict):
        return Problem.from_details(refusal, status=400, at=f"/requests/{index}")
    return PresignedUrl.from_answer(result if isinstance(result, dict) else {})
