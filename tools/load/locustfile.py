"""Callers that ask for URLs without pause, use each URL at the store, and check the form of each problem."""

from __future__ import annotations

import json
import os
import random
from typing import Any

from locust import FastHttpUser, constant, task
from locust.contrib.fasthttp import ResponseContextManager

CONTENT = os.environ["LOAD_CONTENT"].encode()
KEY = os.environ["LOAD_KEY"]
HEADERS = {"Authorization": f"Bearer {os.environ['LOAD_TOKEN']}"}
PRESIGN, BATCH = "/v1/presign", "/v1/presign/batch"


class Caller(FastHttpUser):
    """A caller that asks again as soon as it has checked the last answer."""

    wait_time = constant(0)
    network_timeout = connection_timeout = 40.0

    @task(12)
    def download(self) -> None:
        """A URL of the object gives its content."""
        answer = self.ask(PRESIGN, {"key": KEY, "expires_in": random.randint(60, 600)})
        if answer:
            self.use(answer, expected=CONTENT)

    @task(4)
    def upload(self) -> None:
        """A URL for an upload takes the bytes that were announced."""
        key = f"load/{random.randrange(50)}"
        answer = self.ask(PRESIGN, {"operation": "put_object", "key": key, "content_length": len(CONTENT)})
        if answer:
            self.use(answer, body=CONTENT)

    @task(1)
    def batch(self) -> None:
        """Each URL of a batch gives the object."""
        answer = self.ask(BATCH, {"requests": [{"key": KEY, "expires_in": 60 + number} for number in range(10)]})
        for result in answer["results"] if answer else []:
            if "url" in result:
                self.use(result, expected=CONTENT)

    @task(1)
    def refused(self) -> None:
        """The policy refuses what no rule allows, also while parts fail."""
        with self.client.post(
            PRESIGN, json={"bucket": "elsewhere", "key": KEY}, headers=HEADERS, name="refused", catch_response=True
        ) as response:
            self.check_problem(response, allowed=("access_denied",))

    def ask(self, path: str, body: dict[str, Any]) -> Any:
        """The answer to a request for URLs; None if it is a problem."""
        with self.client.post(path, json=body, headers=HEADERS, name=path, catch_response=True) as response:
            if response.status_code == 200:
                return json.loads(response.content)
            self.check_problem(response, allowed=("secret_unavailable",))
        return None

    def check_problem(self, response: ResponseContextManager, *, allowed: tuple[str, ...]) -> None:
        """Count the response under its code, or as a failure if it is no problem with a code of `allowed`."""
        if response.status_code == 502 and json.loads(response.content).get("code") == 502:
            # API Gateway's answer when the process was killed before it had answered.
            response.request_meta["name"] = "502 from the gateway"
            response.success()
            return
        headers: Any = response.headers or {}
        media_type = headers.get("Content-Type")
        problem = json.loads(response.content or b"{}") if media_type == "application/problem+json" else {}
        code = problem.get("code")
        honest = code in allowed and problem["status"] == response.status_code
        if code == "secret_unavailable" and int(headers.get("Retry-After", "0")) < 1:
            honest = False
        if not honest:
            response.failure(f"{response.status_code}: {response.content!r:.300}")
            return
        response.request_meta["name"] = f"{response.status_code} {code}"
        response.success()

    def use(self, answer: dict[str, Any], *, body: bytes | None = None, expected: bytes | None = None) -> None:
        """Use the URL at the store, which checks it."""
        method, url, name = answer["method"], answer["url"], f"{answer['method']} at the store"
        with self.client.request(
            method,
            url,
            data=body,  # type: ignore[arg-type] # its annotation leaves out bytes
            headers=answer["headers"],
            name=name,
            catch_response=True,
        ) as response:
            if response.status_code != 200:
                response.failure(f"the store refused: {response.status_code} {response.content!r:.300}")
            elif expected is not None and response.content != expected:
                response.failure("the store returned other content")
