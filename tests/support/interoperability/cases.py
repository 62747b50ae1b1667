"""Awkward keys, and the requests that are sent for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from local.stack import Stack

KEYS = (
    "plain.txt",
    "a b.txt",
    "a+b&c=d.txt",
    "ü/日本 (1).txt",
    "e\u0301.txt",
    "a%2Fb%41",
    "100%",
    "$!'*,;:@~",
    '#?[]{}|^`"<>',
    "back\\slash",
    "a//b",
    "folder/",
    "🙂.png",
)

DOWNLOAD_AS = 'a "b" ü+%.txt'


@dataclass(frozen=True)
class Case:
    """A request to Object Storage, and the answer that it must get.

    Args:
        body: of the request.
        wanted: of the answer.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None
    wanted: str


def presign(stack: Stack, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of the function, through the gateway."""
    headers = {"Authorization": f"Bearer {stack.token()}"}
    response = requests.post(f"{stack.url}/v1/presign", json=request, headers=headers, timeout=30)
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer


def cases(stack: Stack) -> list[Case]:
    """All requests, in an order in which they work."""
    made = []
    for key in KEYS:
        content = f"content of {key}"
        size = len(content.encode())
        upload = {"content_type": "text/plain", "content_length": size, "metadata": {"album": "May"}}
        for options, body, wanted in (
            ({"operation": "put_object", **upload}, content, ""),
            ({"operation": "get_object"}, None, content),
            ({"operation": "head_object"}, None, ""),
            ({"operation": "get_object", "download_as": DOWNLOAD_AS}, None, content),
        ):
            answer = presign(stack, {"key": key, **options})
            made.append(Case(answer["method"], answer["url"], answer["headers"], body, wanted))
    return made
