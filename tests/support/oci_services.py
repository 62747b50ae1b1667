"""The services of OCI as `doctor` sees them, in a tenancy where all is right until a test changes an answer.

Codes and texts of errors are those that OCI has: `NotAuthorizedOrNotFound` as in oracle/oci-cli#485, the status and the
code `NotAuthenticated` as in oracle/oci-cli#68 (the text is our own, and tells why), others where they stand.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from werkzeug.wrappers import Request, Response

from deploy.doctor.tenancy import Tenancy
from local.api import ApiError, SignedApi, json_answer, not_found
from local.identity.identity_provider import DISCOVERY_PATH, IdentityProvider
from local.identity.request_signature import NotAuthenticated, verify_request
from local.server import Server
from support.keys import short_key
from support.oci_answers import (
    BUCKET,
    DEPLOYMENT,
    FUNCTION,
    HOME_REGION,
    ISSUER,
    JWKS_PATH,
    LOG_GROUP,
    NAMESPACE,
    SECRET,
    SIGNER,
    TENANCY,
    USER,
    Document,
    of_compartment,
    policy,
    right_answers,
    secret_bundle,
    stack_statements,
)
from support.s3_endpoint import S3Endpoint

# One for all tests of each, since it takes time to make.
_signing_key = cache(short_key)
_identity_provider = cache(IdentityProvider)


class ApiKey:
    """The operator's API signing key, with the configuration file that names it."""

    def __init__(self, directory: Path) -> None:
        self.key = _signing_key()
        self.key_id = f"{TENANCY}/{USER}/20:3b:97:13:55:1c:5b:0d:d3:37:d8:50:4e:c5:3a:34"
        self.ahead_seconds = 0.0
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (directory / "key.pem").write_bytes(pem)
        (directory / "key.pem").chmod(0o600)
        self.file = directory / "config"
        names = ("tenancy", "user", "fingerprint")
        lines = [f"{name} = {value}" for name, value in zip(names, self.key_id.split("/"), strict=True)]
        lines += [f"key_file = {directory / 'key.pem'}", f"region = {HOME_REGION}"]
        self.file.write_text("\n".join(["[DEFAULT]", *lines, ""]), encoding="utf-8")
        self.file.chmod(0o600)

    def verify(
        self, *, method: str, target: str, headers: Mapping[str, str], body: bytes, now: float | None = None
    ) -> None:
        """Return if the operator has signed the request."""
        now = time.time() + self.ahead_seconds
        verify_request(
            method=method, target=target, headers=headers, body=body, public_key_of=self._public_key, now=now
        )

    def _public_key(self, key_id: str) -> rsa.RSAPublicKey:
        if key_id != self.key_id:
            raise NotAuthenticated("The key is not that of the operator.")
        return self.key.public_key()


class OciServices(SignedApi):
    """All services at one address, since their paths differ.

    Attributes:
        answers: by method and path; one for a single region by region, method, and path.
        others: answers the requests that `answers` does not have.
        hanging: methods and paths that get no answer until `released` is set.
    """

    def __init__(self, api_key: ApiKey, *, storage_url: str, gateway_url: str) -> None:
        super().__init__(api_key)
        self.api_key = api_key
        self.hanging: set[str] = set()
        self.released = threading.Event()
        self.answers: dict[str, Document] = right_answers(storage_url, gateway_url)
        self.others: Callable[[Request], Document] = lambda _: not_found()

    def __call__(self, request: Request) -> Response:
        response = super().__call__(request)
        response.headers["Date"] = formatdate(time.time() + self.api_key.ahead_seconds, usegmt=True)
        return response

    def answer(self, request: Request) -> Response:
        """The answer that is set for the method and the path."""
        region, path = request.path[1:].split("/", 1)
        key = f"{request.method} /{path}"
        if key in self.hanging:
            self.released.wait()
        document = self.answers.get(f"{region} {key}", self.answers.get(key, self.others))
        if callable(document):
            document = document(request)
        if isinstance(document, ApiError):
            raise document
        if isinstance(document, Response):
            return document
        return json_answer(document)

    # Short names for the documents that tests change.

    @property
    def function(self) -> dict[str, Any]:
        """The function."""
        document: dict[str, Any] = self.answers[f"GET /20260325/functions/{FUNCTION}"]
        return document

    @property
    def config(self) -> dict[str, str]:
        """The function's configuration."""
        config: dict[str, str] = self.function["config"]
        return config

    @property
    def bucket(self) -> dict[str, Any]:
        """The bucket."""
        document: dict[str, Any] = self.answers[f"GET /n/{NAMESPACE}/b/{BUCKET}"]
        return document

    @property
    def customer_secret_key(self) -> dict[str, Any]:
        """The one customer secret key of the signing user."""
        document: dict[str, Any] = self.answers[f"GET /20160918/users/{SIGNER}/customerSecretKeys"][0]
        return document

    @property
    def secret(self) -> dict[str, Any]:
        """The secret, without its content."""
        document: dict[str, Any] = self.answers[f"GET /20180608/secrets/{SECRET}"]
        return document

    @property
    def logs(self) -> list[dict[str, Any]]:
        """The logs: the function's, and two of the gateway."""
        documents: list[dict[str, Any]] = self.answers[f"GET /20200531/logGroups/{LOG_GROUP}/logs"]
        return documents

    def found_in_log(self, *results: dict[str, Any]) -> None:
        """Let a search of the log find this."""
        self.answers["POST /20190909/search"]["results"] = list(results)

    def put_secret(self, content: str) -> None:
        """Give the secret this content."""
        self.answers[f"GET /20190301/secretbundles/{SECRET}"] = secret_bundle(content)

    def policies(self, *, without: str = "") -> None:
        """Set the statements in the tenancy: all, but for those that have `without` in them."""
        kept = [statement for statement in stack_statements() if not without or without not in statement]
        self.answers["GET /20160918/policies"] = of_compartment([policy(kept)])


class World:
    """A tenancy with a deployment in which all is right."""

    def __init__(self, directory: Path) -> None:
        self.s3 = S3Endpoint()
        self.storage = Server(self.s3)
        self.api_key = ApiKey(directory)
        self.identity_provider = _identity_provider()
        self.gateway = Server(self._answer_call)
        self.services = OciServices(self.api_key, storage_url=self.storage.url, gateway_url=self.gateway.url)
        self.server = Server(self.services)
        self.state = directory / "presign.tfstate"

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.services.released.set()
        self.server.stop()
        self.gateway.stop()
        self.storage.stop()

    def _answer_call(self, request: Request) -> Response:
        """The answers of the identity provider, and that of a gateway to all that have no token."""
        if request.path == JWKS_PATH:
            return self.identity_provider(request)
        if request.path == DISCOVERY_PATH:
            return json_answer({"issuer": ISSUER, "jwks_uri": JWKS_PATH})
        return Response('{"code": 401, "message": "Unauthorized"}', 401, content_type="application/json")

    def apply_stack(self) -> None:
        """Write the Terraform state that the stack leaves."""
        outputs = {"function_ocid": FUNCTION, "deployment_ocid": DEPLOYMENT, "bucket": BUCKET}
        user = {"mode": "managed", "type": "oci_identity_user", "name": "signer"}
        document = {
            "version": 4,
            "outputs": {name: {"value": value, "type": "string"} for name, value in outputs.items()},
            "resources": [{**user, "instances": [{"attributes": {"id": SIGNER}}]}],
        }
        self.state.write_text(json.dumps(document), encoding="utf-8")

    def tenancy(self, *, environment: Mapping[str, str] | None = None, **arguments: Any) -> Tenancy:
        """The tenancy as `doctor` sees it with these arguments of its command line."""
        given: dict[str, Any] = {"function": FUNCTION, "stack": None, "origin": None, "token_file": None}
        given |= {"write": None, "json": False, "report": None, "auth": "config", "profile": "DEFAULT", **arguments}
        return Tenancy(
            argparse.Namespace(**given), endpoints=self.endpoints(), environment=environment or {}, state=self.state
        )

    def endpoints(self) -> dict[str, str]:
        """The address of the services for the SDK's clients."""
        names = (
            "ApiGateway CertificatesManagement Deployment Events FunctionsManagement Gateway Identity LogSearch "
            "LoggingManagement NotificationControlPlane ObjectStorage QueueAdmin Secrets Vaults VirtualNetwork"
        )
        return {f"{name}Client": f"{self.server.url}/{{region}}" for name in names.split()}


@dataclass(frozen=True)
class Case:
    """A way for a tenancy to be wrong.

    Args:
        change: makes it wrong.
        step: the one that sees it.
        text: the cause, as the test compares it.
        mend: a part of that which mends it; empty if nothing but waiting does.
        state: of the step.
    """

    change: Callable[[World], object]
    step: str
    text: str
    mend: str
    state: str = "wrong"
