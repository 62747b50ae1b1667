"""The function in this process, and the checks of each of its answers."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import jsonschema_rs
import requests

from local.identity.resource_principal import ResourcePrincipal
from local.object_storage import post_policy, presigned
from local.server import Server
from local.stack import REGION, ROOT, SECRET_OCID
from local.vault import Vault
from presign.app import App, Reply
from presign.model.invocation import Caller, Invocation
from presign.read.routes import HTTP_ROUTES, PRESIGN
from tools.fuzz.calls import BUCKETS, policy
from tools.fuzz.oracle import access_of, allowed

HOST = "ns.compat.objectstorage.eu-frankfurt-1.oraclecloud.com"
KEYS = {"accesskeyid": "secret/access+key"}
DOCUMENT = json.loads((ROOT / "gateway" / "openapi.json").read_text("utf-8"))
CLAIMS_KEY = "0123456789abcdef0123456789abcdef"


class Target:
    """A Vault that holds the key, and a function for each policy, while the context lasts.

    Attributes:
        calls, urls: the number of calls, and of the URLs and forms in their answers.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.urls = 0
        self._audit = io.BytesIO()
        self._app = lru_cache(maxsize=None)(self._make_app)

    def __enter__(self) -> Target:
        with ExitStack() as started:
            directory = started.enter_context(tempfile.TemporaryDirectory())
            principal = ResourcePrincipal(Path(directory), region=REGION)
            vault = Vault(principal)
            ((access_key_id, secret_access_key),) = KEYS.items()
            content = {"access_key_id": access_key_id, "secret_access_key": secret_access_key}
            vault.put_secret(json.dumps(content), secret_id=SECRET_OCID, name="key", vault_id="ocid1.vault.oc1.x")
            self._vault_url = started.enter_context(Server(vault)).url
            started.enter_context(mock.patch.dict(os.environ, principal.environment()))  # where the SDK looks for it
            self._stop = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.close()

    def call(
        self, *, number: int, caller: Caller, method: str, target: str, claims: Mapping[str, str], body: bytes
    ) -> None:
        """Make one call, and check everything about its answer.

        Raises:
            AssertionError, ApiError, ValidationError: the answer is wrong.
        """
        app = self._app(number)
        invocation = Invocation(
            call_id="01CALL",
            caller=caller,
            method=method,
            target=target,
            headers=_headers(claims),
            body=body,
        )
        reply = app.handle(invocation)
        self.calls += 1
        assert reply.status < 500, reply.body
        self._check_audit()
        document = json.loads(reply.body)
        if caller == "gateway":
            _check_in_document(target.partition("?")[0], reply, document)
            if method == "GET" and reply.status == 200:
                return
        for result in document.get("results", [document]):
            if "url" in result:
                self.urls += 1
                _check_url(result, policy(number), caller, claims)
            else:
                _check("ProblemDetails", result.get("problem", result))
                assert result.get("problem", result)["status"] < 500

    def _make_app(self, number: int) -> App:
        settings = {
            "SECRET_OCID": SECRET_OCID,
            "VAULT_ENDPOINT": self._vault_url,
            "NAMESPACE": "ns",
            "REGION": REGION,
            "DEFAULT_BUCKET": BUCKETS[0],
            "SECRET_TTL": "86400",
            "CLAIMS_KEY": CLAIMS_KEY,
            "SIGNER": "boto3" if number % 10 == 0 else "sigv4",
            "POLICY": json.dumps({"rules": policy(number)}),
        }
        return App(settings, root=ROOT, audit_stream=self._audit)

    def _check_audit(self) -> None:
        lines = self._audit.getvalue()
        self._audit.seek(0)
        self._audit.truncate()
        assert lines.isascii()
        assert all(json.loads(line)["event"] == "presign" for line in lines.splitlines())


def _headers(claims: Mapping[str, str]) -> dict[str, str | list[str]]:
    """The claims as API Gateway hands them on, and one that says nothing, as a gateway's call always has some."""
    return {f"x-claim-{name}": f"{CLAIMS_KEY}:{value}:" for name, value in {"jti": "1", **claims}.items()}


def _check_in_document(path: str, reply: Reply, document: Any) -> None:
    """Check that the OpenAPI document lists the answer for its path."""
    route = next((route for route in HTTP_ROUTES if path.endswith(route.path)), PRESIGN)
    responses = DOCUMENT["paths"][route.path][route.methods[0].lower()]["responses"]
    schema = responses[str(reply.status)]["content"][reply.headers["Content-Type"]]["schema"]
    if "$ref" in schema:  # that of the OpenAPI document is a bare object
        _check(schema["$ref"].rpartition("/")[2], document)


def _check(schema: str, document: Any) -> None:
    _validator(schema).validate(document)


@lru_cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"$ref": f"#/components/schemas/{schema}", **DOCUMENT})


def _check_url(answer: dict[str, Any], rules: list[dict[str, Any]], caller: str, claims: Mapping[str, str]) -> None:
    """Check that the URL matches its answer, the policy allows it, the store accepts it, clients keep it as it is."""
    _check("PresignedUrl", answer)
    url = urlsplit(answer["url"])
    assert (url.scheme, url.netloc, url.fragment) == ("https", HOST, "")
    assert requests.Request(answer["method"], answer["url"]).prepare().url == answer["url"]
    ends_at = datetime.fromisoformat(answer["expires_at"])
    assert abs((ends_at - datetime.now(UTC)).total_seconds() - answer["expires_in"]) < 60
    now = ends_at - timedelta(seconds=1)
    access = access_of(answer, seconds=answer["expires_in"])
    assert (access.operation, access.bucket, access.key, access.seconds) == (
        answer["operation"],
        answer["bucket"],
        answer.get("key", answer.get("prefix")),
        answer["expires_in"],
    )
    assert allowed(access, rules, caller, claims), answer
    if answer.get("fields"):
        size = access.size_range[0] if access.size_range else 1
        post_policy.verify(access.headers, bucket=access.bucket, size=size, keys=KEYS, region=REGION, now=now)
        return
    headers = [("Host", HOST), *answer["headers"].items()]
    target = f"{url.path}?{url.query}"
    presigned.verify(method=answer["method"], target=target, headers=headers, keys=KEYS, region=REGION, now=now)
    assert set(access.query["X-Amz-SignedHeaders"].split(";")) == {"host", *access.headers}
    for name, value in answer["headers"].items():
        assert name.isascii() and value == value.strip() and value.isprintable(), (name, value)
