"""URLs, and who gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from presign_client.errors import FOREIGN, Problem


@dataclass(frozen=True)
class PresignedUrl:
    """A URL and how to use it: send `method` to `url` with exactly these `headers`.

    Attributes:
        expires_at: RFC 3339.
        fields: of a form (`post_object`), which must hold them all and the file last.
        via: `s3`, or `par` for a pre-authenticated request.
        id: of a pre-authenticated request; `revoke` takes it.
        bound: whether the headers are signed, so that the holder of the URL can't send others.
        answer: everything that the function said.
    """

    url: str = field(repr=False)
    method: str
    headers: Mapping[str, str]
    expires_at: str
    expires_in: int
    operation: str
    bucket: str
    key: str
    fields: Mapping[str, str] | None = field(default=None, repr=False)
    via: str = "s3"
    id: str | None = field(default=None, repr=False)
    bound: bool = True
    answer: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> PresignedUrl:
        """The URL that an answer of the function holds.

        Raises:
            Problem: it holds none, so something else than the function has answered.
        """
        optional = {name: answer[name] for name in ("fields", "via", "id", "bound") if name in answer}
        try:
            return cls(
                url=answer["url"],
                method=answer["method"],
                headers=dict(answer["headers"]),
                expires_at=answer["expires_at"],
                expires_in=int(answer["expires_in"]),
                operation=answer["operation"],
                bucket=answer["bucket"],
                key=answer.get("key", answer.get("prefix", "")),
                answer=answer,
                **optional,
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            detail = "The answer holds no URL, so it is not the function's: a proxy or a firewall may have given it."
            raise Problem(detail, status=200, code=FOREIGN) from None


class Presigner(Protocol):
    """The function, as a client reaches it."""

    def presign(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request for a URL.

        Raises:
            Problem: the function or API Gateway refused.
            ConnectionFailed: there was no answer.
        """
        ...

    def batch(self, requests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The answer to up to 1,000 requests for URLs. It raises as `presign` does."""
        ...

    def revoke(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request to take a pre-authenticated request back. It raises as `presign` does."""
        ...
