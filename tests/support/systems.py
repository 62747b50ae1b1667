"""Running systems, each with the log of its function; their answers and logs are searched for secrets at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from local.api_gateway.deployment import NO_RATE_LIMIT
from local.functions.fn_agent import Answer, invoke_http
from local.stack import BUCKET, Stack
from support.leaks import leaks, leaks_of_answer, secrets_of

LIMITED_POLICY = json.dumps(
    {"rules": [{"operations": ["*"], "bucket": BUCKET, "prefix": "", "max_content_length": 50_000_000}]}
)
"""A limit makes parts small: of 5 MiB each."""


class Running(NamedTuple):
    """A running system, and the log of its function."""

    stack: Stack
    log_path: Path

    def ask(self, *, claims: Mapping[str, Any] | None = None, **request: Any) -> requests.Response:
        """Send a request for a URL through the gateway, with a token that has `claims`."""
        return self.post(json=request, headers=self.authorization(**(claims or {})))

    def post(self, path: str = "/v1/presign", **options: Any) -> requests.Response:
        """Send a POST request to the gateway, with alice's token unless `options` have headers."""
        options.setdefault("headers", self.authorization())
        return requests.post(f"{self.stack.url}{path}", timeout=30, **options)

    def authorization(self, **claims: Any) -> dict[str, str]:
        """The header with a token that has `claims`; its `sub` is `alice` unless they say otherwise."""
        return {"Authorization": f"Bearer {self.stack.token(**claims)}"}

    def call(
        self,
        target: str = "/v1/presign",
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        body: bytes,
    ) -> Answer:
        """Call the function as API Gateway does, also with requests that API Gateway would refuse."""
        # API Gateway always sends a claim.
        marked = {"X-Claim-Jti": f"{self.stack.claims_key}:1:", **(headers or {})}
        return invoke_http(self.stack.socket_path, method=method, target=target, headers=marked.items(), body=body)

    def invoke(self, **request: Any) -> tuple[Answer, Any]:
        """Send a request for a URL straight to the function; return the answer, and the JSON in it."""
        answer = self.stack.invoke(json.dumps(request).encode())
        return answer, json.loads(answer.body)

    def put_key(self, access_key_id: str, secret_access_key: str, **more: str) -> None:
        """Give the function's secret a new version that holds this key."""
        content = {"access_key_id": access_key_id, "secret_access_key": secret_access_key, **more}
        self.stack.put_secret(json.dumps(content))

    def log(self) -> str:
        """The function's log so far."""
        return self.log_path.read_text(encoding="utf-8")


@contextmanager
def starting(
    config: pytest.Config, directory: Path, answers: dict[Path, list[Answer]]
) -> Iterator[Callable[..., Running]]:
    """Starts systems, and stops them at the end. Their answers and logs (at DEBUG) are then searched for secrets."""
    signer, image = config.getoption("--signer"), config.getoption("--image")
    systems: list[Running] = []
    with ExitStack() as started:

        def start_one(config: Mapping[str, str] | None = None, **options: Any) -> Running:
            options.setdefault("specification", NO_RATE_LIMIT)
            options.setdefault("image", image)
            log_path = directory / f"{len(systems)}.log"
            log = started.enter_context(log_path.open("wb"))
            settings = {"LOG_LEVEL": "DEBUG", "SIGNER": signer, **(config or {})}
            systems.append(Running(Stack(config=settings, log=log, **options).__enter__(), log_path))
            return systems[-1]

        yield start_one
        with ThreadPoolExecutor(16) as pool:  # as each of them takes a while to stop
            list(pool.map(lambda system: system.stack.__exit__(), systems))
        found = []
        for system in systems:
            secrets = secrets_of(system.stack)
            found += leaks(system.log(), secrets)
            for answer in answers.pop(system.stack.socket_path, []):
                found += leaks_of_answer(answer, secrets)
    assert found == []
