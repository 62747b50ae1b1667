"""Imports modules of OCI's SDK without most of the modules that its packages import besides.

A deferred package is imported without running its code. The code runs when the package is asked for a name that is
neither one of its submodules nor listed here, so everybody finds the same names as ever. Nothing in the packages is
changed.
"""

import gc
import logging
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from threading import RLock
from types import ModuleType
from typing import Any

from presign.logs import where_raised

_log = logging.getLogger(__name__)

Deferred = Mapping[str, Mapping[str, str]]
"""Packages, each with the submodules in which names of it are found."""

DEFERRED: Deferred = {
    "oci": {},
    "oci._vendor": {},
    "oci._vendor.chardet": {"__version__": "version"},
    "oci.auth": {},
    "oci.auth.signers": {
        "EphemeralResourcePrincipalSigner": "ephemeral_resource_principals_signer",
        "InstancePrincipalsSecurityTokenSigner": "instance_principals_security_token_signer",
        "ResourcePrincipalsFederationSigner": "resource_principals_federation_signer",
        "SecurityTokenSigner": "security_token_signer",
    },
    "oci.object_storage": {},
    "oci.secrets": {},
    # The SDK wants it for instance principals
    "cryptography.x509": {},
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
        finder = _Finder(deferred)
        sys.meta_path.insert(0, finder)
        gc.disable()  # importing makes no garbage
        try:
            return import_module(module)
        except Exception as exc:  # noqa: BLE001 - whatever a package does that was not made for this
            _log.warning("%s does not work with deferred packages: %s", module, where_raised(exc))
        finally:
            sys.meta_path.remove(finder)
            gc.freeze()
            gc.enable()
        root = module.partition(".")[0]
        for name in [name for name in sys.modules if name.partition(".")[0] == root]:
            del sys.modules[name]
        return import_module(module)


class _Finder:
    def __init__(self, deferred: Deferred) -> None:
        self._deferred = deferred

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in self._deferred else None
        if spec is not None and spec.loader is not None:
            spec.loader = _DeferredCode(spec.loader, self._deferred[name])  # type: ignore[assignment] # by its methods
        return spec


class _DeferredCode:
    """Loads a package, but runs its code only when a name of it is missing: it becomes its `__getattr__` (PEP 562)."""

    def __init__(self, loader: Any, submodules: Mapping[str, str]) -> None:
        self.create_module = loader.create_module
        self._loader = loader
        self._submodules = submodules
        self._is_running = False

    def exec_module(self, module: ModuleType) -> None:
        self._members = vars(module)
        self._package = module
        module.__loader__ = self._members["__spec__"].loader = self._loader
        self._members["__getattr__"] = self

    def __call__(self, name: str) -> Any:
        package = self._package.__name__
        if name in self._submodules:
            with suppress(ImportError, AttributeError):
                return getattr(import_module(f"{package}.{self._submodules[name]}"), name)
        if find_spec(f"{package}.{name}"):
            return import_module(f"{package}.{name}")
        with _lock:
            if self._is_running:  # it asks for a name that it has yet to define
                raise AttributeError(f"module {package!r} has no attribute {name!r}")
            if self._members.get("__getattr__") is self:
                self._is_running = True
                try:
                    self._loader.exec_module(self._package)
                finally:
                    self._is_running = False
                if self._members.get("__getattr__") is self:
                    del self._members["__getattr__"]
        return getattr(self._package, name)
