"""A link that does not end: it leads to the object, for those whom the policy lets read it."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests

from local.stack import BUCKET
from support.systems import Running

OBJECT = "users/alice/a b+\u00fc.txt"
POLICY = {
    "rules": [
        {"operations": ["read"], "bucket": BUCKET, "prefix": "users/{sub}/", "max_expires_in": 600},
        {"operations": ["read"], "bucket": BUCKET, "prefix": "shared/", "via": "par"},
    ]
}


@pytest.fixture(scope="module", params=["sigv4", "boto3"])
def linked(request: pytest.FixtureRequest, start: Callable[..., Running]) -> Iterator[Running]:
    running = start({"POLICY": json.dumps(POLICY), "SIGNER": request.param})
    for key in (OBJECT, "shared/a"):
        running.stack.storage.put_object(BUCKET, key, b"content")
    yield running


def follow(running: Running, method: str = "GET", *, sub: str = "alice", **query: str) -> requests.Response:
    url = f"{running.stack.url}/v1/object?{urlencode(query)}"
    headers = running.authorization(sub=sub)
    return requests.request(method, url, headers=headers, timeout=30, allow_redirects=False)


def test_it_leads_to_the_object(linked: Running) -> None:
    answer = follow(linked, key=OBJECT)
    assert (answer.status_code, answer.content) == (302, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    found = requests.get(answer.headers["Location"], timeout=30)
    assert (found.status_code, found.content) == (200, b"content")


def test_head_leads_to_its_headers(linked: Running) -> None:
    answer = follow(linked, "HEAD", key=OBJECT)
    assert answer.status_code == 302
    found = requests.head(answer.headers["Location"], timeout=30)
    assert (found.status_code, found.headers["Content-Length"]) == (200, "7")
    assert requests.get(answer.headers["Location"], timeout=30).status_code == 403


def test_a_name_for_the_file(linked: Running) -> None:
    location = follow(linked, key=OBJECT, bucket=BUCKET, download_as="a.txt").headers["Location"]
    assert requests.get(location, timeout=30).headers["Content-Disposition"] == 'attachment; filename="a.txt"'


@pytest.mark.needs("curl")
def test_curl_follows_it_and_keeps_the_token_from_the_store(linked: Running) -> None:
    url = f"{linked.stack.url}/v1/object?key={quote(OBJECT)}"
    [(name, value)] = linked.authorization().items()
    command = ["curl", "-sSL", "-H", f"{name}: {value}", url]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)  # noqa: S603
    assert done.stdout == b"content"


def test_urllib_follows_it_only_if_it_is_told_not_to_send_the_token_on(linked: Running) -> None:
    request = urllib.request.Request(f"{linked.stack.url}/v1/object?key={quote(OBJECT)}")  # noqa: S310
    [(name, value)] = linked.authorization().items()
    request.add_unredirected_header(name, value)
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        assert answer.read() == b"content"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"key": "users/bob/a"}, 403, "access_denied"),
        ({"key": "users/alice/../bob/a"}, 400, "invalid_request"),
        ({"key": OBJECT, "expires_in": "60"}, 400, "invalid_request"),
        ({}, 400, "invalid_request"),
        ({"key": ""}, 400, "invalid_request"),
    ],
)
def test_a_refusal_is_a_problem(linked: Running, query: dict[str, str], status: int, code: str) -> None:
    answer = follow(linked, **query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_rule_that_gives_pre_authenticated_requests_gives_none(linked: Running) -> None:
    answer = follow(linked, key="shared/a")
    told = "The request is not valid: the body needs a rule with via: s3, as a link can't lead to a PAR."
    assert (answer.status_code, answer.json()["detail"]) == (400, told)
    assert follow(linked, key="shared/a", sub="bob").status_code == 400
    assert follow(linked, key="private/a").status_code == 403


def test_nobody_without_a_token(linked: Running) -> None:
    assert requests.get(f"{linked.stack.url}/v1/object?key=a", timeout=30).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_no_other_method(linked: Running, method: str) -> None:
    answer = linked.call("/v1/object?key=a", method=method, body=b"")
    allowed = [value for name, value in answer.headers if name.lower() == "allow"]
    assert (answer.status, allowed) == (405, ["GET, HEAD"])


def test_its_audit_record_is_that_of_the_request(linked: Running) -> None:
    before = linked.log()
    follow(linked, key=OBJECT)
    [record] = [_record(line) for line in linked.log().removeprefix(before).splitlines() if '"event"' in line]
    assert record["operation"] == "get_object"
    assert (record["bucket"], record["key"], record["outcome"]) == (BUCKET, OBJECT, "granted")
    assert (record["subject"], record["rule"], record["via"]) == ("alice", 0, "s3")


def _record(line: str) -> Any:
    return json.loads(line[line.index("{") :])
