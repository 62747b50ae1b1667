"""The whole system on one machine: the function, the gateway in front of it, and the services around it."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Literal

from local.api_gateway.deployed_api import DeployedApi
from local.api_gateway.deployment import Overrides, filled, filled_store, parse
from local.api_gateway.gateway import Gateway
from local.api_gateway.http_backend import Encoding
from local.directory import function_socket, make_private
from local.event_socket import EventSocket
from local.events import ObjectEvents
from local.functions.fn_agent import Answer, invoke
from local.functions.fn_api import FnApi
from local.functions.function import FDK_COMMAND, Function, in_image
from local.functions.invoke_api import InvokeApi
from local.identity.identity_provider import AUDIENCE, ISSUER, LIFETIME_SECONDS, IdentityProvider
from local.identity.resource_principal import ResourcePrincipal
from local.object_storage.storage import Storage
from local.page.messages import Message, Messages
from local.page.page import Page
from local.queue import Queue
from local.server import HOST, Server
from local.topic import Topic
from local.vault import Vault

ROOT = Path(__file__).resolve().parent.parent
REGION = "eu-frankfurt-1"
NAMESPACE = "localnamespace"
BUCKET = "PresignedBlog"
OBJECT = "PresignedBlogTest.txt"
CONTENT = b"Your presigned URL works!\n"
FUNCTION_NAME = "presign"
"""For `fn invoke`; its app has the same name."""
FUNCTION_OCID = "ocid1.fnfunc.oc1.eu-frankfurt-1.presign"
SECRET_OCID = "ocid1.vaultsecret.oc1.eu-frankfurt-1.presign"  # noqa: S105 - the name of a secret
VAULT_OCID = "ocid1.vault.oc1.eu-frankfurt-1.presign"
SECRET_NAME = "presign-key"  # noqa: S105 - the name of a secret
TOPIC_OCID = "ocid1.onstopic.oc1.eu-frankfurt-1.presign"
QUEUE_OCID = "ocid1.queue.oc1.eu-frankfurt-1.presign"
DELIVERED_SECONDS = 3600
"""How long a URL that is delivered may work."""
PAGE_PREFIX = "users/alice/"
STORE_PREFIX = "/store"
"""Of the paths of the store route."""

ALLOW_EVERYTHING = {"rules": [{"operations": ["*"], "bucket": BUCKET, "prefix": "", "response_overrides": "any"}]}
"""The policy of a stack whose `config` has none."""


class Stack:
    """A context manager that starts everything and stops it.

    Args:
        port: of the gateway, 0 for any free one.
        directory: for the socket and the files of the resource principal; a temporary one if None.
        config: settings of the function, which override those that make it use this stack.
        log: gets the function's output; this process's own output by default.
        allowed_origins: of the web pages that may use the gateway.
        specification: parts of the gateway's deployment that override the project's own, such as `NO_RATE_LIMIT`.
        route_encoding: how the store route encodes URLs on the way to the store.
        command: starts the function.
        image: a folder with the image's folders `function` and `python`; the function then runs on them alone, without
            this Python's packages.
        s3_cors: let pages of all origins read the answers of object storage's S3 API, which OCI does not.
        deliver_to: gets the answers to events; nothing does if None.
        events: call the function with an event for each object that is written from now on.
        on_message: is called with each message that the topic or the queue gets.

    Attributes:
        identity_provider, principal, vault, storage, function, topic, queue: the parts.
        object_events: sends the events, None without `events`.
        socket_path: where the function listens.
        url: of the gateway.
        storage_url: of object storage, for all of its APIs.
        store_route: the URL of the store route; None where the function signs for a store that is none of this stack's.
        invoke_endpoint: of OCI Functions, for signed calls of the function `FUNCTION_OCID`.
        fn_url: of the Fn project's API, for `fn invoke`.
        queue_url: of OCI Queue's API, for the queue `QUEUE_OCID`.
        jwks_url: of the identity provider's keys.
        credentials: the access key id and the secret access key in Vault.
        claims_key: the gateway secret.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        directory: Path | None = None,
        config: Mapping[str, str] | None = None,
        log: BinaryIO | None = None,
        allowed_origins: Sequence[str] = ("*",),
        specification: Overrides | None = None,
        route_encoding: Encoding = "kept",
        command: Sequence[Path | str] = FDK_COMMAND,
        image: Path | None = None,
        s3_cors: bool = False,
        deliver_to: Literal["queue", "topic"] | None = None,
        events: bool = False,
        on_message: Callable[[Message], None] | None = None,
    ) -> None:
        self._port = port
        self._directory = directory
        self._config = config or {}
        self._log = log
        self._allowed_origins = allowed_origins
        self._specification = specification
        self._route_encoding = route_encoding
        self._command = in_image(image, command) if image else command
        self._image = image
        self._s3_cors = s3_cors
        self._deliver_to = deliver_to
        self._events = events
        self._messages = Messages(on_message)
        self.object_events: ObjectEvents | None = None
        self.claims_key = secrets.token_hex(16)

    def __enter__(self) -> Stack:
        with ExitStack() as started:
            directory = self._directory or Path(tempfile.mkdtemp(prefix="presign-"))
            self.socket_path = function_socket(directory)
            # Before any file changes, since another stack may run on this port.
            self._start_gateway(started)
            make_private(directory)
            started.callback(shutil.rmtree, directory)
            self.identity_provider.save(directory)
            self.principal = ResourcePrincipal(directory, region=REGION)
            self._start_vault(started)
            self._start_storage(started)
            self._deploy_store_route()
            self._start_targets(started)
            self._start_function(started)
            self._stop = started.pop_all()
        return self

    def _start_gateway(self, started: ExitStack) -> None:
        """Start the gateway with the identity provider that it trusts, and the page in front of it."""
        self.identity_provider = IdentityProvider()
        self.jwks_url = started.enter_context(Server(self.identity_provider)).url + "/jwks"
        self._gateway = Gateway()
        self._gateway.deploy("", DeployedApi(parse(self._deployment()), socket_path=self.socket_path))
        page = Page(self._gateway, prefix=PAGE_PREFIX, token=self.token, messages=self._messages.documents)
        self.url = started.enter_context(Server(page, port=self._port)).url

    def _start_vault(self, started: ExitStack) -> None:
        """Start Vault with a new customer secret key in it."""
        self.vault = Vault(self.principal)
        self.vault_url = started.enter_context(Server(self.vault)).url
        access_key_id, secret_access_key = self.credentials = secrets.token_hex(20), secrets.token_urlsafe(33)
        self.put_secret(json.dumps({"access_key_id": access_key_id, "secret_access_key": secret_access_key}))

    def _start_storage(self, started: ExitStack) -> None:
        """Start Object Storage with one bucket and one object."""
        access_key_id, secret_access_key = self.credentials
        self.storage = Storage(
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            region=REGION,
            principal=self.principal,
            namespace=NAMESPACE,
            allowed_origins=["*"] if self._s3_cors else [],
        )
        self.storage.create_bucket(BUCKET)
        self.storage.put_object(BUCKET, OBJECT, CONTENT)
        self.storage_url = started.enter_context(Server(self.storage)).url

    def _deploy_store_route(self) -> None:
        """Let the gateway pass requests on to the store that the function signs for, if it is one on this machine."""
        store = self._config.get("STORAGE_ENDPOINT", self.storage_url)
        self.store_route = f"{self.url}{STORE_PREFIX}" if store.startswith(f"http://{HOST}:") else None
        if self.store_route:
            values = {"STORE": [store], "BUCKET": [BUCKET], "ALLOWED_ORIGINS": self._allowed_origins}
            api = DeployedApi(parse(filled_store(values)), socket_path=self.socket_path, encoding=self._route_encoding)
            self._gateway.deploy(STORE_PREFIX, api)

    def _start_targets(self, started: ExitStack) -> None:
        """Start the topic and the queue, which answers to events may be delivered to."""
        self.topic = Topic(self.principal, topic_id=TOPIC_OCID, on_message=self._messages.add)
        self._topic_url = started.enter_context(Server(self.topic)).url
        self.queue = Queue(self.principal, queue_id=QUEUE_OCID, on_message=self._messages.add)
        self.queue_url = started.enter_context(Server(self.queue)).url

    def _start_function(self, started: ExitStack) -> None:
        """Start the function, and all that calls it directly."""
        self.function = started.enter_context(
            Function(
                root=self._image / "function" if self._image else ROOT,
                environment={**self._python_path(), **self.principal.environment(), **self.settings()},
                socket_path=self.socket_path,
                log=self._log,
                command=self._command,
            )
        )
        invoke_api = InvokeApi(self.principal, function_id=FUNCTION_OCID, socket_path=self.socket_path)
        started.callback(invoke_api.stop)
        self.invoke_endpoint = started.enter_context(Server(invoke_api)).url
        fn_api = FnApi(name=FUNCTION_NAME, function_id=FUNCTION_OCID, socket_path=self.socket_path)
        self.fn_url = started.enter_context(Server(fn_api)).url
        if self._events:
            self.object_events = events = ObjectEvents(self.invoke, namespace=NAMESPACE)
            started.callback(events.stop)
            self.storage.on_written(events.send)
            directory = self.socket_path.parent
            started.callback(EventSocket(directory, events=events, storage=self.storage, bucket=BUCKET).stop)

    def __exit__(self, *_: object) -> None:
        self._stop.close()

    def invoke(self, body: bytes) -> Answer:
        """Call the function directly, as `fn invoke` does."""
        return invoke(self.socket_path, body)

    def put_secret(self, content: str) -> None:
        """Give the function's secret a new version."""
        self.vault.put_secret(content, secret_id=SECRET_OCID, name=SECRET_NAME, vault_id=VAULT_OCID)

    def caller_environment(self) -> dict[str, str]:
        """The variables that a caller of the function needs, and a consumer of the queue, as the docs name them."""
        return {
            **self.principal.environment(),
            "PRESIGN_INVOKE_ENDPOINT": self.invoke_endpoint,
            "PRESIGN_FUNCTION_OCID": FUNCTION_OCID,
            "PRESIGN_QUEUE_ENDPOINT": self.queue_url,
            "PRESIGN_QUEUE_OCID": QUEUE_OCID,
        }

    def token(self, *, lifetime_seconds: int = LIFETIME_SECONDS, **claims: Any) -> str:
        """A token that the gateway accepts; its `sub` is `alice` unless `claims` have another."""
        return self.identity_provider.token({"sub": "alice", **claims}, lifetime_seconds=lifetime_seconds)

    def settings(self) -> dict[str, str]:
        """The function's configuration."""
        return {
            "FN_FN_ID": FUNCTION_OCID,
            "SECRET_OCID": SECRET_OCID,
            "VAULT_ENDPOINT": self.vault_url,
            "OBJECT_STORAGE_ENDPOINT": self.storage_url,
            "STORAGE_ENDPOINT": self.storage_url,
            "DEFAULT_BUCKET": BUCKET,
            "CLAIMS_KEY": self.claims_key,
            **({"STORE_ROUTE": self.store_route} if self.store_route else {}),
            **self._delivery(),
            **self._config,
        }

    def _deployment(self) -> Any:
        values = {
            "FUNCTION_OCID": [FUNCTION_OCID],
            "ISSUER": [ISSUER],
            "AUDIENCE": [AUDIENCE],
            "JWKS_URI": [self.jwks_url],
            "ALLOWED_ORIGINS": self._allowed_origins,
            "CLAIMS_KEY": [self.claims_key],
        }
        return filled(values, self._specification)

    def _python_path(self) -> dict[str, str]:
        return {"PYTHONPATH": f"{self._image / 'function'}:{self._image / 'python'}"} if self._image else {}

    def _delivery(self) -> dict[str, str]:
        """The policy, and the target of messages: a URL may be delivered only if it works for a short time."""
        if self._deliver_to is None:
            return {"POLICY": json.dumps(ALLOW_EVERYTHING)}
        rules = [{**rule, "max_expires_in": DELIVERED_SECONDS} for rule in ALLOW_EVERYTHING["rules"]]
        queue = self._deliver_to == "queue"
        return {
            "POLICY": json.dumps({"rules": rules}),
            "DELIVER_TO": QUEUE_OCID if queue else TOPIC_OCID,
            "DELIVERY_ENDPOINT": self.queue_url if queue else self._topic_url,
        }
