"""The whole system on one machine: Vault, object storage, the function, and the gateway in front of it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from local.api_gateway.deployment import filled, parse
from local.api_gateway.gateway import Gateway
from local.functions.function import FDK_COMMAND, Answer, Function, in_image, invoke
from local.identity.resource_principal import ResourcePrincipal
from local.identity.tokens import AUDIENCE, ISSUER, LIFETIME_SECONDS, IdentityProvider
from local.object_storage.storage import Storage
from local.page.page import Page
from local.server import Server
from local.vault.vault import Vault

ROOT = Path(__file__).resolve().parent.parent
REGION = "eu-frankfurt-1"
NAMESPACE = "localnamespace"
BUCKET = "PresignedBlog"
OBJECT = "PresignedBlogTest.txt"
CONTENT = b"Your presigned URL works!\n"
FUNCTION_OCID = "ocid1.fnfunc.oc1.eu-frankfurt-1.presign"
SECRET_OCID = "ocid1.vaultsecret.oc1.eu-frankfurt-1.presign"  # noqa: S105 - the name of a secret
VAULT_OCID = "ocid1.vault.oc1.eu-frankfurt-1.presign"
SECRET_NAME = "presign-key"  # noqa: S105 - the name of a secret
PAGE_PREFIX = "users/alice/"
POLICY = {"rules": [{"operations": ["*"], "bucket": BUCKET, "prefix": "", "response_overrides": "any"}]}


class Stack:
    """A context manager that starts everything and stops it.

    Args:
        port: of the gateway, 0 for any free one.
        directory: for the socket and the files of the resource principal; a temporary one if None.
        config: settings of the function, which override those that make it use this stack.
        log: gets the function's output; this process's own output by default.
        allowed_origins: of the web pages that may use the gateway.
        specification: parts of the gateway's deployment that override the project's own: by their paths, such as
            `("requestPolicies", "rateLimiting")`.
        command: starts the function.
        image: a folder with the image's folders `function` and `python`; the function then runs on them alone, without
            this Python's packages.
        s3_cors: let pages of all origins read the answers of object storage's S3 API, which OCI does not.

    Attributes:
        identity_provider, identity, vault, storage, function: the parts.
        socket_path: where the function listens.
        url: of the gateway.
        storage_url: of object storage, for all of its APIs.
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
        specification: Mapping[tuple[str, ...], Any] | None = None,
        command: Sequence[Path | str] = FDK_COMMAND,
        image: Path | None = None,
        s3_cors: bool = False,
    ) -> None:
        self._port = port
        self._directory = directory
        self._config = config or {}
        self._log = log
        self._allowed_origins = allowed_origins
        self._specification = specification or {}
        self._command = in_image(image, command) if image else command
        self._image = image
        self._s3_cors = s3_cors
        self.claims_key = secrets.token_hex(16)

    def __enter__(self) -> Stack:
        with ExitStack() as started:
            directory = self._directory or Path(tempfile.mkdtemp(prefix="presign-"))
            self.socket_path = socket_path(directory)
            self.identity_provider = IdentityProvider()
            self.jwks_url = started.enter_context(Server(self.identity_provider)).url + "/jwks"
            gateway = Gateway(parse(self._deployment()), self.socket_path)
            page = Page(gateway, prefix=PAGE_PREFIX, via="s3" if self._s3_cors else "par", token=self.token)
            # Before any file changes, since another stack may run on this port.
            self.url = started.enter_context(Server(page, port=self._port)).url
            make_private(directory)
            started.callback(shutil.rmtree, directory)
            self.identity_provider.save(directory)
            self.identity = ResourcePrincipal(directory, region=REGION)
            self.vault = Vault(self.identity)
            self.vault_url = started.enter_context(Server(self.vault)).url
            access_key_id, secret_access_key = self.credentials = secrets.token_hex(20), secrets.token_urlsafe(33)
            self.vault.put_secret(
                json.dumps({"access_key_id": access_key_id, "secret_access_key": secret_access_key}),
                secret_id=SECRET_OCID,
                name=SECRET_NAME,
                vault_id=VAULT_OCID,
            )
            self.storage = Storage(
                access_key_id=access_key_id,
                secret_access_key=secret_access_key,
                region=REGION,
                principal=self.identity,
                namespace=NAMESPACE,
                allowed_origins=["*"] if self._s3_cors else [],
            )
            self.storage.create_bucket(BUCKET)
            self.storage.put_object(BUCKET, OBJECT, CONTENT)
            self.storage_url = started.enter_context(Server(self.storage)).url
            self.function = started.enter_context(
                Function(
                    root=self._image / "function" if self._image else ROOT,
                    environment={**self._python_path(), **self.identity.environment(), **self.settings()},
                    socket_path=self.socket_path,
                    log=self._log,
                    command=self._command,
                )
            )
            self._stop = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.close()

    def invoke(self, body: bytes) -> Answer:
        """Call the function directly, as `fn invoke` does."""
        return invoke(self.socket_path, body)

    def token(self, *, lifetime_seconds: int = LIFETIME_SECONDS, **claims: Any) -> str:
        """A token that the gateway accepts; its `sub` is `alice` unless `claims` have another."""
        return self.identity_provider.token({"sub": "alice", **claims}, lifetime_seconds=lifetime_seconds)

    def _deployment(self) -> Any:
        specification = filled(
            {
                "FUNCTION_OCID": [FUNCTION_OCID],
                "ISSUER": [ISSUER],
                "AUDIENCE": [AUDIENCE],
                "JWKS_URI": [self.jwks_url],
                "ALLOWED_ORIGINS": self._allowed_origins,
                "CLAIMS_KEY": [self.claims_key],
            }
        )
        for (*path, name), value in self._specification.items():
            part = specification
            for step in path:
                part = part[step]
            part[name] = value
        return specification

    def _python_path(self) -> dict[str, str]:
        return {"PYTHONPATH": f"{self._image / 'function'}:{self._image / 'python'}"} if self._image else {}

    def settings(self) -> dict[str, str]:
        """The function's configuration."""
        return {
            "FN_FN_ID": FUNCTION_OCID,
            "SECRET_OCID": SECRET_OCID,
            "VAULT_ENDPOINT": self.vault_url,
            "OBJECT_STORAGE_ENDPOINT": self.storage_url,
            "STORAGE_ENDPOINT": self.storage_url,
            "DEFAULT_BUCKET": BUCKET,
            "POLICY": json.dumps(POLICY),
            "CLAIMS_KEY": self.claims_key,
            **self._config,
        }


def socket_path(directory: Path) -> Path:
    """The socket of the function of the stack in `directory`."""
    return directory / "function.sock"


def make_private(directory: Path) -> None:
    """Make `directory` for this user alone, or check that it is.

    Raises:
        PermissionError: it belongs to another user or is open to others, or it is not a directory.
    """
    directory.mkdir(mode=0o700, exist_ok=True)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{directory} is not a directory of this user alone: remove it, or choose another port.")
