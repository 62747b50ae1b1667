"""Finds secrets in logs and answers. Only the URL or form that was asked for may hold a signature."""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import local.functions.fn_agent
from local.functions.fn_agent import Answer
from local.stack import REGION, Stack
from presign.issue.sigv4 import credential_scope, signing_key

_SHAPES = {
    "a signature or a signing key": re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z])"),
    "the query of a presigned URL": re.compile(r"x-amz-(?:signature|credential|date|expires|algorithm)", re.I),
    "the URL of a pre-authenticated request": re.compile(r"/p/[0-9A-Za-z_-]{32,}/n/"),
    "a token, or a signed policy": re.compile(r"(?<![A-Za-z0-9+/])eyJ[A-Za-z0-9+/_=-]{16,}"),
    "a token of the resource principal": re.compile(r"ST\$"),
    "a private key": re.compile(r"PRIVATE KEY"),
    "a signature of a request to OCI": re.compile(r"signature=\"", re.I),
    "a header with credentials": re.compile(r"authorization[\"']?\s*[:=]|bearer ", re.I),
    "the beginning of a signing key": re.compile(r"AWS4(?!-HMAC)"),
}
_GIVEN = ("url", "fields")
"""The members of an answer that hold the URL or form."""


def secrets_of(stack: Stack) -> dict[str, str]:
    """The secrets that this stack's function knows: descriptions and texts."""
    found = {"the gateway secret": stack.claims_key}
    for number, content in enumerate(stack.vault.contents):
        found[f"secret {number} as Vault returns it"] = base64.b64encode(content.encode()).decode()
        try:
            key = json.loads(content)["secret_access_key"]
        except (ValueError, TypeError, KeyError):
            continue
        if not isinstance(key, str) or len(key) < 6:
            continue
        found[f"the secret access key {number}"] = key
        for days in (-1, 0, 1):
            date = f"{datetime.now(UTC) + timedelta(days=days):%Y%m%d}"
            bits = signing_key(secret_access_key=key, scope=credential_scope(date=date, region=REGION))
            found[f"signing key {number} of {date}"] = bits.hex()
            found[f"signing key {number} of {date} in Base64"] = base64.b64encode(bits).decode()
            found[f"signing key {number} of {date} as Python prints it"] = repr(bits)[2:-1]
    return {name: text for name, text in found.items() if text}


def leaks(text: str, secrets: dict[str, str]) -> list[str]:
    """The descriptions of the secrets and shapes of secrets in `text`, each with the text around it."""
    found = [f"{name}: {_around(text, text.index(secret))}" for name, secret in secrets.items() if secret in text]
    for name, shape in _SHAPES.items():
        if match := shape.search(text):
            found.append(f"{name}: {_around(text, match.start())}")
    return found


def leaks_of_answer(answer: Answer, secrets: dict[str, str]) -> list[str]:
    """The same for an answer and its headers, leaving out the URLs and form fields that were asked for."""
    given = [value for name, value in answer.headers if name.lower() == "fn-http-h-location"]
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers if value not in given)
    found = [f"{name} in a redirect" for name, secret in secrets.items() if secret in "".join(given)]
    try:
        document = json.loads(answer.body)
    except ValueError:
        return found + leaks(f"{headers}\n{answer.body.decode(errors='replace')}", secrets)
    if isinstance(document, dict) and "openapi" in document:
        return [f"{name} in the OpenAPI document" for name, secret in secrets.items() if secret in answer.body.decode()]
    # The URLs too may hold none of the keys that sign them.
    given = [f"{name} in a URL" for name, secret in secrets.items() if secret in answer.body.decode()]
    return given + leaks(f"{headers}\n{json.dumps(_without_given(document), ensure_ascii=False)}", secrets)


@contextmanager
def recorded_answers() -> Iterator[dict[Path, list[Answer]]]:
    """Records the answers of all functions while the context lasts, by the paths of their sockets."""
    answers: defaultdict[Path, list[Answer]] = defaultdict(list)
    call = local.functions.fn_agent._call

    def recording(socket_path: Path, *arguments: Any) -> Answer:
        answer = call(socket_path, *arguments)
        answers[socket_path].append(answer)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local.functions.fn_agent, "_call", recording)
        yield answers


def _without_given(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _without_given(value) for name, value in document.items() if name not in _GIVEN}
    return [_without_given(item) for item in document] if isinstance(document, list) else document


def _around(text: str, position: int) -> str:
    return repr(text[max(0, position - 80) : position + 80])
