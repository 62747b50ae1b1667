"""Imports modules of OCI's SDK without most of the modules that its packages, and those of others, import besides.

A deferred package or module is imported without running its code. The code runs when it is asked for a name that is
neither one of its submodules nor listed here, so everybody finds the same names as ever. Nothing in the packages is
changed.
"""

import gc
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from threading import RLock
from types import ModuleType
from typing import Any

from presign.logs import where_raised

_log = logging.getLogger(__name__)

Deferred = Mapping[str, Mapping[str, str]]
"""Packages and modules, each with the submodules in which names of it are found; `.x` is a module beside it."""

DEFERRED: Deferred = {
    "oci": {},
    "oci._vendor": {},
    "oci._vendor.chardet": {"__version__": "version"},
    "oci.auth": {},
    "oci.auth.signers": {
        "EphemeralResourcePrincipalSigner": "ephemeral_resource_principals_signer",
        "EphemeralResourcePrincipalV21Signer": "ephemeral_resource_principals_v21_signer",
        "InstancePrincipalsSecurityTokenSigner": "instance_principals_security_token_signer",
        "NestedResourcePrincipals": "nested_resource_principals_signer",
        "OauthExchangeTokenSigner": "oauth_exhange_token_signer",
        "OkeWorkloadIdentityResourcePrincipalSigner": "oke_workload_identity_resource_principal_signer",
        "ResourcePrincipalsFederationSigner": "resource_principals_federation_signer",
        "SecurityTokenSigner": "security_token_signer",
    },
    "oci.object_storage": {},
    "oci.secrets": {},
    "oci._vendor.idna": {},
    # Instance principals, tokens that are verified, keys of SSH, and HTTP/2 need these.
    "cryptography.x509": {},
    "jwt": {},
    "cryptography.hazmat.primitives.serialization": {
        "Encoding": "._serialization",
        "PublicFormat": "._serialization",
        "load_pem_private_key": "base",
    },
    "urllib3.http2": {},
    # The SDK prints with one, and reads files of settings with the other.
    "configparser": {},
    "pprint": {},
}

_lock = RLock()
"""Held by the thread that imports, so that no other thread meets a package whose code is running."""


def load(module: str, *, deferred: Deferred = DEFERRED) -> Any:
    """Import `module`, such as `oci.secrets.secrets_client`, deferring packages that were not imported before.

    If that fails, it is imported as usual, with all else that its packages import.
    """
    with _lock:
        if module in sys.modules:
            return sys.modules[module]
        try:
            with _deferring(deferred):
                return import_module(module)
        except Exception as exc:  # noqa: BLE001 - whatever a package does that was not made for this
            _log.warning("%s does not work with deferred packages: %s", module, where_raised(exc))
        root = module.partition(".")[0]
        for name in [name for name in sys.modules if name.partition(".")[0] == root]:
            del sys.modules[name]
        for name in deferred.keys() & sys.modules.keys():  # Not all packages can be imported a second time.
            code = vars(sys.modules[name]).get("__getattr__")
            if isinstance(code, _DeferredCode):
                code.run()
        return import_module(module)


@contextmanager
def _deferring(deferred: Deferred) -> Iterator[None]:
    finder = _Finder(deferred)
    sys.meta_path.insert(0, finder)
    collects = gc.isenabled()
    gc.disable()  # importing makes no garbage
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        gc.freeze()
        if collects:
            gc.enable()


class _Finder:
    def __init__(self, deferred: Deferred) -> None:
        self._deferred = deferred

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name in self._deferred else None
        if spec is not None and spec.loader is not None:
            spec.loader = _DeferredCode(spec.loader, self._deferred)  # type: ignore[assignment] # by its methods
        return spec


class _DeferredCode:
    """Loads a package, but runs its code only when a name of it is missing: it becomes its `__getattr__` (PEP 562)."""

    def __init__(self, loader: Any, deferred: Deferred) -> None:
        self.create_module = loader.create_module
        self._loader = loader
        self._deferred = deferred
        self._is_running = False

    def exec_module(self, module: ModuleType) -> None:
        self._members = vars(module)
        self._package = module
        module.__loader__ = self._members["__spec__"].loader = self._loader
        self._members["__getattr__"] = self

    def __call__(self, name: str) -> Any:
        package = self._package.__name__
        if submodule := self._deferred[package].get(name):
            with suppress(ImportError, AttributeError), _deferring(self._deferred):
                self._members[name] = getattr(import_module(f".{submodule}", package), name)
                return self._members[name]
        if "__path__" in self._members and find_spec(f"{package}.{name}"):
            return import_module(f"{package}.{name}")
        with _lock:
            if self._is_running:  # it asks for a name that it has yet to define
                raise AttributeError(f"module {package!r} has no attribute {name!r}")
            self.run()
        return getattr(sys.modules.get(package, self._package), name)

    def run(self) -> None:
        """Run the package's code, unless it did."""
        with _lock:
            if self._members.get("__getattr__") is not self:
                return
            self._is_running = True
            try:
                self._loader.exec_module(self._package)
            finally:
                self._is_running = False
            if self._members.get("__getattr__") is self:
                del self._members["__getattr__"]
            # As after a usual import: a package of `cryptography` puts another module in its place.
            parent, _, child = self._package.__name__.rpartition(".")
            if parent in sys.modules and (package := sys.modules.get(self._package.__name__)):
                setattr(sys.modules[parent], child, package)
