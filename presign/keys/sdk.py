"""Imports modules of OCI's SDK without most of the modules that its packages import besides.

A deferred package is imported without running its code. The code runs when the package is asked for a name that is
neither one of its submodules nor listed here, so everybody finds the same names as ever. Nothing in the packages is
changed.
"""

from __future__ import annotations

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
from typing import TYPE_CHECKING, Any

from presign.logs import where_raised

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder  # slow to import, and only protocols
else:
    Loader = MetaPathFinder = object

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
    # The SDK wants it for instance principals, urllib3 for HTTP/2.
    "cryptography.x509": {},
    "urllib3.http2": {},
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
        with without_collector():
            finder = _Finder(deferred)
            sys.meta_path.insert(0, finder)
            try:
                return import_module(module)
            except Exception as exc:  # noqa: BLE001 - whatever a package does that was not made for this
                _log.warning("%s does not work with deferred packages: %s", module, where_raised(exc))
            finally:
                sys.meta_path.remove(finder)
            root = module.partition(".")[0]
            for name in [name for name in sys.modules if name.partition(".")[0] == root]:
                del sys.modules[name]
            return import_module(module)


@contextmanager
def without_collector() -> Iterator[None]:
    """Import without collecting garbage: the objects that an import makes stay, so later collections skip them too."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


class _Finder(MetaPathFinder):
    def __init__(self, deferred: Deferred) -> None:
        self._deferred = deferred

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._deferred:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _DeferringLoader(spec.loader, self._deferred[fullname])
        return spec


class _DeferringLoader(Loader):
    def __init__(self, loader: Loader, submodules: Mapping[str, str]) -> None:
        self._loader = loader
        self._submodules = submodules

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._loader
        vars(module)["__getattr__"] = _DeferredCode(module, self._loader, self._submodules)


class _DeferredCode:
    """The `__getattr__` of a deferred package (PEP 562)."""

    def __init__(self, module: ModuleType, loader: Loader, submodules: Mapping[str, str]) -> None:
        self._module = module
        self._loader = loader
        self._submodules = submodules
        self._running = False

    def __call__(self, name: str) -> Any:
        package = self._module.__name__
        if name in self._submodules:
            with suppress(ImportError, AttributeError):
                return getattr(import_module(f"{package}.{self._submodules[name]}"), name)
        if find_spec(f"{package}.{name}"):
            return import_module(f"{package}.{name}")
        with _lock:
            if self._running:  # it asks for a name that it has yet to define
                raise AttributeError(f"module {package!r} has no attribute {name!r}")
            if vars(self._module).get("__getattr__") is self:
                self._running = True
                try:
                    self._loader.exec_module(self._module)
                finally:
                    self._running = False
                if vars(self._module).get("__getattr__") is self:
                    del vars(self._module)["__getattr__"]
        return getattr(self._module, name)
