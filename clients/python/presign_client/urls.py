"""URLs, and who gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from presign_client.errors import FOREIGN, Problem

MAX_SECONDS = 1 << 40
"""No URL is valid for so long."""


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
        if not _holds_a_url(answer):
            raise foreign()
        optional = {name: answer[name] for name in ("fields", "via", "id", "bound") if answer.get(name) is not None}
        return cls(
            url=answer["url"],
            method=answer["method"],
            headers=dict(answer["headers"]),
            expires_at=answer["expires_at"],
            expires_in=answer["expires_in"],
            operation=answer["operation"],
            bucket=answer["bucket"],
            key=answer.get("key", answer.get("prefix", "")),
            answer=answer,
            **optional,
        )


def foreign() -> Problem:
    """The problem that the function can't have given this answer."""
    detail = "The answer holds no URL, so it is not the function's: a proxy or a firewall may have given it."
    return Problem(detail, status=200, code=FOREIGN)


def _holds_a_url(answer: Any) -> bool:
    """Whether all members of an answer that are used have their types."""
    if not isinstance(answer, Mapping):
        return False
    texts = [answer.get(name) for name in ("url", "method", "expires_at", "operation", "bucket")]
    texts += [answer.get("key", answer.get("prefix", "")), answer.get("via") or "", answer.get("id") or ""]
    if not all(isinstance(text, str) for text in texts):
        return False
    url, seconds = answer["url"], answer.get("expires_in")
    is_plain = url.isascii() and url.isprintable() and " " not in url
    is_duration = type(seconds) is int and 0 <= seconds <= MAX_SECONDS
    are_mappings = _has_texts(answer.get("headers")) and _has_texts(answer.get("fields") or {})
    return is_plain and is_duration and are_mappings and isinstance(answer.get("bound", True), bool)


def _has_texts(found: Any) -> bool:
    return isinstance(found, Mapping) and all(isinstance(one, str) for pair in found.items() for one in pair)


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
