"""What must stand in nothing that the function writes, and in no answer but as the URL that was asked for."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import local.functions.function
from local.functions.function import Answer
from local.stack import REGION, Stack
from presign.issue.sigv4 import credential_scope, signing_key

_SHAPES = {
    "a signature or a signing key": re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z])"),
    "a query of a presigned URL": re.compile(r"x-amz-(?:signature|credential|date|expires|algorithm)", re.I),
    "a token, or a policy that was signed": re.compile(r"eyJ[A-Za-z0-9+/_=-]{16,}"),
    "a token of the resource principal": re.compile(r"ST\$"),
    "a private key": re.compile(r"PRIVATE KEY"),
    "a signature of a request to OCI": re.compile(r"signature=\"", re.I),
    "a header with credentials": re.compile(r"authorization[\"']?\s*[:=]|bearer ", re.I),
    "the beginning of a signing key": re.compile(r"AWS4(?!-HMAC)"),
}
_GIVEN = ("url", "fields")
"""The members of an answer that hold what was asked for."""


def secrets_of(stack: Stack) -> dict[str, str]:
    """What this stack's function knows and must not show: names and texts."""
    found = {"the mark of claims": stack.claims_key}
    for number, content in enumerate(stack.vault.contents):
        found[f"secret {number} as Vault hands it out"] = base64.b64encode(content.encode()).decode()
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
            found[f"signing key {number} of {date} as Python shows it"] = repr(bits)[2:-1]
    return {name: text for name, text in found.items() if text}


def leaks(text: str, secrets: dict[str, str]) -> list[str]:
    """What of `secrets`, or of the shape of something secret, stands in `text`: names, and the lines around."""
    found = [f"{name}: {_around(text, text.index(secret))}" for name, secret in secrets.items() if secret in text]
    for name, shape in _SHAPES.items():
        if match := shape.search(text):
            found.append(f"{name}: {_around(text, match.start())}")
    return found


def leaks_of_answer(answer: Answer, secrets: dict[str, str]) -> list[str]:
    """Likewise in an answer, its headers too, apart from the URLs and form fields that were asked for."""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers)
    try:
        document = json.loads(answer.body)
    except ValueError:
        return leaks(f"{headers}\n{answer.body.decode(errors='replace')}", secrets)
    if isinstance(document, dict) and "openapi" in document:
        return [f"{name} in the OpenAPI document" for name, secret in secrets.items() if secret in answer.body.decode()]
    # Not even the URLs may hold what they are signed with.
    given = [f"{name} in a URL" for name, secret in secrets.items() if secret in answer.body.decode()]
    return given + leaks(f"{headers}\n{json.dumps(_without_given(document), ensure_ascii=False)}", secrets)


@contextmanager
def recorded_answers() -> Iterator[list[tuple[Path, Answer]]]:
    """All answers of all functions from now on, with the sockets that they came from."""
    answers: list[tuple[Path, Answer]] = []
    call = local.functions.function._call

    def recording(socket_path: Path, *arguments: Any) -> Answer:
        answer = call(socket_path, *arguments)
        answers.append((socket_path, answer))
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local.functions.function, "_call", recording)
        yield answers


def _without_given(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _without_given(value) for name, value in document.items() if name not in _GIVEN}
    return [_without_given(item) for item in document] if isinstance(document, list) else document


def _around(text: str, position: int) -> str:
    return repr(text[max(0, position - 80) : position + 80])
