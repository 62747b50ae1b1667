"""Answers of the API and of Object Storage, and those that a stranger on the way gives in their place."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree

from presign_client.connections import Answer
from presign_client.errors import FOREIGN, Problem, StoreError

REDIRECTED = "redirected"
"""The code of a redirect: the request has a body or a secret that goes nowhere else."""
MAX_RETRY_AFTER_SECONDS = 31_536_000
MAX_OBJECT_BYTES = 10 << 40
"""Object Storage takes no larger object."""

_ADVICE = {
    401: ("unauthorized", "The token is missing, expired or not valid: get a new one."),
    404: ("wrong_endpoint", "The API has no such path: the endpoint ends in /v1/presign."),
    405: ("wrong_endpoint", "The API has no such path: the endpoint ends in /v1/presign."),
    413: ("payload_too_large", "The request is larger than the API takes: ask for fewer URLs at once."),
    415: ("wrong_media_type", "The API got no JSON: a proxy may have changed the Content-Type."),
}
"""The code and the sentence for a status of API Gateway, which itself says no more than the status's name."""


def api_document(answer: Answer) -> dict[str, Any]:
    """The JSON of an answer of the API.

    Raises:
        Problem: it is a refusal, or not of the API.
    """
    found = _json(answer)
    if answer.status == 200 and isinstance(found, dict) and "status" not in found:
        return found
    raise problem(found, status=answer.status, headers=answer.headers)


def problem(document: Any, *, status: int, headers: Mapping[str, str]) -> Problem:
    """The refusal that an answer of the API is.

    Args:
        document: its JSON, None if it has none.
        status: its status.
        headers: its headers.
    """
    pause = seconds(headers.get("Retry-After"))
    members = document if isinstance(document, dict) else {}
    if isinstance(members.get("code"), str) and isinstance(members.get("detail"), str):
        return Problem.from_details(members, status=status, retry_after_seconds=pause)
    if 300 <= status < 400:
        return Problem(_redirect("API"), status=status, code=REDIRECTED)
    if status in _ADVICE:
        code, advice = _ADVICE[status]
        return Problem(advice, status=status, code=code, retry_after_seconds=pause)
    message = members.get("message")
    if members.get("code") == status and isinstance(message, str):  # of API Gateway
        return Problem(message, status=status, code=f"http_{status}", retry_after_seconds=pause)
    return Problem(_foreign("the API", status, headers), status=status, code=FOREIGN, retry_after_seconds=pause)


def store_error(answer: Answer) -> StoreError | None:
    """The error that an answer of Object Storage is, None if it is none."""
    content = answer.content.lstrip()
    root = _xml(content) if content.startswith(b"<") else None
    is_error = root is not None and root.tag.rpartition("}")[2] == "Error"
    is_page = answer.headers.get("Content-Type", "").startswith("text/html") and not answer.headers.get("ETag")
    if 200 <= answer.status < 300 and not is_error and not is_page:
        return None
    code, message = "", ""
    if root is not None and is_error:
        code, message = text(root, "Code"), text(root, "Message")
    else:
        document = _json(answer)
        if isinstance(document, dict) and isinstance(document.get("code"), str):
            code, message = document["code"], str(document.get("message", ""))
    if not code:
        code, message = _unnamed(answer)
    return StoreError(
        message or f"Object Storage answered with status {answer.status}.",
        # S3 may have sent the status 200 before it finds that it can't join the parts.
        status=500 if answer.status < 300 and is_error else answer.status,
        code=code,
        retry_after_seconds=seconds(answer.headers.get("Retry-After")),
    )


def foreign(answer: Answer) -> StoreError:
    """The error that Object Storage can't have given this answer."""
    return StoreError(_foreign("Object Storage", answer.status, answer.headers), status=answer.status, code=FOREIGN)


def xml(answer: Answer, name: str) -> ElementTree.Element:
    """The XML of an answer of Object Storage.

    Args:
        answer: the answer.
        name: of its root.

    Raises:
        StoreError: it has none, or another.
    """
    root = _xml(answer.content)
    if root is not None and root.tag.rpartition("}")[2] == name:
        return root
    if root is None and answer.content.lstrip().startswith((b"<?xml", f"<{name}".encode())):
        detail = "The answer is not well-formed: a key may have characters that XML can't hold."
        raise StoreError(detail, status=answer.status, code="unreadable_answer")
    raise foreign(answer)


def store_document(answer: Answer) -> dict[str, Any]:
    """The JSON of an answer of Object Storage.

    Raises:
        StoreError: it has none.
    """
    found = _json(answer)
    if not isinstance(found, dict):
        raise foreign(answer)
    return found


def number(text: str) -> int | None:
    """The whole number that a text is, None if it is none, or larger than any that Object Storage tells."""
    found = int(text) if re.fullmatch("[0-9]{1,14}", text) else MAX_OBJECT_BYTES + 1
    return found if found <= MAX_OBJECT_BYTES else None


def integer(element: ElementTree.Element, name: str) -> int:
    """The number in a child, 0 if there is none."""
    return number(text(element, name)) or 0


def text(element: ElementTree.Element, name: str) -> str:
    """The text of a child, empty if there is none."""
    return element.findtext(f"{{*}}{name}") or ""


def etag(answer: Answer) -> str:
    """The ETag, which Object Storage gives each object and each part.

    Raises:
        StoreError: there is none.
    """
    found = answer.headers.get("ETag")
    if not found:
        raise foreign(answer)
    return found


def content_length(answer: Answer) -> int:
    """The size that an answer to `HEAD` tells.

    Raises:
        StoreError: it tells none.
    """
    found = number(answer.headers.get("Content-Length", ""))
    if found is None:
        raise foreign(answer)
    return found


def seconds(retry_after: str | None) -> float:
    """The seconds that a header `Retry-After` asks for, a year at most; 0 if there is none."""
    if not retry_after:
        return 0
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after) if len(retry_after) < 9 else MAX_RETRY_AFTER_SECONDS
    try:
        asked = parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0
    return max(0, min(asked, MAX_RETRY_AFTER_SECONDS))


def rfc3339(http_date: str) -> str:
    """The time of a header as lists have it; empty if the header has none."""
    try:
        return parsedate_to_datetime(http_date).astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return ""


def _unnamed(answer: Answer) -> tuple[str, str]:
    """The code and the message of an answer that has none, such as that to `HEAD`."""
    if 300 <= answer.status < 400:
        return REDIRECTED, _redirect("storage")
    if answer.status == 404 and not answer.content:
        return "NoSuchKey", "There is no such object."
    if not answer.content:
        return f"http_{answer.status}", ""
    return FOREIGN, _foreign("Object Storage", answer.status, answer.headers)


def _redirect(server: str) -> str:
    return f"The {server} answered with a redirect, which is not followed."


def _foreign(server: str, status: int, headers: Mapping[str, str]) -> str:
    kind = headers.get("Content-Type", "").partition(";")[0] or "no media type"
    return (
        f"The answer, of status {status} and {kind}, is not one of {server}: a proxy or a firewall may have given it."
    )


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError):
        return None


def _xml(content: bytes) -> ElementTree.Element | None:
    try:
        return ElementTree.fromstring(content)  # noqa: S314 - expat expands no entities without limit
    except (ElementTree.ParseError, ValueError, LookupError):  # of its encoding, the last two
        return None
